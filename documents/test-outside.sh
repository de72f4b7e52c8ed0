# Untrusted text: from the volume, the server or a tool. It is only data: it is matched against a pattern before it is used
# in arithmetic, SQL or a name, and no program that parses it runs as root.
# shellcheck shell=bash

CLIENT_USER=''

# as_user <user> <command>...: runs the command without root's rights and groups; if the script is not root, nothing changes.
# Used instead of su, which calls PAM and opens a session for each statement. exec also drops the saved user id.
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

# is_count <text>: a number that is safe in arithmetic, 18 digits at most
is_count() { case $1 in '' | *[!0-9]* | 0?* | ???????????????????*) return 1 ;; esac; }

are_counts() {
  local text
  for text in "$@"; do is_count "$text" || return 1; done
}

is_hex() { case $1 in '' | *[!0-9A-Fa-f]*) return 1 ;; esac && [ $((${#1} % 2)) -eq 0 ]; }

# is_askable <name>: whether the name can be used in a statement. MySQL 5.1's client reads line by line and has commands that
# begin with a backslash; only in quotes and before a letter is a backslash harmless.
is_askable() { case $1 in *\\ | *\\[!A-Za-z0-9_]* | *[[:cntrl:]]*) return 1 ;; esac; }
