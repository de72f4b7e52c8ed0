# What the tests share. A test has a host of its own in $W: devices, state directory, mount point.
# Two kinds of volume: `folder_volume` (the stand-ins of the rehearsal for mount and device, a real database server,
# no root needed) and `loop_volume` (a real file system on a real loop device).

# host [folder]: where it is
host() {
  W=${1:-$BATS_TEST_TMPDIR}
  # What a test has the server or the client write goes into the state directory: the script lets them write nowhere else.
  mkdir -p "$W/dev/disk/by-id" "$W/bin" "$W/state"
  # The database's server and client are other users where the tests run as root.
  chmod 755 "$W" "${BATS_RUN_TMPDIR:-$W}" "${W%/*}"
  export IB_DEVICE_DIRECTORY=$W/dev IB_DEVICE_WAIT=0 IB_START_WAIT=60 IB_STOP_WAIT=60 IB_SCRIPT_STOP_WAIT=10 IB_SERVER_STOP_WAIT=20
  export IB_LOCK_WAIT=30 IB_MOUNTING_WAIT=30 IB_INDEX_SECONDS=60
  export SSM_runId=run-1 SSM_volumeId=vol-0rehearsal1 SSM_mountPoint=$W/mnt SSM_stateDirectory=$W/state
  export SSM_device=/dev/sdz SSM_snapshotId=snap-0rehearsal1 SSM_dataDirectory=mysql SSM_serverUser
  SSM_serverUser=$(id -un)
  SSM_server=$(command -v mariadbd || echo /usr/sbin/mariadbd)
  SSM_client=$(command -v mariadb || echo /usr/bin/mariadb)
  export SSM_server SSM_client
  STARTED=()
  LOOPS=()
}

link_device() { ln -s "$1" "$W/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${SSM_volumeId/-/}"; }

needs_server() {
  [ -d "$PRODUCTION/data" ] || skip 'no MariaDB server on this machine'
}

# folder_volume: a copy of production's data as the run's volume; $DATA is its data directory
folder_volume() {
  needs_server
  export IB_MOUNTINFO=$W/mountinfo PATH=$HOST_SCRIPTS/shims:$PATH
  "$HOST_SCRIPTS/image.sh" "$PRODUCTION/data" "$W/volume" directory >/dev/null
  link_device "$W/volume"
  DATA=$W/volume/mysql
}

# infobright_volume [case]: golden as the run's volume, with a stand-in for its server; `infobright/server` says more
infobright_volume() {
  export IB_MOUNTINFO=$W/mountinfo PATH=$HOST_SCRIPTS/shims:$PATH IB_CASE=${1:-golden} IB_HEALTHY=$GOLDEN
  export SSM_server=$BATS_TEST_DIRNAME/infobright/server SSM_client=$BATS_TEST_DIRNAME/infobright/client
  mkdir "$W/volume"
  cp -a "$GOLDEN" "$W/volume/mysql"
  echo xfs >"$W/volume.type"
  link_device "$W/volume"
  DATA=$W/volume/mysql
}

# start_production: a server on $DATA, as production has it; its socket is $W/s
start_production() {
  "$SSM_server" --no-defaults --user="$(id -un)" --datadir="$DATA" --socket="$W/s" --pid-file="$W/pid" --tmpdir="$W" --skip-networking \
    --skip-grant-tables --loose-innodb-log-file-size=4M --log-error="$W/production.log" >/dev/null 2>&1 3>&- &
  STARTED+=($!)
  until "$SSM_client" --no-defaults --socket="$W/s" -e 'SELECT 1' >/dev/null 2>&1; do kill -0 "${STARTED[-1]}"; done
}

stop_production() {
  kill "${STARTED[-1]}"
  wait "${STARTED[-1]}" || true
}

# manifest [options]: the script on production's host. Sets code and said.
manifest() {
  code=0
  said=$("$SCRIPTS/manifest" --data "$DATA" --socket "$W/s" --client "$SSM_client" "$@" 2>&1 3>&-) || code=$?
}

# with_manifest: production writes one, and stops
with_manifest() {
  start_production
  manifest
  [ "$code" -eq 0 ] || { echo "$said"; return 1; }
  stop_production
}

# as_a_disk_does <command...> <file>: changes it without its time telling
as_a_disk_does() {
  touch -r "${!#}" "$W/time"
  "$@"
  touch -r "$W/time" "${!#}"
}

