# A part of ahead.pl, which has its variables: what to read ahead, and in which order.

sub is_safe { my $path = shift; return $path !~ m{^/|(?:^|/)\.\.(?:/|$)} }

# add <path> [<from> <to>]: a regular file, or a part of it
sub add {
  my ($path, $from, $to) = @_;
  return unless is_safe($path);
  my @stat = lstat "$data/$path" or return;
  return unless -f _;
  my $size = $stat[7];
  # Holes in a file are not read from the device.
  $size = 512 * $stat[12] if 512 * $stat[12] < $size;
  $from //= 0;
  $to = $size if !defined $to or $to > $size;
  return if $from >= $to;
  push @files, [$path, $from, $to, $size];
  $come += $to - $from;
}

sub names {
  my ($path) = @_;
  opendir(my $handle, "$data/$path") or return ();
  return sort grep { !/^\.\.?$/ } readdir $handle;
}

sub slurp {
  my ($path, $most) = @_;
  my $bytes = '';
  sysopen(my $file, "$data/$path", O_RDONLY | O_NOFOLLOW | O_NONBLOCK) or return '';
  return '' unless -f $file;
  sysread $file, $bytes, $most;
  return $bytes;
}

# packs_of <table's folder> <column>: [file, address, end] of each stored pack of the current set, in the order of the packs
sub packs_of {
  my ($bht, $column) = @_;
  my $set = -e "$data/$bht/ab_switch" ? 'B' : 'A';
  my $header = slurp(sprintf("%s/T%s%05d.ctb", $bht, $set, $column), 1 << 20);
  return () unless substr($header, 0, 4) eq 'RS10' and length $header >= 46;
  my ($packs, $special) = (unpack 'x8Cq<q<CS<S<l<l<l<l<', $header)[6, 9];
  return () if $packs < 1 or $packs > 1 << 24 or $special < 0 or $special + 23 > length $header;
  my $nodes = slurp(sprintf("%s/TA%05dDPN.ctb", $bht, $column), $PACK_NODE * ($packs + 1));
  my @slots = unpack "(a$PACK_NODE)*", $nodes;
  return () if @slots < $packs + 1;
  # The first two slots have two versions of the last pack.
  my @packs = map { [unpack 'l<L<', $_] } @slots[2 .. $packs], $slots[unpack('C', substr $header, $special + 22, 1) ? 1 : 0];
  my %starts;
  push @{ $starts{ $_->[0] } }, $_ for grep { $_->[0] >= 0 } @packs;
  for my $of (values %starts) {
    my @sorted = sort { $a->[1] <=> $b->[1] } @$of;
    $sorted[$_][2] = $_ < $#sorted ? $sorted[ $_ + 1 ][1] : undef for 0 .. $#sorted;
  }
  return @packs;
}

# add_packs <table's folder> <column> <packs>...: joins neighbours to one range
sub add_packs {
  my ($bht, $column, @packs) = @_;
  my $last;
  for my $pack (@packs, undef) {
    next if $pack and $pack->[0] < 0;
    if ($last and $pack and $last->[0] == $pack->[0] and defined $last->[2] and $last->[2] == $pack->[1]) {
      $last = [@$last[0, 1], $pack->[2]];
      next;
    }
    add(sprintf("%s/TA%05d%09d.ctb", $bht, $column, $last->[0]), $last->[1], $last->[2]) if $last;
    $last = $pack ? [@$pack] : undef;
  }
}

sub columns_of {
  my ($bht) = @_;
  return scalar grep { /^TA\d{5}DPN\.ctb$/ } names($bht);
}

# add_small <table's folder>: definition, current headers and nodes, which are read first in any reading of the table
sub add_small {
  my ($bht) = @_;
  my $set = -e "$data/$bht/ab_switch" ? 'B' : 'A';
  add("$bht/$_") for grep { /^(?:Table\.ctb|ab_switch|T$set\d{5}\.ctb|TA\d{5}DPN\.ctb)$/ } names($bht);
}

sub bht_of { my $path = shift; return -d "$data/$path\@\@\@.bht" ? "$path\@\@\@.bht" : "$path.bht" }

