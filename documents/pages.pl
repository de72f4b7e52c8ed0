# pages.pl <log sequence number> <current number> <index ids, commas between> <file of InnoDB>...: whether InnoDB wrote a page
# with rows or index entries after that number. Each page's header has the number of its last change; a page that a disk
# damaged, or an older version of a page, has no later number. Without ids, every index counts.
# Prints "later" or nothing. Needs Perl 5.10.
use strict;
use warnings;
use Fcntl qw(O_RDONLY O_NOFOLLOW O_NONBLOCK);

my ($from, $to, $indexes, @files) = @ARGV;
my %wanted = map { $_ => 1 } split /,/, $indexes;

# The page size, from the flags in the first page: with MariaDB's full_crc32 (bit 4) in the low bits; otherwise in bits 1 to 4
# for compressed tables, and in bits 6 to 9 for sizes other than 16 KiB.
sub page_size {
  my $flags = shift;
  return 512 << ($flags & 15) if $flags & 16 and ($flags & 15) >= 3;
  return 512 << ($flags >> 1 & 15) if $flags >> 1 & 15;
  return $flags >> 6 & 15 ? 512 << ($flags >> 6 & 15) : 16384;
}

for my $name (@files) {
  sysopen(my $file, $name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK) or next;
  next unless -f $file and sysread($file, my $head, 1024) == 1024;
  # Only the first file of the system tablespace has the flags.
  my $size = $name =~ /ibdata\d*\z/ ? 16384 : page_size(unpack 'x54 N', $head);
  sysseek $file, 0, 0;
  my $many = $size * int((1 << 20) / $size);
  while (my $count = sysread $file, my $pages, $many) {
    for (my $at = 0; $at + $size <= $count; $at += $size) {
      my ($lsn, $type) = unpack 'x16 Q> n', substr $pages, $at, 26;
      # Index pages: B-trees, roots of tables with instantly added columns, R-trees.
      next unless $lsn > $from and $lsn <= $to and ($type == 17855 or $type == 17854 or $type == 18);
      next if %wanted and !$wanted{ unpack 'x66 Q>', substr $pages, $at, 74 };
      print "later\n";
      exit;
    }
  }
}
