# Which device is the run's volume. A number is that of the field case.
bats_require_minimum_version 1.5.0
load helper
setup() { host; }

# xen <device> <number>: a /sys in which this disk is Xen's virtual device of that number
xen() {
  export IB_SYS_DIRECTORY=$W/sys
  mkdir -p "$W/sys/devices/vbd-$2" "$W/sys/class/block/$1"
  ln -s "$W/sys/devices/vbd-$2" "$W/sys/class/block/$1/device"
}

# shifted: ours is named xvdk, a foreign volume has the name of the attachment, and nothing else tells them apart
shifted() {
  new_image xfs
  cp --sparse=always "$W/image" "$W/foreign"
  attach_image
  rm "$W"/dev/disk/by-id/*
  other_loop "$W/foreign"
  ln -s "$LOOP" "$W/dev/xvdk"
  ln -s "$OTHER" "$W/dev/xvdg"
}

@test "case 35: a foreign device under the name of the attachment is not mounted" {
  shifted
  SSM_device=/dev/sdg document mount
  expect 75 'no device' "$OTHER" 'nothing shows'
  [ -z "$(findmnt -n -S "$OTHER")" ]
}

@test "case 35: a disk with a shifted name is found by the attachment name that Xen gives" {
  # Attached as sdg (SCSI, major 8) and sdc, and named by the guest xvdk and xvdg.
  shifted
  xen xvdk 2144
  xen xvdg 2080
  SSM_device=/dev/sdg document mount
  expect 0
  grep " $W/mnt " /proc/self/mountinfo | grep -q " $LOOP "
}

@test "case 35: a disk of Xen whose name is not shifted is found by each number that it may have" {
  for number in 2144 51808 268436992; do
    new_image xfs
    attach_image
    rm -rf "$W"/dev/disk/by-id/* "$W/sys" "$W/dev/xvdg"
    ln -s "$LOOP" "$W/dev/xvdg"
    xen xvdg "$number"
    SSM_device=/dev/sdg document mount
    expect 0
    umount "$W/mnt"
    losetup -d "$LOOP"
    rm "$W/image"
  done
}

# serial <device> <serial number>: a /sys in which this disk has it
serial() {
  export IB_SYS_DIRECTORY=$W/sys
  mkdir -p "$W/sys/class/block/$1/device"
  echo "$2" >"$W/sys/class/block/$1/device/serial"
}

@test "case 35: a device that says it is another volume is not mounted, whatever its link says" {
  new_image xfs
  attach_image
  serial "${LOOP##*/}" vol0foreign
  ln -s "$LOOP" "$W/dev/xvdz"
  document mount
  expect 75 'no device' vol0foreign
}

@test "case 77: the device is found by the serial number in /sys, if udev makes no link" {
  new_image xfs
  attach_image
  rm "$W"/dev/disk/by-id/*
  ln -s "$LOOP" "$W/dev/nvme1n1"
  serial nvme1n1 vol0rehearsal1
  document mount
  expect 0
}

@test "case 77: the device is found by the links of an older udev" {
  for link in nvme-Amazon_Elastic_Block_Store_vol0rehearsal1-ns-1 \
    nvme-nvme.1d0f-766f6c3072656865617273616c31-416d617a6f6e20456c617374696320426c6f636b2053746f7265-00000001; do
    new_image xfs
    attach_image
    rm -f "$W"/dev/disk/by-id/*
    ln -s "$LOOP" "$W/dev/disk/by-id/$link"
    document mount
    expect 0
    umount "$W/mnt"
    losetup -d "$LOOP"
    rm "$W/image"
  done
}

@test "case 64: mounting refuses a device that another driver has claimed, as multipath does, and a mount finds busy" {
  new_image xfs
  attach_image
  python3 -c 'import os, sys, time; os.open(sys.argv[1], os.O_RDONLY | os.O_EXCL); open(sys.argv[2], "w"); time.sleep(600)' \
    "$LOOP" "$W/ready" 3>&- &
  FOREIGN=$!
  until [ -e "$W/ready" ]; do kill -0 "$FOREIGN"; done
  document mount
  expect 75 "$LOOP is in use"
}

@test "case 34: mounting refuses a device that another mount namespace holds, and names who" {
  new_image xfs
  attach_image
  mkdir "$W/held"
  unshare --mount --propagation private bash -c "mount '$LOOP' '$W/held'; echo >'$W/ready'; exec sleep infinity" 3>&- &
  FOREIGN=$!
  until [ -e "$W/ready" ]; do kill -0 "$FOREIGN"; done
  document mount
  expect 75 'in use' "($FOREIGN)"
}
