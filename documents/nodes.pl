# A part of brighthouse.pl: reads the files of a column; sums modulo 2^64.

# The parts of a column's header, in one of its sets, that are needed here.
sub header {
  my ($folder, $number, $set) = @_;
  my $bytes = slurp(sprintf "$folder/T%s%05d.ctb", $set, $number);
  return unless defined $bytes and length $bytes > 90 and substr($bytes, 0, 4) eq 'RS10';
  my %h;
  (@h{qw(kind rows packs)}, undef, my $at, my $special) = unpack 'x8Cq<x13l<l<l<l<', $bytes;
  return if $special < 46 or $special + 43 > length $bytes or $h{packs} != int(($h{rows} + $PACK - 1) / $PACK);
  $h{last} = unpack 'C', substr $bytes, $special + 22, 1;
  $h{words} = words(substr $bytes, $at, $special - $at) if $h{kind} < 2 and $at >= 46 and $at <= $special;
  return \%h;
}

# The words of a lookup column (type 0: a char, 1: a varchar), in hex; a word's code is its place.
sub words {
  my ($bytes) = @_;
  return [] if length $bytes < 28;
  my $count = unpack 'x17L<', $bytes;
  return if 28 + 2 * $count > length $bytes;
  my $at = 28 + 2 * $count;
  return [map { $at += $_; uc unpack 'H*', substr $bytes, $at - $_, $_ } unpack "S<$count", substr $bytes, 28];
}

# The nodes of all packs, the last one from the current slot.
sub nodes {
  my ($folder, $number, $h) = @_;
  my $bytes = slurp(sprintf "$folder/TA%05dDPN.ctb", $number);
  return unless defined $bytes and length $bytes >= 37 * ($h->{packs} + 1);
  my @slots = unpack "(a37)$h->{packs} a37", $bytes;
  my $less = ($h->{rows} - 1) % $PACK;
  my $slot = $h->{last} ? 1 : 0;
  $slot = 1 - $slot if less($slots[$slot]) != $less and less($slots[ 1 - $slot ]) == $less;
  return [
    map {
      my %n = (block => $_);
      (@n{qw(file min max sum less)}) = unpack 'l<x4q<q<q<S<', $slots[$_];
      @n{qw(least most real)} = unpack 'x8d<d<d<', $slots[$_];
      @n{qw(begin end)} = unpack 'x8a8a8', $slots[$_];
      \%n
    } 2 .. $h->{packs},
    $slot
  ];
}
sub less { return unpack 'x32S<', shift }

# Sums modulo 2^64, as in the nodes: 64-bit integers that wrap around.
sub sum_of { use integer; my $sum = 0; $sum += $_->{sum} for grep { $_->{file} != -1 } @_; return $sum }

# added <number> <power of two>...
sub added { use integer; my $sum = 0; while (@_) { my $number = shift; $sum += $number << shift } return $sum }
