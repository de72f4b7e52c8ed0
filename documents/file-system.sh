# Finds the file system on the volume, and judges why it does not mount: a fault only if something shows damage.
# shellcheck shell=bash source=documents/lib.sh

# facts_of <device> [read]: the output of superblock.pl
facts_of() {
  # Without loop devices a folder replaces the device.
  [ -b "$1" ] || return 0
  superblock "$1" "$(uname -r)" "${@:2}" 2>/dev/null || true
}

# fact <kind> <facts>: the rest of each line of this kind
fact() { sed -n "s/^$1	//p" <<<"$2"; } # constant: each caller names it

# find_type <device>: sets TYPE, from the device itself, never from blkid's cache. The superblock that production's kernel
# would use decides if blkid prints nothing (signatures contradict each other, or the device's end cannot be read) or a
# type that no kernel mounts.
find_type() {
  local types
  TYPE=$(blkid -c /dev/null -p -o value -s TYPE "$1" 2>/dev/null) || TYPE=''
  case $TYPE in '' | zfs_member | drbd | nilfs2) ;; *) return 0 ;; esac
  types=$(fact type "$(facts_of "$1")" | cut -f 1)
  case $types in
    *$'\n'*) unchecked "$1 has the superblocks of several file systems (${types//$'\n'/, }): it cannot be told which is production's" ;;
    ?*) TYPE=$types ;;
  esac
}

# choose_file_system: sets SOURCE and TYPE: the volume, or its only partition with a file system
choose_file_system() {
  local table
  SOURCE=$DEVICE
  find_type "$DEVICE"
  [ -z "$TYPE" ] || return 0
  table=$(blkid -c /dev/null -p -o value -s PTTYPE "$DEVICE" 2>/dev/null) || table=''
  # After a read error blkid may not even print the partition table.
  if [ -z "$table$(partitions)" ]; then judge_no_file_system; fi
  choose_partition "${table:-of unknown kind}"
}

# partitions: the device's partitions, one per line
partitions() {
  local file
  for file in "/sys/class/block/${DEVICE##*/}"/*/partition; do
    [ -e "$file" ] || continue
    file=${file%/partition}
    printf '%s\n' "${DEVICE%/*}/${file##*/}"
  done
}

