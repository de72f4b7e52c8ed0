# The test's own database server, on the restored directory, isolated from everything else.
# shellcheck shell=bash

SERVER_PID=''
SERVER_START=''
SCRATCH=''
SOCKET=''
# Infobright's heap, in MB, or nothing.
HEAP_MB=''

# make_scratch: a private folder for socket, logs and temporary files, not on the restored volume
make_scratch() {
  SCRATCH=$RUN_DIRECTORY/scratch
  [ ! -s "$RUN_DIRECTORY/scratch.path" ] || SCRATCH=$(cat "$RUN_DIRECTORY/scratch.path")
  # Remove what an earlier call of this run left.
  [ ! -e "$SCRATCH" ] || find "$SCRATCH" -mindepth 1 -delete
  mkdir -p "$SCRATCH/tmp" "$SCRATCH/cache" "$SCRATCH/grid" || unchecked "cannot make the folder $SCRATCH on this host"
  SOCKET=$SCRATCH/s
  if [ "$(id -u)" -eq 0 ]; then
    id "$SSM_serverUser" >/dev/null 2>&1 || unchecked "this host has no user $SSM_serverUser"
    chown -R "$SSM_serverUser" "$SCRATCH"
  fi
}

# give_data_to_server: production's user mysql may have another uid than ours, and the copy is thrown away
give_data_to_server() {
  local folder=$DATA root
  [ "$(id -u)" -eq 0 ] || return 0
  # The user must be able to pass the folders from the top of the volume down to it.
  while [ "$folder" != "$MOUNT_POINT" ]; do
    folder=${folder%/*}
    chmod o+x "$folder" || unchecked "cannot open $folder to $SSM_serverUser on this host"
  done
  give_to_server "$DATA"
  # Folders and files that links within the volume lead to are data too.
  root=$(readlink -f "$MOUNT_POINT")
  for folder in ${INSIDE[@]+"${INSIDE[@]}"}; do
    folder=$root/$folder
    give_to_server "$folder"
    while [ "$folder" != "$root" ]; do
      folder=${folder%/*}
      chmod o+x "$folder" || unchecked "cannot open $folder to $SSM_serverUser on this host"
    done
  done
}

# give_to_server <file or folder>: chown -R does not follow links
give_to_server() {
  local said
  [ -n "$(find "$1" ! -user "$SSM_serverUser" -print 2>/dev/null | head -n 1)" ] || return 0
  progress_now "giving $1 to $SSM_serverUser"
  # Only the first line: a line for each file would be more than SSM keeps.
  said=$(chown -hR "$SSM_serverUser" "$1" 2>&1) || unchecked "cannot give $1 to $SSM_serverUser on this host: ${said%%$'\n'*}"
}

# point_infobright_at_scratch: at its start the server empties the CacheFolder of brighthouse.ini, which on this
# host may be another server's.
point_infobright_at_scratch() {
  local ini=$DATA/brighthouse.ini text grid new
  [ -f "$ini" ] || return 0
  # Rewriting the file as text below would repair it. Such bytes are counted: for grep a zero byte ends a line.
  if [ "$(tr -d '\011-\015\040-\377' <"$ini" | wc -c)" -gt 0 ]; then
    record settings fail brighthouse.ini 'holds bytes that are no text' 'settings'
    return
  fi
  grep -Eaq '^[[:space:]]*(ServerMainHeapSize|LoaderMainHeapSize|KNFolder)[[:space:]]*=' "$ini" ||
    record settings warn brighthouse.ini 'has none of the usual settings: is it whole?' 'ServerMainHeapSize and others'
  grid=$(sed -n 's/^[[:space:]]*KNFolder[[:space:]]*=[[:space:]]*//p' "$ini" | tr -d '\000\r' | tail -n 1)
  case $grid in
    /*)
      # Production's absolute path does not exist here. Use the backup's grid folder if it is there, otherwise a new one.
      if [ -d "$DATA/${grid##*/}" ]; then grid=$DATA/${grid##*/}; else grid=$SCRATCH/grid; fi
      ;;
    # A path with ".." is not on the volume.
    ../* | */../* | */.. | ..) grid=$SCRATCH/grid ;;
    *) grid='' ;;
  esac
  text=$(grep -Eav '^[[:space:]]*CacheFolder[[:space:]]*=' "$ini" || true)
  [ -z "$grid" ] || text=$(grep -Eav '^[[:space:]]*KNFolder[[:space:]]*=' <<<"$text" || true)
  fit_heap "$text"
  [ -z "$HEAP_MB" ] || text=$(grep -Eav '^[[:space:]]*ServerMainHeapSize[[:space:]]*=' <<<"$text" || true)
  # Replaced by a new file, so that nothing is written through a link.
  { new=$(mktemp "$DATA/brighthouse.XXXXXX") && chmod 644 "$new" &&
    printf '%s\nCacheFolder = %s\n%s%s' "$text" "$SCRATCH/cache" "${grid:+KNFolder = $grid$'\n'}" \
      "${HEAP_MB:+ServerMainHeapSize = $HEAP_MB$'\n'}" >"$new" &&
    { [ "$EUID" -ne 0 ] || chown "$SSM_serverUser" "$new"; } && mv -f "$new" "$ini"; } || unchecked "cannot write $ini"
  now_at 0
}

