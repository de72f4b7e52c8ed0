# layout.pl <data directory> <mount point>: what the files show of production's settings for InnoDB and Aria: page size,
# system files, the places of these, of the redo log and of the undo files, page compression, encryption, and the version of
# the server. One fact per line, with tabs between fields; only reads.
use strict;
use warnings;
use 5.010;

my ($data, $top) = @ARGV;
# Names that a data directory has many of. None of them is a file that this looks for.
my $TABLES = qr/\.(?:ibd|frm|MYD|MYI|MAD|MAI|par|opt|CSV|CSM|TRG|TRN|isl|ARZ|bht)$/;
my @ALGORITHMS = qw(none zlib lz4 lzo lzma bzip2 snappy);
my ($FSP_HEADER, $ENCRYPTED, $PAGE_COMPRESSED, $PAGE_COMPRESSED_ENCRYPTED) = (8, 15, 34354, 37401);

# Names from the volume are untrusted: none of them can add a line or a field.
sub told { my @fields = @_; tr/\x00-\x1f\x7f/?/ for @fields; print join("\t", @fields), "\n" }

# start_of <file> <bytes>: its first bytes, fewer if the file is shorter
sub start_of {
  my ($path, $count) = @_;
  open(my $file, '<:raw', $path) or return '';
  read($file, my $bytes, $count) // return '';
  return $bytes;
}

sub number { return length $_[0] >= $_[1] + 4 ? unpack 'N', substr $_[0], $_[1], 4 : 0 }
sub short { return length $_[0] >= $_[1] + 2 ? unpack 'n', substr $_[0], $_[1], 2 : 0 }

# names <folder>: the names in it
sub names {
  my ($folder) = @_;
  opendir(my $handle, $folder) or return;
  return sort grep { $_ ne '.' and $_ ne '..' } readdir $handle;
}

sub is_folder { return !-l $_[0] && -d _ }
sub is_file { return !-l $_[0] && -f _ }

# page_size <first bytes of a system file>: found by the page number, which each page has at its fifth byte
sub page_size {
  for my $size (4096, 8192, 16384, 32768, 65536) {
    return $size if 3 == grep { number($_[0], $_ * $size + 4) == $_ } 1 .. 3;
  }
  return 0;
}

# is_system <file>: whether it is the first file of InnoDB's system tablespace, under any name: space 0, page 0, type FSP_HDR
sub is_system {
  my ($path) = @_;
  return 0 if -s $path < 1048576;
  my $bytes = start_of($path, 262144);
  return short($bytes, 24) == $FSP_HEADER && number($bytes, 34) == 0 && number($bytes, 4) == 0 && page_size($bytes) > 0;
}

# search <folder> <levels> <wanted>: wanted files below it, without other data directories and the tables' files
sub search {
  my ($folder, $levels, $wanted) = @_;
  my @found;
  for my $name (names($folder)) {
    my $path = "$folder/$name";
    next if $name =~ $TABLES;
    if (is_folder($path)) {
      next if $levels == 0 or ($path ne $data and index("$data/", "$path/") != 0 and -d "$path/mysql");
      push @found, search($path, $levels - 1, $wanted);
    } elsif (is_file($path) and $wanted->($name, $path)) {
      push @found, $path;
    }
  }
  return @found;
}

# find_beside <wanted>: the one found on the volume, or nothing; several are reported, because none can be preferred
sub find_beside {
  my ($what, $wanted) = @_;
  my %folders;
  for my $path (search($top, 4, $wanted)) { $folders{$1}++ if $path =~ m{^(.*)/[^/]*$} }
  my @folders = sort keys %folders;
  told('several', $what, join ', ', @folders) if @folders > 1;
  return @folders == 1 ? $folders[0] : '';
}

