# Finds the device of the run's volume, and who else uses it.
# shellcheck shell=bash source=documents/lib.sh

IB_SYS_DIRECTORY=${IB_SYS_DIRECTORY:-/sys}

# serial_of <device name>: the serial number of an NVMe disk, "vol" and the number of its volume
serial_of() {
  local folder=$IB_SYS_DIRECTORY/class/block/$1
  { tr -d ' \n-' <"$folder/device/serial" || tr -d ' \n-' <"$folder/serial"; } 2>/dev/null || true
}

# number_in_name <letters>: a is 0, z is 25, aa is 26
number_in_name() {
  local letters=$1 number=0 alphabet=abcdefghijklmnopqrstuvwxyz before
  while [ -n "$letters" ]; do
    before=${alphabet%%"${letters:0:1}"*}
    number=$((number * 26 + ${#before} + 1))
    letters=${letters:1}
  done
  echo $((number - 1))
}

# xen_device <attachment name>: the disk of that attachment under Xen. The guest may give it another name, but the number of
# the virtual device encodes the attachment name: sdX, xvdX, or xvdX in the range for many disks.
xen_device() {
  local letters part number wanted path found=()
  [[ ${1##*/} =~ ^(sd|xvd)([a-z]+)([0-9]*)$ ]] || return 1
  letters=${BASH_REMATCH[2]} part=${BASH_REMATCH[3]:-0}
  number=$(number_in_name "$letters")
  wanted=" $((268435456 + number * 256 + part)) " # number: reckoned from letters that matched
  [ "$number" -ge 16 ] || wanted="$wanted$((2048 + number * 16 + part)) $((51712 + number * 16 + part)) " # number: as above
  for path in "$IB_SYS_DIRECTORY"/class/block/*/device; do
    number=$(readlink -f "$path") || continue
    case ${number##*/} in vbd-*) ;; *) continue ;; esac
    case $wanted in *" ${number##*-} "*) ;; *) continue ;; esac
    path=${path%/device}
    found+=("${path##*/}")
  done
  [ "${#found[@]}" -eq 1 ] || return 1
  printf '%s' "${found[0]}"
}

# find_device [attachment name]: the volume's device, if it is proven: by udev's link with the volume's id, the disk's serial
# number, or Xen's number of the attachment. A name alone proves nothing, because a guest may shift names.
# shellcheck disable=SC2120 # the release has no attachment name
find_device() {
  local id=${SSM_volumeId/-/} links=$IB_DEVICE_DIRECTORY/disk/by-id candidate serial
  # An older udev names the link after the namespace, or after the bytes of the serial number.
  for candidate in "$links/nvme-Amazon_Elastic_Block_Store_$id"{,_1,-ns-1} \
    "$links/nvme-nvme.1d0f-$(printf '%s' "$id" | od -An -v -t x1 | tr -d ' \n')"-*-00000001; do
    candidate=$(readlink -f "$candidate") || continue
    is_device "$candidate" || continue
    serial=$(serial_of "${candidate##*/}")
    case $serial in vol*) [ "$serial" = "$id" ] || continue ;; esac
    printf '%s' "$candidate"
    return
  done
  for candidate in "$IB_SYS_DIRECTORY"/class/block/*; do
    candidate=${candidate##*/}
    [ "$(serial_of "$candidate")" = "$id" ] || continue
    device_node "$candidate" && return
  done
  [ -n "${1-}" ] || return 1
  candidate=$(xen_device "$1") || return 1
  device_node "$candidate"
}

# device_node <name>: its path, if there is one
device_node() {
  local path
  path=$(readlink -f "$IB_DEVICE_DIRECTORY/$1") || return 1
  is_device "$path" || return 1
  printf '%s' "$path"
}

# seen_instead <attachment name>: text about the disk with that name, which is not proven to be the volume
seen_instead() {
  local name=${1##*/} path serial
  for name in "$name" "${name/#sd/xvd}"; do
    path=$(device_node "$name") || continue
    serial=$(serial_of "${path##*/}")
    printf '; %s is there, but %s' "$path" "${serial:+has the serial number $serial}"
    [ -n "$serial" ] || printf 'nothing shows that it is this volume'
    return
  done
}

# mounted_by_others <device number>: "<command>(<pid>) " of one process in each other mount namespace that has it mounted
mounted_by_others() {
  local file pid space known=' ' shown=0
  space=$(readlink /proc/self/ns/mnt) || space=''
  known=" $space "
  { grep -lE "^[0-9]+ [0-9]+ $1 " /proc/[0-9]*/mountinfo 2>/dev/null || true; } | sort -t / -k 3,3n |
    while read -r file; do
      pid=${file#/proc/}
      pid=${pid%/mountinfo}
      space=$(readlink "/proc/$pid/ns/mnt") || space=$pid
      case $known in *" $space "*) continue ;; esac
      known="$known$space "
      shown=$((shown + 1))
      if [ "$shown" -gt 3 ]; then
        printf 'and more '
        break
      fi
      printf '%s(%s) ' "$(cat "/proc/$pid/comm" 2>/dev/null || echo '?')" "$pid"
    done || true
}

# held_by <device>: text about what still holds it besides the mounts visible from here, or nothing
held_by() {
  local users
  [ -b "$1" ] || return 0
  users=$(mounted_by_others "$(device_number "$1")")
  if [ -n "$users" ]; then
    printf '%s' "mounted in the mount namespace of ${users% }"
  elif command -v perl >/dev/null &&
    ! perl -MFcntl -e 'exit !(sysopen(my $f, shift, O_RDONLY | O_EXCL) || !$!{EBUSY})' "$1" 2>/dev/null; then
    printf '%s' 'held by the kernel, for a mount or another device on it that no process shows'
  fi
}
