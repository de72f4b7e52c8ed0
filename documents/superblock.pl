# superblock.pl <device> <kernel release> [read]: reads the superblocks of ext2 to ext4, XFS and btrfs.
# Writes lines, with tabs between fields:
#   type        <xfs|ext2|ext3|ext4|btrfs>  <bytes that the file system takes>  <bytes that the device has>
#   several     <which part is on another volume>
#   damaged     <a contradiction that does not depend on the kernel>
#   lacks       <what this kernel is not known to support>
#   copy        <xfs|ext>  <offset>    of a superblock, if there is none at the beginning
#   unreadable  <offset>  <why>
# With `read` it reads what a mount reads (headers, journal), for half a minute at most, and prints only `unreadable` lines.
# Needs Perl 5.10 and its core module POSIX.
use strict;
use warnings;
use POSIX ();

my ($device, $release, $read) = @ARGV;
my ($major, $minor) = $release =~ /^(\d+)\.(\d+)/;
my $kernel = $major + $minor / 1000;
my $page   = POSIX::sysconf(POSIX::_SC_PAGESIZE());
my $until  = time + 30;
my $sector = sector_of($device);
my %told;

sub line { print join("\t", @_), "\n" unless $told{"@_"}++ or $read and $_[0] ne 'unreadable' }

open(my $file, '<', $device) or do { line('unreadable', 0, "$!"); exit };
binmode $file;
my $size = sysseek($file, 0, 2);

# The device's sector size; for a partition, that of its disk.
sub sector_of {
  my ($name) = $_[0] =~ m{([^/]+)$};
  for my $folder ("/sys/class/block/$name", "/sys/class/block/$name/..") {
    open(my $said, '<', "$folder/queue/logical_block_size") or next;
    return 0 + <$said>;
  }
  return 512;
}

sub at {
  my ($offset, $length) = @_;
  my $bytes = '';
  return if $offset < 0 or $offset + $length > $size;
  sysseek($file, $offset, 0);
  my $got = sysread($file, $bytes, $length);
  if (!defined $got) { line('unreadable', $offset, "$!"); return }
  return $got == $length ? $bytes : undef;
}

sub region {
  my ($from, $length) = @_;
  for (my $at = $from; $at < $from + $length and $at < $size and time < $until; $at += 65536) {
    my $left = $size - $at;
    at($at, $left < 65536 ? $left : 65536);
  }
}

sub crc32c {
  my $crc = 0xffffffff;
  for my $byte (unpack 'C*', $_[0]) {
    $crc ^= $byte;
    $crc = $crc & 1 ? $crc >> 1 ^ 0x82f63b78 : $crc >> 1 for 1 .. 8;
  }
  return $crc;
}

# unsupported <name> <bits> <first kernel for each bit>: a distribution's kernel may support more, so mounting is tried anyway
sub unsupported {
  my ($name, $bits, %since) = @_;
  for my $number (0 .. 31) {
    my $bit = 1 << $number;
    next if !($bits & $bit) or defined $since{$bit} && $since{$bit} <= $kernel;
    line('lacks', sprintf('%s 0x%x', $name, $bit));
  }
}

my %EXT_INCOMPAT = (
  0x2 => 0, 0x4 => 0, 0x10 => 0, 0x40 => 0, 0x80 => 0, 0x200 => 0, 0x100 => 3, 0x400 => 4.013, 0x2000 => 4.004, 0x4000 => 4.013,
  0x8000 => 3.008);
$EXT_INCOMPAT{0x10000} = 4.001 if -e '/sys/fs/ext4/features/encryption';
$EXT_INCOMPAT{0x20000} = 5.002 if -e '/sys/fs/ext4/features/casefold';
my %EXT_RO = (
  (map { $_ => 0 } 1, 2, 4, 8, 0x10, 0x20, 0x40, 0x1000), 0x100 => 3.006, 0x200 => 3.002, 0x400 => 3.005, 0x2000 => 4.005,
  0x8000 => 5.004, 0x10000 => 5.015);
my %JOURNAL = (1 => 0, 2 => 0, 4 => 0, 8 => 3.005, 0x10 => 3.018, 0x20 => 5.01);
my %XFS_INCOMPAT = (
  1 => 3.01, 2 => 4.002, 4 => 4.003, 8 => 5.01, 0x10 => 5.011, 0x20 => 5.019, 0x40 => 6.01, 0x80 => 6.01, 0x100 => 6.013,
  0x200 => 6.015, 0x400 => 6.015);
my %XFS_RO = (1 => 3.016, 2 => 4.008, 4 => 4.009, 8 => 5.01);

# The superblock's backup of the journal inode has the start of the journal.
sub ext_journal {
  my ($super, $block) = @_;
  my @words = unpack 'x268 V15', $super;
  my $first = $words[0];
  my $length = 1024;
  if (($words[0] & 0xffff) == 0xf30a) {
    return if $words[1] >> 16;    # more than one level deep
    $first = $words[5] + ($words[4] >> 16) * 2**32;
    $length = $words[4] & 0x7fff;
  }
  my $head = $first ? at($first * $block, 1024) : undef;
  return unless defined $head;
  my ($magic, $kind, $compat, $incompat, $ro) = unpack 'N N x28 N N N', $head;
  if ($magic != 0xc03b3998) {
    line('damaged', 'the journal has no superblock where the file system says that it begins') if unpack('x253 C', $super) == 1;
    return;
  }
  if ($kind == 4) {
    unsupported('journal feature incompat', $incompat, %JOURNAL);
    unsupported('journal feature ro_compat', $ro);
  }
  region($first * $block, $length * $block) if $read;
}

