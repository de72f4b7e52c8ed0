# A part of brighthouse.pl: compares the Knowledge Grid, block by block, with the values of the packs. A lost bit hides rows
# without an error; an extra bit only costs time, and is not judged.

# The bytes of a pack's block, and how many bytes a block has.
sub block {
  my ($c, $kind, $pack) = @_;
  my $definition = slurp("$data/$c->{folder}/Table.ctb");
  return unless defined $definition and length $definition > 32;
  my $name = join '.', $kind, unpack('l<', substr $definition, -4), $c->{number}, 'rsi';
  my $head = $kind eq 'HIST' ? 30 : 28;
  my $size = -s "$data/BH_RSI_Repository/$name" || 0;
  my $each = ($size - $head) / ($c->{h}{packs} + 1);
  return unless $kind eq 'HIST' ? $each == 128 : $each > 0 && $each <= 2048 && $each == int $each && $each % 32 == 0;
  open(my $file, '<', "$data/BH_RSI_Repository/$name") or return;
  binmode $file;
  my ($first, $bytes);
  return unless read($file, $first, $head) == $head;
  # If neither half of the header has the column's rows, the block is from another state, and the server creates it anew.
  return unless grep { $_ == $c->{h}{rows} } unpack('xq<', $first), unpack('xq<', substr $first, $head / 2);
  return unless seek $file, $head + $each * $c->{nodes}[$pack]{block}, 0 and (read($file, $bytes, $each) || 0) == $each;
  return $bytes;
}

sub grid {
  my ($c) = @_;
  my $type = $c->{type};
  my @packs = grep { $c->{nodes}[$_]{file} >= 0 } @{ $c->{packs} };
  my $numbers = $type =~ /^(date|datetime|timestamp)$/ || $whole{$type};
  # With a single pack row, the comparison of the words has already covered its block.
  return if $c->{words} and $c->{count} || @{ $c->{nodes} } == 1;
  if ($numbers or $c->{words}) {
    my $many = @packs <= 4 ? 4 : 2 + int(@packs / 32);
    for my $pack (turns($many, @packs)) {
      next unless defined block($c, 'HIST', $pack);
      $c->{compared}{$pack} = 1;
      if ($numbers) { histogram($c, $pack) }
      else { ask($c, 'grid', 'codes', $pack, '', 'SELECT HEX(x.a),COUNT(*) ' . piece($c, $pack) . ' GROUP BY HEX(x.a);') }
    }
  } elsif ($type =~ /char|binary|^text$/) {
    for my $pack (turns(@packs <= 4 ? 4 : 2, @packs)) {
      next unless defined block($c, 'CMAP', $pack);
      $c->{compared}{$pack} = 1;
      my $x = $type eq 'text' ? "LEFT($c->{sql},60)" : longest($c->{nodes}[$pack]) > 200 ? "LEFT($c->{sql},72)" : $c->{sql};
      ask($c, 'grid', 'characters', $pack, '', "SELECT HEX($x) FROM $c->{from} LIMIT " . $pack * $PACK . ",$PACK;");
    }
  }
}

# The least and greatest value in each of some two thousand intervals between the pack's minimum and maximum.
sub histogram {
  my ($c, $pack) = @_;
  my ($min, $max) = @{ $c->{nodes}[$pack] }{qw(min max)};
  my $span = do { use integer; $max - $min };
  # Beyond 2^63 the server has no histogram.
  return if $span <= 0 or ($max > 0) != ($min > 0) && $max / 2 - $min / 2 > 4.6e18;
  my $raw = $c->{type} eq 'decimal' ? "CAST(REPLACE(x.a,'.','') AS SIGNED)" : 'x.a';
  $raw = '(YEAR(x.a)*512+MONTH(x.a)*32+DAY(x.a))*268435456' if $c->{type} =~ /^date|^timestamp/;
  $raw = "($raw+HOUR(x.a)*4096+MINUTE(x.a)*64+SECOND(x.a))" if $c->{type} =~ /^datetime|^timestamp/;
  my $step = int($span / 2048) + 1;
  ask($c, 'grid', 'histogram', $pack, "$min $max", "SELECT ($raw-($min)) DIV $step b,MIN($raw),MAX($raw) " . piece($c, $pack) . ' GROUP BY b;');
}

# bits_of <min> <max> <values>: the places of the bits that must be set. A value equal to min or max needs no bit.
sub bits_of {
  my ($min, $max, @values) = @_;
  use integer;
  my $span = $max - $min;
  my @at = map { $_ - $min - 1 } grep { $_ != $min and $_ != $max } @values;
  return @at if $span <= 1022;
  no integer;
  my $width = ($span - 1) / 1024.0;
  return map { int($_ / $width) } @at;
}

sub lost_bits { my ($block, @bits) = @_; my %lost = map { $_ => 1 } grep { $_ < 0 || $_ > 1023 || !vec($block, $_, 1) } @bits; return scalar keys %lost }

# After the common prefix of the pack's values, each of the first places has a bit for each character.
sub lost_characters {
  my ($c, $pack, $values) = @_;
  my $block = block($c, 'CMAP', $pack);
  return 0 unless defined $block;
  my $skip = 0;
  my ($begin, $end) = @{ $c->{nodes}[$pack] }{qw(begin end)};
  if ($c->{set} ne '-') { $skip++ while $skip < 8 and substr($begin, $skip, 1) eq substr($end, $skip, 1) }
  my $lost = 0;
  my %seen;
  for my $hex (split /\n/, $values) {
    next if $hex eq 'NULL';
    my $at = 0;
    for my $character (unpack 'C*', substr pack('H*', $hex), $skip < length($hex) / 2 ? $skip : length($hex) / 2) {
      last if $at * 256 >= 8 * length $block;
      $lost++ unless $seen{ $at * 256 + $character }++ or vec $block, $at * 256 + $character, 1;
      $at++;
    }
  }
  return $lost;
}
