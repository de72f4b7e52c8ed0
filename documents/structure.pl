# structure.pl <data directory> <seconds>: the structure of every Infobright table (.bht), from its files alone.
# Writes lines, with tabs between fields:
#   fail|warn|skip  <table>  <seen>  <expected>
#   table  <folder/table>  <rows>  <columns>  <stored packs of each column>
#   end    <tables>  <columns>  <packs>  <packs whose own header was read>
# After <seconds> it no longer reads pack headers, and only compares addresses. Needs Perl 5.10 and no module.
# Only the current set counts: outdated headers, the other version of a last pack and old pack files may have any content.
use strict;
use warnings;

my ($data, $seconds) = @ARGV;
my ($began, $tables, $columns, $packs, $read) = (time, 0, 0, 0, 0);
my ($subject, $folder, %size, $faults);
my %whole   = map { $_ => 1 } 1, 2, 3, 6, 7, 19, 20;           # lookup codes, integers, decimals
my %ordered = map { $_ => 1 } keys %whole, 4, 5, 12 .. 16, 18; # and dates: compared, never summed
my %real    = map { $_ => 1 } 11, 17;
my $PACK    = 65536;

sub line { my @fields = @_; s/[\t\r\n]/ /g for @fields; print join("\t", @fields), "\n" }

# A few lines are enough for a table with many faults.
sub fault { line('fail', $subject, @_) if ++$faults <= 5 }

sub slurp {
  my ($name) = @_;
  open(my $file, '<', "$folder/$name") or do { fault("$name cannot be opened: $!", 'a file that can be read'); return };
  binmode $file;
  local $/;
  my $bytes = <$file>;
  return defined $bytes ? $bytes : '';
}

# Names on disk are MySQL-encoded: @0020 is a space. Many letters have two-character codes from a table in the server; a name
# with such a code is shown as it is on the disk.
sub plain {
  my ($disk) = @_;
  (my $name = $disk) =~ s/@@@//;
  return $disk if $name =~ /@(?![0-9a-f]{4})/;
  $name =~ s/@([0-9a-f]{4})/my $c = chr hex $1; utf8::encode($c); $c/ge;
  return $name;
}

sub definition {
  my $bytes = slurp('Table.ctb');
  return unless defined $bytes;
  if (length $bytes < 43 or substr($bytes, 0, 5) ne 'RScT2') {
    fault('Table.ctb is ' . length($bytes) . ' bytes and begins with ' . unpack('H10', $bytes), 'RScT2');
    return;
  }
  my ($count, $at) = unpack 'l<l<', substr $bytes, 25, 8;
  if ($count < 1 or $at < 33 + $count or $at + 10 > length $bytes or unpack('l<', substr $bytes, $at, 4) != 10) {
    fault("Table.ctb contradicts itself: $count columns, " . length($bytes) . ' bytes', 'a definition that fits its file');
    return;
  }
  return $count;
}

# The header of a column as a hash, or nothing.
sub header {
  my ($name) = @_;
  if (!exists $size{$name}) { fault("$name is missing", 'a header for each column'); return }
  my $bytes = slurp($name);
  return unless defined $bytes;
  return { old => 1 } if $bytes =~ /^RSc[0-9]/;
  if (length $bytes < 90 or substr($bytes, 0, 4) ne 'RS10') {
    fault("$name is " . length($bytes) . ' bytes and begins with ' . unpack('H8', $bytes), 'RS10');
    return;
  }
  my %h = (name => $name);
  my ($kind, $digits, $scale, $values, $dictionary, $special);
  ($kind, $h{rows}, $h{nulls}, undef, $digits, $scale, $h{packs}, $values, $dictionary, $special) =
    unpack 'x8Cq<q<CS<S<l<l<l<l<', $bytes;
  # 0 and 1 are a char and a varchar with a lookup dictionary; without one they have another bit.
  $h{type} = $kind < 2 ? 1 : $kind & 127;
  $h{string} = $kind & 128 && !$ordered{ $h{type} } && !$real{ $h{type} } || $kind == 129;
  my $bad = $special < 46 || $special + 43 > length $bytes ? 'ends too early'
    : $h{packs} != int(($h{rows} + $PACK - 1) / $PACK) || $h{rows} < 0 ? "has $h{packs} packs for $h{rows} rows"
    : $h{nulls} < 0 || $h{nulls} > $h{rows} ? "has $h{nulls} NULLs in $h{rows} rows"
    : $h{type} == 3 && ($digits > 18 || $scale > $digits) ? "is a decimal($digits,$scale)"
    : $kind < 2 ? dictionary_fault(substr $bytes, $dictionary, $special - $dictionary) : '';
  if ($bad) { fault("$name $bad", 'a header that agrees with itself'); return }
  ($h{min}, $h{max}) = unpack $real{ $h{type} } ? 'd<d<' : 'q<q<', substr $bytes, $values, 16
    if !$h{string} and $values >= 46 and $values + 16 <= $special;
  $h{last} = unpack 'C', substr $bytes, $special + 22, 1;
  return \%h;
}

