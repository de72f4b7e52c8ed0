# files.pl write <data directory> <earlier manifest>: a line for each file, with its hash, for the manifest.
# files.pl list <data directory>: the same lines without hashes, and without the Knowledge Grid, which queries may write.
# files.pl unchanged <data directory> <earlier manifest>: the tables whose files have not changed since.
# files.pl compare <data directory> <manifest> <seconds>: compares the files with the manifest; for this many seconds also
# their hashes, the newest files first, the rest from another place each day. Lines: fail|warn  <subject>  <seen>  <expected>,
# and at the end  end  <files>  <bytes>  <files hashed>  <bytes hashed>
# Needs Perl 5.10 and its own Digest::SHA.
use strict;
use warnings;
use Digest::SHA;
use Fcntl qw(O_RDONLY O_NOFOLLOW O_NONBLOCK);
use Errno;
use File::Find;
use POSIX ();

my ($mode, $data, $manifest, $seconds) = @ARGV;
my $began = time;
$| = 1;

# Files that a server writes although no data changes; and InnoDB's files and Aria's logs, which have checksums of their own.
my $NOT_DATA = qr{(^|/)(\#sql[^/]*|lost\+found|ib-backup-manifest[^/]*|ibdata\d*|ibtmp\d*|ib_logfile\d+|ib_buffer_pool
  |undo_?\d+|aria_log[^/]*|tc\.log|(master|relay-log|multi-master)\.info|(general|slow)_log\.CS[MV])$
  |\.(err|log|pid|sock|ibd|TMD|lower_test)$}x;

sub line { my @fields = @_; s/[\t\r\n]/ /g for @fields; print join("\t", @fields), "\n" }
sub escaped { my $text = shift; $text =~ s/([%\000-\037\177])/sprintf '%%%02x', ord $1/ge; return $text }
sub progress { printf STDERR "%5ds %s\n", time - $began, shift }

# The name of Infobright's cache folder, which may be in the data directory. Its path is production's.
sub cache_folder {
  open(my $ini, '<', "$data/brighthouse.ini") or return '';
  my ($name) = map { m{^\s*CacheFolder\s*=.*?([^/\s]+)/?\s*$} ? $1 : () } <$ini>;
  return defined $name ? $name : '';
}

# The names of the files of the binary log and of replication, from the index files that list them.
sub log_names {
  opendir(my $folder, $data) or return {};
  my %names;
  for my $index (grep { /\.index\z/ } readdir $folder) {
    my ($base) = $index =~ /^(.+)\.index\z/ or next;
    sysopen(my $file, "$data/$index", O_RDONLY | O_NOFOLLOW | O_NONBLOCK) or next;
    my $line = -f $file ? <$file> // '' : '';
    $names{$base} = 1 if $line eq '' or $line =~ m{(^|/)\Q$base\E\.\d+$};
  }
  return \%names;
}

sub is_log {
  my ($path, $names) = @_;
  return $path =~ m{^([^/]+)\.(\d+|index|state)\z} && ($names->{$1} or $1 =~ /-bin\z/);
}

# The files below the data directory: path => [size, mtime, ctime, inode].
sub files {
  my %found;
  my $cache = cache_folder();
  my $logs = log_names();
  find({ no_chdir => 1, follow_skip => 2, wanted => sub {
    return if $File::Find::name eq $data;
    my $path = substr $File::Find::name, length($data) + 1;
    return if $path =~ $NOT_DATA or is_log($path, $logs) or $cache ne '' and index($path, "$cache/") == 0;
    my @stat = lstat $File::Find::name;
    $found{$path} = [ @stat[7, 9, 10, 1] ] if -f _;
  } }, $data);
  return \%found;
}

sub hash_of {
  my ($path) = @_;
  sysopen(my $file, "$data/$path", O_RDONLY | O_NOFOLLOW | O_NONBLOCK) or return;
  binmode $file;
  my $sum = eval { Digest::SHA->new(256)->addfile($file)->hexdigest };
  return $sum;
}

# The files of a manifest, and its start time. A manifest that is incomplete or changed is not used.
sub read_manifest {
  my ($name) = @_;
  open(my $file, '<', $name) or return;
  binmode $file;
  my ($sum, %of, $end, $when, $lsn) = Digest::SHA->new(256);
  while (my $text = <$file>) {
    if ($text =~ /^end\t([0-9a-f]{64})\n\z/) { $end = $1; last }
    $sum->add($text);
    chomp $text;
    my ($kind, @fields) = split /\t/, $text, -1;
    $when = $fields[1] if $kind eq 'ib-backup-manifest' and $fields[0] =~ /^[12]\z/;
    $lsn = $fields[0] if $kind eq 'innodb';
    next unless $kind eq 'file' and @fields == 6;
    my $path = pop @fields;
    $path =~ s/%([0-9a-f]{2})/chr hex $1/ge;
    $of{$path} = \@fields;
  }
  return unless defined $when and defined $end and $end eq $sum->hexdigest;
  return (\%of, $when, $lsn);
}

