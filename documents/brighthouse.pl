# brighthouse.pl <data directory> <plan> <questions> <answers> <failed> <day>: makes the statements about Infobright's columns
# and judges the answers. One call for each round: it judges the answers to <questions>, if there are any, then writes the next
# round's statements to the same file; none at the end. Findings go to standard output. Needs Perl 5.10 and no module.
#
# A line of <plan>, fields with tabs between: number of the table, schema and name in hex, its folder, number of the column,
# its name in hex, type, character set, first pack row, how many (0: the whole column), 1 if its fingerprint is wanted,
# then known values as "<hex>=<count>". A line without a column number is for the table's row count.
# <questions>: pairs with a zero byte after each: "<table> <column> <check> <kind> <pack> <expected>" with tabs, and the SQL.
# <answers>: the client's output, with a line #<number> after each answer. <failed>: numbers of statements without an answer.
# Findings: "<fail|error> <table> <check> <seen> <expected>", "done <table> <check>", "count <table> <rows>",
# "print <table> <column> <value>".
use strict;
use warnings;

my ($data, $plan, $asked, $answers, $failed, $day) = @ARGV;
my $PACK = 65536;
my $NONE = 9223372036854775807;
my (@columns, %column, %answer, %failed, @next);
my %whole = map { $_ => 1 } qw(tinyint smallint mediumint int bigint decimal);
my %moment = map { $_ => 1 } qw(date datetime timestamp time year);
my %real = map { $_ => 1 } qw(float double real);

