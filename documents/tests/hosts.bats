# What a host may do to a healthy volume: it lacks what the file system needs, or cannot read the device. None of that is a
# fault of the backup. A number is that of the field case. Real file systems on real loop devices.
bats_require_minimum_version 1.5.0
load helper
setup() { host; }

# image_of <mkfs command>...: an empty file system in $W/image
image_of() {
  needs_loop
  truncate -s 320M "$W/image"
  "$@" "$W/image" >"$W/mkfs" 2>&1 || { cat "$W/mkfs"; return 1; }
}

# mounts_here <file system> [options]: whether this kernel can; a case of what it cannot do would prove nothing then
mounts_here() {
  mkdir -p "$W/try"
  mount -o loop "$W/image" "$W/try" 2>/dev/null || return 1
  umount "$W/try"
}

cannot_be_mounted() {
  if mounts_here; then skip 'this kernel can'; fi
  attach_image
  document mount
  expect 75 "$@"
  if grep " $W/mnt " /proc/self/mountinfo; then return 1; fi
}

@test "case 5: XFS of the old format on a kernel without it" {
  image_of mkfs.xfs -q -m crc=0
  cannot_be_mounted 'kernel' "like production's"
}

@test "case 6: XFS with names in either case" {
  image_of mkfs.xfs -q -n version=ci
  cannot_be_mounted 'kernel'
}

@test "case 7: ext4 with casefold on a kernel without it" {
  image_of mkfs.ext4 -q -F -O casefold -E encoding=utf8
  cannot_be_mounted 'kernel'
}

@test "case 9: a journal with a feature that the kernel does not know" {
  new_image ext4
  journal=$(journal_of "$W/image")
  # s_feature_incompat of the journal's superblock, and no checksum
  write_at "$W/image" $((journal + 40)) 40000000
  cannot_be_mounted 'kernel'
}

@test "case 9: the same without the kernel's messages" {
  new_image ext4
  journal=$(journal_of "$W/image")
  write_at "$W/image" $((journal + 40)) 40000000
  printf '#!/bin/bash\nexit 1\n' >"$W/bin/dmesg"
  chmod +x "$W/bin/dmesg"
  PATH=$W/bin:$PATH cannot_be_mounted 'journal feature'
}

@test "ext4 with quota on a kernel without it, which only the kernel's message shows" {
  image_of mkfs.ext4 -q -F -O quota
  cannot_be_mounted 'kernel' 'not built with'
}

@test "a mount that fails with an unknown message is not judged" {
  new_image xfs
  attach_image
  printf '#!/bin/bash\necho "mount: the moon is in the wrong house" >&2\nexit 32\n' >"$W/bin/mount"
  chmod +x "$W/bin/mount"
  PATH=$W/bin:$PATH document mount
  expect 75 'the moon' 'nothing shows'
}

# btrfs_with <offset of the field> <hex bytes>: its superblock changed, with the checksum that belongs to it
btrfs_with() {
  command -v mkfs.btrfs >/dev/null || skip 'no mkfs.btrfs on this machine'
  image_of mkfs.btrfs -q -f
  python3 - "$W/image" "$1" "$2" <<'PYTHON'
import struct, sys
def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF
with open(sys.argv[1], "r+b") as file:
    file.seek(65536)
    block = bytearray(file.read(4096))
    value = bytes.fromhex(sys.argv[3])
    at = int(sys.argv[2])
    block[at:at + len(value)] = bytes(a | b for a, b in zip(block[at:at + len(value)], value))
    block[0:4] = struct.pack("<I", crc32c(block[32:]))
    file.seek(65536)
    file.write(block)
PYTHON
}

@test "case 11: btrfs with an unknown incompatible feature" {
  btrfs_with 188 0000000000000040
  cannot_be_mounted
}

@test "case 12: btrfs with an unknown read-only feature" {
  btrfs_with 180 0000000000000040
  cannot_be_mounted
}

@test "case 13: ext4 with blocks that are larger than a page" {
  image_of mkfs.ext4 -q -F -b 65536
  cannot_be_mounted 'kernel'
}

@test "case 14: XFS with a realtime device" {
  truncate -s 320M "$W/realtime"
  image_of mkfs.xfs -q -r "rtdev=$W/realtime"
  cannot_be_mounted 'one of several volumes'
}

@test "case 15: XFS with its log on another volume" {
  truncate -s 100M "$W/log"
  image_of mkfs.xfs -q -l "logdev=$W/log,size=64m"
  cannot_be_mounted 'one of several volumes' log
}

