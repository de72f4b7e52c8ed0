# The state of the host: the server's limits, and whether the host had trouble when something failed.
# shellcheck shell=bash

TROUBLE=''
# The server's limits, as last read; empty means unlimited.
LIMIT_FILES='' LIMIT_THREADS='' LIMIT_SPACE='' LIMIT_SIZE=''

# read_limits <pid>: a wrapper may have set the server's limits, so this shell's may differ
read_limits() {
  local line
  {
    while IFS= read -r line; do
      # shellcheck disable=SC2086 # words
      case $line in
        'Max open files'*) set -- ${line#Max open files} && LIMIT_FILES=${1#unlimited} ;;
        'Max processes'*) set -- ${line#Max processes} && LIMIT_THREADS=${1#unlimited} ;;
        'Max address space'*) set -- ${line#Max address space} && LIMIT_SPACE=${1#unlimited} ;;
        'Max file size'*) set -- ${line#Max file size} && LIMIT_SIZE=${1#unlimited} ;;
      esac
    done <"/proc/$1/limits"
  } 2>/dev/null || true
}

# threads_of <user>: how many threads it has
threads_of() {
  local number
  number=$(id -u "$1" 2>/dev/null) || return 0
  # One cat for all processes.
  { cat /proc/[0-9]*/status 2>/dev/null || true; } | awk -v user="$number" '
    $1 == "Uid:" { mine = ($2 == user) } $1 == "Threads:" && mine { sum += $2 } END { print sum + 0 }'
}

# tight_limits: sets TROUBLE to a limit that the server may have reached
tight_limits() {
  TROUBLE=''
  if [ -n "$LIMIT_SPACE" ] && [ "$LIMIT_SPACE" -lt 2147483648 ]; then
    TROUBLE="its address space is limited to $((LIMIT_SPACE / 1048576)) MiB on this host"
  elif [ -n "$LIMIT_FILES" ] && [ "$LIMIT_FILES" -lt 1024 ]; then
    TROUBLE="it may open only $LIMIT_FILES files on this host"
  elif [ -n "$LIMIT_SIZE" ]; then
    TROUBLE="its files may have only $LIMIT_SIZE bytes on this host"
  elif [ -n "$LIMIT_THREADS" ] && [ "$LIMIT_THREADS" -lt 4096 ] && [ "$SSM_serverUser" != root ] &&
    [ "$((LIMIT_THREADS - $(threads_of "$SSM_serverUser")))" -lt 64 ]; then
    TROUBLE="its user $SSM_serverUser may have only $LIMIT_THREADS threads on this host"
  fi
  [ -n "$TROUBLE" ]
}

# is_read_only <folder where it is mounted>
is_read_only() {
  local found
  found=$(mount_at "$1")
  case ,${found##* }, in *,ro,*) return 0 ;; esac
  return 1
}

# free_kb <folder>
free_kb() { df -Pk "$1" 2>/dev/null | awk 'NR == 2 { print $4 }'; }

# host_in_trouble <status of the server, or 0>: sets TROUBLE to why the host may be to blame
host_in_trouble() {
  local folder free
  TROUBLE=''
  # Signals for limits (SIGXCPU, SIGXFSZ), for a page that could not be read (SIGBUS), for a forbidden call.
  case $1 in
    135) TROUBLE='SIGBUS: memory or a file could not be had' ;;
    132 | 152 | 153 | 159) TROUBLE="signal $(($1 - 128)): not by the data" ;;
  esac
  [ -z "$TROUBLE" ] || return 0
  if tight_limits; then return 0; fi
  if is_read_only "$MOUNT_POINT"; then
    TROUBLE="the volume at $MOUNT_POINT is mounted read-only now"
    return 0
  fi
  for folder in "$DATA" "$SCRATCH"; do
    free=$(free_kb "$folder")
    if [ -n "$free" ] && [ "$free" -lt 1024 ]; then
      TROUBLE="$folder has only $free KiB left"
      return 0
    fi
  done
  free=$(memory_kb)
  if [ -n "$free" ] && [ "$free" -lt 32768 ]; then
    TROUBLE="this host has only $free KiB of memory left"
    return 0
  fi
  return 1
}

# memory_kb: what is free for this process on the host and in its control group, or nothing on a host without Perl
memory_kb() { memory 1024 2>/dev/null || true; }

# check_limits: reads the server's limits before it starts. The shell's own are raised as far as possible.
check_limits() {
  local used
  ulimit -Sn "$(ulimit -Hn)" 2>/dev/null || true
  read_limits $$
  used=$(threads_of "$SSM_serverUser")
  if tight_limits; then unchecked "the test server has too little room: $TROUBLE; raise the limits of the SSM agent or of the user"; fi
  record preflight pass limits "${LIMIT_FILES:-any number of} open files, ${LIMIT_THREADS:-any number of} threads, $used in use by $SSM_serverUser"
}

# check_room: the running server's limits. Without free files it lists too few tables, without an error.
check_room() {
  if tight_limits; then unchecked "the test server has too little room: $TROUBLE; raise the limits of the SSM agent or of the user"; fi
}

# has_aio: whether the kernel has contexts left for asynchronous I/O; another server may use them all
has_aio() {
  local used most
  { read -r used <"${IB_PROC_FS:-/proc/sys/fs}/aio-nr" && read -r most <"${IB_PROC_FS:-/proc/sys/fs}/aio-max-nr"; } 2>/dev/null || return 0
  [ $((most - used)) -ge 8192 ] # number: the kernel's
}
