# walk.pl <top of the volume> <data directory> <mount point> [<list>]: checks every path that a server could open, before one
# starts and before anything on the volume is written. Resolves links itself, within the volume, and opens only small regular
# files that contain a path (.isl). Lines, with tabs between fields:
#   fail|error|warn|skip  <path>  <seen>  <expected>
#   inside   <path on the volume>: the target of a link within the volume
#   mended   <path on the volume>: a link, or a file with a path, that had production's path, which this host does not have; it
#            now has this host's path to the same place. Only after a walk without a fault.
#   end      <entries>  <links>
# With <list>, a file with one path per line, it prints for each path that is not on the volume: outside <path>.
# Needs Perl 5.10 and only its core modules.
use strict;
use warnings;
use Errno ();
use Fcntl qw(O_WRONLY O_CREAT O_EXCL);

my ($top, $data, $point, $list) = @ARGV;
my $below = length $data > length $top ? substr $data, 1 + length $top : '';
my ($entries, $links, $odd) = (0, 0, 0);
my (%walked, %inside, @folders, @astray, $faults);
my $DEPTH   = 64;
my $ENTRIES = 5_000_000;
my $TARGETS = 20_000;

# Files in a data directory that nothing opens: the test's server has its log, socket and settings elsewhere. But the server opens
# its tc.log and ddl_recovery.log, and the files of replication even if it does not replicate.
my $HARMLESS = qr{^(?!(?:.*/)?(?:tc|ddl_?[^/]*|aria_log[^/]*)\.log$)(?:.*\.(?:sock|err|pid|log|cnf|conf|pem|txt|md|sql|sh|gz|bz2|xz|zip|tar|bak)
  |[^/]*(?<!relay)-bin\.(?:\d+|index)|[^/]*binlog\.(?:\d+|index))$}xi;

# The largest valid size by name, for files that the test or a server reads whole.
my @LIMITS = (
  [qr{\.isl$}, 4096], [qr{^(?:ib_data_version|brighthouse\.seq|auto\.cnf|mysql_upgrade_info|mariadb_upgrade_info)$}, 65536],
  [qr{(?:^|/)(?:db\.opt|ab_switch)$}, 65536], [qr{\.(?:TRN|MRG)$}, 1 << 20], [qr{^brighthouse\.ini$}, 1 << 20],
  [qr{\.bht/Table\.ctb$}, 1 << 20], [qr{\.(?:TRG|par)$}, 16 << 20], [qr{\.frm$}, 64 << 20],
  [qr{\.bht/TA\d{5}DPN\.ctb$}, 16 << 20], [qr{\.bht/T[AB]\d{5}\.ctb$}, 64 << 20], [qr{^ib-backup-manifest$}, 64 << 20],
);

sub shown_text { my $text = shift; $text =~ s/([%\000-\037\177])/sprintf '%%%02x', ord $1/ge; return $text }
sub line { $faults++ if $_[0] eq 'fail' or $_[0] eq 'error'; print join("\t", map { shown_text($_) } @_), "\n" }

# The kind of a path, without following links: file, folder, link or another kind; nothing if it does not exist. If the file
# system returns another error, $unsaid has it: that proves nothing about the path.
my $unsaid = '';
sub kind_of {
  my ($path) = @_;
  if (!lstat $path) {
    $unsaid = "$!" unless $!{ENOENT} or $!{ENOTDIR};
    return '';
  }
  return -l _ ? 'link' : -d _ ? 'folder' : -f _ ? 'file' : -p _ ? 'FIFO' : -S _ ? 'socket' : 'device';
}

