# memory.pl <unit>: prints the memory that is free for this process, in units of so many bytes. Needs free-memory.pl, Perl 5.10 and
# only its core modules.
use strict;
use warnings;

printf "%d\n", free_memory() / $ARGV[0];
