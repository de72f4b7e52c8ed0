# canary.pl <data directory>: damages the largest table of the copy on purpose; a working test must find that. Prints one line:
# the damaged file, its table, and how. It changes bytes that the test has to read. MyISAM has no checksums, so if there are only
# MyISAM tables, it truncates a file to its half.
use strict;
use warnings;
use File::Find;

my ($data) = @ARGV;
my %size;
find({ no_chdir => 1, wanted => sub {
  my $path = substr $File::Find::name, length $data;
  return if $path =~ m{^/(mysql|sys|sys_infobright|performance_schema|BH_RSI_Repository)/} or -l $File::Find::name or !-f $File::Find::name;
  $size{$File::Find::name} = -s _ if $path =~ m{/[^/#]+\.(ibd|MAD|MYD)$|\.bht/TA\d{14}\.ctb$};
} }, $data);

# Nothing reads older pack files of an Infobright table. A column's current file has its highest number, except that loads may
# alternate between 0 and 1, so both of those are damaged.
for my $path (sort { ($a =~ /MYD$/) <=> ($b =~ /MYD$/) || $size{$b} <=> $size{$a} || $a cmp $b } keys %size) {
  if ($path =~ /MYD$/ and $size{$path} > 1000) {
    truncate $path, $size{$path} / 2 or die "canary: $path: $!\n";
    say_what($path, 'cut to its half');
    exit 0;
  }
  my @places = $path =~ /\.ibd$/ ? page_in_use($path) : $size{$path} > 20000 ? int($size{$path} / 2) : ();
  next unless @places;
  my @files = ($path);
  push @files, grep { exists $size{$_} } map { my $twin = $path; $twin =~ s/\d{9}\.ctb$/sprintf '%09d.ctb', $_/e; $twin } grep { $path =~ /\.ctb$/ } 0, 1;
  my %done;
  for my $file (grep { !$done{$_}++ } @files) { invert($file, $file eq $path ? $places[0] : int($size{$file} / 2)) }
  say_what($path, "64 bytes at $places[0] inverted");
  exit 0;
}
print STDERR "canary: no table in $data is large enough to be damaged\n";
exit 1;

# The table's name, as structure.pl prints it.
sub say_what {
  my ($path, $how) = @_;
  $path = substr $path, 1 + length $data;
  (my $table = $path) =~ s{\.(bht/.*|[A-Za-z]+)$}{};
  $table =~ s{/}{.};
  $table =~ s/@@@//g;
  $table =~ s/@([0-9a-f]{4})/my $c = chr hex $1; utf8::encode($c); $c/ge unless $table =~ /@(?![0-9a-f]{4})/;
  print "$path\t$table\t$how\n";
}

# The last page of an InnoDB file with rows or an index: type 17855 at offset 24.
sub page_in_use {
  my ($path) = @_;
  open(my $file, '<', $path) or return;
  binmode $file;
  for (my $at = int($size{$path} / 2 / 16384) * 16384; $at > 3 * 16384; $at -= 16384) {
    my $bytes;
    return $at + 8192 if seek $file, $at + 24, 0 and read($file, $bytes, 2) == 2 and unpack('n', $bytes) == 17855;
  }
  return;
}

sub invert {
  my ($path, $at) = @_;
  my $bytes;
  open(my $file, '+<', $path) or die "canary: $path: $!\n";
  binmode $file;
  seek $file, $at, 0;
  read $file, $bytes, 64;
  seek $file, $at, 0;
  print $file ~$bytes;
  close $file or die "canary: $path: $!\n";
}
