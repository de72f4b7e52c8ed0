# Tests the restored data: starts a server of its own on it and reads every table whole.
# 0: read to the end, no fault. 1: a fault in the backup. 75: could not be checked.
# Parameters: runId volumeId mountPoint stateDirectory snapshotId dataDirectory server client serverUser
# shellcheck shell=bash source=documents/lib.sh
if [ -z "${IB_LIB-}" ]; then
  . "$(dirname "$0")/lib.sh"
  . "$(dirname "$0")/test-server.sh"
  . "$(dirname "$0")/test-tables.sh"
fi

: "${SSM_snapshotId=}" "${SSM_dataDirectory=}" "${SSM_server=}" "${SSM_client=}" "${SSM_serverUser=}"

# Set once the host is ours: a twin that waits must not clear up under the one that works.
clear_up() {
  clear_server
  rm -f "$RUN_DIRECTORY/test.pid" "$SSM_stateDirectory/testing"
}

# take_host: one test at a time on a host; a twin of this run has waited before, at the run's own lock.
take_host() {
  local other
  exec 7>"$SSM_stateDirectory/testing.lock"
  if ! flock -n 7; then
    other=$(cat "$SSM_stateDirectory/testing" 2>/dev/null) || other=''
    unchecked "another test is at work on this host: run ${other:-unknown}"
  fi
  AT_END=clear_up
  printf '%s\n' "$SSM_runId" >"$SSM_stateDirectory/testing"
  printf '%s %s\n' "$$" "$(start_of $$)" >"$RUN_DIRECTORY/test.pid"
}

check_mount() {
  local found
  found=$(mount_at "$MOUNT_POINT")
  [ -n "$found" ] || unchecked "nothing is mounted at $MOUNT_POINT"
  read_marker || unchecked "what is mounted at $MOUNT_POINT was not mounted by our mount script"
  [ "$MARK_RUN $MARK_VOLUME" = "$SSM_runId $SSM_volumeId" ] ||
    unchecked "run $MARK_RUN has its volume $MARK_VOLUME mounted at $MOUNT_POINT, not this run"
  is_marked_mount "$MOUNT_POINT" || unchecked "$MARK_DEVICE of this run is not what is mounted at $MOUNT_POINT"
}

check_programs() {
  local program
  for program in "$SSM_server" "$SSM_client"; do
    if [ ! -f "$program" ] || [ ! -x "$program" ]; then unchecked "this host has no program $program"; fi
  done
}

# looks_like_data <folder>: some of what a server keeps in its data directory
looks_like_data() {
  [ -n "$(find "$1/mysql/" -maxdepth 1 -type f -print 2>/dev/null | head -n 1)" ] || [ -f "$1/ibdata1" ] || [ -f "$1/brighthouse.ini" ] ||
    [ -n "$(find "$1/" -mindepth 2 -maxdepth 2 -name '*.frm' -print 2>/dev/null | head -n 1)" ]
}

# check_data_directory: a backup without data is bad. A setting that points beside the data is not the backup's fault.
check_data_directory() {
  local folder root said
  root=$(readlink -f "$MOUNT_POINT")
  said=$(find "$root/" -maxdepth 2 2>&1 >/dev/null) || {
    case $said in
      *'needs cleaning'*) conclude "$FAULT" "the file system of $SSM_volumeId is damaged: $said" ;;
      *) unchecked "the volume at $MOUNT_POINT cannot be read: $said" ;;
    esac
  }
  DATA=$MOUNT_POINT
  [ "$SSM_dataDirectory" = . ] || DATA=$MOUNT_POINT/$SSM_dataDirectory
  case $(readlink -m "$DATA")/ in
    "$root"/*) ;;
    *) unchecked "the data directory $SSM_dataDirectory leads out of the volume" ;;
  esac
  if [ -d "$DATA" ] && looks_like_data "$DATA"; then
    record 'data directory' pass "$SSM_dataDirectory" 'is one of a database server'
    [ -d "$DATA/mysql" ] || record 'data directory' fail "$SSM_dataDirectory" \
      "the folder mysql with the server's own tables is missing"
    return
  fi
  while read -r folder; do
    ! looks_like_data "$folder" ||
      unchecked "no data in $SSM_dataDirectory, but in ${folder#"$root"}: the setting is wrong"
  done < <(find "$root/" -maxdepth 3 -type d 2>/dev/null)
  conclude "$FAULT" "no database in $SSM_dataDirectory of volume $SSM_volumeId: it was looked for mysql/, ibdata1, \
brighthouse.ini and .frm files, and the volume holds $(find "$root/" -mindepth 1 -maxdepth 2 2>/dev/null | wc -l) entries"
}

# stop_leftover: an earlier call of this very run that was killed may have left its server
stop_leftover() {
  local pid
  for pid in $(servers_of_run); do
    stop_process "$pid" 60 || true
    record leftover warn "process $pid" 'a server of an earlier call of this run was stopped'
  done
}

prepare() {
  begin test
  parameter snapshotId 'snap-[0-9A-Za-z]{1,60}'
  parameter dataDirectory '[A-Za-z0-9._][A-Za-z0-9._/-]*'
  parameter server '/[A-Za-z0-9._/+-]+'
  parameter client '/[A-Za-z0-9._/+-]+'
  parameter serverUser '[a-z_][a-z0-9_-]*'
  need flock setsid nohup awk sed grep find stat readlink df mktemp id chown
  prepare_state
  lock_run
  replay
  refuse_if_released
  take_host
  # From here on this run has its result, and a twin reports it.
  RESULT_STORE=yes
  check_mount
  check_programs
  check_data_directory
  stop_leftover
}

main() {
  prepare
  make_scratch
  give_data_to_server
  point_infobright_at_scratch
  write_config
  start_server || conclude_from_records
  record start pass server 'answers'
  check_isolation
  list_tables
  check_files
  read_tables
  stop_server
  check_log
  if [ -z "$FIRST_FAULT$FIRST_ERROR" ] && [ "$TABLES" -eq 0 ]; then
    unchecked "none of the tables in $SSM_dataDirectory was read: nothing is proved"
  fi
  conclude_from_records
}

main
