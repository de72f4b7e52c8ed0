# The last part of brighthouse.pl: judges the answers, and makes the rounds.

sub is_string { my $type = shift->{type}; return !$whole{$type} && !$moment{$type} && !$real{$type} }
sub column_of { my ($c) = @_; return 'column ' . pack 'H*', $c->{hex} }
sub fail { my ($c, $check, $seen, $expected) = @_; $c->{bad} = 1; say_line('fail', $c->{table}, $check, column_of($c) . ": $seen", $expected) }

# judge <column> <check> <kind> <pack> <expected> <answer>
sub judge {
  my ($c, $check, $kind, $pack, $expected, $answer) = @_;
  my $where = $pack eq '' ? '' : "pack row " . ($pack + 1) . ': ';
  chomp $answer;
  my @fields = map { $_ eq 'NULL' ? 0 : $_ } split /\t/, $answer, -1;
  return $c->{bad} = 1, say_line('error', $c->{table}, $check, "the server's answer makes no sense: " . substr($answer, 0, 80), '')
    unless sensible($kind, $answer);
  if ($kind eq 'count') { return say_line('count', $c->{table}, $answer) }
  elsif ($kind eq 'print') { return say_line('print', @$c{qw(table hex)}, $answer) }
  elsif ($kind eq 'sample') { find($c, is_string($c) ? $answer : unpack('H*', $answer), '+') unless $answer eq 'NULL'; return }
  elsif ($kind eq 'text') {
    $c->{printed} = 1, say_line('print', @$c{qw(table hex)}, (split /\t/, $answer)[0]) if !$c->{count};
    my $long = (split /\t/, $answer)[1];
    return fail($c, 'sums', "${where}its longest value has $long bytes", "$expected, as its nodes say") if $long ne $expected;
  } elsif ($kind eq 'plain' or $kind =~ /^sum/) {
    (my $digits = $fields[0]) =~ s/\.//;
    my @powers = $kind eq 'plain' ? () : split / /, substr $kind, 4;
    my $sum = $kind eq 'plain' ? $digits + 0 : added(map { $fields[$_], $powers[$_] } 0 .. $#powers);
    return fail($c, $check, "${where}the sum of its values is $sum", "$expected, as its nodes say") if $sum != $expected;
  } elsif ($kind eq 'float') {
    return fail($c, $check, "${where}the sum of its values is another", "$expected, as its node says") if $answer eq '0';
  } elsif ($kind eq 'alike') {
    return fail($c, $check, 'the statistics hold another least or greatest value than the data', 'the same') if $answer =~ /0/;
  } elsif ($kind eq 'words' or $kind eq 'codes') { return unless judge_words($c, $check, $kind, $pack, $expected, $answer, $where) }
  elsif ($kind eq 'histogram') {
    my ($min, $max) = split / /, $expected;
    my $lost = lost_bits(block($c, 'HIST', $pack), bits_of($min, $max, map { my (undef, @two) = split /\t/; $two[0] eq 'NULL' ? () : @two } split /\n/, $answer));
    return fail($c, $check, "${where}the Knowledge Grid lacks $lost of 1024 bits: it hides rows", 'a bit for each value') if $lost;
  } elsif ($kind eq 'characters') {
    my $lost = lost_characters($c, $pack, $answer);
    return fail($c, $check, "${where}the Knowledge Grid lacks $lost characters: it hides rows", 'a bit for each character') if $lost;
  } elsif ($kind eq 'find') {
    my ($count, $value) = split / /, $expected, 2;
    say_line('value', @$c{qw(table hex)}, is_string($c) ? $value : unpack('H*', $value), $answer) if $count eq '+' and $value ne '';
    return fail($c, $check, "$answer rows with a value that is there", $count eq '+' ? 'one at least' : $count)
      if $count eq '+' ? $answer < 1 : $answer != $count;
  }
  say_line('done', $c->{table}, $check);
}

sub judge_words {
  my ($c, $check, $kind, $pack, $expected, $answer, $where) = @_;
  my (%code, @codes);
  my $number = 0;
  $code{$_} = $number++ for @{ $c->{words} };
  my $sum = 0;
  for (split /\n/, $answer) {
    my ($word, $count) = split /\t/;
    next if $word eq 'NULL';
    if (!defined $code{$word}) { fail($c, $check, "${where}a value is not in its dictionary", 'one of its words'); return }
    $sum += $code{$word} * $count;
    push @codes, $code{$word};
  }
  if ($kind eq 'words' and $sum != $expected) {
    fail($c, $check, "${where}the sum of its words' codes is $sum", "$expected, as its nodes say");
    return;
  }
  $pack = 0 if @{ $c->{nodes} } == 1;
  my $block = $pack eq '' || $c->{nodes}[$pack]{file} < 0 ? undef : block($c, 'HIST', $pack);
  my $lost = defined $block ? lost_bits($block, bits_of(@{ $c->{nodes}[$pack] }{qw(min max)}, @codes)) : 0;
  return 1 unless $lost;
  fail($c, 'grid', "${where}the Knowledge Grid lacks $lost of 1024 bits: it hides rows", 'a bit for each word');
  return;
}

# The form of an answer for each kind. A malformed answer proves nothing.
my %SENSE = (
  count => qr/^[0-9]+$/, find => qr/^[0-9]+$/, print => qr/^([0-9]+|NULL)$/, any => qr/^([0-9]+|NULL)$/,
  text => qr/^([0-9]+|NULL)\t([0-9]+|NULL)$/, plain => qr/^(-?[0-9]+(\.[0-9]+)?|NULL)$/, sum => qr/^(-?[0-9]+|NULL)(\t(-?[0-9]+|NULL))?$/,
  float => qr/^([01]|NULL)$/, alike => qr/^[01](\t[01])?$/, words => qr/^([0-9A-F]*\t[0-9]+\n?|NULL\t[0-9]+\n?)*$/,
  histogram => qr/^((-?[0-9]+|NULL)\t(-?[0-9]+|NULL)\t(-?[0-9]+|NULL)\n?)*$/, characters => qr/^(([0-9A-F]*|NULL)\n?)*$/, sample => qr/^[^\n]*$/,
);
$SENSE{codes} = $SENSE{words};

sub sensible {
  my ($kind, $answer) = @_;
  $kind =~ s/ .*//;
  # Line by line, because a repeated group in a pattern matches at most 32,766 times.
  return $kind =~ /^(words|codes|histogram|characters)$/ ? !grep { $_ !~ $SENSE{$kind} } split /\n/, $answer : $answer =~ $SENSE{$kind};
}

sub read_answers {
  open(my $file, '<', $answers) or die "brighthouse: $answers: $!\n";
  my $text = '';
  while (<$file>) {
    if (/^#([0-9]+)$/) { $answer{$1} = $text; $text = '' }
    elsif (/^(#-|end of answer)$/) { $text = '' }
    else { $text .= $_ }
  }
  open($file, '<', $failed) or return;
  while (<$file>) { chomp; my ($number, $how) = split / /; $failed{$number} = $how }
}

read_plan();
my $before = -s $asked ? slurp($asked) : undef;
if (!defined $before) {
  for (@columns) {
    if ($_->{number} eq '') { ask($_, 'read', 'count', '', '', "SELECT COUNT(*) FROM $_->{from};") }
    elsif ($day eq 'manifest' and !($_->{nodes} and $moment{ $_->{type} })) { for_manifest($_) }
    elsif (!$_->{h} or $_->{h}{packs}) { forced_read($_) }
  }
} else {
  read_answers();
  my @pairs = split /\0/, $before;
  my (%first, %again);
  for my $at (0 .. $#pairs / 2) {
    my ($table, $number, $check, $kind, $pack, $expected) = split /\t/, $pairs[ 2 * $at ], -1;
    my $c = $column{"$table $number"};
    $first{"$table $number"} = 1 if $kind =~ /^(any|text|plain|sum.*|float|words|nothing)$/;
    if (defined $answer{$at}) { judge($c, $check, $kind, $pack, $expected, $answer{$at}) unless $kind eq 'nothing' }
    elsif (($failed{$at} || '') eq 'ours' and $kind =~ /^(plain|sum.*|float|words|text)$/ and !$c->{bad}) { $again{"$table $number"} = $kind }
    elsif (defined $failed{$at}) { $c->{bad} = 1 unless $failed{$at} eq 'ours' }
  }
  # If the server does not accept a statement, try the next form.
  for my $c (grep { $_->{number} ne '' } @columns) {
    my $key = "$c->{table} $c->{number}";
    if (!$first{$key} or $c->{bad}) { next }
    elsif (!$again{$key}) { $day eq 'manifest' ? for_manifest($c) : second($c) }
    elsif ($again{$key} eq 'plain') { forced_read($c, 1) }
    else { bare_read($c) }
  }
}
open(my $file, '>', "$asked.new") or die "brighthouse: $asked: $!\n";
binmode $file;
for (@next) { my $sql = pop @$_; print $file join("\t", @$_), "\0$sql\0" }
close $file and rename "$asked.new", $asked or die "brighthouse: $asked: $!\n";
print "end\n";