# A lookup column has its words in the header: their number, the length of each, then the words.
sub dictionary_fault {
  my ($bytes) = @_;
  return '' if length $bytes < 28;
  my ($most, $count, $length) = unpack 'x8q<xL<xxL<', $bytes;
  return '' if $length != length($bytes) - 16;
  return "has $count words, the highest code is $most" if $count and $most != $count - 1;
  return 'has a dictionary that is too short' if 28 + 2 * $count > length $bytes;
  my $letters = 0;
  $letters += $_ for unpack "S<$count", substr $bytes, 28;
  return $letters == $length - 12 - 2 * $count ? '' : "has words of $letters letters in a dictionary of $length bytes";
}

# The nodes of a column's packs, in the order of the packs. The first two slots have two versions of the last one.
sub nodes {
  my ($h, $number) = @_;
  my $name = sprintf 'TA%05dDPN.ctb', $number;
  if (!exists $size{$name}) { fault("$name is missing", "the nodes of $h->{packs} packs"); return }
  my $bytes = slurp($name);
  return unless defined $bytes;
  my $want = 37 * ($h->{packs} + 1);
  if (length $bytes < $want) { fault("$name has " . length($bytes) . ' bytes', "$want for $h->{packs} packs"); return }
  my @slots = unpack "(a37)$h->{packs} a37", $bytes;
  my ($named, $other) = $h->{last} ? @slots[1, 0] : @slots[0, 1];
  my $rows = ($h->{rows} - 1) % $PACK;
  if (rows_less_one($named) != $rows and rows_less_one($other) == $rows) {
    line('warn', $subject, "$name: the last pack is in the slot that is not named", 'the slot that the header names');
    $named = $other;
  }
  return ($name, @slots[2 .. $h->{packs}], $named);
}

sub rows_less_one { return unpack 'x32S<', shift }

# Compares a node with its column's header. Returns [file, address, rows-1, nulls, spread] of a stored pack.
sub node {
  my ($h, $name, $number, $node) = @_;
  my ($file, $at, undef, undef, $sum, $less, $nulls) = unpack 'l<L<q<q<q<S<S<', $node;
  my ($min, $max) = unpack $real{ $h->{type} } ? 'x8d<d<' : 'x8q<q<', $node;
  my $full = $number < $h->{packs} ? $PACK - 1 : ($h->{rows} - 1) % $PACK;
  my $where = "$name, pack $number";
  if ($file < -3) { fault("$where: pack file $file", 'a file number'); return }
  if ($less != $full) { fault("$where: " . ($less + 1) . ' rows', $full + 1); return }
  my $spread;
  if ($file == -1) { $h->{seen_nulls} += $less + 1; return [$file] }
  $h->{seen_nulls} += $nulls;
  if (($ordered{ $h->{type} } or $real{ $h->{type} }) and !$h->{string} and defined $h->{min}) {
    if ($min > $max or $min < $h->{min} or $max > $h->{max}) {
      fault("$where: values from $min to $max", "within $h->{min} to $h->{max}");
      return;
    }
    my $count = $less + 1 - $nulls;
    if ($whole{ $h->{type} } and abs $min < 2**46 and abs $max < 2**46 and ($sum < $count * $min or $sum > $count * $max)) {
      fault("$where: the sum of $count values is $sum", "from " . $count * $min . ' to ' . $count * $max);
      return;
    }
    $spread = $max - $min unless $real{ $h->{type} } or abs $min > 2**61 or abs $max > 2**61;
  }
  return [$file, $at, $less, $nulls, $spread, $number];
}

# Compares the packs of a column with their files: inside the file, no overlap, and headers that match the nodes.
sub stored {
  my ($h, $number, @nodes) = @_;
  my %in;
  push @{ $in{ $_->[0] } }, $_ for grep { $_->[0] >= 0 } @nodes;
  for my $of (sort { $a <=> $b } keys %in) {
    my $name = sprintf 'TA%05d%09d.ctb', $number, $of;
    my @here = sort { $a->[1] <=> $b->[1] } @{ $in{$of} };
    if (!exists $size{$name}) { fault("$name is missing", 'the file of ' . @here . ' packs'); next }
    open(my $file, '<', "$folder/$name") or do { fault("$name cannot be opened: $!", 'a file that can be read'); next };
    binmode $file;
    for my $i (0 .. $#here) {
      my ($at, $less, $nulls, $spread, $pack) = @{ $here[$i] }[1 .. 5];
      my $end = $i < $#here ? $here[ $i + 1 ][1] : $size{$name};
      if ($at + 4 > $end or $at + 4 > $size{$name}) { fault("$name, pack $pack: begins at $at", "before $end"); last }
      next if $seconds < time - $began;
      $read++;
      my $bytes = '';
      if (!seek($file, $at, 0) or (read($file, $bytes, 17) || 0) < 9) { fault("$name, pack $pack: ends in its header", 'a pack'); last }
      my ($length, $mode, $own_less, $own_nulls) = unpack 'L<CS<S<', $bytes;
      if ($length < 9 or $at + $length > $end) { fault("$name, pack $pack: from $at on $length bytes", "an end by $end"); last }
      next if $h->{string} and $mode != 2;
      if ($own_less != $less or $own_nulls != $nulls) {
        fault("$name, pack $pack: " . ($own_less + 1) . " rows, $own_nulls NULLs", ($less + 1) . " rows, $nulls NULLs");
      } elsif (defined $spread and $mode == 32 and length $bytes == 17 and (unpack 'x9Q<', $bytes)[0] != $spread) {
        fault("$name, pack $pack: a span of " . (unpack 'x9Q<', $bytes)[0], "$spread, as its node says");
      }
    }
  }
}

