# views.pl <data directory>: compares the text of each view with the checksum that the server wrote beside it.
# Lines: fail  <subject>  <seen>  <expected>, and at the end  end  <views>
# Needs Perl 5.10 and its own Digest::MD5.
use strict;
use warnings;
use Digest::MD5 qw(md5_hex);

my ($data) = @ARGV;
my %MEANS = ('\\' => '\\', n => "\n", 0 => "\0", z => "\032", "'" => "'");
my $views = 0;

for my $path (definitions()) {
  # Not a link, which may lead anywhere, and not a pipe, which never ends.
  next unless lstat $path and -f _;
  open(my $file, '<', $path) or next;
  binmode $file;
  read $file, my $text, 1 << 20;
  next unless defined $text and $text =~ /\ATYPE=VIEW\n/;
  $views++;
  # A truncated file has no text; the server reports that itself.
  my ($query) = $text =~ /^query=(.*)$/m or next;
  my ($sum) = $text =~ /^md5=([0-9a-f]{32})$/m;
  $query =~ s/\\(.)/exists $MEANS{$1} ? $MEANS{$1} : "\\$1"/ges;
  next if defined $sum and md5_hex($query) eq $sum;
  my ($schema, $name) = $path =~ m{([^/]+)/([^/]+)\.frm\z};
  my @found = defined $sum ? ('the text of this view is not what its checksum (md5 in the .frm) was made of', "md5 $sum") : ('this view has no checksum', 'md5 in the .frm');
  print join("\t", 'fail', "$schema.$name", @found), "\n";
}
print "end\t$views\n";

# Without glob, which would split a path at a space.
sub definitions {
  my @found;
  opendir(my $folders, $data) or return;
  for my $folder (sort grep { !/^\./ } readdir $folders) {
    opendir(my $files, "$data/$folder") or next;
    push @found, map { "$data/$folder/$_" } sort grep { /\.frm\z/ } readdir $files;
  }
  return @found;
}
