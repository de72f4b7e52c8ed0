# The release script.
bats_require_minimum_version 1.5.0
load helper
setup() { host; }

# foreign_user: a process that is not ours and keeps a file open on the volume; its pid in FOREIGN
foreign_user() {
  tail -f "$1" >/dev/null 2>&1 3>&- &
  FOREIGN=$!
  until readlink "/proc/$FOREIGN/fd/"* 2>/dev/null | grep -Fq "${1##*/}"; do :; done
}

@test "release: unmounts, and again it has nothing to do" {
  new_image xfs
  attach_image
  document mount
  document release
  expect 0
  if grep " $W/mnt " /proc/self/mountinfo; then return 1; fi
  losetup -d "$LOOP"
  document release
  expect 0
  grep -q 'nothing to release' <<<"$output"
}

@test "release: on a host that never saw the run" {
  document release
  expect 0
}

@test "release: two at once" {
  new_image xfs
  attach_image
  document mount
  in_background release "$W/one"
  in_background release "$W/two"
  finished "${STARTED[0]}" "$W/one"
  expect 0
  finished "${STARTED[1]}" "$W/two"
  expect 0
  if grep " $W/mnt " /proc/self/mountinfo; then return 1; fi
}

@test "release: a foreign process that holds the mount is named and not stopped" {
  new_image xfs
  attach_image
  document mount
  touch "$W/mnt/held"
  foreign_user "$W/mnt/held"
  document release
  expect 75 "tail($FOREIGN)"
  kill -0 "$FOREIGN"
  grep -q " $W/mnt " /proc/self/mountinfo
  kill "$FOREIGN"
  wait "$FOREIGN" || true
  document release
  expect 0
}

@test "release: the server of a test that was killed is stopped, and the volume can be unmounted" {
  new_image xfs
  needs_server
  mkdir "$W/fill"
  mount -o loop "$W/image" "$W/fill"
  cp -a "$PRODUCTION/data" "$W/fill/mysql"
  umount "$W/fill"
  attach_image
  pausing_client CRC32
  document mount
  in_background test "$W/one"
  await
  server=$(server_pid)
  kill -KILL "${STARTED[0]}"
  is_running "$server"
  document release
  expect 0
  if is_running "$server"; then return 1; fi
  if grep " $W/mnt " /proc/self/mountinfo; then return 1; fi
  [ ! -e "$W/state/runs/run-1/scratch" ]
}

@test "release: a running test is stopped, with its server and a waiting duplicate" {
  folder_volume
  pausing_client CRC32
  document mount
  in_background test "$W/one"
  await
  server=$(server_pid)
  in_background test "$W/two"
  document release
  expect 0
  if is_running "$server"; then return 1; fi
  finished "${STARTED[0]}" "$W/one"
  expect 75 SIGTERM
  finished "${STARTED[1]}" "$W/two"
  expect 75 released
}

@test "release: a process that has a dead test's process id is not touched" {
  document release
  sleep infinity 3>&- &
  FOREIGN=$!
  echo "$FOREIGN 1" >"$W/state/runs/run-1/test.pid"
  document release
  expect 0
  kill -0 "$FOREIGN"
}

@test "release: a run's release does not touch what another run holds" {
  new_image xfs
  attach_image
  document mount
  SSM_runId=run-2 SSM_volumeId=vol-0rehearsal2 document release
  expect 0
  grep -q " $W/mnt " /proc/self/mountinfo
  document mount
  expect 0
}

@test "release: a volume that somebody has mounted elsewhere is named" {
  new_image xfs
  attach_image
  mkdir "$W/other"
  mount "$LOOP" "$W/other"
  document release
  expect 75 "$W/other"
}

@test "release: a mount whose script died before it could report" {
  new_image xfs
  attach_image
  document mount
  rm "$W/state/mounted"
  document release
  expect 0
  if grep " $W/mnt " /proc/self/mountinfo; then return 1; fi
}

