# ahead.pl <data directory> <folder> <test's pid> <its start> <parent's pid> <requests>: reads the test's files
# ahead of it, with many requests outstanding. A volume from a snapshot fetches each block at its first read, and the test alone
# would wait for each. In <folder>:
#   ahead.order   what the test will read, in its order, one unit per line; until it exists, all tables by name
#   ahead.at      "<first unit that is still being read> <pid that reads> <MB of its heap>"
#   ahead.state   the progress: "<bytes of all> <bytes that the test has read> <bytes read> <MiB/s> <most bytes ahead> <cold|warm>"
#   ahead.errors  "<file> <error>" of the first file that the device could not read
# Units, tabs between: "file <path>...", "table <folder/table>...", "column <folder/table> <column>",
# "rows <folder/table> <column> <first pack> <packs>", "newest <folder/table>".
# It ends when the test or its parent does. Needs Perl 5.10 and only its core modules.
use strict;
use warnings;
use Errno qw(EIO EINTR);
use Fcntl qw(O_RDONLY O_NOFOLLOW O_NONBLOCK);
use POSIX ();
use Time::HiRes qw(time);

my ($data, $folder, $owner, $owner_start, $parent, $requests) = @ARGV;
my $JOB  = 512 * 1024;   # EBS fetches 512 KiB at a time
my $READ = 128 * 1024;
my $SLOW = 0.004;        # what a block takes that has to be fetched, and more; from a warm volume it comes in 1 ms
my $PACK_NODE = 37;

my (@workers, @idle, $acks);
# The order: its units; the files of units reached so far, as [path, from, to]; the current place; the bytes from its beginning
# to each unit reached, and to the end of the last one.
my (@units, @files, @unit_at, $come, $at_file, $at_offset, $at_bytes);
my $all = 0;
# Whether the volume seems to be cold. That is judged by the last requests: the bytes of each, and whether it was slow.
my ($read, $most, $mode, @back) = (0, 0);
my (@recent, $recent_bytes, $recent_slow);
my $sure = 32 << 20;
# What this order has read, and what the previous order had read: one bit for each whole job of a path.
my (%reads, %have);
my ($seen_order, $last_tick, $last_told, $told_read, $rate, $told_error) = ('', 0, time, 0, 0, 0);
my ($position, $position_unit, $position_read) = (0, -1, 0);
my $window = 0;

# ---- Workers

# work <orders> <acks>: one request outstanding
sub work {
  my ($orders, $to) = @_;
  my ($name, $file, $bytes) = ('');
  while (defined(my $line = <$orders>)) {
    chomp $line;
    my ($number, $offset, $length, $path) = split / /, $line, 4;
    my ($first, $got, $error) = (0, 0, 0);
    if ($name ne $path) {
      $name = $path;
      undef $file;
      sysopen($file, "$data/$path", O_RDONLY | O_NOFOLLOW | O_NONBLOCK) and -f $file or undef $file;
    }
    my $began = time;
    if ($file and sysseek $file, $offset, 0) {
      while ($got < $length) {
        my $count = sysread $file, $bytes, $length - $got < $READ ? $length - $got : $READ;
        if (!defined $count) { next if $! == EINTR; $error = 0 + $!; last }
        last if $count == 0;
        my $took = time - $began;
        $first = $took if $got == 0;
        $got += $count;
      }
    }
    $first = time - $began if $error;
    syswrite $to, pack 'LLLL', $number, $got, 1e6 * $first, $error;
  }
}

sub start_workers {
  pipe $acks, my $to or die "pipe: $!\n";
  for my $number (0 .. $requests - 1) {
    pipe my $orders, my $give or die "pipe: $!\n";
    my $pid = fork;
    last unless defined $pid;
    if ($pid == 0) {
      $SIG{$_} = 'DEFAULT' for qw(HUP INT TERM);
      close $_->{give} for @workers;
      close $give;
      close $acks;
      work($orders, $to);
      POSIX::_exit(0);
    }
    select((select($give), $| = 1)[0]);
    push @workers, { pid => $pid, give => $give };
    push @idle, $number;
  }
}

# stop: workers end with their request
sub stop {
  $SIG{$_} = 'IGNORE' for qw(HUP INT TERM);
  kill 'TERM', map { $_->{pid} } @workers;
  waitpid $_->{pid}, 0 for @workers;
  POSIX::_exit(0);
}

sub start_of {
  open(my $file, '<', "/proc/$_[0]/stat") or return '';
  my $stat = <$file>;
  return defined $stat && $stat =~ /.*\) (.*)/ ? (split ' ', $1)[19] : '';
}

# ---- Scheduling

