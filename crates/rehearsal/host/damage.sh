#!/bin/bash
# damage.sh help: what can be rehearsed, one a line: "<name>  <what it is>"
# damage.sh list: of these, the damages that a test has to find.
# damage.sh <image or folder> <name>: spoils a volume made by image.sh, and says what it did.
set -euo pipefail

page_size=16384

# nights: those for which nothing is spoiled here
nights() {
  cat <<'NIGHTS'
good         nothing is wrong
none         there is no snapshot
canary       a canary night: nothing is wrong, and the test instance damages its copy on purpose
NIGHTS
}

menu() {
  cat <<'MENU'
damaged      4 bytes of a page of shop.orders (InnoDB) that is in use: only reading the table shows it
index        4 bytes of the last index of shop.orders, which neither COUNT(*) nor a read of the rows touches
truncated    shop.visits (MyISAM) loses the second half of its rows; COUNT(*) does not notice
bitflip      64 bytes of shop.stock (Aria) inverted
missing      the file of shop.customers (InnoDB) is gone
definition   the definition (.frm) of shop.visits is gone, its rows are there
system       64 bytes of a table of the server's own (mysql.proc) inverted
tablespace   InnoDB's own pages (ibdata1) inverted: the server does not start
empty        no database on the volume at all
filesystem   the superblock wiped: the volume does not mount
view         one digit in the definition of the view shop.good_customers
link         the rows of shop.visits are a link to a file of the test instance, out of the volume
MENU
}

# odd: what must not be taken for damage, or not for certain
odd() {
  cat <<'ODD'
hostile      nothing is wrong, but a table's name is made of shell, SQL and markup
redolog      InnoDB's redo log (ib_logfile0) is gone, or on a volume of its own
kernel       nothing is wrong, but the file system has a feature that the test instance's kernel does not know
ODD
}

# bytes_at <file> <offset> <bytes>
bytes_at() { od -An -v -t u1 -j "$2" -N "$3" "$1"; }

# invert <file> <offset> <bytes>
invert() {
  local byte inverted=''
  for byte in $(bytes_at "$1" "$2" "$3"); do
    inverted="$inverted$(printf '\\x%02x' $((255 - byte)))"
  done
  printf '%b' "$inverted" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
  echo "$3 bytes at offset $2 of ${1##*/} inverted"
}

# type_of <file> <page>: 17855 is an index page that is in use. A flip in one that is not would harm nobody.
type_of() {
  local bytes
  read -r -a bytes <<<"$(bytes_at "$1" $(($2 * page_size + 24)) 2)"
  echo $((bytes[0] * 256 + bytes[1]))
}

# index_of <file> <page>: the number of the index that the page belongs to, its last two bytes
index_of() {
  local bytes
  read -r -a bytes <<<"$(bytes_at "$1" $(($2 * page_size + 72)) 2)"
  echo $((bytes[0] * 256 + bytes[1]))
}

# invert_page <file> <middle|last>: the first page in use from the middle down, or one of the index with the highest number
invert_page() {
  local file=$1 pages page chosen='' highest=-1
  pages=$(($(stat -c %s "$file") / page_size))
  if [ "$2" = middle ]; then pages=$((pages / 2 + 1)); fi
  for ((page = pages - 1; page > 3; page--)); do
    [ "$(type_of "$file" "$page")" -eq 17855 ] || continue
    if [ "$2" = middle ]; then chosen=$page; break; fi
    if [ "$(index_of "$file" "$page")" -gt "$highest" ]; then
      highest=$(index_of "$file" "$page")
      chosen=$page
    fi
  done
  [ -n "$chosen" ] || { echo "$file has no page in use" >&2; return 1; }
  invert "$file" $((chosen * page_size + page_size / 2)) 4
}

# hostile <folder of the database>: a copy of visits under a name in which a server writes all but letters and digits as @0000
hostile() {
  # shellcheck disable=SC2016 # nobody shall expand it
  local name='"$(reboot)`id`'\'';DROP TABLE orders;-- <b>${HOME}' file='' character kind
  while IFS= read -r -n 1 character; do
    case $character in
      [A-Za-z0-9_]) file=$file$character ;;
      '') ;;
      *) file=$file$(printf '@%04x' "'$character") ;;
    esac
  done <<<"$name"
  for kind in frm MYD MYI; do cp -a "$1/visits.$kind" "$1/$file.$kind"; done
  echo "a copy of visits under the name $name"
}

