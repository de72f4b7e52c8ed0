#!/bin/bash
# image.sh <data folder> <image> [xfs|ext4|directory]: makes the volume that production's data is on; the data
# directory is its folder `mysql`. The image is a sparse file with a file system. Where loop devices are not to be
# had (no root, a plain container), or with `directory`, it is a folder, for use with `shims/`.
set -euo pipefail

data=${1:?usage: image.sh <data folder> <image> [xfs|ext4|directory]}
image=${2:?usage: image.sh <data folder> <image> [xfs|ext4|directory]}
type=${3:-}

[ -d "$data/mysql" ] || { echo "$data is no data directory" >&2; exit 1; }
[ ! -e "$image" ] || { echo "$image is there already" >&2; exit 1; }

can_loop() {
  [ "$(id -u)" -eq 0 ] && [ -e /dev/loop-control ] && losetup --find >/dev/null 2>&1 && unshare --mount true 2>/dev/null
}

if [ -z "$type" ]; then
  if ! can_loop; then
    type=directory
  elif command -v mkfs.xfs >/dev/null; then
    type=xfs
  else
    type=ext4
  fi
fi

if [ "$type" = directory ]; then
  mkdir -p "$image"
  cp -a "$data" "$image/mysql"
  echo xfs >"$image.type"
  echo "$image: a folder that stands for the volume, data in mysql/"
  exit
fi

# Room for what the server writes when it starts; mkfs.xfs wants 300 MiB at least.
size=$(($(du -sm "$data" | cut -f 1) * 3 / 2 + 100))
[ "$size" -ge 320 ] || size=320
truncate -s "${size}M" "$image"
case $type in
  xfs) mkfs.xfs -q "$image" ;;
  ext4) mkfs.ext4 -q -F "$image" ;;
  *) echo "unknown file system $type" >&2; exit 2 ;;
esac
# In a mount namespace of its own: whatever ends this script, the mount and its loop device end with it.
# shellcheck disable=SC2016 # the inner shell expands it
unshare --mount bash -euc '
  folder=$(mktemp -d "${TMPDIR:-/tmp}"/image.XXXXXX)
  trap '\''rmdir "$folder"'\'' EXIT
  mount -o loop "$2" "$folder"
  cp -a "$1" "$folder/mysql"
  umount "$folder"
' image "$data" "$image"
echo "$image: $type, ${size} MiB, data in mysql/"
