# File systems of hosts as they are, on real loop devices: what recovers is mounted, what asks for more than this kernel can is
# the host's, and a superblock that contradicts its own checksum is damage. A number is that of the field case.
bats_require_minimum_version 1.5.0
load helper
setup() { host; }

# stopped_at_work: $W/image as a host leaves it that stops in the middle; a file has reached the disk
stopped_at_work() {
  command -v xfs_io >/dev/null || skip 'no xfs_io on this machine'
  mkdir -p "$W/live"
  mount -o loop "$W/image" "$W/live"
  echo kept >"$W/live/file"
  sync -f "$W/live/file"
  mkdir "$W/live/many"
  for number in {1..200}; do echo "$number" >"$W/live/many/$number"; done
  # With the log, and without what it is the log of.
  xfs_io -x -c 'shutdown -f' "$W/live"
  umount "$W/live"
}

recovers() {
  attach_image
  document mount
  expect 0
  [ "$(cat "$W/mnt/file")" = kept ]
}

# needs_more_than: not mounted, and not judged
needs_more_than() {
  attach_image
  document mount
  expect 75 'kernel'
  if grep " $W/mnt " /proc/self/mountinfo; then return 1; fi
}

@test "case 48: XFS with an unknown incompatible feature" {
  new_image xfs
  xfs_db -x -c 'sb 0' -c 'write -d features_incompat 0x4000000b' "$W/image"
  needs_more_than
}

@test "case 48: XFS with an unknown read-only feature" {
  new_image xfs
  xfs_db -x -c 'sb 0' -c 'write -d features_ro_compat 0x40000005' "$W/image"
  needs_more_than
}

# ext4_with <offset in the superblock> <hex bytes>
ext4_with() {
  needs_loop
  truncate -s 320M "$W/image"
  mkfs.ext4 -q -F -O ^metadata_csum "$W/image"
  write_at "$W/image" $((1024 + $1)) "$2"
}

@test "case 49: ext4 with an unknown incompatible feature" {
  # The fourth byte of s_feature_incompat, in which mkfs sets nothing.
  ext4_with 99 40
  needs_more_than
}

@test "case 49: ext4 with an unknown read-only feature" {
  ext4_with 103 40
  needs_more_than
}

@test "case 50: XFS with a dirty log, as a snapshot of a running host has" {
  new_image xfs
  stopped_at_work
  recovers
}

@test "case 51: ext4 that needs recovery" {
  new_image ext4
  stopped_at_work
  dumpe2fs -h "$W/image" 2>/dev/null | grep -q '^Filesystem features:.*needs_recovery'
  recovers
}

@test "case 52: ext3, and ext4 with metadata_csum_seed or verity" {
  needs_loop
  for made in 'mkfs.ext3 -q -F' 'mkfs.ext4 -q -F -O metadata_csum_seed' 'mkfs.ext4 -q -F -O verity'; do
    truncate -s 320M "$W/image"
    # shellcheck disable=SC2086 # a command with its options
    $made "$W/image"
    mkdir -p "$W/live"
    mount -o loop "$W/image" "$W/live" || skip "this kernel has no ${made##* }"
    echo kept >"$W/live/file"
    umount "$W/live"
    recovers
    document release
    expect 0
    losetup -d "$LOOP"
    rm -rf "$W/image" "$W"/dev/disk/by-id/* "$W"/state/runs
    SSM_runId=$SSM_runId-again
  done
}

@test "case 55: ext4 whose superblock has the checksum of another" {
  new_image ext4
  # The last bytes of the superblock.
  invert "$W/image" $((1024 + 1020)) 4
  attach_image
  document mount
  expect 1 'checksum'
}

@test "case 63: bytes of data that look like the superblock of DRBD or NILFS2" {
  new_image xfs
  size=$(stat -c %s "$W/image")
  mkdir "$W/live"
  mount -o loop "$W/image" "$W/live"
  echo kept >"$W/live/file"
  umount "$W/live"
  write_at "$W/image" $((size - 4096)) 00000000000000008374026b
  write_at "$W/image" $((size - 4096 + 6)) 3434
  recovers
}
