# A part of ahead.pl: how far it may read ahead of the test, which depends on what the host's memory can cache. Needs free-memory.pl.

# memory_to_cache: half of what is left when the server has taken all of its heap, in bytes
sub memory_to_cache {
  my $left = free_memory() - heap_to_come();
  return $left > 0 ? $left / 2 : 0;
}

# heap_to_come: how much of its heap the server has not yet taken, in bytes
sub heap_to_come {
  open(my $file, '<', "$folder/ahead.at") or return 0;
  my (undef, $pid, $heap) = split ' ', <$file> // '';
  return 0 unless defined $heap and $heap =~ /^\d+$/;
  $heap <<= 20;
  if (open my $status, '<', "/proc/$pid/status") { while (<$status>) { $heap -= 1024 * $1 if /^VmRSS:\s+(\d+)/ } }
  return $heap > 0 ? $heap : 0;
}

# come_to: how far the test has read, in bytes of the order; within a unit by what the reading process has read. If the test is
# ahead of this, the part between is skipped.
sub come_to {
  my ($unit, $pid) = (0, 0);
  if (open my $file, '<', "$folder/ahead.at") { ($unit, $pid) = split ' ', <$file> // '' }
  $unit = 0 unless defined $unit and $unit =~ /^\d+$/;
  if ($unit > $#unit_at) {
    push @unit_at, ($come) x ($unit - @unit_at);
    ($at_file, $at_offset, $at_bytes, @back) = (scalar @files, undef, $come);
    return $come if $unit >= @units;
    expand();
  }
  1 while $at_bytes < $unit_at[$unit] and next_job();
  my $by = 0;
  if ($pid and open my $file, '<', "/proc/$pid/io") { $by = $1 if (<$file> // '') =~ /^rchar: (\d+)/ }
  if ($unit != $position_unit) { ($position_unit, $position_read) = ($unit, $by) }
  my $size = ($unit < $#unit_at ? $unit_at[ $unit + 1 ] : $come) - $unit_at[$unit];
  my $inside = $by > $position_read ? $by - $position_read : 0;
  return $unit_at[$unit] + ($inside < $size ? $inside : $size);
}
