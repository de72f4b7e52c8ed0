#!/bin/bash
# damage.sh <image or folder> <damaged|filesystem>: spoils a volume made by image.sh.
#   damaged     flips four bytes in a page of shop.orders that InnoDB uses: only reading the table shows it
#   filesystem  wipes the superblock: the volume does not mount
set -euo pipefail

image=${1:?usage: damage.sh <image or folder> <damaged|filesystem>}
what=${2:?usage: damage.sh <image or folder> <damaged|filesystem>}
page_size=16384

# bytes_at <file> <offset> <bytes>
bytes_at() { od -An -v -t u1 -j "$2" -N "$3" "$1"; }

# flip_used_page <file>: from the middle down, the first page of type 17855 (an index page, in use); it inverts four
# bytes in the middle of it. A flip in a page that is not in use would harm nobody.
flip_used_page() {
  local file=$1 pages page offset type byte inverted=''
  pages=$(($(stat -c %s "$file") / page_size))
  for ((page = pages / 2; page > 3; page--)); do
    read -r -a type <<<"$(bytes_at "$file" $((page * page_size + 24)) 2)"
    [ $((type[0] * 256 + type[1])) -eq 17855 ] || continue
    offset=$((page * page_size + page_size / 2))
    for byte in $(bytes_at "$file" "$offset" 4); do
      inverted="$inverted$(printf '\\x%02x' $((255 - byte)))"
    done
    printf '%b' "$inverted" | dd of="$file" bs=1 seek="$offset" conv=notrunc status=none
    echo "shop.orders: 4 bytes at offset $offset of ${file##*/} inverted (page $page)"
    return
  done
  echo "$file has no page in use" >&2
  return 1
}

if [ "$what" = damaged ] && [ -d "$image" ]; then
  flip_used_page "$image/mysql/shop/orders.ibd"
elif [ "$what" = damaged ]; then
  export page_size
  export -f flip_used_page bytes_at
  # shellcheck disable=SC2016 # the inner shell expands it
  unshare --mount bash -euo pipefail -c '
    folder=$(mktemp -d "${TMPDIR:-/tmp}"/image.XXXXXX)
    trap '\''umount "$folder"; rmdir "$folder"'\'' EXIT
    # A copy of a mounted XFS has its UUID.
    options=loop
    [ "$(blkid -p -o value -s TYPE "$1")" != xfs ] || options=loop,nouuid
    mount -o "$options" "$1" "$folder"
    flip_used_page "$folder/mysql/shop/orders.ibd"
  ' damage "$image"
elif [ "$what" = filesystem ] && [ -d "$image" ]; then
  echo none >"$image.type"
  echo "$image: has no file system any more (a folder: $image.type says so to the shims)"
elif [ "$what" = filesystem ]; then
  # The superblocks of XFS (at 0) and ext4 (at 1024) are within; their copies further on help no mount.
  dd if=/dev/zero of="$image" bs=4096 count=16 conv=notrunc status=none
  echo "$image: the first 64 KiB with the superblock wiped"
else
  echo "unknown damage $what: damaged or filesystem" >&2
  exit 2
fi