@test "case 16: ext4 with its journal on another volume" {
  needs_loop
  truncate -s 100M "$W/journal"
  mkfs.ext4 -q -F -b 4096 -O journal_dev "$W/journal"
  other_loop "$W/journal"
  image_of mkfs.ext4 -q -F -b 4096 -J "device=$OTHER"
  attach_image
  document mount
  expect 75 'one of several volumes' journal
  link=$W/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0rehearsal1
  rm "$link"
  ln -s "$OTHER" "$link"
  document mount
  expect 75
}

@test "case 17: btrfs over two volumes, of which one is here" {
  command -v mkfs.btrfs >/dev/null || skip 'no mkfs.btrfs on this machine'
  truncate -s 320M "$W/second"
  image_of mkfs.btrfs -q -f "$W/second"
  cannot_be_mounted 'one of several volumes'
}

@test "case 54: a write-protected device that needs recovery, and case 53: a clean one" {
  new_image ext4
  mkdir "$W/live"
  mount -o loop "$W/image" "$W/live"
  touch "$W/live/file"
  sync -f "$W/live/file"
  cp "$W/image" "$W/dirty"
  umount "$W/live"
  cp "$W/image" "$W/clean"
  for state in dirty clean; do
    LOOP=$(losetup --find --show --read-only "$W/$state")
    LOOPS+=("$LOOP")
    rm -f "$W"/dev/disk/by-id/*
    link_device "$LOOP"
    document mount
    expect 75 'write-protected'
  done
}

@test "case 56: a file system that is longer than its volume is a fault" {
  for type in xfs ext4; do
    new_image "$type"
    truncate -s 200M "$W/image"
    attach_image
    document mount
    expect 1 'bytes long by its superblock'
    losetup -d "$LOOP"
    rm "$W/image" "$W"/dev/disk/by-id/*
  done
}

# zfs_labels: eight times the magic of ZFS in each of the two last labels
zfs_labels() {
  python3 - "$W/image" <<'PYTHON'
import os, struct, sys
size = os.path.getsize(sys.argv[1]) // 262144 * 262144
with open(sys.argv[1], "r+b") as file:
    for label in (size - 524288, size - 262144):
        for number in range(8):
            file.seek(label + 131072 + number * 1024)
            file.write(struct.pack("<5Q", 0x00bab10c, 28, 100 + number, 12345, 1700000000))
PYTHON
}

@test "case 18: labels of a former ZFS pool behind an XFS" {
  needs_loop
  truncate -s 320M "$W/image"
  zfs_labels
  mkfs.xfs -q -f "$W/image"
  attach_image
  document mount
  expect 0
}

@test "case 19: data in an ext4 that look like labels of ZFS" {
  new_image ext4
  zfs_labels
  attach_image
  document mount
  expect 0
}

@test "labels of ZFS and no file system that a kernel mounts: not judged" {
  needs_loop
  truncate -s 320M "$W/image"
  zfs_labels
  attach_image
  document mount
  expect 75 zfs_member
}

@test "the superblock of a former btrfs over two volumes in an ext4" {
  command -v mkfs.btrfs >/dev/null || skip 'no mkfs.btrfs on this machine'
  truncate -s 320M "$W/second"
  image_of mkfs.btrfs -q -f "$W/second"
  mkfs.ext4 -q -F -b 1024 "$W/image"
  # As an mkfs that wipes no foreign signature leaves it, in a block that this ext4 keeps free to grow.
  dd if="$W/second" of="$W/image" bs=4096 skip=16 seek=16 count=1 conv=notrunc status=none
  attach_image
  document mount
  expect 0
}

@test "a device with larger sectors than the file system's: not judged" {
  for kind in 'mkfs.xfs -q' 'mkfs.ext4 -q -F -b 1024'; do
    # shellcheck disable=SC2086
    image_of $kind
    LOOP=$(losetup --find --show --sector-size 4096 "$W/image")
    LOOPS+=("$LOOP")
    link_device "$LOOP"
    document mount
    expect 75 'kernel' "4096"
    losetup -d "$LOOP"
    rm "$W/image" "$W"/dev/disk/by-id/*
  done
}

@test "superblocks of two file systems: not judged" {
  new_image ext4
  # Only the first 512 bytes of an XFS, which ext4 leaves alone.
  truncate -s 320M "$W/xfs"
  mkfs.xfs -q "$W/xfs"
  dd if="$W/xfs" of="$W/image" bs=512 count=1 conv=notrunc status=none
  attach_image
  document mount
  expect 75 'several file systems'
}

@test "unknown bytes are no damage, but a lost superblock with a copy is" {
  needs_loop
  truncate -s 320M "$W/image"
  dd if=/dev/urandom of="$W/image" bs=1M count=1 conv=notrunc status=none
  attach_image
  document mount
  expect 75 'no file system that is known'
  for type in xfs ext4; do
    losetup -d "$LOOP"
    rm "$W"/dev/disk/by-id/*
    new_image "$type"
    dd if=/dev/urandom of="$W/image" bs=64K count=1 conv=notrunc status=none
    attach_image
    document mount
    expect 1 'a copy of it'
  done
}

@test "case 21: a read error in the last 512 KiB" {
  new_image xfs
  eio $((320 * 1048576 - 131072))
  attach_image
  document mount
  expect 75 'read or write errors'
}

@test "case 57: a read error in the first MiB" {
  new_image xfs
  eio 0
  attach_image
  document mount
  expect 75 'read'
}

@test "case 28: a read error in the journal of ext4 on a partition, where the kernel names the disk" {
  partitioned 700
  mkfs.ext4 -q -F "${LOOP}p1"
  journal=$(journal_of "${LOOP}p1")
  losetup -d "$LOOP"
  eio $((1048576 + journal))
  scan_partitions
  link_device "$LOOP"
  document mount
  expect 75 'read errors'
}

@test "case 59: two file systems, or one beside swap space: both are named" {
  partitioned 200 400
  mkswap "${LOOP}p1" >/dev/null
  mkfs.xfs -q "${LOOP}p2"
  link_device "$LOOP"
  document mount
  expect 75 'it must be one' "${LOOP}p1 swap" "${LOOP}p2 xfs"
}

@test "case 62: a partition that cannot be read is named" {
  partitioned 700
  mkfs.xfs -q "${LOOP}p1"
  losetup -d "$LOOP"
  eio 1048576
  scan_partitions
  link_device "$LOOP"
  document mount
  expect 75 'cannot be read' "${LOOP}p1"
}

@test "case 62: partitions that this host's kernel does not show" {
  partitioned 700
  mkfs.xfs -q "${LOOP}p1"
  losetup -d "$LOOP"
  LOOP=$(losetup --find --show "$W/image")
  LOOPS+=("$LOOP")
  link_device "$LOOP"
  document mount
  expect 75 'shows no partition' partprobe
}

@test "cases 60 and 61: LUKS, LVM and RAID are named, not judged" {
  needs_loop
  truncate -s 320M "$W/image"
  # The label of LVM2 in the second sector; the header of LUKS.
  write_at "$W/image" 512 4c4142454c4f4e4501000000000000000000000020000000 # LABELONE
  write_at "$W/image" 536 4c564d3220303031                                 # LVM2 001
  attach_image
  document mount
  expect 75
  [[ $reason == *LVM2_member* || $reason == *'no file system that is known'* ]]
}

@test "case 29: last night's kernel messages about a device with this name decide nothing" {
  new_image xfs
  xfs_db -x -c 'sb 0' -c 'write -d features_incompat 0x4000000b' "$W/image" >/dev/null
  attach_image
  document mount
  expect 75 kernel
  # The same loop device holds another file now, as a device name another volume.
  losetup -d "$LOOP"
  mkfs.xfs -q -f "$W/image"
  dd if=/dev/urandom of="$W/image" bs=512 seek=1 count=2000 conv=notrunc status=none
  losetup "$LOOP" "$W/image"
  document mount
  expect 1 'does not mount'
}

@test "case 30: last night's read error of a device with this name decides nothing" {
  [ -w /dev/kmsg ] || skip 'no /dev/kmsg'
  new_image xfs
  dd if=/dev/urandom of="$W/image" bs=512 seek=1 count=2000 conv=notrunc status=none
  attach_image
  echo "<6>I/O error, dev ${LOOP##*/}, sector 2048 op 0x0:(READ) flags 0x0 phys_seg 1 prio class 2" >/dev/kmsg
  document mount
  expect 1 'does not mount'
}

@test "a read error of a device whose name only begins like ours decides nothing" {
  [ -w /dev/kmsg ] || skip 'no /dev/kmsg'
  new_image xfs
  attach_image
  printf '#!/bin/bash\necho "<6>I/O error, dev %s7, sector 8 op 0x0:(READ) flags 0x0" >/dev/kmsg\nexec /usr/bin/mount "$@"\n' "${LOOP##*/}" >"$W/bin/mount"
  chmod +x "$W/bin/mount"
  PATH=$W/bin:$PATH document mount
  expect 0
}