# add_table <folder/table>: its current files
sub add_table {
  my ($path) = @_;
  my $bht = bht_of($path);
  if (-d "$data/$bht") {
    add_small($bht);
    add_packs($bht, $_, packs_of($bht, $_)) for 0 .. columns_of($bht) - 1;
  }
  add("$path.$_") for qw(frm MYD MYI ibd MAD MAI CSV CSM ARZ);
  # Each partition has its own files.
  return unless -e "$data/$path.par";
  my ($schema, $table) = $path =~ m{^([^/]+)/([^/]+)$} or return;
  add("$schema/$_") for grep { /^\Q$table\E#[pP]#/ } names($schema);
}

# add_all: files that the server needs to start, then those that it opens for each table, then a unit for each table
sub add_all {
  my @top = names('.');
  my @schemas = grep { -d "$data/$_" and !-l "$data/$_" and !/^#|^lost\+found$/ } @top;
  add($_) for grep { /^(?:ibdata\d*|ib_logfile\d+|undo_?\d+|aria_log.*|brighthouse\.ini|ib_data_version)$/ } @top;
  my @tables;
  for my $schema (sort { ($b eq 'mysql') <=> ($a eq 'mysql') || $a cmp $b } @schemas) {
    my @names = grep { !/^#/ } names($schema);
    if ($schema =~ /^(?:mysql|sys|sys_infobright|BH_RSI_Repository)$/) { add("$schema/$_") for @names }
    else { add("$schema/$_", 0, 65536) for grep { /\.(?:frm|MYI|ibd|MAI|MAD)$/ } @names }
    my %tables = map { /^([^.]+?)(?:\@\@\@)?(?:#[pP]#[^.]*)?\.(?:frm|MYD|MYI|ibd|MAD|MAI|bht)$/ ? ($1 => 1) : () } @names;
    for my $table (sort keys %tables) {
      push @tables, ['table', "$schema/$table"];
      add_small(bht_of("$schema/$table"));
    }
    for my $file (@names) {
      my $bht = $file =~ /\.bht$/;
      $all += 512 * ((lstat "$data/$schema/$_")[12] || 0) for $bht ? map { "$file/$_" } names("$schema/$file") : $file;
    }
  }
  $all += 512 * ((lstat "$data/$_")[12] || 0) for grep { /^ibdata/ } @top;
  push @units, @tables;
}

# take_order: starts again at the beginning of the new order. Data that is probably still in memory is not read again.
sub take_order {
  my ($name) = @_;
  %have = $window && $at_bytes < $window ? %reads : ();
  %reads = ();
  (@units, @files, @unit_at, @back) = ();
  ($come, $at_file, $at_offset, $at_bytes) = (0, 0, undef, 0);
  ($position, $position_unit) = (0, -1);
  if (defined $name and open my $file, '<', $name) {
    while (my $line = <$file>) { chomp $line; push @units, [split /\t/, $line] }
  } else {
    push @unit_at, 0;
    push @units, [];
    add_all();
  }
}

# expand: finds the files of the next unit. This is done late, because its headers have to be read first.
sub expand {
  my ($kind, $path, @more) = @{ $units[@unit_at] };
  push @unit_at, $come;
  return unless defined $path and is_safe($path);
  my $bht = bht_of($path);
  if    ($kind eq 'file')   { add($_) for $path, @more }
  elsif ($kind eq 'table')  { add_table($_) for $path, @more }
  elsif ($kind eq 'column') { add_packs($bht, $more[0], packs_of($bht, $more[0])) }
  elsif ($kind eq 'rows') {
    my @packs = packs_of($bht, $more[0]);
    my $end = $more[1] + $more[2] < @packs ? $more[1] + $more[2] : scalar @packs;
    add_packs($bht, $more[0], @packs[ $more[1] .. $end - 1 ]);
  } elsif ($kind eq 'newest') {
    for my $column (0 .. columns_of($bht) - 1) {
      my @packs = packs_of($bht, $column);
      add_packs($bht, $column, $packs[-1]) if @packs;
    }
  }
}

# has_more: whether there is anything left to read
sub has_more {
  while (1) {
    return 1 if $at_file < @files;
    return '' if @unit_at >= @units;
    expand();
  }
}

# next_job: returns [path, offset, length, number of a whole job], or nothing at the end
sub next_job {
  while (has_more()) {
    my ($path, $from, $to, $size) = @{ $files[$at_file] };
    $at_offset = $from unless defined $at_offset;
    if ($at_offset >= $to) { $at_file++; $at_offset = undef; next }
    my $length = $JOB - $at_offset % $JOB;
    $length = $to - $at_offset if $length > $to - $at_offset;
    my $whole = ($at_offset % $JOB == 0 and ($length == $JOB or $at_offset + $length == $size));
    my $job = [$path, $at_offset, $length, $whole ? $at_offset / $JOB : undef];
    $at_offset += $length;
    $at_bytes += $length;
    if ($whole and defined $have{$path} and vec $have{$path}, $job->[3], 1) { vec($have{$path}, $job->[3], 1) = 0; next }
    return $job;
  }
  return;
}
