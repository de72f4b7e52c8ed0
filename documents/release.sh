# Stops what a run left on the test host and unmounts its volume. 0: nothing of it is left. 75: something still is.
# Parameters: runId volumeId mountPoint stateDirectory
# shellcheck shell=bash source=documents/lib.sh
[ -n "${IB_LIB-}" ] || . "$(dirname "$0")/lib.sh"

# stop_scripts: the test of this run, if it is still at work; it stops its own server on the way out.
# Its twin in the queue finds the run released and ends by itself.
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
  for pid in $(servers_of_run); do
    progress_now "stopping the database server, process $pid"
    if stop_process "$pid" "${IB_SERVER_STOP_WAIT:-120}"; then
      record 'database server' pass "process $pid" 'stopped'
    else
      record 'database server' warn "process $pid" 'did not stop when told to, was killed'
    fi
  done
  [ -z "$(servers_of_run)" ] || unchecked "the database server of run $SSM_runId cannot be stopped"
  remove_scratch
}

remove_scratch() {
  local path
  rm -rf "$RUN_DIRECTORY/scratch"
  [ -s "$RUN_DIRECTORY/scratch.path" ] || return 0
  path=$(cat "$RUN_DIRECTORY/scratch.path")
  case $path in /tmp/ib-check.??????) rm -rf "$path" ;; esac
  rm -f "$RUN_DIRECTORY/scratch.path"
}

# choose_mount: sets POINT to where this run's volume is mounted, or to nothing.
# What another run mounted, or a person, is left alone.
choose_mount() {
  local device place
  POINT=''
  if read_marker && [ "$MARK_RUN" = "$SSM_runId" ]; then
    if is_marked_mount "$MARK_POINT"; then
      POINT=$MARK_POINT
    else
      rm -f "$SSM_stateDirectory/mounted"
    fi
  fi
  # shellcheck disable=SC2119
  device=$(find_device) || return 0
  for place in $(mounts_of "$device"); do
    [ "$place" != "$POINT" ] || continue
    if [ "$place" = "$MOUNT_POINT" ] && [ -z "$MARK_RUN" ]; then
      POINT=$place
    else
      unchecked "volume $SSM_volumeId ($device) is also mounted at $place, which run $SSM_runId did not do"
    fi
  done
}

# users_of <mount point>: "<command>(<pid>)" of each process that has something open there
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

# No -l and no -f: a lazy umount says yes while the device stays held, and the detach after it hangs.
unmount() {
  local said users
  users=$(users_of "$POINT")
  [ -z "$users" ] || unchecked "$POINT is in use by ${users% }: not ours to stop"
  progress_now "unmounting $POINT"
  said=$(umount "$POINT" 2>&1 8>&- 9>&-) || {
    users=$(fuser -vm "$POINT" 2>&1 | tail -n +2 | tr -s ' \n' ' ') || users=''
    unchecked "$POINT cannot be unmounted: ${said//[$'\n']/ }${users:+; in use by $users}"
  }
  [ -z "$(mount_at "$POINT")" ] || unchecked "something is still mounted at $POINT"
  rm -f "$SSM_stateDirectory/mounted"
  record unmount pass "$POINT" 'unmounted'
}

main() {
  begin release
  need flock umount awk find readlink
  prepare_state
  # First of all, so that nothing of this run begins again behind our back.
  : >"$RUN_DIRECTORY/released"
  lock_run
  stop_scripts
  lock_mounting
  stop_servers
  choose_mount
  if [ -n "$POINT" ]; then
    unmount
  else
    record unmount pass "run $SSM_runId" 'nothing to release: it has nothing mounted'
  fi
  conclude_from_records
}

main
