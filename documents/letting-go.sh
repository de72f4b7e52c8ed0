# Stops what a run has on the test host and unmounts its volume. Releasing does it to the run itself; mounting does it
# to a dead run whose volume was taken away under it.
# shellcheck shell=bash source=documents/lib.sh

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