@test "release: a mount whose device link is gone" {
  new_image xfs
  attach_image
  document mount
  rm "$W/dev/disk/by-id/"*
  document release
  expect 0
  if grep " $W/mnt " /proc/self/mountinfo; then return 1; fi
}

@test "release: a late mount of a released run is refused" {
  new_image xfs
  attach_image
  document mount
  document release
  document mount
  expect 75 released
  if grep " $W/mnt " /proc/self/mountinfo; then return 1; fi
}

# in_namespace <command>: runs in a mount namespace of its own that has taken along what is mounted; its pid in FOREIGN
in_namespace() {
  unshare --mount --propagation private bash -c "echo >'$W/ready'; exec $1" 3>&- &
  FOREIGN=$!
  until [ -e "$W/ready" ]; do kill -0 "$FOREIGN"; done
}

@test "release: case 34: a mount that another mount namespace has inherited is named until it is gone" {
  new_image xfs
  attach_image
  document mount
  expect 0
  in_namespace 'sleep infinity'
  until [ "$(cat "/proc/$FOREIGN/comm")" = sleep ]; do kill -0 "$FOREIGN"; done
  document release
  expect 75 "sleep($FOREIGN)" 'still mounted'
  # Asked again, it does not say that there is nothing to release.
  document release
  expect 75 "sleep($FOREIGN)"
  kill "$FOREIGN"
  wait "$FOREIGN" || true
  document release
  expect 0
  python3 -c 'import os, sys; os.open(sys.argv[1], os.O_RDONLY | os.O_EXCL)' "$LOOP"
}

@test "release: case 34: the same for a mount whose marker and link are lost" {
  new_image xfs
  attach_image
  document mount
  expect 0
  in_namespace 'sleep infinity'
  rm "$W/state/mounted"
  umount "$W/mnt"
  document release
  expect 75 "($FOREIGN)"
}

@test "release: case 34: a namespace without a process, which only an open file keeps" {
  new_image xfs
  attach_image
  document mount
  expect 0
  in_namespace 'sleep infinity'
  exec 5<"/proc/$FOREIGN/ns/mnt"
  kill "$FOREIGN"
  wait "$FOREIGN" || true
  document release
  exec 5<&-
  expect 75 'held by the kernel'
  document release
  expect 0
}

@test "release: case 66: a mount namespace that receives this one's unmounts releases the volume too" {
  # What it follows has to be shared.
  mount --bind "$W" "$W"
  mount --make-shared "$W"
  new_image xfs
  attach_image
  document mount
  expect 0
  unshare --mount --propagation slave bash -c "echo >'$W/ready'; exec sleep infinity" 3>&- &
  FOREIGN=$!
  until [ -e "$W/ready" ]; do kill -0 "$FOREIGN"; done
  grep -q " $W/mnt " "/proc/$FOREIGN/mountinfo"
  document release
  umount -l "$W"
  expect 0
  python3 -c 'import os, sys; os.open(sys.argv[1], os.O_RDONLY | os.O_EXCL)' "$LOOP"
}

@test "release: case 79: a mount and a loop device inside are named" {
  new_image xfs
  attach_image
  document mount
  expect 0
  mkdir "$W/mnt/inner"
  mount -t tmpfs inner "$W/mnt/inner"
  truncate -s 1M "$W/mnt/file"
  inside=$(losetup --find --show "$W/mnt/file")
  document release
  umount "$W/mnt/inner"
  losetup -d "$inside"
  expect 75 "a mount at $W/mnt/inner" "$inside on the file $W/mnt/file"
  document release
  expect 0
}

@test "release: case 79: a working directory and a bind mount elsewhere are named" {
  new_image xfs
  attach_image
  document mount
  expect 0
  mkdir "$W/other"
  mount --bind "$W/mnt" "$W/other"
  document release
  expect 75 "$W/other"
  umount "$W/other"
  (cd "$W/mnt" && exec sleep infinity) 3>&- &
  FOREIGN=$!
  until [ "$(cat "/proc/$FOREIGN/comm")" = sleep ]; do kill -0 "$FOREIGN"; done
  document release
  expect 75 "sleep($FOREIGN)"
}
