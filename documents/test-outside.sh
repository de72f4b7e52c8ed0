# Words from outside: of the volume, of the server, of a tool. They are data, whatever is in them: matched against their
# pattern before they meet arithmetic, SQL or a name, and nobody runs as root who reads them for us.
# shellcheck shell=bash

CLIENT_USER=''

# as_user <user> <command>...: without root's rights and groups; nothing changes where the script itself is not root.
# In place of su, which asks PAM and opens a session for each question. exec drops the saved user too.
as_user() {
  if [ "$EUID" -ne 0 ] || [ -z "$1" ]; then
    shift
    exec "$@"
  fi
  exec perl -e '
    my $name = shift;
    my ($uid, $gid) = (getpwnam $name)[2, 3];
    defined $gid or die "ERROR: this host has no user $name\n";
    $) = "$gid $gid";
    $( = $gid;
    ($<, $>) = ($uid, $uid);
    $< == $uid and $> == $uid and $) == $gid and $( == $gid or die "ERROR: cannot become the user $name\n";
    exec { $ARGV[0] } @ARGV or die "ERROR: $ARGV[0]: $!\n"' "$@"
}

# is_count <text>: one that arithmetic may have, 18 digits at most
is_count() { case $1 in '' | *[!0-9]* | 0?* | ???????????????????*) return 1 ;; esac; }

are_counts() {
  local text
  for text in "$@"; do is_count "$text" || return 1; done
}

is_hex() { case $1 in '' | *[!0-9A-Fa-f]*) return 1 ;; esac && [ $((${#1} % 2)) -eq 0 ]; }

# is_askable <name>: the server is not asked about others. The client of MySQL 5.1 has commands that begin with a
# backslash, and reads line by line. Inside of quotes a backslash before a letter is nothing but itself.
is_askable() { case $1 in *\\ | *\\[!A-Za-z0-9_]* | *[[:cntrl:]]*) return 1 ;; esac; }