sub ext {
  my $super = at(1024, 1024);
  return unless defined $super and unpack('x56 v', $super) == 0xef53;
  my ($blocks, $log) = unpack 'x4 V x16 V', $super;
  my ($compat, $incompat, $ro) = unpack 'x92 V3', $super;
  my ($journal, $journal_device) = unpack 'x224 V2', $super;
  return if $log > 6 or !$blocks;
  $blocks += unpack('x336 V', $super) * 2**32 if $incompat & 0x80;
  my $block = 1024 << $log;
  my $type = $incompat & ~0x1e || $ro & ~7 ? 'ext4' : $compat & 4 ? 'ext3' : 'ext2';
  if ($incompat & 8) {
    line('several', 'its file system is elsewhere, this is the journal');
    return;
  }
  line('type', $type, $blocks * $block, $size);
  line('several', "the journal of the $type is elsewhere") if $compat & 4 and !$journal and $journal_device;
  line('damaged', 'the superblock does not have the checksum that it names')
    if $ro & 0x400 and crc32c(substr $super, 0, 1020) != unpack 'x1020 V', $super;
  unsupported("$type feature incompat", $incompat, %EXT_INCOMPAT);
  unsupported("$type feature ro_compat", $ro, %EXT_RO);
  line('lacks', "$type blocks of $block bytes, more than a page of memory")
    if $block > $page and !-e '/sys/fs/ext4/features/blocksize_gt_pagesize';
  line('lacks', "$type blocks of $block bytes, less than the device's $sector") if $block < $sector;
  ext_journal($super, $block) if $compat & 4 and $journal;
  return 1;
}

sub xfs {
  my $super = at(0, 512);
  return unless defined $super and substr($super, 0, 4) eq 'XFSB';
  my ($block, $blocks, $realtime, $log) = unpack 'x4 N Q> Q> x24 Q>', $super;
  my ($group, $groups, $log_blocks, $version) = unpack 'x84 N N x4 N n', $super;
  return if $block < 512 or $block > 65536 or $block & $block - 1 or !$blocks;
  line('type', 'xfs', $blocks * $block, $size);
  line('several', 'the log of the XFS is elsewhere') unless $log;
  line('several', 'the realtime part of the XFS is elsewhere') if $realtime;
  my $old = ($version & 15) < 5;
  line('lacks', 'XFS of the old format, without checksums') if $old and $kernel >= 5.01;
  line('lacks', 'XFS with names in either case (ascii-ci)') if $version & 0x4000 and $kernel >= 5.013;
  line('lacks', "XFS blocks of $block bytes, more than a page of memory") if $block > $page and ($old or $kernel < 6.012);
  my $sectors = unpack 'x102 n', $super;
  line('lacks', "XFS sectors of $sectors bytes, less than the device's $sector") if $sectors < $sector;
  if (!$old) {
    my ($ro, $incompat) = unpack 'x212 N N', $super;
    my $whole = at(0, $sectors) || '';
    my $sum = length $whole < 512 ? undef : unpack 'x224 V', $whole;
    substr($whole, 224, 4) = "\0" x 4 if defined $sum;
    line('damaged', 'the superblock does not have the checksum that it names')
      if !defined $sum or (crc32c($whole) ^ 0xffffffff) != $sum;
    line('lacks', 'XFS with checksums') if $kernel < 3.01;
    unsupported('XFS feature ro_compat', $ro, %XFS_RO);
    unsupported('XFS feature incompat', $incompat, %XFS_INCOMPAT);
  }
  if ($read) {
    my $bits = unpack 'x124 C', $super;
    region((($log >> $bits) * $group + ($log & (1 << $bits) - 1)) * $block, $log_blocks * $block);
    for my $number (0 .. $groups - 1) { at($number * $group * $block, 8 * $block) if time < $until }
  }
  return 1;
}

sub btrfs {
  my $super = at(65536, 4096);
  return unless defined $super and substr($super, 64, 8) eq '_BHRfS_M';
  my ($bytes, $devices) = unpack 'x112 Q< x16 Q<', $super;
  line('several', "the btrfs is on $devices") if $devices > 1;
  return 1;
}

# Later groups begin with copies of the superblock. Only the lost superblock had the group size, so those of mkfs are tried.
sub copies {
  for my $count (2, 4, 8, 16, 32) {
    for my $offset (map { (int($size / 4096 / $count) + $_) * 4096 } 0, 1) {
      my $bytes = at($offset, 512);
      return line('copy', 'xfs', $offset) if defined $bytes and substr($bytes, 0, 4) eq 'XFSB';
    }
  }
  for my $offset (8193 * 1024, 16384 * 2048, 32768 * 4096, 3 * 32768 * 4096) {
    my $bytes = at($offset, 1024);
    return line('copy', 'ext', $offset) if defined $bytes and unpack('x56 v', $bytes) == 0xef53 and unpack('x90 v', $bytes);
  }
}

if ($read) {
  region(0, 1 << 20);
  region($size - (1 << 20), 1 << 20);
}
my @found = grep { $_->() } \&ext, \&xfs;
# The superblock of a former btrfs may be left.
copies() unless @found or btrfs() or $read;
