# Read errors of the restored volume while the test is at work: they say nothing of the snapshot, whatever the server makes
# of them. A number is that of the field case. A real MariaDB server, real errors.
bats_require_minimum_version 1.5.0
load helper
setup() {
  host
  needs_loop
  needs_server
}

# volume [offset of the file system]: production's data on an XFS, in $W/image, not attached
volume() {
  new_image xfs
  mkdir -p "$W/fill"
  mount -o loop "$W/image" "$W/fill"
  cp -a "$PRODUCTION/data" "$W/fill/mysql"
  umount "$W/fill"
}

# place_of <file> <offset in it>: where that is in the image, a multiple of 4096
place_of() {
  mount -o loop,ro "$W/image" "$W/fill"
  python3 - "$W/fill/mysql/$1" "$2" <<'PYTHON'
import fcntl, struct, sys
# FIEMAP of one extent
offset = int(sys.argv[2])
with open(sys.argv[1], "rb") as file:
    asked = struct.pack("=QQIIII", offset, 4096, 0, 0, 1, 0) + bytes(56)
    answer = fcntl.ioctl(file, 0xC020660B, asked)
logical, physical = struct.unpack_from("=QQ", answer, 32)
print((physical + offset - logical) // 4096 * 4096)
PYTHON
  umount "$W/fill"
}

# is_told <offset>: whether the kernel tells that this place of the volume cannot be read, if it is read now
is_told() {
  local before
  before=$(dmesg | grep "error, dev ${LOOP##*/}" | tail -n 1) || true
  dd if="$LOOP" of=/dev/null bs=4096 skip=$(($1 / 4096)) count=1 iflag=direct status=none 2>/dev/null || true
  [ "$before" != "$(dmesg | grep "error, dev ${LOOP##*/}" | tail -n 1)" ]
}

# kernel_tells <offset>: the kernel tells ten read errors in five seconds and then none, whatever device they are of. So that
# it has words left for the test, these are used up, and the next five seconds are waited for.
kernel_tells() {
  local end=$((SECONDS + 30))
  while is_told "$1"; do [ "$SECONDS" -lt "$end" ]; done
  until is_told "$1"; do [ "$SECONDS" -lt "$end" ]; done
}

# unreadable <file> [offset]: of this file 4 KiB cannot be read; then mount and test
unreadable() {
  volume
  at=$(place_of "$1" "${2:-12288}")
  eio "$at"
  attach_image
  kernel_tells "$at"
  document mount
  if [ "$code" -ne 0 ]; then
    # The kernel's reading ahead of the superblock has met the place, and told of it late.
    expect 75 'read or write errors' "dev ${LOOP##*/}"
    return
  fi
  expect 0
  document test
  expect 75 'read or write errors' "dev ${LOOP##*/}"
  # Told once.
  [ "$(grep -c '^ERROR device: ' <<<"$output")" -eq 1 ]
  if grep -q '^FAIL' <<<"$output"; then show; return 1; fi
}

@test "case 23: in a MyISAM file" { unreadable shop/visits.MYD; }

@test "case 23: in a MyISAM index" { unreadable shop/visits.MYI; }

@test "case 26: in an Aria table" { unreadable shop/stock.MAD 8192; }

@test "in an InnoDB table" { unreadable shop/orders.ibd 65536; }

@test "in InnoDB's system tablespace: the server does not start" { unreadable ibdata1 81920; }

@test "in InnoDB's redo log" { unreadable ib_logfile0 0; }

@test "in a table of the server's own" { unreadable mysql/proc.MAD 8192; }

@test "case 65: in the definition of a table" { unreadable shop/orders.frm 0; }

@test "case 25: in a MyISAM file on a partition, where the kernel names the disk" {
  volume
  mv "$W/image" "$W/filled"
  at=$(($(ln -sf "$W/filled" "$W/image" && place_of shop/visits.MYD 12288) + 1048576))
  rm "$W/image"
  partitioned 700
  losetup -d "$LOOP"
  dd if="$W/filled" of="$W/image" bs=1M seek=1 conv=notrunc,sparse status=none
  eio "$at"
  scan_partitions
  link_device "$LOOP"
  mounted_test
  expect 75 'read or write errors'
  if grep -q '^FAIL' <<<"$output"; then show; return 1; fi
}

@test "in a pack of an Infobright table, which the test reads itself" {
  volume
  mount -o loop "$W/image" "$W/fill"
  cp -a "$GOLDEN"/. "$W/fill/mysql/"
  pack=$(cd "$W/fill/mysql" && find . -name 'TA*.ctb' -size +16k | sort | head -n 1)
  umount "$W/fill"
  at=$(place_of "${pack#./}" 0)
  eio "$at"
  attach_image
  kernel_tells "$at"
  mounted_test
  # This server has no such engine, which is said last.
  expect 75
  grep -q '^ERROR device: .*read or write errors' <<<"$output"
  grep -q '^ERROR structure: ' <<<"$output"
  if grep -q '^FAIL' <<<"$output"; then show; return 1; fi
}

@test "real damage on a device without errors stays a fault, though the kernel logged errors before the mount" {
  [ -w /dev/kmsg ] || skip 'no /dev/kmsg'
  volume
  "$HOST_SCRIPTS/damage.sh" "$W/image" truncated
  attach_image
  echo "<6>I/O error, dev ${LOOP##*/}, sector 2048 op 0x0:(READ) flags 0x0 phys_seg 1 prio class 2" >/dev/kmsg
  mounted_test
  expect 1 shop.visits
}

@test "AppArmor denies the server the volume: not judged; AppArmor denies something else: judged" {
  [ -w /dev/kmsg ] || skip 'no /dev/kmsg'
  volume
  "$HOST_SCRIPTS/damage.sh" "$W/image" truncated
  attach_image
  document mount
  expect 0
  echo "<5>audit: type=1400 audit(1.0:1): apparmor=\"DENIED\" operation=\"open\" profile=\"mysqld\" name=\"/sys/devices/system/node/\" comm=\"mysqld\"" >/dev/kmsg
  document test
  expect 1 shop.visits
  rm "$W/state/runs/run-1/test.result"
  echo "<5>audit: type=1400 audit(1.0:2): apparmor=\"DENIED\" operation=\"open\" profile=\"mysqld\" name=\"$W/mnt/mysql/ibdata1\" comm=\"mysqld\"" >/dev/kmsg
  document test
  expect 75 AppArmor
}

# spoiled_inode <file>: of an ext4 on which production's data are; the kernel only meets it when it is used
spoiled_inode() {
  local inode at size
  new_image ext4
  mkdir -p "$W/fill"
  mount -o loop "$W/image" "$W/fill"
  cp -a "$PRODUCTION/data" "$W/fill/mysql"
  inode=$(stat -c %i "$W/fill/mysql/$1")
  umount "$W/fill"
  at=$(debugfs -R "imap <$inode>" "$W/image" 2>/dev/null | sed -n 's/.*block \([0-9]*\), offset 0x\(.*\)/\1 \2/p')
  size=$(dumpe2fs -h "$W/image" 2>/dev/null | sed -n 's/^Block size: *//p')
  invert "$W/image" $((${at% *} * size + 0x${at#* } + 60)) 40
  attach_image
}

@test "a file system that finds its damage only during the test is a fault, with the kernel's words: a table" {
  spoiled_inode shop/visits.MYD
  mounted_test
  expect 1 'EXT4-fs error' checksum
}

@test "a file system that finds its damage only during the test is a fault, with the kernel's words: a folder" {
  spoiled_inode shop
  mounted_test
  expect 1 'EXT4-fs error' checksum
}

@test "a file system that finds its damage only during the test is a fault, with the kernel's words: XFS" {
  volume
  mount -o loop "$W/image" "$W/fill"
  inode=$(find "$W/fill/mysql/mysql" -type f -printf '%i\n' | sort -n | tail -n 1)
  umount "$W/fill"
  at=$(xfs_db -r -c "convert ino $inode daddr" "$W/image" | sed 's/.*(\(.*\))/\1/')
  invert "$W/image" $((at * 512 + 40)) 100
  attach_image
  mounted_test
  expect 1 'XFS ' orrupt
}