# damage <data directory> <name>
damage() {
  local data=$1
  case $2 in
    damaged) invert_page "$data/shop/orders.ibd" middle ;;
    index) invert_page "$data/shop/orders.ibd" last ;;
    truncated)
      truncate -s $(($(stat -c %s "$data/shop/visits.MYD") / 2)) "$data/shop/visits.MYD"
      echo 'visits.MYD cut to its half'
      ;;
    bitflip) invert "$data/shop/stock.MAD" $(($(stat -c %s "$data/shop/stock.MAD") / 2)) 64 ;;
    missing) rm -v "$data/shop/customers.ibd" ;;
    definition) rm -v "$data/shop/visits.frm" ;;
    system) invert "$data/mysql/proc.MAD" 8200 64 ;;
    tablespace)
      invert "$data/ibdata1" $((5 * page_size + 100)) 64
      invert "$data/ibdata1" $((7 * page_size + 100)) 64
      ;;
    redolog) rm -v "$data/ib_logfile0" ;;
    view)
      sed -i '/^query=/s/1000/9000/' "$data/shop/good_customers.frm"
      echo 'good_customers.frm: over 9000 in place of over 1000'
      ;;
    link)
      rm "$data/shop/visits.MYD"
      ln -sv /etc/passwd "$data/shop/visits.MYD"
      ;;
    hostile) hostile "$data/shop" ;;
    empty)
      find "$data" -mindepth 1 -delete
      echo 'the data directory emptied'
      ;;
  esac
}

# in_image <image> <name>: in a mount namespace of its own, which takes the mount and its loop device with it
in_image() {
  export page_size
  export -f damage hostile invert invert_page bytes_at type_of index_of
  # shellcheck disable=SC2016 # the inner shell expands it
  unshare --mount bash -euo pipefail -c '
    folder=$(mktemp -d "${TMPDIR:-/tmp}"/image.XXXXXX)
    trap '\''umount "$folder"; rmdir "$folder"'\'' EXIT
    # A copy of a mounted XFS has its UUID.
    options=loop
    [ "$(blkid -p -o value -s TYPE "$1")" != xfs ] || options=loop,nouuid
    mount -o "$options" "$1" "$folder"
    damage "$folder/mysql" "$2"
  ' damage "$1" "$2"
}

# unknown_feature <image or folder>: the highest bit of the superblock's incompatible features
unknown_feature() {
  if [ -d "$1" ]; then
    echo unknownfs >"$1.type"
  elif [ "$(blkid -p -o value -s TYPE "$1")" = xfs ]; then
    xfs_db -x -c 'sb 0' -c "write -d features_incompat $((0x80000000 + $(incompat_of "$1")))" "$1" >/dev/null
  else
    debugfs -w -R 'feature FEATURE_I31' "$1" >/dev/null 2>&1
  fi
  echo "$1: the file system has a feature that no kernel knows"
}

incompat_of() { xfs_db -r -c 'sb 0' -c 'print features_incompat' "$1" | sed 's/.*= //'; }

wipe_superblock() {
  if [ -d "$1" ]; then
    echo none >"$1.type"
    echo "$1: has no file system any more (a folder: $1.type says so to the shims)"
  else
    # The superblocks of XFS (at 0) and ext4 (at 1024) are within; their copies further on help no mount.
    dd if=/dev/zero of="$1" bs=4096 count=16 conv=notrunc status=none
    echo "$1: the first 64 KiB with the superblock wiped"
  fi
}

case ${1-} in
  help)
    nights
    menu
    odd
    exit
    ;;
  list)
    menu
    exit
    ;;
esac
image=${1:?usage: damage.sh <image or folder> <name>, or damage.sh help}
what=${2:?usage: damage.sh <image or folder> <name>, or damage.sh help}
known=$(menu; odd)
grep -q "^$what  " <<<"$known" || { printf 'unknown damage %s; these are known:\n%s\n' "$what" "$known" >&2; exit 2; }
if [ "$what" = filesystem ]; then
  wipe_superblock "$image"
elif [ "$what" = kernel ]; then
  unknown_feature "$image"
elif [ -d "$image" ]; then
  damage "$image/mysql" "$what"
else
  in_image "$image" "$what"
fi