# An outdated set never has more rows than the current one, because loads only add rows. If it has, ab_switch is stray or lost.
sub switched {
  my ($count, $current, $rows, $header) = @_;
  my $other = $current eq 'A' ? 'B' : 'A';
  my $more;
  for my $number (0 .. $count - 1) {
    my $name = sprintf "T$other%05d.ctb", $number;
    open(my $file, '<', "$folder/$name") or return;
    binmode $file;
    my $bytes;
    return unless read($file, $bytes, 34) == 34 and substr($bytes, 0, 4) eq 'RS10';
    my ($of) = unpack 'x9q<', $bytes;
    return if $of <= $rows or defined $more && $more != $of;
    return if (stat "$folder/$name")[9] < (stat "$folder/$header")[9];
    $more = $of;
  }
  fault("its current set $current has $rows rows, and the set $other, which is not older, has $more: ab_switch is "
    . ($current eq 'B' ? 'stray' : 'lost'), 'the newer set to be current') if defined $more;
}

sub table {
  my ($name) = @_;
  $folder = "$data/$name";
  $subject = join '.', map { plain($_) } split m{/}, substr $name, 0, -4;
  $faults = 0;
  $tables++;
  opendir(my $handle, $folder) or return fault("the folder cannot be opened: $!", 'a folder that can be read');
  %size = map { $_ => -s "$folder/$_" || 0 } grep { !/^\./ } readdir $handle;
  my $count = definition();
  return unless $count;
  my $set = exists $size{ab_switch} ? 'B' : 'A';
  my $missing = grep { !exists $size{ sprintf "T$set%05d.ctb", $_ } } 0 .. ($count > 5000 ? 5000 : $count - 1);
  return fault("$missing of $count headers of the current set $set are missing", "T${set}00000.ctb and so on") if $missing > 3;
  my @headers = map { header(sprintf "T$set%05d.ctb", $_) } 0 .. $count - 1;
  $columns += $count;
  return line('skip', $subject, 'its columns have the format of before 3.3, which is not known here', '')
    if grep { $_->{old} } @headers;
  return if @headers < $count;
  agree($set, $count, @headers);
  my @by_column;
  for my $number (0 .. $count - 1) {
    my $h = $headers[$number];
    $packs += $h->{packs};
    $h->{seen_nulls} = 0;
    my ($dpn, @nodes) = $h->{packs} ? nodes($h, $number) : ();
    my $pack = 0;
    my @all = map { $pack++; node($h, $dpn, $pack, $_) } @nodes;
    push @by_column, scalar grep { $_->[0] >= 0 } @all;
    next if @all < $h->{packs};
    fault("$h->{name} has $h->{nulls} NULLs", "$h->{seen_nulls}, as its packs have") if $h->{nulls} != $h->{seen_nulls};
    stored($h, $number, @all);
  }
  line('fail', $subject, 'and ' . ($faults - 5) . ' more faults in its files', '') if $faults > 5;
  line('table', $name, $headers[0]{rows}, $count, join ',', @by_column);
}

# All columns must have the same number of rows. The column that differs from most others is named.
sub agree {
  my ($set, $count, @headers) = @_;
  my %votes;
  $votes{ $_->{rows} }++ for @headers;
  my ($most) = sort { $votes{$b} <=> $votes{$a} || $a <=> $b } keys %votes;
  for (grep { $_->{rows} != $most } @headers) { fault("$_->{name} has $_->{rows} rows", "$most, as the other columns") }
  switched($count, $set, $most, $headers[0]{name}) if keys %votes == 1;
}

$| = 1;
opendir(my $top, $data) or die "structure: $data cannot be opened: $!\n";
for my $schema (sort grep { !/^[.#]/ and -d "$data/$_" } readdir $top) {
  opendir(my $handle, "$data/$schema") or next;
  table("$schema/$_") for sort grep { /\.bht$/ and !/^[.#]/ } readdir $handle;
}
line('end', $tables, $columns, $packs, $read);
