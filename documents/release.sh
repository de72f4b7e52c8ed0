# Stops what a run left on the test host and unmounts its volume. 0: nothing of the run is left. 75: something is left.
# Parameters: runId volumeId mountPoint stateDirectory doctor server client serverUser
# shellcheck shell=bash source=documents/lib.sh
if [ -z "${IB_LIB-}" ]; then
  . "$(dirname "$0")/lib.sh"
  . "$(dirname "$0")/result.sh"
  . "$(dirname "$0")/host.sh"
  . "$(dirname "$0")/device.sh"
  . "$(dirname "$0")/letting-go.sh"
  . "$(dirname "$0")/test-host.sh"
  . "$(dirname "$0")/doctor.sh"
  memory() { cat "$(dirname "$0")"/{memory,free-memory}.pl | perl - "$@"; }
fi

: "${SSM_doctor=}" "${SSM_server=}" "${SSM_client=}" "${SSM_serverUser=}"

# choose_mount: sets POINT to the mount point of this run's volume, or to nothing. Mounts by another run or a person are
# not touched.
choose_mount() {
  local device place
  POINT=''
  if read_marker && [ "$MARK_RUN" = "$SSM_runId" ]; then
    if is_marked_mount "$MARK_POINT"; then
      POINT=$MARK_POINT
    else
      refuse_if_mark_held
      rm -f "$SSM_stateDirectory/mounted"
    fi
  fi
  # shellcheck disable=SC2119
  device=$(find_device) || return 0
  for place in $(mounts_of "$device"); do
    [ "$place" != "$POINT" ] || continue
    if [ "$place" = "$MOUNT_POINT" ] && [ -z "$MARK_RUN" ]; then
      POINT=$place
      MARK_DEVICE=$device MARK_NUMBER=$(device_number "$device")
    else
      unchecked "volume $SSM_volumeId ($device) is also mounted at $place, which run $SSM_runId did not do"
    fi
  done
  [ -n "$POINT" ] || refuse_if_held "$device"
}

main() {
  [ "$SSM_doctor" != true ] || look_at_host
  begin release
  need flock umount awk find readlink
  prepare_state
  # First of all, so that no script of this run starts again meanwhile.
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
