# Tests the restored data: reads the files, starts its own server on them and reads every table.
# 0: read to the end, no fault. 1: a fault in the backup. 75: could not be checked.
# Parameters: runId volumeId mountPoint stateDirectory snapshotId snapshotTime dataDirectory server client serverUser
# serverOptions requiredTables freshTables budgetSeconds minimumCoverage canary doctor
# shellcheck shell=bash source=documents/lib.sh
if [ -z "${IB_LIB-}" ]; then
  HERE=$(dirname "$0")
  for part in lib result host kernel "$HERE"/test-*.sh; do
    part=${part##*/}
    # shellcheck disable=SC1090
    . "$HERE/${part%.sh}.sh" # constant: of this folder
  done
  structure() { perl "$HERE/structure.pl" "$@"; }
  files() { perl "$HERE/files.pl" "$@"; }
  layout() { perl "$HERE/layout.pl" "$@"; }
  canary() { perl "$HERE/canary.pl" "$@"; }
  pages() { perl "$HERE/pages.pl" "$@"; }
  views() { perl "$HERE/views.pl" "$@"; }
  ahead() { perl <(cat "$HERE"/{ahead,ahead-order,ahead-memory,free-memory}.pl) "$@"; }
  memory() { cat "$HERE"/{memory,free-memory}.pl | perl - "$@"; }
  brighthouse() { cat "$HERE"/{brighthouse,nodes,grid,answers}.pl | perl - "$@"; }
  walk() { perl "$HERE/walk.pl" "$@"; }
fi

: "${SSM_snapshotId=}" "${SSM_snapshotTime=}" "${SSM_dataDirectory=}" "${SSM_server=}" "${SSM_client=}" "${SSM_serverUser=}"
: "${SSM_serverOptions=}" "${SSM_requiredTables=}" "${SSM_freshTables=}" "${SSM_budgetSeconds:=9000}" "${SSM_minimumCoverage:=50}" "${SSM_canary:=false}"
# A doctor run does not get here: documents/build puts its end before the line that reads the programs.
: "${SSM_doctor=}"

TEST_BEGAN=0

# AT_END is set to this once the test has the host: a waiting duplicate must not clean up under the running test.
clear_up() {
  measure_coverage
  stop_ahead
  stop_perl
  stop_readers
  clear_server
  rm -f "$RUN_DIRECTORY/test.pid" "$SSM_stateDirectory/testing"
}

# take_host: only one test at a time runs on a host; a duplicate of this run has already waited at the run's own lock
take_host() {
  local other
  if [ -z "${IB_NAMESPACES-}" ]; then
    exec 7>"$SSM_stateDirectory/testing.lock"
    if ! flock -n 7; then
      other=$(cat "$SSM_stateDirectory/testing" 2>/dev/null) || other=''
      unchecked "another test is at work on this host: run ${other:-unknown}"
    fi
  fi
  AT_END=clear_up
  TEST_BEGAN=$SECONDS
  printf '%s\n' "$SSM_runId" >"$SSM_stateDirectory/testing"
  printf '%s %s\n' "$$" "$(start_of $$)" >"$RUN_DIRECTORY/test.pid"
}

# stop_leftover: stops a server that an earlier, killed call of this run left
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
  parameter snapshotTime '([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,15}(Z|[+-][0-9:]{4,5}))?'
  parameter dataDirectory '[A-Za-z0-9._][A-Za-z0-9._/-]*'
  parameter server '/[A-Za-z0-9._/+-]+'
  parameter client '/[A-Za-z0-9._/+-]+'
  parameter serverUser '[a-z_][a-z0-9_-]*'
  parameter serverOptions '([a-z][a-z0-9_-]*(=[A-Za-z0-9_.:;/@+-]*)?(,[a-z][a-z0-9_-]*(=[A-Za-z0-9_.:;/@+-]*)?)*)?'
  list_parameter requiredTables "$REQUIRED_ITEM"
  list_parameter freshTables "$FRESH_ITEM"
  parameter budgetSeconds '[0-9]{1,6}'
  parameter minimumCoverage '[0-9]{1,3}'
  parameter canary 'true|false'
  read_snapshot_time
  [ "$SSM_canary" = false ] || CANARY=nothing
  BUDGET=$((10#$SSM_budgetSeconds))
  need flock setsid nohup awk sed grep find stat readlink df mktemp id chown perl tr od getconf date
  prepare_state
  ASK=$RUN_DIRECTORY/ask
  # shellcheck disable=SC2034 # ask runs the client as this user
  CLIENT_USER=$SSM_serverUser
  # In the namespaces the script already has these locks.
  if [ -z "${IB_NAMESPACES-}" ]; then
    lock_run
    replay
    refuse_if_released
  fi
  take_host
  enter_namespaces
  # From here on the result is stored for a duplicate.
  RESULT_STORE=yes
}

# read_snapshot_time: sets TAKEN, in seconds since 1970, if the time was given. Old versions of date read a T as a time zone.
read_snapshot_time() {
  TAKEN=''
  [ -n "$SSM_snapshotTime" ] || return 0
  TAKEN=$(date -u -d "${SSM_snapshotTime/T/ }" +%s 2>/dev/null) || unchecked "parameter snapshotTime is no time: $SSM_snapshotTime"
}

# keep_rows: stores the row counts of a good night for the next night's comparison
keep_rows() {
  local name
  [ -z "$FIRST_FAULT$FIRST_ERROR" ] || return 0
  {
    for name in "${!READ_ROWS[@]}"; do printf '%s\t%s\n' "${READ_ROWS[$name]}" "$name"; done >"$SSM_stateDirectory/last-good.new" &&
      mv -f "$SSM_stateDirectory/last-good.new" "$SSM_stateDirectory/last-good"
  } 2>/dev/null || record rows warn "$SSM_stateDirectory" 'what was read tonight could not be kept for the next night'
}

# Checks that only read come before those that write: the server writes as soon as it starts.
main() {
  prepare
  check_namespaces
  check_mount
  check_programs
  check_data_directory
  check_space
  check_memory
  check_limits
  stop_leftover
  check_paths
  start_ahead
  damage_copy
  check_manifest
  check_structure
  read_layout
  check_views
  make_scratch
  give_data_to_server
  point_infobright_at_scratch
  write_config
  start_server || conclude_from_records
  record start pass server 'answers'
  tell_recovery
  check_room
  check_isolation
  check_server_version
  check_datafiles
  check_engines
  check_compression
  check_versions
  list_tables
  load_engines
  read_references
  check_own_tables
  check_innodb_tables
  read_dictionary
  check_files
  check_triggers
  check_required
  read_tables
  check_fresh
  check_indexes
  check_system_tables
  check_users
  stop_server
  check_log
  check_ahead
  if [ -z "$FIRST_FAULT$FIRST_ERROR" ] && [ "$TABLES" -eq 0 ] && [ "$PACKS_READ" -eq 0 ]; then
    unchecked "none of the tables in $SSM_dataDirectory was read: nothing is proved"
  fi
  keep_rows
  conclude_from_records
}

main
