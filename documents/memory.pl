# memory.pl <unit>: prints the memory that is free for this process, in units of so many bytes. Needs free-memory.pl, Perl 5.10 and
# only its core modules.
use strict;
use warnings;

# left_to_commit: how much more memory the kernel promises, in bytes, or nothing: if vm.overcommit_memory is 2, it refuses the rest
sub left_to_commit {
  return unless (number($ENV{IB_OVERCOMMIT} || '/proc/sys/vm/overcommit_memory') // 0) == 2;
  my %of;
  open(my $file, '<', $ENV{IB_MEMINFO} || '/proc/meminfo') or return;
  while (<$file>) { $of{$1} = 1024 * $2 if /^(Commit\w+):\s+(\d+)/ }
  return unless defined $of{CommitLimit} and defined $of{Committed_AS};
  return $of{CommitLimit} > $of{Committed_AS} ? $of{CommitLimit} - $of{Committed_AS} : 0;
}

my ($free, $left) = (free_memory(), left_to_commit());
printf "%d\n", (defined $left && $left < $free ? $left : $free) / $ARGV[0];
