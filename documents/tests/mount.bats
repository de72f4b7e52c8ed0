# The mount script, on real file systems on loop devices.
bats_require_minimum_version 1.5.0
load helper
setup() { host; }

@test "mount: XFS is mounted beside its original, which has the same UUID" {
  new_image xfs
  cp --sparse=always "$W/image" "$W/original"
  mkdir "$W/other"
  mount -o loop "$W/original" "$W/other"
  attach_image
  document mount
  expect 0
  findmnt -n -o OPTIONS "$W/mnt" | grep -q 'rw.*nosuid.*nodev.*noexec'
}

@test "mount: ext4" {
  new_image ext4
  attach_image
  document mount
  expect 0
  [ "$(findmnt -n -o FSTYPE "$W/mnt")" = ext4 ]
}

@test "mount: a second call of the same run is good and prints the same" {
  new_image xfs
  attach_image
  document mount
  expect 0
  first=$output
  document mount
  expect 0
  [ "$output" = "$first" ]
  [ "$(grep -c " $W/mnt " /proc/self/mountinfo)" -eq 1 ]
}

@test "mount: two at once mount once" {
  new_image xfs
  attach_image
  in_background mount "$W/one"
  in_background mount "$W/two"
  finished "${STARTED[0]}" "$W/one"
  expect 0
  finished "${STARTED[1]}" "$W/two"
  expect 0
  [ "$(grep -c " $W/mnt " /proc/self/mountinfo)" -eq 1 ]
  cmp "$W/one" "$W/two"
}

@test "mount: after the host has restarted, the same run mounts again" {
  new_image xfs
  attach_image
  document mount
  umount "$W/mnt"
  document mount
  expect 0
  mountpoint -q "$W/mnt"
}

@test "mount: the name of the attachment alone does not show whose device it is" {
  new_image xfs
  LOOP=$(losetup --find --show "$W/image")
  LOOPS+=("$LOOP")
  ln -s "$LOOP" "$W/dev/xvdz"
  document mount
  expect 75 'no device' "$LOOP is there"
}

@test "mount: case 58: one partition with a file system is enough" {
  needs_loop
  partitioned 350
  mkfs.xfs -q "${LOOP}p1"
  link_device "$LOOP"
  document mount
  expect 0
}

@test "mount: no device" {
  document mount
  expect 75 vol-0rehearsal1 /dev/sdz
}

@test "mount: waits for a device that udev has not linked yet" {
  new_image xfs
  export IB_DEVICE_WAIT=60
  mkfifo "$W/waits"
  "$SCRIPTS/mount" >"$W/one" 2>"$W/waits" 3>&- &
  STARTED+=($!)
  exec 4<"$W/waits"
  read -r said <&4
  [[ $said == *'waiting for the device'* ]]
  attach_image
  cat <&4 >"$W/one.err"
  finished "${STARTED[0]}" "$W/one"
  expect 0
}

@test "mount: a device that is mounted elsewhere is left alone" {
  new_image xfs
  attach_image
  mkdir "$W/other"
  mount "$LOOP" "$W/other"
  document mount
  expect 75 'in use' "$W/other"
}

@test "mount: a mount point that something else has is left alone" {
  new_image xfs
  attach_image
  mkdir "$W/mnt"
  mount -t tmpfs foreign "$W/mnt"
  document mount
  expect 75 'in use' foreign
}

@test "mount: a mount point that another run has is left alone, and that run is named" {
  new_image xfs
  attach_image
  document mount
  expect 0
  export SSM_runId=run-2
  document mount
  expect 75 run-1
}

@test "mount: a dead run's mount is removed once its volume is no longer attached" {
  new_image xfs
  attach_image
  document mount
  expect 0
  rm "$W"/dev/disk/by-id/*
  mv "$W/image" "$W/former"
  new_image ext4
  export SSM_runId=run-2 SSM_volumeId=vol-0rehearsal2
  attach_image
  document mount
  expect 0
  grep -q "letting go of vol-0rehearsal1" "$W/stderr"
  [ "$(grep -c " $W/mnt " /proc/self/mountinfo)" -eq 1 ]
  grep " $W/mnt " /proc/self/mountinfo | grep -q " ext4 $LOOP "
}

@test "mount: a mount point with files in it" {
  new_image xfs
  attach_image
  mkdir "$W/mnt"
  touch "$W/mnt/precious"
  document mount
  expect 75 'has files'
}

@test "mount: a wiped superblock is a fault" {
  new_image xfs
  "$HOST_SCRIPTS/damage.sh" "$W/image" filesystem
  attach_image
  document mount
  expect 1 'no file system'
}

@test "mount: a damaged file system is a fault, with the words of mount" {
  new_image xfs
  # The root inode and the first allocation group's headers, behind the superblock.
  dd if=/dev/urandom of="$W/image" bs=512 seek=1 count=2000 conv=notrunc status=none
  attach_image
  document mount
  expect 1 'does not mount'
}

@test "mount: a damaged superblock is a fault, though it now asks for features that no kernel has" {
  new_image ext4
  invert "$W/image" $((1024 + 96 + 3)) 1
  attach_image
  document mount
  expect 1 'does not have the checksum'
}

@test "mount: a damaged journal is a fault" {
  new_image ext4
  invert "$W/image" "$(journal_of "$W/image")" 12
  attach_image
  document mount
  expect 1 journal
}

@test "mount: errors that ext4 has recorded in its superblock are a fault" {
  new_image ext4
  debugfs -w -R 'ssv state 3' "$W/image" 2>/dev/null
  dumpe2fs -h "$W/image" 2>/dev/null | grep -q 'clean with errors'
  attach_image
  document mount
  expect 1 'clean with errors'
}

@test "mount: swap space is not judged" {
  new_image ext4
  mkswap "$W/image" >/dev/null 2>&1 || skip 'no mkswap'
  attach_image
  document mount
  expect 75 swap
}

@test "mount: a parameter with .., or a missing one" {
  export SSM_mountPoint=/mnt/../etc
  document mount
  expect 75 mountPoint
  export SSM_mountPoint=$W/mnt
  unset SSM_volumeId
  document mount
  expect 75 volumeId
}

@test "mount: a tool that the host lacks" {
  mkdir "$W/tools"
  for tool in bash tr awk sed cat mkdir chmod mv rm readlink tail; do ln -s "$(command -v "$tool")" "$W/tools/$tool"; done
  sed 's|:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"|"|; s|^#!/bin/bash|#!'"$(command -v bash)"'|' "$SCRIPTS/mount" >"$W/bin/mount"
  code=0
  output=$(PATH=$W/tools bash "$W/bin/mount" 2>"$W/stderr") || code=$?
  read_result
  expect 75 'lacks the command flock'
}

@test "mount: old state is removed, the run's own is not" {
  new_image xfs
  attach_image
  mkdir -p "$W/state/runs/ancient"
  touch -d '40 days ago' "$W/state/runs/ancient"
  document mount
  expect 0
  [ ! -e "$W/state/runs/ancient" ]
  [ -d "$W/state/runs/run-1" ]
}
