# Isolates the test, its server and all its programs from this host: they reach no network, and can write only to the volume
# and the state directory. The script runs itself again in namespaces of its own: util-linux has unshare since 2.17.
# shellcheck shell=bash

# Why this host cannot do that, or empty.
NO_NAMESPACES=''

# writable_mounts: "<mount point> <options>" of each writable mount that is not below the folders in IB_WRITABLE. Of several
# mounts at one place only the last counts.
writable_mounts() {
  awk -v ours="$IB_WRITABLE" '
    { last[$5] = $0 }
    END {
      n = split(ours, own, " ")
      for (at in last) {
        split(last[at], field, " ")
        if (field[6] !~ /^rw/ || last[at] ~ / - autofs /) continue
        for (i = 1; i <= n && index(at "/", own[i] "/") != 1; i++);
        if (i > n) print at, field[6]
      }
    }' /proc/self/mountinfo
}

# in_namespaces <command...>: runs it in a new shell, in the new mount namespace. If the host unmounts something, it is also
# unmounted here.
in_namespaces() {
  local path=$PATH at options
  # Only the system's folders.
  PATH=/usr/sbin:/usr/bin:/sbin:/bin
  mount --make-rslave / || exit 1
  for at in $IB_WRITABLE; do
    awk -v at="$at" '$5 == at { exit found = 1 } END { exit !found }' /proc/self/mountinfo || mount -n --rbind "$at" "$at" || exit 1
  done
  writable_mounts | while read -r at options; do
    at=$(printf '%b' "$at")
    mount -n -o "remount,bind,ro${options#rw},nosuid" "$at" || mount -n -o remount,bind,ro,nosuid "$at" || true
  done 2>/dev/null
  PATH=$path
  exec "$@"
}

# enter_namespaces: runs this script again in the namespaces. An old unshare has no --propagation, and does not change it.
enter_namespaces() {
  local how
  [ -z "${IB_NAMESPACES-}" ] || return 0
  scratch_elsewhere
  IB_WRITABLE="$(readlink -f "$SSM_stateDirectory") $(readlink -f "$MOUNT_POINT")"
  [ ! -s "$RUN_DIRECTORY/scratch.path" ] || IB_WRITABLE="$IB_WRITABLE $(cat "$RUN_DIRECTORY/scratch.path")"
  export IB_WRITABLE
  export -f in_namespaces writable_mounts
  NO_NAMESPACES='the script is not root'
  [ "$EUID" -eq 0 ] || return 0
  NO_NAMESPACES='the script is no file that could be run again'
  [ -f "$0" ] && [ -r "$0" ] || return 0
  for how in '--propagation slave --mount --net' '--mount --net' '--propagation slave --mount' --mount; do
    # The trial uses a here-string, because an old bash writes it to a temporary file.
    # shellcheck disable=SC2086 # options
    NO_NAMESPACES=$(TMPDIR=$RUN_DIRECTORY unshare $how bash -c 'in_namespaces bash -c "cat <<<x >/dev/null"' 2>&1) || continue
    # shellcheck disable=SC2086,SC2016 # the inner shell expands it
    IB_NAMESPACES=$RUN_DIRECTORY TMPDIR=$RUN_DIRECTORY exec unshare $how bash -c 'in_namespaces bash "$0"' "$0"
  done
}

# scratch_elsewhere: uses a folder in /tmp if the state directory's path is long, because a socket's path may have 107 bytes
scratch_elsewhere() {
  local folder
  if [ "${#RUN_DIRECTORY}" -le 87 ] || { [ -s "$RUN_DIRECTORY/scratch.path" ] && [ -d "$(cat "$RUN_DIRECTORY/scratch.path")" ]; }; then return; fi
  folder=$(mktemp -d /tmp/ib-check.XXXXXX) || unchecked 'cannot make a scratch folder in /tmp on this host'
  printf '%s\n' "$folder" >"$RUN_DIRECTORY/scratch.path"
}

# has_network <pid>: whether it has an address or a route, even of its own loopback
has_network() {
  [ "$(wc -l <"/proc/$1/net/route")" -gt 1 ] || grep -qs . "/proc/$1/net/if_inet6" || grep -qs LOCAL "/proc/$1/net/fib_trie"
}

# check_namespaces: which of the two namespaces work, according to the kernel
check_namespaces() {
  local status=pass seen='has no network' elsewhere
  if has_network self; then status=warn seen='has the network of this host'; fi
  elsewhere=$(writable_mounts | sort | head -n 1)
  if [ -z "$elsewhere" ]; then
    seen="$seen, and can write the volume and the state directory alone"
  else
    status=warn seen="$seen, and can write elsewhere, such as in ${elsewhere% *}"
  fi
  [ "$status" = pass ] || seen="$seen: ${NO_NAMESPACES%%$'\n'*}"
  record namespaces "$status" 'this test' "$seen" 'namespaces of its own (unshare)'
}