sub say_line { my @fields = @_; s/[\t\r\n]/ /g for @fields; print join("\t", @fields), "\n" }
sub slurp { open(my $file, '<', shift) or return; binmode $file; local $/; my $bytes = <$file>; return $bytes }
sub quoted { my $name = pack 'H*', shift; $name =~ s/`/``/g; return "`$name`" }

sub read_plan {
  open(my $file, '<', $plan) or die "brighthouse: $plan: $!\n";
  while (<$file>) {
    chomp;
    my %c;
    (@c{qw(table schema name folder number hex type set first count print)}, my @known) = split /\t/, $_, -1;
    $c{from} = quoted($c{schema}) . '.' . quoted($c{name});
    push @columns, \%c;
    $column{"$c{table} $c{number}"} = \%c;
    next if $c{number} eq '';
    $c{sql} = quoted($c{hex});
    $c{known} = [grep { /=/ } @known];
    my $folder = "$data/$c{folder}";
    my $set = -e "$folder/ab_switch" ? 'B' : 'A';
    $c{h} = header($folder, $c{number}, $set);
    $c{nodes} = nodes($folder, $c{number}, $c{h}) if $c{h} and $c{h}{packs};
    $c{packs} = $c{nodes} ? [$c{count} ? ($c{first} .. $c{first} + $c{count} - 1) : (0 .. $c{h}{packs} - 1)] : [];
    $c{packs} = [grep { $_ < $c{h}{packs} } @{ $c{packs} }] if $c{nodes};
    $c{words} = $c{h}{words} if $c{h};
    $c{other} = header($folder, $c{number}, $set eq 'A' ? 'B' : 'A') if $c{words};
  }
}

# ---- the statements ----

sub ask { my ($c, $check, $kind, $pack, $expected, $sql) = @_; push @next, [$c->{table}, $c->{number}, $check, $kind, $pack, $expected, $sql] }

# One pack row of a column, as a table with the column a.
sub piece { my ($c, $pack) = @_; return "FROM (SELECT $c->{sql} a FROM $c->{from} LIMIT " . $pack * $PACK . ",$PACK) x" }

# The sum of a column in forms that never overflow, and the power of two of each part.
sub exact {
  my ($type, $x) = @_;
  my $raw = $type eq 'decimal' ? "CAST(REPLACE($x,'.','') AS SIGNED)" : $x;
  return ("SUM($raw DIV 4294967296),SUM(MOD($raw,4294967296))", '32 0') if $whole{$type};
  my ($day, $second) = ("YEAR($x)*512+MONTH($x)*32+DAY($x)", "HOUR($x)*4096+MINUTE($x)*64+SECOND($x)");
  return ("SUM($day)", '28') if $type eq 'date';
  return ("SUM(SIGN(TIME_TO_SEC($x))*($second))", '0') if $type eq 'time';
  return ("SUM($x+0)", '37') if $type eq 'year';
  return ("SUM($day),SUM($second)", '28 0');
}

# The whole column in one statement, or pack row by pack row.
sub forced_read {
  my ($c, $careful) = @_;
  my $type = $c->{type};
  return ask($c, 'read', 'any', '', '', "SELECT SUM(MOD(CRC32($c->{sql}),1000003)) FROM $c->{from};") unless $c->{nodes};
  my @nodes = @{ $c->{nodes} }[@{ $c->{packs} }];
  return read_real($c) if $real{$type};
  return read_words($c) if $c->{words};
  my $string = is_string($c);
  if ($c->{count}) {
    for my $pack (@{ $c->{packs} }) {
      my ($sum, $powers) = $string ? ('SUM(MOD(CRC32(x.a),1000003)),MAX(LENGTH(x.a))', '') : exact($type, 'x.a');
      my @one = $c->{nodes}[$pack];
      ask($c, $string ? 'read' : 'sums', $string ? 'text' : "sum $powers", $pack, $string ? longest(@one) : sum_of(@one),
        "SELECT $sum " . piece($c, $pack) . ';');
    }
  } elsif ($string) {
    ask($c, 'read', 'text', '', longest(@nodes), "SELECT SUM(MOD(CRC32($c->{sql}),1000003)),MAX(LENGTH($c->{sql})) FROM $c->{from};");
  } elsif ($whole{$type} and !$careful and cannot_overflow(@nodes)) {
    ask($c, 'sums', 'plain', '', sum_of(@nodes), "SELECT SUM($c->{sql}+0) FROM $c->{from};");
  } else {
    my ($sum, $powers) = exact($type, $c->{sql});
    ask($c, 'sums', "sum $powers", '', sum_of(@nodes), "SELECT $sum FROM $c->{from};");
  }
}

# The cheapest read, which no server refuses; of strings it answers 0, and fetches each pack all the same.
sub bare_read {
  my ($c) = @_;
  return ask($c, 'read', 'any', '', '', "SELECT BIT_XOR($c->{sql}) FROM $c->{from};") unless $c->{count};
  ask($c, 'read', 'any', $_, '', 'SELECT BIT_XOR(x.a) ' . piece($c, $_) . ';') for @{ $c->{packs} };
}

# Sums of decimals have 18 digits.
sub cannot_overflow {
  my ($most, $rows) = (0, 0);
  for (grep { $_->{file} != -1 } @_) {
    $rows += $_->{less} + 1;
    for my $value ($_->{min}, $_->{max}) { $most = abs $value if abs $value > $most }
  }
  return $rows * $most < 9e17;
}

sub longest {
  my @long = sort { $b <=> $a } map { $_->{sum} } grep { $_->{file} != -1 } @_;
  return @long ? $long[0] : 'NULL';
}

# A node of floats has their sum as a double. It is written with an exponent, because the server reads it as a decimal otherwise.
sub read_real {
  my ($c) = @_;
  my $left_out = 0;
  for my $pack (@{ $c->{packs} }) {
    my $node = $c->{nodes}[$pack];
    next if $node->{file} == -1;
    my $sum = sprintf '%.17e', $node->{real};
    if ($sum =~ /[a-z]{3}/i) { $left_out++; next }
    ask($c, 'sums', 'float', $pack, $sum, "SELECT ABS(SUM(x.a+0)-($sum))<=1e-15*SUM(ABS(x.a)) " . piece($c, $pack) . ';');
  }
  bare_read($c) if $left_out;
  ask($c, 'read', 'nothing', '', '', '') unless @next and $next[-1][1] eq $c->{number} and $next[-1][0] == $c->{table};
}

sub read_words {
  my ($c) = @_;
  my (%seen, $twice);
  for (0 .. $#{ $c->{words} }) { $twice = "words $seen{$c->{words}[$_]} and $_" if !defined $twice and defined $seen{ $c->{words}[$_] }; $seen{ $c->{words}[$_] } = $_ }
  say_line('fail', $c->{table}, 'dictionary', column_of($c) . ": $twice are the same", 'each word once') if defined $twice;
  my $old = $c->{other} && $c->{other}{words} || [];
  my ($changed) = grep { $_ < @{ $c->{words} } and $old->[$_] ne $c->{words}[$_] } 0 .. $#$old;
  say_line('fail', $c->{table}, 'dictionary', column_of($c) . ": its word $changed", 'as in the set of headers before')
    if defined $changed and !defined $twice;
  for my $pack ($c->{count} ? @{ $c->{packs} } : '') {
    my @nodes = $pack eq '' ? @{ $c->{nodes} } : $c->{nodes}[$pack];
    my ($x, $from) = $pack eq '' ? ($c->{sql}, "FROM $c->{from}") : ('x.a', piece($c, $pack));
    ask($c, 'sums', 'words', $pack, sum_of(@nodes), "SELECT HEX($x),COUNT(*) $from GROUP BY HEX($x);");
  }
}

# Statements for after the sums agree: printing a damaged date may never end.
sub second {
  my ($c) = @_;
  return unless $c->{nodes};
  my ($type, $x) = @$c{qw(type sql)};
  # The answer to the read of a string column has its fingerprint; a part of a column has none.
  fingerprint($c) if $c->{print} and !$c->{printed} and !$c->{count};
  if (!$c->{count} and ($real{$type} or @{ $c->{nodes} } <= 4) and !is_string($c)) { least_and_most($c) }
  grid($c);
  my @packs = look_up_in($c);
  # What the manifest has is of no pack row; a column that is read in parts has it looked up in one of them.
  if (@{ $c->{known} }) { @packs and find($c, split /=/, $_) for @{ $c->{known} } }
  else { sample($c, @packs) }
}

# look_up_in <column>: the pack rows of which a value is looked up. Where the Knowledge Grid of some was compared bit by bit, one
# other is enough, since the exact sum covers the values. A look-up may read the whole column: if a column is read in parts, only
# the part with tonight's pack row has one.
sub look_up_in {
  my ($c) = @_;
  my @packs = @{ $c->{packs} };
  if ($c->{count}) { my $tonight = tonight(0 .. $c->{h}{packs} - 1); return grep { $_ == $tonight } @packs }
  my $compared = $c->{compared} || {};
  my @other = grep { !$compared->{$_} and $c->{nodes}[$_]{file} >= 0 } @packs;
  return @packs > 4 && %$compared && @other ? tonight(@other) : turns(3, @packs);
}

# tonight <packs>: one of them, another each night
sub tonight { my @packs = @_; return $packs[ $day * 618034 % 1000000 * @packs / 1000000 ] }

# What production's manifest has. Of dates and times once their sum agrees: on a damaged one this may never end, and nothing but
# its end ends the server's work.
sub for_manifest { my ($c) = @_; fingerprint($c); sample($c, turns(3, @{ $c->{packs} })) if $c->{nodes} }

sub fingerprint { my ($c) = @_; ask($c, 'fingerprint', 'print', '', '', "SELECT SUM(MOD(CRC32($c->{sql}),1000003)) FROM $c->{from};") }

# For a float beyond 2^63 the server stores 2^63.
sub least_and_most {
  my ($c) = @_;
  my @nodes = grep { $_->{file} != -1 } @{ $c->{nodes} };
  my @ask = map { "$_($c->{sql})<=>$_(IFNULL($c->{sql},$c->{sql}))" }
    (grep({ $_->{least} == 2**63 } @nodes) && $real{ $c->{type} } ? () : 'MIN'),
    (grep({ $_->{most} == -2**63 } @nodes) && $real{ $c->{type} } ? () : 'MAX');
  ask($c, 'sums', 'alike', '', '', 'SELECT ' . join(',', @ask) . " FROM $c->{from};") if @ask;
}

# turns <how many> <packs>: the packs for tonight, the newest among them
sub turns {
  my ($many, @packs) = @_;
  return @packs if @packs <= $many;
  my $newest = pop @packs;
  my $from = $day * 618034 % 1000000 * @packs / 1000000;
  return (map({ $packs[ ($from + $_ * @packs / ($many - 1)) % @packs ] } 0 .. $many - 2), $newest);
}

sub sample {
  my ($c, @packs) = @_;
  my ($type, $x) = @$c{qw(type sql)};
  return if $type =~ /blob|text/ and $type ne 'tinytext';
  $x = "HEX($x)" if is_string($c);
  for my $pack (@packs) {
    my $row = $pack * $PACK + int(($c->{nodes}[$pack]{less} + 1) / 2);
    ask($c, 'look-up', 'sample', $pack, '', "SELECT $x FROM $c->{from} LIMIT $row,1;");
  }
}

# find <column> <value> <how often, or +>: a string's bytes in hex, as HEX() prints them; other types as printed, in hex
sub find {
  my ($c, $hex, $count) = @_;
  my $type = $c->{type};
  my $text = is_string($c) ? uc $hex : pack 'H*', $hex;
  my $where;
  if ($real{$type}) {
    return unless $text =~ /^-?[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?$/ and $text != 0 and abs $text < 1e25;
    my $d = abs($text) * 1e-5;
    $where = 'BETWEEN ' . shortest($text - $d) . ' AND ' . shortest($text + $d);
  } elsif ($whole{$type} or $moment{$type}) {
    return unless $text =~ /^-?[0-9][0-9:. -]*$/;
    $where = "='$text'";
  } else {
    return unless $text =~ /^([0-9A-F]{2}){0,200}$/ and $c->{set} =~ /^[a-z0-9]+$|^-$/;
    $where = '=' . ($c->{set} eq '-' ? '_binary' : "_$c->{set}") . " x'$text'";
  }
  ask($c, 'look-up', 'find', '', "$count $text", "SELECT COUNT(*) FROM $c->{from} WHERE $c->{sql}" . ($real{$type} ? ' ' : '') . "$where;");
}

# The fewest digits that give exactly this number.
sub shortest {
  my ($number) = @_;
  my ($text) = grep { $_ == $number } map { sprintf "%.${_}g", $number } 15 .. 17;
  $text = sprintf '%.17g', $number unless defined $text;
  return $text =~ /[.e]/ ? $text : "$text.0";
}