# resolved(<folder on the volume>, <target>): the path on the volume, relative to its top and without links, or nothing. For an
# absolute path of production's host, the first part may be production's mount point; the rest is searched on the volume.
sub resolved {
  my ($folder, $target, $followed) = @_;
  $followed ||= 0;
  return if $target eq '' or length $target > 4096 or $target =~ /[\000-\037\177]/ or $followed > 40;
  my @at = grep { length } split m{/}, $folder;
  my @rest = grep { length and $_ ne '.' } split m{/}, $target;
  if ($target =~ m{^/}) {
    (my $own) = grep { $target eq $_ or index($target, "$_/") == 0 } $top, $point;
    if (defined $own) { return resolved('', substr($target, length $own) || '.', $followed + 1) }
    for my $from (0 .. $#rest) {
      next unless kind_of(join '/', $top, $rest[$from]);
      next if grep { $_ eq '..' } @rest;
      my $found = resolved('', join('/', @rest[ $from .. $#rest ]), $followed + 1);
      next unless defined $found;
      return $found;
    }
    return;
  }
  while (@rest) {
    my $name = shift @rest;
    if ($name eq '..') { return unless @at; pop @at; next }
    my $path = join '/', $top, @at, $name;
    my $kind = kind_of($path) || return;
    if ($kind eq 'link') {
      my $next = readlink $path;
      return unless defined $next;
      my $found = resolved(join('/', @at), $next, ++$followed);
      return unless defined $found;
      @at = grep { length } split m{/}, $found;
      next;
    }
    return if $kind ne 'folder' and @rest;
    push @at, $name;
  }
  return join '/', @at;
}

# Checks the target of a link, or of a file with a path in it.
sub pointer {
  my ($path, $how, $folder, $target, $here, $real) = @_;
  $links++;
  $unsaid = '';
  my $found = resolved($folder, $target);
  if (!defined $found) {
    return unreadable($path, $unsaid) if length $unsaid;
    return line('skip', $path, "$how $target, which is not on this volume; nothing opens it") if $path =~ $HARMLESS;
    return line('fail', $path, "$how $target, which is not on this volume", 'data on the volume');
  }
  my $kind = kind_of("$top/$found");
  if ($kind ne 'file' and $kind ne 'folder') { return special($path, "leads to a $kind") }
  $inside{$found} = 1;
  if (keys %inside > $TARGETS) { line('error', $path, "is one of more than $TARGETS links", 'fewer'); exit 0 }
  push @folders, [$found, $path, 0] if $kind eq 'folder' and !$walked{$found};
  sizes($how =~ /link/ ? $path : $found, "$top/$found") if $kind eq 'file';
  push @astray, [$here, $found, $how] unless is_same($real, "$top/$found");
}

# is_same(<path>, <path>): whether this host resolves both to the same file
sub is_same {
  my ($one, $other) = map { join ' ', (stat $_)[0, 1] } @_;
  return ($one ne '' and $one eq $other);
}

sub write_new {
  my ($name, $text) = @_;
  sysopen(my $file, $name, O_WRONLY | O_CREAT | O_EXCL, 0644) or return;
  return (print {$file} $text and close $file);
}

# mend: replaces each link or file whose path is wrong on this host, without writing through a link
sub mend {
  for (@astray) {
    my ($here, $found, $how) = @$_;
    my $new = "$top/$here.ib-check";
    unlink $new;
    my $made = $how =~ /link/ ? symlink "$top/$found", $new : write_new($new, "$top/$found");
    ($made and rename $new, "$top/$here") ? line('mended', $here) : line('error', $here, "leads to $found of the volume by production's path, and cannot be changed: $!", 'a volume that can be written');
  }
}

# An error of the file system alone proves nothing: the kernel log shows what it means.
sub unreadable {
  my ($path, $error) = @_;
  line('error', $path, "cannot be read: $error", 'a file or folder that can be read');
}

sub special {
  my ($path, $what) = @_;
  return line('skip', $path, "$what; nothing opens it") if $path =~ $HARMLESS or $what =~ /socket/ and $path !~ /\./;
  line('fail', $path, $what, 'a file');
}

sub sizes {
  my ($path, $real) = @_;
  for (@LIMITS) {
    my ($name, $most) = @$_;
    next unless $path =~ $name;
    my $size = -s $real || 0;
    line('fail', $path, "has $size bytes", "$most at most in such a file") if $size > $most;
    return $size <= $most;
  }
  return 1;
}

# Reads the path of a tablespace from a text file (.isl).
sub path_in {
  my ($path, $here) = @_;
  my $real = "$top/$here";
  sizes($path, $real) or return;
  open(my $file, '<', $real) or return unreadable($path, $!);
  my $target = do { local $/; <$file> };
  $target = '' unless defined $target;
  $target =~ s/[\r\n\0 ]+\z//;
  # Relative to the data directory, as a server reads it.
  pointer($path, 'says that its data is in', $below, $target, $here, $target =~ m{^/} ? $target : "$data/$target");
}

# entry(<folder on the volume>, <the folder's name for messages>, <name>, <depth>)
sub entry {
  my ($folder, $as, $name, $depth) = @_;
  my $here = length $folder ? "$folder/$name" : $name;
  my $path = length $as ? "$as/$name" : $name;
  $unsaid = '';
  my $kind = kind_of("$top/$here");
  # It was removed after its folder was read.
  if ($kind eq '') { return length $unsaid ? unreadable($path, $unsaid) : () }
  if ($name =~ /[\000-\037\177]/) { line('warn', $path, 'has a control character in its name: no table has', 'another name') if !$odd++ }
  if ($kind eq 'folder') { push @folders, [$here, $path, $depth + 1] }
  elsif ($kind eq 'link') {
    my $target = readlink "$top/$here";
    defined $target ? pointer($path, 'is a link to', $folder, $target, $here, "$top/$here") : unreadable($path, $!);
  }
  elsif ($kind eq 'file') { $path =~ /\.isl$/ ? path_in($path, $here) : sizes($path, "$top/$here") }
  else { special($path, "is a $kind") }
}

sub walk {
  @folders = ([ $below, '', 0 ]);
  while (my $next = pop @folders) {
    my ($folder, $as, $depth) = @$next;
    next if $walked{$folder}++;
    if ($depth > $DEPTH) { line('error', $as, "is nested more than $DEPTH folders deep", 'the folders of a database server'); next }
    opendir(my $handle, "$top/$folder") or do { unreadable($as, $!); next };
    while (defined(my $name = readdir $handle)) {
      next if $name eq '.' or $name eq '..';
      if (++$entries > $ENTRIES) { line('error', $as, "is one of more than $ENTRIES files", 'fewer'); return }
      entry($folder, $as, $name, $depth);
    }
  }
}

if (defined $list) {
  open(my $paths, '<', $list) or die "walk: $list: $!\n";
  while (my $path = <$paths>) {
    chomp $path;
    line('outside', $path) unless defined resolved($below, $path);
  }
} else {
  walk();
  mend() unless $faults;
  line('inside', $_) for sort keys %inside;
}
line('end', $entries, $links);