# A hash is taken over from the previous manifest only if nothing about the file changed since that manifest was started.
sub write_lines {
  my ($old, $when) = -e $manifest ? read_manifest($manifest) : ();
  my $files = files();
  my ($done, $again, $next) = (0, 0, $began + 5);
  for my $path (sort keys %$files) {
    my @now = @{ $files->{$path} };
    my $was = $old && $old->{$path};
    my $hash;
    if ($was and "@now" eq "@$was[0 .. 3]" and $now[2] < $when) { $hash = $was->[4]; $again++ }
    else { $hash = hash_of($path) }
    if (!defined $hash) { print STDERR escaped($path), " cannot be read: $!\n"; exit 3 }
    my @later = lstat "$data/$path";
    if (!@later or "@later[7, 9, 10, 1]" ne "@now") { print STDERR escaped($path), " changed while it was being read\n"; exit 3 }
    line('file', @now, $hash, escaped($path));
    $done++;
    if (time >= $next) { $next = time + 30; progress("$done of " . keys(%$files) . ' files hashed') }
  }
  my $end = files();
  for my $path (keys %$files) {
    next if $end->{$path} and "@{ $end->{$path} }" eq "@{ $files->{$path} }";
    print STDERR escaped($path), " changed while the others were being read\n";
    exit 3;
  }
  if (my ($new) = grep { !$files->{$_} } keys %$end) { print STDERR escaped($new), " came while the others were being read\n"; exit 3 }
  progress("$done files, of which $again are as they were in the last manifest");
}

sub list_lines {
  my $files = files();
  for (sort grep { !m{^BH_RSI_Repository/} } keys %$files) { line('file', @{ $files->{$_} }, escaped($_)) }
}

