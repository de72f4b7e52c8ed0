# A part of ahead.pl and of memory.pl: what is free of the memory that this process may use.

# free_memory: the free memory of host and control group, in bytes
sub free_memory {
  my %of;
  if (open my $file, '<', $ENV{IB_MEMINFO} || '/proc/meminfo') { while (<$file>) { $of{$1} = 1024 * $2 if /^(\w+):\s+(\d+)/ } }
  my $free = $of{MemAvailable} // ($of{MemFree} || 0) + ($of{Cached} || 0);
  for (groups()) {
    my ($limit, $used, %stat) = map { number("$_->[0]/$_->[1]") } [$_, -e "$_/memory.max" ? 'memory.max' : 'memory.limit_in_bytes'],
      [$_, -e "$_/memory.max" ? 'memory.current' : 'memory.usage_in_bytes'];
    next unless defined $limit and defined $used;
    if (open my $file, '<', "$_/memory.stat") { while (<$file>) { $stat{$1} = $2 if /^(?:total_)?(\w+) (\d+)/ } }
    my $left = $limit - $used + ($stat{inactive_file} || 0) + ($stat{active_file} || 0);
    $free = $left if $left < $free;
  }
  return $free < 0 ? 0 : $free;
}

sub number {
  open(my $file, '<', $_[0]) or return;
  my $text = <$file>;
  return defined $text && $text =~ /^(\d+)/ ? $1 : undef;
}

# groups: the folders of this process's control group and of those above it
sub groups {
  my (@found, %mounts);
  if (open my $file, '<', '/proc/mounts') {
    while (<$file>) {
      my (undef, $place, $type, $options) = split ' ';
      $mounts{2} = $place if $type eq 'cgroup2';
      $mounts{1} = $place if $type eq 'cgroup' and $options =~ /\bmemory\b/;
    }
  }
  open(my $file, '<', '/proc/self/cgroup') or return ();
  while (<$file>) {
    chomp;
    my ($number, $which, $path) = split /:/, $_, 3;
    my $top = $which eq '' ? $mounts{2} : $which =~ /\bmemory\b/ ? $mounts{1} : undef;
    next unless defined $top and defined $path;
    for (; $path ne '' and $path ne '/'; $path =~ s{/[^/]*$}{}) { push @found, "$top$path" if -d "$top$path" }
    # In a container the group of all its processes.
    push @found, $top;
  }
  return @found;
}