# older_page <file> <index> <before>: puts a leaf page of an index, by its place among the indexes, back as it was in another file
older_page() {
  python3 - "$@" <<'PYTHON'
import struct, sys
name, place, before = sys.argv[1], int(sys.argv[2]), sys.argv[3]
new, old = open(name, "rb").read(), open(before, "rb").read()
def head(page):
    return page[24:26] == b"\x45\xbf" and page[64:66] == b"\0\0", page[66:74], struct.unpack(">H", page[54:56])[0]
pages = [(at, head(new[at:at + 16384])) for at in range(0, min(len(new), len(old)), 16384)]
ids = sorted({index for _, (leaf, index, _) in pages if leaf})
for at, (leaf, index, rows) in pages:
    if leaf and index == ids[place] and head(old[at:at + 16384]) == (leaf, index, rows) and old[at:at + 16384] != new[at:at + 16384]:
        with open(name, "r+b") as file:
            file.seek(at)
            file.write(old[at:at + 16384])
        break
else:
    sys.exit("no page with as many entries")
PYTHON
}

# sql: runs statements, one a line, on the stopped data directory
sql() {
  { echo 'SET NAMES utf8mb4;'; cat; } | "$SSM_server" --no-defaults --user="$(id -un)" --datadir="$DATA" --bootstrap --tmpdir="$W" --loose-innodb-log-file-size=4M \
    >"$W/bootstrap.log" 2>&1 || { cat "$W/bootstrap.log"; return 1; }
}

needs_loop() {
  [ "$(id -u)" -eq 0 ] || skip 'loop devices need root'
  [ -e /dev/loop-control ] && losetup --find >/dev/null 2>&1 || skip 'no loop devices here'
  [ "$(readlink /proc/self/ns/mnt)" != "$(readlink /proc/1/ns/mnt)" ] ||
    skip 'mounts only in a mount namespace of its own: use documents/tests/run'
}

# new_image <xfs|ext4>: an empty file system in $W/image
new_image() {
  needs_loop
  command -v "mkfs.$1" >/dev/null || skip "no mkfs.$1 on this machine"
  truncate -s 320M "$W/image"
  case $1 in
    xfs) mkfs.xfs -q "$W/image" ;;
    ext4) mkfs.ext4 -q -F "$W/image" ;;
  esac
}

# attach_image [image]: a loop device with it becomes the run's device, LOOP
attach_image() {
  LOOP=$(losetup --find --show "${1:-$W/image}")
  LOOPS+=("$LOOP")
  link_device "$LOOP"
}

# write_at <file> <offset> <hex bytes>
write_at() { printf '%b' "$(sed 's/../\\x&/g' <<<"$3")" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }

# journal_of <image>: where the journal of its ext4 begins
journal_of() {
  local block
  block=$(dumpe2fs -h "$1" 2>/dev/null | sed -n 's/^Block size: *//p')
  echo $(($(debugfs -R 'bmap <8> 0' "$1" 2>/dev/null) * block))
}

# other_loop <image>: another loop device, its name in OTHER
other_loop() {
  OTHER=$(losetup --find --show "$1")
  LOOPS+=("$OTHER")
}

# partitioned <MiB>...: a loop device with partitions of that size, each of the kind "Linux"
partitioned() {
  local entries='' start=2048 size
  needs_loop
  truncate -s 800M "$W/image"
  PARTITIONS=("$@")
  for size; do
    # Not bootable, where it begins, its kind, where it ends; then both in sectors, little end first.
    entries="${entries}0000000083000000$(printf '%08x%08x' "$start" $((size * 2048)) | sed -E 's/(..)(..)(..)(..)/\4\3\2\1/g')"
    start=$((start + size * 2048))
  done
  write_at "$W/image" 446 "$entries"
  write_at "$W/image" 510 55aa
  scan_partitions
}

# scan_partitions: attaches the image. A kernel that reads no partition table is told.
scan_partitions() {
  local number=0 start=2048 size
  LOOP=$(losetup --find --show --partscan "$W/image")
  LOOPS+=("$LOOP")
  for size in "${PARTITIONS[@]}"; do
    number=$((number + 1))
    [ -b "${LOOP}p$number" ] || addpart "$LOOP" "$number" "$start" $((size * 2048))
    start=$((start + size * 2048))
  done
  [ -b "${LOOP}p1" ] || skip 'no partitions on loop devices here'
}