# system_files: where InnoDB's home is and what is in it
sub system_files {
  my $first = "$data/ibdata1";
  if (!is_file($first)) {
    my @found = search($top, 4, sub { $_[0] !~ /^(?:ib_logfile|undo_?\d|ibtmp|aria_log|#)/ and is_system($_[1]) });
    told('several', 'system file of InnoDB', join ', ', @found) if @found > 1;
    return if @found != 1;
    $first = $found[0];
  }
  my $bytes = start_of($first, 262144);
  my $page = page_size($bytes);
  my ($home, $name) = $first =~ m{^(.*)/([^/]*)$};
  my $says = number($bytes, 46);
  my @files = ($name);
  my $pages = $page ? int((-s $first) / $page) : 0;
  # If the header has more pages than this file, the next files follow: by name, and by the number of their first page.
  my ($stem, $count) = $name =~ /^(.*?)(\d+)$/;
  while ($page and defined $stem and $pages < $says) {
    $count++;
    my $next = "$stem$count";
    last unless is_file("$home/$next");
    my $start = start_of("$home/$next", 38);
    last if number($start, 4) != $pages and $start =~ /[^\0]/;
    push @files, $next;
    $pages += int((-s "$home/$next") / $page);
  }
  told('home', $home);
  told('system', $_, -s "$home/$_") for @files;
  told('page', $page, $says, $pages) if $page;
  my %undo;
  if ($page) {
    my $slots = substr start_of($first, 6 * $page), 5 * $page + 56, 128 * 8;
    $undo{ unpack 'N', $_ }++ for unpack '(a8)*', $slots;
    delete @undo{ 0, 4294967295 };
  }
  told('encrypted', $name) if is_encrypted($bytes, $page || 16384);
  # MySQL from 8.0 on always has two undo files, which this file does not name.
  return ($page || 16384, -f "$data/mysql.ibd" ? 2 : scalar keys %undo);
}

# is_encrypted <first bytes> <page size>: the first page has a scheme and the fourth a key, or MySQL's encryption flag is set
sub is_encrypted {
  my ($bytes, $page) = @_;
  my $type = short($bytes, 3 * $page + 24);
  return 1 if ($type >= $ENCRYPTED and $type <= $ENCRYPTED + 2) or $type == $PAGE_COMPRESSED_ENCRYPTED;
  my $at = index substr($bytes, 0, $page), "s\x0e\x0cREt";
  return $at >= 0 && substr($bytes, $at + 6, 1) eq "\1" && number($bytes, 3 * $page + 26) != 0;
}

# compression <first bytes> <page size>: how its pages are compressed
sub compression {
  my ($bytes, $page) = @_;
  my $flags = number($bytes, 54);
  my $kind = $flags & 16 ? $flags >> 5 & 7 : 0;
  # Before full checksums, each compressed page has its own algorithm.
  $kind = number($bytes, 3 * $page + 30) if !($flags & 16) and short($bytes, 3 * $page + 24) == $PAGE_COMPRESSED;
  return $kind;
}

sub redo_log {
  my ($has_system) = @_;
  my $at = $data;
  my @here = grep { /^ib_logfile\d+$/ } names($data);
  my @new = -d "$data/#innodb_redo" ? grep { /^#ib_redo\d+$/ } names("$data/#innodb_redo") : ();
  if (!@here and !@new and $has_system) {
    $at = find_beside('redo log of InnoDB', sub { $_[0] =~ /^ib_logfile0$|^#ib_redo\d+$/ }) or return;
    @here = grep { /^ib_logfile\d+$/ } names($at);
  }
  return unless @here or @new or $at ne $data;
  my $header = start_of("$at/ib_logfile0", 48);
  my $creator = length $header == 48 ? unpack 'Z32', substr $header, 16, 32 : '';
  $creator = '' if $creator !~ /^[ -~]+$/;
  $at =~ s{/#innodb_redo$}{};
  # Without the first of several files there is no log.
  return if @here and !@new and !-e "$at/ib_logfile0";
  told('redo', $at, scalar @here, -s "$at/ib_logfile0" || 0, $creator);
  told('blank', 'ib_logfile0') if @here and start_of("$at/ib_logfile0", 4096) =~ /^\0{4096}\z/;
  # A format of MariaDB 10.2 and later, with its highest bit set.
  told('encrypted', 'the redo log') if $header =~ /^(?:\x80\0\0[\1-\x7f]|\xd0[Hh][Yy][Ss])/;
}

# undo_files <whether there have to be some>: in the data directory the server finds them without a setting
sub undo_files {
  my ($count) = @_;
  my $wanted = sub { $_[0] =~ /^undo_?0*1$/ };
  return if !$count or grep { $wanted->($_) } names($data);
  my $folder = find_beside('undo files of InnoDB', $wanted) or return told('undo', '-', $count);
  told('undo', $folder, scalar grep { /^undo_?\d+$/ } names($folder));
}

# record_length <definition>: the length in it; 0 if there is none, or if there are virtual columns, which are not stored
sub record_length {
  my ($path) = @_;
  return 0 unless is_file($path);
  my $bytes = start_of($path, 65536);
  return 0 unless $bytes =~ /^\xfe\x01/ and length $bytes > 64;
  my $names = unpack 'v', substr $bytes, 4, 2;
  return 0 if length $bytes < 68 + $names;
  my $at = unpack 'V', substr $bytes, 64 + $names, 4;
  return 0 if length $bytes < $at + 288 or unpack 'v', substr $bytes, $at + 286, 2;
  return unpack 'v', substr $bytes, $at + 266, 2;
}

# tables <page size>: reads each table file's own header
sub tables {
  my ($page, $has_system) = @_;
  my ($innodb, $aria) = (0, 0);
  my %seen;
  for my $schema (grep { is_folder("$data/$_") } names($data)) {
    for my $name (names("$data/$schema")) {
      if ($name =~ /\.ibd$/) {
        $innodb++;
        my $bytes = start_of("$data/$schema/$name", 4 * $page);
        my $kind = compression($bytes, $page);
        my $table = "$schema." . substr $name, 0, -4;
        $seen{ $ALGORITHMS[$kind] // "number $kind" } //= $table if $kind;
        told('encrypted', $table) if is_encrypted($bytes, $page);
      } elsif ($name =~ /\.MAI$/) {
        $aria++;
        my $bytes = start_of("$data/$schema/$name", 1024);
        my $base = short($bytes, 12);
        told('encrypted', "$schema." . substr $name, 0, -4) if $bytes =~ /^\xfe\xfe\x09/ and substr($bytes, $base + 91, 1) eq "\1";
        my $length = record_length("$data/$schema/" . substr($name, 0, -4) . '.frm');
        # Aria opens a table with a definition from another time, and reads its rows by that.
        told('differs', "$schema." . substr($name, 0, -4), $length, number($bytes, $base + 60))
          if $length and $bytes =~ /^\xfe\xfe\x09/ and length $bytes > $base + 64 and $length != (number($bytes, $base + 60) & 65535);
      } elsif (!$has_system and $name =~ /\.frm$/) {
        my $bytes = start_of("$data/$schema/$name", 64);
        # The engine's number; for a partitioned table, the partitions' engine. InnoDB is 12.
        $innodb++ if length $bytes > 61 and 12 == (ord(substr $bytes, 3, 1) == 20 ? ord substr $bytes, 61, 1 : ord substr $bytes, 3, 1);
      }
    }
  }
  told('compressed', $_, $seen{$_}) for sort keys %seen;
  told('tables', $innodb, $aria);
  return $aria;
}

my ($page, $undo) = system_files();
my $has_system = defined $page;
redo_log($has_system);
undo_files($undo);
my $aria_tables = tables($page || 16384, $has_system);
# Aria's control file and logs; an emptied file does not count.
my $aria = -f "$data/aria_log_control" || !$aria_tables ? $data : find_beside('log of Aria', sub { $_[0] eq 'aria_log_control' });
my @logs = grep { /^aria_log\.\d+$/ and -s "$aria/$_" } $aria eq '' ? () : names($aria);
told('aria', $aria, -f "$aria/aria_log_control" ? 1 : 0, scalar @logs);
# The version that wrote this directory, as recorded by its upgrade program.
for my $name (qw(mariadb_upgrade_info mysql_upgrade_info)) {
  my $text = start_of("$data/$name", 80);
  told('version', $1) if $text =~ /^([0-9]+\.[0-9]+[^\s\0]*)/;
}
told('end');
