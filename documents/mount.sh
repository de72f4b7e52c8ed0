# Mounts the test volume on the test host. 0: mounted. 1: its file system is damaged. 75: undetermined.
# Parameters: runId volumeId mountPoint stateDirectory device doctor
# shellcheck shell=bash source=documents/lib.sh
if [ -z "${IB_LIB-}" ]; then
  . "$(dirname "$0")/lib.sh"
  . "$(dirname "$0")/result.sh"
  . "$(dirname "$0")/host.sh"
  . "$(dirname "$0")/device.sh"
  . "$(dirname "$0")/kernel.sh"
  . "$(dirname "$0")/file-system.sh"
  . "$(dirname "$0")/letting-go.sh"
  superblock() { perl "$(dirname "$0")/superblock.pl" "$@"; }
fi

: "${SSM_device=}" "${SSM_doctor=}"

# wait_for_device: udev makes the link a few seconds after the volume is attached.
wait_for_device() {
  local end=$((SECONDS + ${IB_DEVICE_WAIT:-60}))
  while ! DEVICE=$(find_device "$SSM_device"); do
    [ "$SECONDS" -lt "$end" ] ||
      unchecked "no device for volume $SSM_volumeId (attached as $SSM_device) on this host$(seen_instead "$SSM_device")"
    refuse_if_released
    progress "waiting for the device of $SSM_volumeId"
    sleep 0.5
  done
  record device pass "$SSM_volumeId" "is $DEVICE"
}

# is_here <volume id>: whether it is attached to this host
is_here() {
  local SSM_volumeId=$1
  # shellcheck disable=SC2119
  find_device >/dev/null
}

# A volume that was detached by force leaves its mount and its server. Its run is dead, because only one volume can have
# the device name, and that is ours now. Nothing else would ever clean this up.
let_go_of_dead_run() {
  # shellcheck disable=SC2034 # letting-go.sh reads these
  local SSM_runId=$MARK_RUN SSM_volumeId=$MARK_VOLUME RUN_DIRECTORY=$SSM_stateDirectory/runs/$MARK_RUN POINT=$MARK_POINT
  progress_now "letting go of $SSM_volumeId, which was taken away under run $SSM_runId"
  mkdir -p "$RUN_DIRECTORY"
  : >"$RUN_DIRECTORY/released"
  stop_scripts
  stop_servers
  unmount
}

# If this run has already mounted its volume, there is nothing to do. Anything else at the mount point is not touched.
look_at_mount_point() {
  local found
  found=$(mount_at "$MOUNT_POINT")
  if [ -z "$found" ]; then
    [ ! -e "$MOUNT_POINT" ] || [ -d "$MOUNT_POINT" ] || unchecked "$MOUNT_POINT is not a folder"
    (umask 022 && mkdir -p "$MOUNT_POINT") 2>/dev/null || unchecked "cannot make the folder $MOUNT_POINT on this host"
    [ -z "$(ls -A "$MOUNT_POINT")" ] || unchecked "the mount point $MOUNT_POINT has files in it"
    return
  fi
  read_marker || unchecked "$MOUNT_POINT is in use: ${found#* } is mounted there, by none of our runs"
  if [ "$MARK_RUN" != "$SSM_runId" ]; then
    if ! is_marked_mount "$MOUNT_POINT" || is_here "$MARK_VOLUME"; then
      unchecked "$MOUNT_POINT is in use: run $MARK_RUN has $MARK_VOLUME mounted there"
    fi
    let_go_of_dead_run
    return
  fi
  is_marked_mount "$MOUNT_POINT" || unchecked "$MOUNT_POINT is in use: ${found#* } is mounted there, not $MARK_DEVICE"
  replay
  record mount pass "$MOUNT_POINT" "$MARK_DEVICE was already mounted by this run"
  look_for_recorded_errors
  conclude_from_records
}

refuse_device_in_use() {
  local holders part place
  for part in "$DEVICE" $(partitions); do
    place=$(mounts_of "$part" | sed -n 1p)
    [ -z "$place" ] || unchecked "the device $part is in use: it is mounted at $place"
  done
  holders=$(find "/sys/class/block/${DEVICE##*/}/holders/" -mindepth 1 -printf '%f ' 2>/dev/null) || holders=''
  [ -z "$holders" ] || unchecked "the device $DEVICE is in use by ${holders% }"
  for part in $(partitions) "$DEVICE"; do
    holders=$(held_by "$part")
    [ -z "$holders" ] || unchecked "the device $part is in use: it is $holders"
  done
  ! cut -d ' ' -f 1 /proc/swaps 2>/dev/null | grep -Fxq "$DEVICE" || unchecked "the device $DEVICE is in use as swap space"
}

# choose_options: sets OPTIONS, or refuses this type
choose_options() {
  OPTIONS=rw,nodev,nosuid,noexec,noatime
  case $TYPE in
    *_member | crypto_LUKS | swap) unchecked "volume $SSM_volumeId holds $TYPE, not a file system" ;;
    # The copy has its original's UUID, and the original may be mounted here.
    xfs) OPTIONS=$OPTIONS,nouuid ;;
    # The superblock itself may ask for a panic on errors.
    ext[234]) OPTIONS=$OPTIONS,errors=remount-ro ;;
    # The kernel's code for other file systems is less tested on damaged volumes.
    *) unchecked "volume $SSM_volumeId holds $TYPE: only ext2 to ext4 and XFS are mounted" ;;
  esac
  record 'file system' pass "$SOURCE" "is $TYPE"
}

mount_it() {
  local said
  # Written before mounting: a script that is killed in between must not leave a mount without an owner.
  printf '%s %s %s %s %s\n' "$SSM_runId" "$SSM_volumeId" "$SOURCE" "$(device_number "$SOURCE")" "$MOUNT_POINT" \
    >"$SSM_stateDirectory/mounted.new"
  mv -f "$SSM_stateDirectory/mounted.new" "$SSM_stateDirectory/mounted"
  read_marker
  progress_now "mounting $SOURCE ($TYPE) at $MOUNT_POINT"
  said=$(mount -t "$TYPE" -o "$OPTIONS" "$SOURCE" "$MOUNT_POINT" 2>&1 8>&- 9>&-) || judge_mount_failure "$said"
  is_marked_mount "$MOUNT_POINT" || unchecked "mount said nothing, but $SOURCE is not mounted at $MOUNT_POINT"
  case ,$(mount_at "$MOUNT_POINT" | cut -d ' ' -f 4), in
    *,ro,*) judge_read_only ;;
  esac
  record mount pass "$MOUNT_POINT" "$SOURCE is mounted"
}

main() {
  # In a doctor run release.sh checks the host.
  [ "$SSM_doctor" != true ] || { echo '{"doctor":[]}' && exit; }
  begin mount
  parameter device '/dev/[A-Za-z0-9]+'
  need flock blkid mount awk sed dd stat readlink perl od
  prepare_state
  lock_run
  refuse_if_released
  wait_for_device
  lock_mounting
  refuse_if_released
  find "$SSM_stateDirectory/runs" -mindepth 1 -maxdepth 1 -type d -mtime +30 -exec rm -rf {} + 2>/dev/null || true
  look_at_mount_point
  refuse_device_in_use
  kernel_mark
  choose_file_system
  refuse_what_cannot_be_mounted
  choose_options
  # shellcheck disable=SC2034 # from here on the result is stored for a duplicate
  RESULT_STORE=yes
  mount_it
  look_for_recorded_errors
  conclude_from_records
}

main