# eio <offset>: reading these 4 KiB of the image gives an input/output error from now on. The image moves into a btrfs, where
# they do not have the checksum that is written there.
eio() {
  command -v mkfs.btrfs >/dev/null || skip 'no mkfs.btrfs on this machine'
  mkdir -p "$W/store.d"
  if [ ! -e "$W/store" ]; then
    truncate -s $(($(stat -c %s "$W/image") + 200000000)) "$W/store"
    mkfs.btrfs -q -m single -d single "$W/store"
    mount -o loop "$W/store" "$W/store.d"
    cp --sparse=always "$W/image" "$W/store.d/image"
    rm "$W/image"
    ln -s "$W/store.d/image" "$W/image"
    umount "$W/store.d"
  fi
  mount -o loop "$W/store" "$W/store.d"
  python3 - "$W/store.d/image" "$1" "$W/block" <<'PYTHON'
import os, sys
image, offset, block = open(sys.argv[1], "r+b"), int(sys.argv[2]), sys.argv[3]
image.seek(offset)
content = image.read(4096)
# Zeros are stored nowhere.
if not content.strip(b"\0"):
    content = os.urandom(4096)
    image.seek(offset)
    image.write(content)
open(block, "wb").write(content)
PYTHON
  umount "$W/store.d"
  python3 - "$W/store" "$W/block" <<'PYTHON'
import mmap, sys
block = open(sys.argv[2], "rb").read()
with open(sys.argv[1], "r+b") as file, mmap.mmap(file.fileno(), 0) as store:
    at, found = store.find(block), 0
    while at >= 0:
        store[at] ^= 255
        found += 1
        at = store.find(block, at + 4096)
    assert found, "the block is not in the store"
PYTHON
  mount -o loop "$W/store" "$W/store.d"
  if dd if="$W/store.d/image" of=/dev/null bs=4096 skip=$(($1 / 4096)) count=1 status=none 2>/dev/null; then return 1; fi
}

# document <name>: runs it as the SSM agent would. Sets code, output, and from its last line valid, checks, tables,
# rows, reason; fails unless that is the one line of JSON that was promised, and the whole is short enough.
document() {
  code=0
  # Through a pipe: like the agent, this waits until nobody holds it any more.
  output=$("$SCRIPTS/$1" 2>"$W/stderr") || code=$?
  read_result
}

read_result() {
  { read -r valid checks tables rows; read -r reason; } < <(python3 -c '
import json, sys
text = sys.stdin.buffer.read().decode("utf-8")
assert len(text) < 23000, len(text)
result = json.loads(text.rstrip("\n").split("\n")[-1])
assert list(result)[:6] == ["valid", "checks", "tables", "rows", "seconds", "reason"], result
more = ["coverage", "paused_seconds", "manifest", "script"]
assert list(result)[6:] == [key for key in more if key in result], result
assert type(result.get("manifest", True)) is bool, result
assert all(type(result[key]) is int for key in ("checks", "tables", "rows", "seconds"))
assert "\n" not in result["reason"]
print({True: "true", False: "false", None: "null"}[result["valid"]], result["checks"], result["tables"], result["rows"])
print(result["reason"])' <<<"$output")
  [ "$(wc -c <"$W/stderr")" -lt 8000 ]
}

# expect <exit code> [words of the reason]...
expect() {
  local words
  if [ "$code" != "$1" ]; then
    echo "exit code $code, not $1"
    show
    return 1
  fi
  case $1 in
    0) [ "$valid" = true ] && [ "$reason" = '' ] || { show; return 1; } ;;
    1) [ "$valid" = false ] || { show; return 1; } ;;
    75) [ "$valid" = null ] || { show; return 1; } ;;
  esac
  shift
  for words in "$@"; do
    case $reason in *"$words"*) ;; *) echo "not in the reason: $words"; show; return 1 ;; esac
  done
}

show() {
  printf '%s\n' "$output"
  cat "$W/stderr"
}

# no_marks: no line of the report wants somebody's eye. That this machine has no namespaces is none of the data's.
no_marks() { if grep -E '^(WARN|FAIL|ERROR)' <<<"$output" | grep -v '^WARN *namespaces: '; then return 1; fi; }

# summary <key>: of the last line, or nothing
summary() { python3 -c 'import json, sys; print(json.load(sys.stdin).get(sys.argv[1], ""))' "$1" <<<"${output##*$'\n'}"; }

# mounted_test: mount, then test
mounted_test() {
  document mount
  expect 0
  document test
}

# invert <file> <offset> <bytes>
invert() {
  python3 - "$@" <<'PYTHON'
import sys
name, offset, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with open(name, "r+b") as file:
    file.seek(offset)
    old = file.read(count)
    assert len(old) == count
    file.seek(offset)
    file.write(bytes(byte ^ 255 for byte in old))
PYTHON
}

