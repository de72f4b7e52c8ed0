# Kernel messages about the run's device since the run mounted it. Earlier messages may be about another device with the
# same name.
# shellcheck shell=bash source=documents/lib.sh

# kernel_mark: stores the messages so far in the run's folder, because the test needs them too
kernel_mark() { dmesg >"$RUN_DIRECTORY/kernel.before" 2>/dev/null || true; }

# kernel_since: the messages since the mark. The kernel's buffer loses the oldest lines, and an old dmesg cuts the first
# line that it shows, so this searches for the lines that both have.
kernel_since() {
  [ -e "$RUN_DIRECTORY/kernel.before" ] || return 0
  dmesg 2>/dev/null | awk '
    part == 1 { before[++b] = $0; next }
    { after[++a] = $0 }
    function fits(d,   i, n) {
      n = length(before[d + 1]) - length(after[1])
      if (a < b - d || n < 0 || substr(before[d + 1], n + 1) != after[1]) return 0
      for (i = 2; i + d <= b; i++) if (after[i] != before[i + d]) return 0
      return 1
    }
    END {
      for (d = 0; d < b && !fits(d); d++);
      for (i = b - d + 1; i <= a; i++) print after[i]
    }' part=1 "$RUN_DIRECTORY/kernel.before" part=2 - || true
}

# names_of <device>: a pattern for the device and its disk, because the kernel may name either
names_of() {
  local name=${1##*/} disk
  if [ -e "/sys/class/block/$name/partition" ]; then
    disk=$(readlink -f "/sys/class/block/$name/..") || disk=''
    [ -z "$disk" ] || name="$name|${disk##*/}"
  fi
  # The name of a disk with several controllers contains the controller.
  sed -E 's/nvme([0-9]+)n/nvme\1(c[0-9]+)?n/g' <<<"$name"
}

# kernel_words <device>: the lines since the mark about its file system. Some journal messages name no device.
kernel_words() {
  kernel_since | sed 's/^\[[^]]*\] *//' |
    grep -E -e "(^|[^A-Za-z0-9])($(names_of "$1"))([^A-Za-z0-9]|\$)" -e '^(XFS|JBD2?|EXT[234]-fs):' || true
}

# kernel_read_error <device>: the first line since the mark about an I/O error of the device itself. File systems call their
# own failed checks I/O errors too; the block layer writes "error, dev <name>".
kernel_read_error() {
  kernel_since | sed 's/^\[[^]]*\] *//' | grep -E -m 1 "error, dev ($(names_of "$1"))([^A-Za-z0-9]|\$)" || true
}

# kernel_refusal <device>: the first line since the mark in which AppArmor or SELinux denied access to the volume
kernel_refusal() {
  kernel_since | sed 's/^\[[^]]*\] *//' |
    grep -E 'apparmor="DENIED"|avc: +denied' |
    grep -E -m 1 -e "dev=\"($(names_of "$1"))\"" -e "name=\"$MOUNT_POINT(/|\")" || true
}

# Words with which file systems report their own damage.
DAMAGED='orrupt|hecksum|CRC|bogus|(bad|wrong) magic|[Bb]ad (geometry|superblock|block)|nvalid|not (valid|in group)|per (group|cluster) too'
DAMAGED="$DAMAGED|unsupported (inode|descriptor) size|(no|load) (valid )?journal|root inode|log (mount|recovery)[^:]* failed|validate failed"
DAMAGED="$DAMAGED|sanity|e2fsck|xfs_repair|illegal|nconsisten|mismatch|needs repair|beyond end of device"

# file_system_damage: the first such line since the mount, while the volume is there and can be read. A reader only gets an
# error number, which could also come from the host. If mounting fails, the mount script checks more than these words.
file_system_damage() {
  [ "$SCRIPT ${MARK_RUN-}" = "test $SSM_runId" ] || return 0
  [ "$(device_number "$MARK_DEVICE")" = "$MARK_NUMBER" ] || return 0
  kernel_words "$MARK_DEVICE" | grep -E '^(EXT[234]-fs error|XFS )' | grep -E -m 1 -e "$DAMAGED" || true
}

# host_is_to_blame [reads]: whether this host could not read the volume or, without `reads`, was denied access. Then signs of
# damage prove nothing. BLAME has the reason. Once true, it stays true.
BLAME=''
host_is_to_blame() {
  local device=${MARK_DEVICE-} line
  [ -z "$BLAME" ] || return 0
  [ -n "$device" ] && [ "$MARK_RUN" = "$SSM_runId" ] || return 1
  line=$(kernel_read_error "$device")
  if [ -n "$line" ]; then
    BLAME="the device has read or write errors on this host, which say nothing of the snapshot: $line. Run it again, with a new volume"
  elif [ -z "${1-}" ]; then
    line=$(kernel_refusal "$device")
    [ -z "$line" ] || BLAME="AppArmor or SELinux of this host keeps programs from the volume: ${line:0:120}. Allow them $MOUNT_POINT"
  fi
  [ -n "$BLAME" ]
}

# tell_blame: records the reason once for all processes of the script
tell_blame() {
  mkdir "$RUN_DIRECTORY/blame.$$" 2>/dev/null || return 0
  record device error "$MARK_DEVICE" "$BLAME"
}