# tick: from time to time checks for a new order and for the end of the test, and writes the progress
sub tick {
  my $now = time;
  return if $now - $last_tick < 0.1;
  $last_tick = $now;
  stop() if getppid() != $parent or start_of($owner) ne $owner_start;
  my @stat = stat "$folder/ahead.order";
  my $order = @stat ? "$stat[1] $stat[9]" : '';
  if ($order ne $seen_order) { $seen_order = $order; take_order("$folder/ahead.order") }
  $window = memory_to_cache();
  $position = come_to();
  # The first time at once, so that the total is known.
  return if $now - $last_told < 1 and -e "$folder/ahead.state";
  my $seen = ($read - $told_read) / ($now - $last_told);
  $rate = $mode eq 'cold' ? ($rate ? ($rate + $seen) / 2 : $seen) : $rate;
  ($last_told, $told_read) = ($now, $read);
  say_state();
}

sub say_state {
  open(my $file, '>', "$folder/ahead.state.new") or return;
  printf $file "%d %d %d %d %d %s\n", $all, $position, $read, $rate / 1048576, $most, $mode;
  close $file;
  rename "$folder/ahead.state.new", "$folder/ahead.state";
}

sub say_error {
  my ($path, $error) = @_;
  return if $told_error++;
  open(my $file, '>', "$folder/ahead.errors") or return;
  local $! = $error;
  $path =~ s/[[:cntrl:]]/ /g;
  print $file "$path\t$!\n";
}

# give <job>: gives it to an idle worker
sub give {
  my ($job) = @_;
  my $number = pop @idle;
  my $ahead = $at_bytes - $position;
  $most = $ahead if $ahead > $most;
  $workers[$number]{job} = $job;
  vec($reads{ $job->[0] } //= '', $job->[3], 1) = 1 if defined $job->[3];
  print { $workers[$number]{give} } "$number $job->[1] $job->[2] $job->[0]\n";
}

# take <seconds>: takes the workers' results as they come
sub take {
  my ($wait) = @_;
  my $bits = '';
  vec($bits, fileno $acks, 1) = 1;
  my $ready = select $bits, undef, undef, $wait;
  return unless $ready and $ready > 0;
  my $count = sysread $acks, my $bytes, 16 * $requests;
  stop() unless $count;
  for (unpack '(a16)*', $bytes) {
    my ($number, $got, $first, $error) = unpack 'LLLL', $_;
    push @idle, $number;
    $read += $got;
    seen($got, $first > 1e6 * $SLOW ? 1 : 0);
    say_error($workers[$number]{job}[0], $error) if $error == EIO;
  }
}

# judge_anew <mode>: judges only by requests from now on
sub judge_anew {
  ($mode) = @_;
  (@recent, $recent_bytes, $recent_slow) = ();
}

# seen <bytes> <whether it was slow>
sub seen {
  push @recent, [@_];
  $recent_bytes += $_[0];
  $recent_slow += $_[1];
  # A cold volume becomes warm only after more bytes than another order or the test itself may have read into memory.
  $sure = 256 << 20 if $recent_slow >= 8;
  while ($recent_bytes - $recent[0][0] >= $sure) {
    my ($bytes, $slow) = @{ shift @recent };
    $recent_bytes -= $bytes;
    $recent_slow -= $slow;
  }
}

sub is_warm { return ($recent_bytes >= $sure and $recent_slow < 8) }

# Cold: all workers read. Warm: one worker reads samples; if two of four are slow, all workers start again after the last sample
# that was not slow.
sub go_on {
  my $busy = @workers - @idle;
  if ($at_bytes - $position >= $window or !has_more()) { take(0.1); return }
  if ($mode eq 'cold') {
    if (is_warm()) { judge_anew('warm'); @back = ($at_file, $at_offset, $at_bytes); return }
    while (@idle and $at_bytes - $position < $window) { give(next_job() // last) }
    take(0.1);
    return;
  }
  if ($busy) { take(0.1); return }
  my $slow = grep { $_->[1] } @recent > 4 ? @recent[ -4 .. -1 ] : @recent;
  if (@recent and !$recent[-1][1]) { @back = ($at_file, $at_offset, $at_bytes) }
  if ($slow >= 2) {
    judge_anew('cold');
    ($at_file, $at_offset, $at_bytes) = @back if @back;
    return;
  }
  # On a warm volume, sample one piece in 16; if it may be cold, the very next piece.
  if (@recent and !$recent[-1][1]) { select undef, undef, undef, 0.01; for (1 .. 15) { next_job() // last } }
  my $job = next_job() or return;
  give($job);
}

$SIG{$_} = \&stop for qw(HUP INT TERM);
$SIG{PIPE} = 'IGNORE';
start_workers();
judge_anew('cold');
take_order(undef);
while (1) { tick(); go_on() }