sub unchanged {
  my ($old, $when) = read_manifest($manifest);
  return unless $old;
  my ($files, %same) = files();
  for (keys %$files, keys %$old) {
    my ($now, $was) = ($files->{$_}, $old->{$_});
    $same{ group($_) } = ($now && $was && "@$now" eq "@$was[0 .. 3]" && $now->[2] < $when) && ($same{ group($_) } // 1);
  }
  print "$_\n" for sort grep { $same{$_} } keys %same;
}

# Files that belong together: those of one table, otherwise the file alone.
sub group {
  my ($path) = @_;
  # The files of a partition have a # after the table's name.
  return "$1.$2" if $path =~ m{^([^/]+)/([^/]+?)(?:#[^/]*)?(?:\.bht/[^/]+|\.[A-Za-z]+)$} and $1 ne 'BH_RSI_Repository' and $2 ne 'db';
  return $path;
}

sub compare {
  my ($of, $when, $lsn) = read_manifest($manifest);
  if (!$of) { line('error', 'manifest', 'it is cut short or damaged', 'a whole manifest'); return }
  my $files = files();
  my (%faults, %later);
  my $differs = sub {
    my ($path, $seen, $expected) = @_;
    my $now = $files->{$path};
    push @{ $faults{ group($path) } }, [$path, $seen, $expected];
    # A new file has no earlier time to compare with.
    my $was = $of->{$path} ? $of->{$path}[1] : -1;
    $later{ group($path) } = 1 if $now and $now->[1] >= $when and $now->[1] != $was;
  };
  my $logs = log_names();
  delete $of->{$_} for grep { is_log($_, $logs) } keys %$of;
  my ($bytes, $hashed, $hashed_bytes) = (0, 0, 0);
  my @same;
  for my $path (sort keys %$of) {
    $bytes += $of->{$path}[0];
    my $now = $files->{$path};
    if (!$now) { $differs->($path, 'is missing', 'a file of ' . $of->{$path}[0] . ' bytes') }
    elsif ($now->[0] != $of->{$path}[0]) { $differs->($path, "$now->[0] bytes", "$of->{$path}[0] bytes") }
    else { push @same, $path }
  }
  $differs->($_, 'is not in the manifest', 'no such file') for sort grep { !$of->{$_} } keys %$files;
  my @unread;
  my @order = in_turn($of, @same);
  my %hash = hashes_of(@order);
  for my $path (grep { exists $hash{$_} } @order) {
    my $hash = $hash{$path};
    if ($hash =~ /^!(\d+)/) {
      local $! = $1;
      # An error of the device is not a fault of the data: the caller judges it.
      if ($!{EIO}) { push @unread, [$path, "cannot be read: $!"] }
      else { $differs->($path, "cannot be read: $!", 'a file that can be read') }
      next;
    }
    $hashed++;
    $hashed_bytes += $of->{$path}[0];
    $differs->($path, "has another content (SHA-256 " . substr($hash, 0, 12) . '...)', substr($of->{$path}[4], 0, 12) . '...')
      if $hash ne $of->{$path}[4];
  }
  for my $group (sort keys %faults) {
    my @all = @{ $faults{$group} };
    if ($later{$group}) {
      line('warn', $group, scalar(@all) . " files were changed after the manifest was written, such as $all[0][0]",
        'no change between manifest and snapshot');
      next;
    }
    my ($path, $seen, $expected) = @{ $all[0] };
    line('fail', $group, ($path eq $group ? $seen : "$path $seen") . (@all > 1 ? ', and ' . (@all - 1) . ' more files' : ''), $expected);
  }
  line('unread', $unread[0][0], $unread[0][1] . (@unread > 1 ? ', and ' . (@unread - 1) . ' more files' : ''), 'a volume that can be read')
    if @unread;
  if (!defined $lsn) { innodb_by_time($when) }
  line('end', scalar(keys %$of), $bytes, $hashed, $hashed_bytes);
}

# For a manifest without InnoDB's log sequence number (format 1, or a user without the right to query it), only file times show
# what was changed later.
sub innodb_by_time {
  my $when = shift;
  my %tables;
  find({ no_chdir => 1, wanted => sub {
    my @stat = lstat $File::Find::name;
    $tables{ group(substr $File::Find::name, length($data) + 1) } = 1 if /\.ibd\z/ and -f _ and $stat[9] >= $when;
  } }, $data);
  line('warn', $_, "InnoDB's file was written after the manifest", 'no change between manifest and snapshot') for sort keys %tables;
}

sub cores {
  open(my $file, '<', '/proc/cpuinfo') or return 1;
  return (grep { /^processor\s*:/ } <$file>) || 1;
}

# hashes_of <paths>: path => hash, or ! and the error number, as far as there was time. One process for each core.
sub hashes_of {
  my @paths = @_;
  my ($cores, %hash) = (cores());
  tell_order(@paths);
  pipe my $from, my $to or die "pipe: $!\n";
  for my $core (0 .. $cores - 1) {
    my $parent = $$;
    my $pid = fork;
    die "fork: $!\n" unless defined $pid;
    next if $pid;
    for (my $at = $core; $at < @paths and time - $began <= $seconds and getppid() == $parent; $at += $cores) {
      my $hash = hash_of($paths[$at]);
      # Short enough to be written atomically to a pipe with several writers.
      syswrite $to, "$at " . (defined $hash ? $hash : '!' . (0 + $!)) . "\n";
    }
    POSIX::_exit(0);
  }
  close $to;
  my $done = 0;
  while (my $line = <$from>) {
    chomp $line;
    my ($at, $hash) = split / /, $line;
    $hash{ $paths[$at] } = $hash;
    tell_place($done - $cores) if ++$done % 16 == 0;
  }
  1 while wait > 0;
  return %hash;
}

# tell_order <paths>: tells ahead.pl, if it runs, what comes next
sub tell_order {
  my $folder = $ENV{IB_AHEAD} or return;
  open(my $file, '>', "$folder/ahead.order.new") or return;
  print $file "file\t$_\n" for @_;
  close $file;
  tell_place(0);
  rename "$folder/ahead.order.new", "$folder/ahead.order";
}

sub tell_place {
  my $folder = $ENV{IB_AHEAD} or return;
  open(my $file, '>', "$folder/ahead.at") or return;
  print $file $_[0] < 0 ? 0 : $_[0], " 0\n";
}

# The newest tenth first; then the others, each day from another place.
sub in_turn {
  my ($of, @paths) = @_;
  return () unless @paths;
  @paths = sort { $of->{$b}[1] <=> $of->{$a}[1] || $a cmp $b } @paths;
  my @newest = splice @paths, 0, 1 + int(@paths / 10);
  return @newest unless @paths;
  @paths = sort @paths;
  my $from = int($began / 86400) * (1 + int(@paths / 7)) % @paths;
  return (@newest, @paths[ $from .. $#paths ], @paths[ 0 .. $from - 1 ]);
}

my %do = (write => \&write_lines, list => \&list_lines, unchanged => \&unchanged, compare => \&compare);
$do{$mode}->();