# fit_heap <text of brighthouse.ini>: sets HEAP_MB. A column that is larger than the heap is unpacked again for each look-up. So the
# heap is what this host's memory allows, and more than 8000 MB only if production's is. The server judges two such lines, and a value
# that is no number.
fit_heap() {
  local heap line='^[[:space:]]*ServerMainHeapSize[[:space:]]*=[[:space:]]*' room=$MEMORY_KB most
  [ -z "$LIMIT_SPACE" ] || [ "$((LIMIT_SPACE / 1024))" -ge "$room" ] || room=$((LIMIT_SPACE / 1024)) # number: the kernel's
  most=$((room * 6 / 10 / 1024)) # number: the kernel's
  HEAP_MB=$((most < 8000 ? most : 8000))
  heap=$(grep -Ea "$line" <<<"$1") || heap=''
  [ -n "$heap" ] || return 0
  if ! [[ $heap =~ $line([0-9]+)[[:space:]]*(#.*)?$ ]]; then
    HEAP_MB=''
  elif [ "${#BASH_REMATCH[1]}" -lt 10 ] && [ "${BASH_REMATCH[1]}" -gt "$HEAP_MB" ] && [ "${BASH_REMATCH[1]}" -le "$most" ]; then
    HEAP_MB=${BASH_REMATCH[1]}
  fi
}

# Starts the server itself, not mysqld_safe, which would restart a crashed server and hide the crash. Its output goes to
# a file, because the SSM agent waits until nobody holds its pipes. The server does not inherit our locks.
start_server() {
  local end=$((SECONDS + ${IB_START_WAIT:-900}))
  progress_now "starting $SSM_server"
  rm -f "$SCRATCH/pid" "$SCRATCH/s"
  setsid nohup "$SSM_server" --defaults-file="$RUN_DIRECTORY/server.cnf" \
    </dev/null >>"$SCRATCH/server.out" 2>&1 5>&- 7>&- 8>&- 9>&- &
  SERVER_PID=$!
  SERVER_START=$(start_of "$SERVER_PID") || SERVER_START=''
  guard_server
  while ! ask 'SELECT 1;' || [ "$ANSWER" != 1 ]; do
    read_limits "$SERVER_PID"
    if ! alive "$SERVER_PID" "$SERVER_START"; then
      if forgive_prepared; then
        start_server
        return
      fi
      judge_failed_start
      return 1
    fi
    [ "$SECONDS" -lt "$end" ] ||
      unchecked "the server did not answer within ${IB_START_WAIT:-900} seconds and is still starting"
    ahead_says
    progress "waiting for the server to answer$SAID"
    sleep 0.1
  done
  read_limits "$SERVER_PID"
}

# ended_meanwhile: whether the server has ended since its first answer. InnoDB works in the background and may crash on
# damage there. A crashing server first writes its stack.
ended_meanwhile() {
  local end=$((SECONDS + 60))
  while alive "$SERVER_PID" "$SERVER_START"; do
    if [ "$SECONDS" -ge "$end" ] || ask 'SELECT 1;'; then return 1; fi
    sleep 0.1
  done
}

# check_isolation: our own server answers, on this data, and nobody else can reach it
check_isolation() {
  local name value seen='' inodes listening
  ask "SHOW VARIABLES WHERE Variable_name IN ('datadir','pid_file','skip_networking','event_scheduler');" || {
    seen=$COMPLAINT
    ended_meanwhile || unchecked "the server does not say its settings: $seen"
    judge_failed_start
    conclude_from_records
  }
  while IFS=$'\t' read -r name value; do
    case $name:$value in
      skip_networking:ON | event_scheduler:OFF | event_scheduler:DISABLED) seen="$seen$name=$value " ;;
      datadir:*)
        [ "$(readlink -f "$value")" = "$(readlink -f "$DATA")" ] || unchecked "another server answers: its datadir is $value"
        ;;
      pid_file:*)
        [ "$(cat "$value" 2>/dev/null)" = "$SERVER_PID" ] || unchecked "another server answers: its pid file is $value"
        ;;
      *) unchecked "the server is not isolated: $name is $value" ;;
    esac
  done <<<"$ANSWER"
  inodes=$(find "/proc/$SERVER_PID/fd" -lname 'socket:*' -printf '%l\n' 2>/dev/null | tr -dc '0-9\n')
  # In /proc/net/tcp the state 0A is LISTEN, and the tenth field is the socket's inode.
  listening=$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk '$4 == "0A" { print $10 }') || listening=''
  ! grep -Fxq -e "${inodes:-none}" <<<"$listening" ||
    unchecked 'the server is not isolated: it listens on a TCP port'
  has_network self || ! has_network "$SERVER_PID" || unchecked 'the server is not isolated: it has a network'
  ask "SHOW STATUS LIKE 'Slave_running';" || ANSWER=''
  case $ANSWER in *ON) unchecked 'the server is not isolated: it replicates' ;; esac
  record isolation pass server "${seen}no TCP port, not replicating"
}

