# Stops a run's processes on the test host and unmounts its volume. The release script does it for its own run; the mount
# script does it for a dead run whose volume was detached by force.
# shellcheck shell=bash source=documents/lib.sh

# stop_scripts: stops this run's test if it is still running; on exit the test stops its own server.
# A duplicate that waits for the lock sees that the run is released, and ends.
stop_scripts() {
  local pid start
  [ -s "$RUN_DIRECTORY/test.pid" ] || return 0
  read -r pid start <"$RUN_DIRECTORY/test.pid" || return 0
  if alive "$pid" "$start"; then
    progress_now "stopping the test script, process $pid"
    if stop_process "$pid" "${IB_SCRIPT_STOP_WAIT:-60}"; then
      record 'test script' pass "process $pid" 'stopped'
    else
      record 'test script' warn "process $pid" 'did not stop when told to, was killed'
    fi
  fi
  rm -f "$RUN_DIRECTORY/test.pid"
}

stop_servers() {
  local pid
  # The processes that read ahead notice that their test was killed, and end.
  [ ! -e "$RUN_DIRECTORY/ahead.lock" ] || flock -w 30 "$RUN_DIRECTORY/ahead.lock" true || true
  for pid in $(servers_of_run); do
    progress_now "stopping the database server, process $pid"
    if stop_process "$pid" "${IB_SERVER_STOP_WAIT:-120}"; then
      record 'database server' pass "process $pid" 'stopped'
    else
      record 'database server' warn "process $pid" 'did not stop when told to, was killed'
    fi
  done
  [ -z "$(servers_of_run)" ] || unchecked "the database server of run $SSM_runId cannot be stopped"
  stop_rest
  remove_scratch
}

# stop_rest: stops what a killed test left in its mount namespace, which would hold the volume
stop_rest() {
  local file
  { grep -lzFx -e "IB_NAMESPACES=$RUN_DIRECTORY" /proc/[0-9]*/environ 2>/dev/null || true; } |
    while read -r file; do
      file=${file#/proc/}
      stop_process "${file%/environ}" 10 || true
    done
}

remove_scratch() {
  local path
  rm -rf "$RUN_DIRECTORY/scratch"
  [ -s "$RUN_DIRECTORY/scratch.path" ] || return 0
  path=$(cat "$RUN_DIRECTORY/scratch.path")
  case $path in /tmp/ib-check.??????) rm -rf "$path" ;; esac
  rm -f "$RUN_DIRECTORY/scratch.path"
}

# users_of <mount point>: "<command>(<pid>)" of each process with an open file there
users_of() {
  local real pid
  real=$(readlink -f "$1") || real=$1
  find /proc/[0-9]*/fd /proc/[0-9]*/cwd /proc/[0-9]*/root /proc/[0-9]*/exe -maxdepth 1 -type l \
    \( -lname "$1" -o -lname "$1/*" -o -lname "$real" -o -lname "$real/*" \) 2>/dev/null |
    cut -d / -f 3 | sort -un |
    while read -r pid; do
      printf '%s(%s) ' "$(cat "/proc/$pid/comm" 2>/dev/null || echo '?')" "$pid"
    done || true
}

# below <mount point>: text about what keeps it busy without a process: mounts in it, loop devices and swap on its files
below() {
  local file path seen=''
  while read -r path; do seen="$seen, a mount at $path"; done < <(mount_table | awk -v under="$1/" 'index($5, under) == 1 { print $5 }')
  for file in /sys/block/loop*/loop/backing_file; do
    path=$(cat "$file" 2>/dev/null) || continue
    case $path in "$1"/*) ;; *) continue ;; esac
    file=${file%/loop/*}
    seen="$seen, /dev/${file##*/} on the file $path"
  done
  while read -r path _; do case $path in "$1"/*) seen="$seen, swap on $path" ;; esac; done </proc/swaps
  printf '%s' "${seen#, }"
}

# Without -l and -f: a lazy umount succeeds while the device is still held, and detaching it would hang.
unmount() {
  local said users
  users=$(users_of "$POINT")
  [ -z "$users" ] || unchecked "$POINT is in use by ${users% }: not ours to stop"
  users=$(below "$(readlink -f "$POINT")")
  [ -z "$users" ] || unchecked "$POINT is in use: $users. Not ours to take away"
  progress_now "unmounting $POINT"
  said=$(umount "$POINT" 2>&1 8>&- 9>&-) || unchecked "$POINT cannot be unmounted: ${said//[$'\n']/ }"
  [ -z "$(mount_at "$POINT")" ] || unchecked "something is still mounted at $POINT"
  refuse_if_mark_held
  rm -f "$SSM_stateDirectory/mounted"
  record unmount pass "$POINT" 'unmounted'
}

# refuse_if_held <device>: another mount namespace may have inherited the mount. The marker stays, so that the next call
# checks again.
refuse_if_held() {
  local holders
  holders=$(held_by "$1")
  [ -z "$holders" ] || unchecked "volume $SSM_volumeId ($1) is unmounted here, but still $holders: not ours to stop"
}

# refuse_if_mark_held: the same for the marker's device, unless it is gone and another device has its name
refuse_if_mark_held() {
  [ "$(device_number "$MARK_DEVICE")" != "$MARK_NUMBER" ] || refuse_if_held "$MARK_DEVICE"
}