# before_statement <word> <shell command>: a client that runs the command, once, right before the first statement with that
# word, behind the statements before it. So a test can act in the middle without a sleep.
before_statement() {
  cat >"$W/bin/client" <<CLIENT
#!/bin/bash
sql=\$(cat)
if [[ \$sql == *'$1'* ]] && mkdir "$W/state/once" 2>/dev/null; then
  before=\${sql%%'$1'*}
  before=\${before%;*}
  # The client's own command for the shell, on a line of its own.
  sql="\$before;"\$'\n\\! $W/bin/meddle\n'"\${sql#"\$before;"}"
fi
exec $SSM_client "\$@" <<<"\$sql"
CLIENT
  printf '#!/bin/bash\n%s\n' "$2" >"$W/bin/meddle"
  chmod +x "$W/bin/client" "$W/bin/meddle"
  export SSM_client=$W/bin/client
}

# pausing_client <word>: it says so in the pipe `reached`, and goes on when somebody writes to the pipe `go`
pausing_client() {
  # One reader, so that what is read while it pauses is known.
  export IB_WORKERS=1
  mkfifo "$W/reached" "$W/go"
  before_statement "$1" "echo \$\$ >'$W/state/paused'; echo reached >'$W/reached'; read -r -t 30 _ <>'$W/go'"
}

# kill_server <signal>: a command that ends the run's server, and waits until it is gone
kill_server() { echo "pid=\$(cat $W/state/runs/\$SSM_runId/scratch/pid); kill -$1 \$pid; tail --pid=\$pid -f /dev/null"; }

# counting_server: one line in $W/volume/starts for each start of the server
counting_server() {
  cat >"$W/bin/server" <<SERVER
#!/bin/bash
echo "\$@" >>"$W/volume/starts"
exec $SSM_server "\$@" $*
SERVER
  chmod +x "$W/bin/server"
  export SSM_server=$W/bin/server
}

# in_background <name> <output>: its pid in STARTED
in_background() {
  "$SCRIPTS/$1" >"$2" 2>"$2.err" 3>&- &
  STARTED+=($!)
}

# Opened for both directions, so that a script which never gets there fails the test and does not hang it.
await() { read -r -t 60 _ <>"$W/reached"; }
go_on() { echo go >"$W/go"; }

# finished <pid> <output>: waits for it, sets what `document` sets
finished() {
  code=0
  wait "$1" || code=$?
  output=$(<"$2")
  cp "$2.err" "$W/stderr"
  read_result
}

# server_pid: of the run's server, from what the server itself wrote
server_pid() { cat "$W/state/runs/$SSM_runId/scratch/pid"; }

is_running() { kill -0 "$1" 2>/dev/null && ! grep -q '^State:[[:space:]]*Z' "/proc/$1/status"; }

teardown() {
  local pid loop
  for pid in ${STARTED[@]+"${STARTED[@]}"}; do kill -KILL "$pid" 2>/dev/null || true; done
  [ ! -s "$W/state/paused" ] || kill -KILL "$(cat "$W/state/paused")" 2>/dev/null || true
  [ -z "${FOREIGN-}" ] || kill -KILL "$FOREIGN" 2>/dev/null || true
  SSM_runId=run-1 "$SCRIPTS/release" >/dev/null 2>&1 || true
  if [ "$(readlink /proc/self/ns/mnt)" != "$(readlink /proc/1/ns/mnt)" ] && [ "$(id -u)" -eq 0 ]; then
    for pid in "$W/mnt" "$W/other"; do umount "$pid" 2>/dev/null || true; done
  fi
  for loop in ${LOOPS[@]+"${LOOPS[@]}"}; do losetup -d "$loop" 2>/dev/null || true; done
  [ ! -d "$W/store.d" ] || umount "$W/store.d" 2>/dev/null || true
  # bats keeps them to the end of all tests: some 300 data directories. What a test has left mounted is not entered.
  [ -z "${BATS_TEST_COMPLETED-}" ] || rm -rf --one-file-system "$BATS_TEST_TMPDIR" || true
}

# control_group <name> <bytes>: sets `group`, the folder of a control group with this limit of memory
control_group() {
  local limit=memory.limit_in_bytes
  group=/sys/fs/cgroup/memory/$1-$$
  if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    group=/sys/fs/cgroup/$1-$$ limit=memory.max
    echo +memory >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null || true
  fi
  mkdir "$group" 2>/dev/null && [ -w "$group/$limit" ] || skip 'no control groups to be had here'
  echo "$2" >"$group/$limit"
}