# stop_server: a server that hangs means "could not be checked", because a slow volume looks the same
stop_server() {
  local status=0 pid=$SERVER_PID
  [ -n "$pid" ] || return 0
  progress_now 'stopping the server'
  if ! alive "$pid" "$SERVER_START"; then
    wait "$pid" || status=$?
    SERVER_PID=''
    record stop error server "was gone before it was told to stop (status $status)"
    return
  fi
  if ! stop_process "$pid" "${IB_STOP_WAIT:-300}"; then
    SERVER_PID=''
    record stop error server "did not stop within ${IB_STOP_WAIT:-300} seconds, was killed"
    return
  fi
  wait "$pid" || status=$?
  SERVER_PID=''
  [ "$(ended_by_guard)" != crash ] || status=6
  judge_stop "$status"
}

# clear_server: runs on every exit
clear_server() {
  local pid
  stop_guard
  for pid in $(servers_of_run); do stop_process "$pid" 30 || true; done
  SERVER_PID=''
  rm -f "$RUN_DIRECTORY"/ask.* "$RUN_DIRECTORY"/*.out
  [ -z "$SCRATCH" ] || rm -rf "$SCRATCH" 2>/dev/null || true
  # A scratch folder in /tmp is a mount in this namespace; the release script removes it.
  [ -d "${SCRATCH:-/}" ] || rm -f "$RUN_DIRECTORY/scratch.path"
}