# choose_partition <kind of partition table>
choose_partition() {
  local part seen='' found=() unread=''
  for part in $(partitions); do
    find_type "$part"
    seen="$seen, $part ${TYPE:-unknown}"
    if [ -n "$TYPE" ]; then
      found+=("$part $TYPE")
    elif ! reads_beginning "$part"; then
      unread="$unread $part"
    fi
  done
  [ -z "$unread" ] || unchecked "of $SSM_volumeId these cannot be read (input/output error):$unread. Run it again, with a new volume"
  [ -n "$seen" ] || unchecked "$DEVICE has a partition table ($1), but this host's kernel shows no partition of it: see dmesg and partprobe"
  [ "${#found[@]}" -eq 1 ] ||
    unchecked "$SSM_volumeId has a partition table ($1) with ${#found[@]} file systems: it must be one${seen/#,/:}"
  SOURCE=${found[0]% *}
  TYPE=${found[0]##* }
}

reads_beginning() { dd if="$1" of=/dev/null bs=65536 count=16 2>/dev/null; }

# judge_no_file_system: zero bytes in place of every superblock, or a copy of a lost superblock, show damage. Unknown bytes
# do not.
judge_no_file_system() {
  local facts copy
  facts=$(facts_of "$DEVICE")
  { reads_beginning "$DEVICE" && [ -z "$(fact unreadable "$facts")" ]; } ||
    unchecked "the device $DEVICE cannot be read (input/output error): run it again, with a new volume"
  if [ -n "$(fact several "$facts")" ]; then refuse_several "$facts"; fi
  copy=$(fact copy "$facts" | sed -n 1p)
  if [ -n "$copy" ]; then
    conclude "$FAULT" "no file system on volume $SSM_volumeId: its superblock is gone, a copy of it (${copy%%	*}) stands at byte ${copy##*	}"
  elif [ "$(dd if="$DEVICE" bs=65536 count=1 2>/dev/null | tr -d '\000' | wc -c)" -eq 0 ]; then
    conclude "$FAULT" "no file system on volume $SSM_volumeId: its first 64 KiB are zero bytes"
  fi
  unchecked "no file system that is known on volume $SSM_volumeId ($DEVICE), and nothing that shows a damaged one: look at its beginning"
}

# refuse_several <facts>: one volume is only a part, and the kernel might use an unrelated device as the other part
refuse_several() {
  local what
  what=$(fact several "$1" | sed -n 1p)
  unchecked "volume $SSM_volumeId is one of several volumes that belong together: $what. A snapshot of one is not tested"
}

refuse_what_cannot_be_mounted() {
  local facts
  facts=$(facts_of "$SOURCE")
  if [ -n "$(fact several "$facts")" ]; then refuse_several "$facts"; fi
  [ "$(cat "/sys/class/block/${SOURCE##*/}/ro" 2>/dev/null)" != 1 ] ||
    unchecked "the device $SOURCE is write-protected on this host and would be mounted read-only: the test server has to write"
}

# Kernel messages about a file system that needs a feature which the kernel lacks.
LACKING='not supported|unsupported (optional|block|fs)|[Uu]nknown .*(feature|compat)|nrecogni[sz]ed feature|without CONFIG|not built with'
LACKING="$LACKING|cannot be (safely )?mounted|bad version|[Nn]ot configured|[Oo]nly page ?size|[Pp]age ?size|too (large|big) to |Cannot load"

# judge_mount_failure <mount's message>: checks first for damage that does not depend on the kernel, then for what this host
# cannot do, then the file system's own messages. Anything else is not a fault.
judge_mount_failure() {
  local said=$1 words facts line
  said=${said//[$'\n']/ }
  said=${said#mount: }
  said=${said#"$MOUNT_POINT: "}
  said=${said#'mount(2) system call failed: '}
  said=${said%.*dmesg(1)*}
  said=${said%%, missing codepage*}
  words=$(kernel_words "$SOURCE")
  facts=$(facts_of "$SOURCE")
  line=$(fact damaged "$facts" | sed -n 1p)
  [ -z "$line" ] || tell_damage "$said" "$line" "$words"
  line=$(fact type "$facts" | awk '$2 > $3 { print "it is " $2 " bytes long by its superblock, the volume has " $3 }')
  [ -z "$line" ] || tell_damage "$said" "$line" "$words"
  line=$(grep -E -m 1 -e "$LACKING" <<<"$words") || line=''
  # After this message XFS has accepted the features in its superblock.
  [ -n "$line" ] || grep -q 'Mounting V' <<<"$words" || line=$(fact lacks "$facts" | sed -n 1p)
  [ -z "$line" ] ||
    unchecked "this host's kernel ($(uname -r)) cannot mount the $TYPE on $SOURCE, test on one like production's: $line: $said"
  line=$(kernel_read_error "$SOURCE")
  [ -n "$line" ] || line=$(facts_of "$SOURCE" read | sed -n 's/^unreadable	\(.*\)	/byte \1: /p' | sed -n 1p)
  [ -z "$line" ] ||
    unchecked "the device $SOURCE has read errors on this host, run it again with a new volume: $line: $said"
  case $said in
    # The texts of EUCLEAN and EBADMSG, with which a file system reports damage of its own structure.
    *'Structure needs cleaning'* | *'Bad message'* | *'corrupted'*) line=$(grep -E -m 1 -e "$DAMAGED" <<<"$words") || line=' ' ;;
    *'not permitted'* | *'ermission denied'* | *'allocate memory'* | *'busy'*) line='' ;;
    *) line=$(grep -E -m 1 -e "$DAMAGED" <<<"$words") || line='' ;;
  esac
  [ -z "$line" ] || tell_damage "$said" "${line# }" "$words"
  unchecked "this host could not mount $SOURCE ($TYPE), and nothing shows that the file system is damaged: $said; see dmesg"
}

# tell_damage <mount's message> <what shows the damage> <kernel's messages>
tell_damage() {
  record mount fail "$SSM_volumeId" "$TYPE does not mount: $1${2:+; $2}"
  [ -z "$3" ] || record 'kernel log' warn "$SOURCE" "$(tail -n 2 <<<"$3")"
  conclude_from_records
}

# judge_read_only: an ext file system that finds damage while mounted becomes read-only
judge_read_only() {
  local line
  line=$(kernel_words "$SOURCE" | grep -E -m 1 'EXT[234]-fs error') || line=''
  [ -z "$line" ] || tell_damage 'only read-only' "$line" ''
  unchecked "$SOURCE was mounted read-only: the test server has to write"
}

# If the kernel finds damage in an ext file system, it records that in the superblock and goes on. The copy has the record.
look_for_recorded_errors() {
  local head state
  case ${TYPE-} in ext[234]) ;; *) return 0 ;; esac
  command -v dumpe2fs >/dev/null || {
    record 'recorded errors' skip "$SOURCE" 'this host lacks dumpe2fs'
    return 0
  }
  head=$(dumpe2fs -h "$SOURCE" 2>/dev/null) || head=''
  state=$(sed -n 's/^Filesystem state: *//p' <<<"$head")
  case $state in
    '') record 'recorded errors' skip "$SOURCE" 'dumpe2fs says no state' ;;
    *errors*) record 'recorded errors' fail "$SSM_volumeId" "the $TYPE file system says of itself: $state" ;;
    *) record 'recorded errors' pass "$SOURCE" "$state" ;;
  esac
}
