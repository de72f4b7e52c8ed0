# The test, its server and all other programs of it in their namespaces: no network, and nothing written on the host.
bats_require_minimum_version 1.5.0
load helper
setup() { host; }

# trying_server: a server that first tries to reach a listener of this host, and to write a file of its own and one of others.
# What it could do stands in $W/state/tried.
trying_server() {
  python3 - "$W" >"$W/port" 3>&- <<'PYTHON' &
import socket, sys
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(64)
print(listener.getsockname()[1], flush=True)
while True:
    listener.accept()[0].close()
PYTHON
  STARTED+=($!)
  until [ -s "$W/port" ]; do kill -0 "${STARTED[-1]}"; done
  cat >"$W/bin/server" <<SERVER
#!/bin/bash
if [[ \$* == *--defaults-file* ]]; then
  tried() { if (eval "\$2") 2>/dev/null; then echo "\$1 can"; else echo "\$1 cannot"; fi >>"$W/state/tried"; }
  tried network 'exec 3<>/dev/tcp/127.0.0.1/$(cat "$W/port")'
  tried file 'echo x >"$W/file"'
  tried /var/tmp ': >"/var/tmp/${W//\//-}" && rm "/var/tmp/${W//\//-}"'
  tried etc 'touch /etc/hostname'
  tried sysctl ': >/proc/sys/kernel/core_pattern'
  tried volume ': >"$W/volume/tried" && rm "$W/volume/tried"'
  tried scratch ': >"$W/state/runs/run-1/scratch/tried"'
fi
exec $SSM_server "\$@"
SERVER
  chmod +x "$W/bin/server"
  export SSM_server=$W/bin/server
}

@test "S5d: the server reaches no network, and writes nothing but the volume and the state directory" {
  unshare --mount --net true || skip 'no namespaces here'
  folder_volume
  trying_server
  mounted_test
  expect 0
  grep '^PASS *namespaces: this test: has no network, and can write the volume and the state directory alone' <<<"$output"
  diff "$W/state/tried" - <<<$'network cannot\nfile cannot\n/var/tmp cannot\netc cannot\nsysctl cannot\nvolume can\nscratch can'
}

@test "S5d: if the host has no namespaces, a warning says so" {
  [ "$(id -u)" -eq 0 ] || skip 'not root'
  folder_volume
  trying_server
  printf '#!/bin/bash\necho "unshare: unshare failed: Operation not permitted" >&2\nexit 1\n' >"$W/bin/unshare"
  chmod +x "$W/bin/unshare"
  document mount
  PATH=$W/bin:$PATH document test
  expect 0
  grep '^WARN *namespaces: this test: has the network of this host, and can write elsewhere, such as in /.*Operation not permitted' <<<"$output"
  [ "$(head -n 2 "$W/state/tried")" = $'network can\nfile can' ]
}

@test "S5d: on a host with mount namespaces alone the test has the host's network, and a warning" {
  unshare --mount --net true || skip 'no namespaces here'
  folder_volume
  trying_server
  # As one whose kernel was built without them, and whose unshare is of before --propagation.
  printf '#!/bin/bash\ncase "$*" in *--net* | *--propagation*) exit 1 ;; esac\nexec %s "$@"\n' "$(command -v unshare)" >"$W/bin/unshare"
  chmod +x "$W/bin/unshare"
  document mount
  PATH=$W/bin:$PATH document test
  expect 0
  grep '^WARN *namespaces: this test: has the network of this host, and can write the volume and the state directory alone' <<<"$output"
  [ "$(head -n 2 "$W/state/tried")" = $'network can\nfile cannot' ]
}

@test "S5d: if the state directory has a long path, scratch files are in /tmp, and removed" {
  folder_volume
  SSM_stateDirectory=$W/state/$(printf 'long%.0s' {1..20})
  mounted_test
  expect 0
  scratch=$(sed -n 's/^tmpdir = \(.*\)\/tmp$/\1/p' "$SSM_stateDirectory/runs/run-1/server.cnf")
  [[ $scratch == /tmp/ib-check.?????? ]]
  document release
  expect 0
  [ ! -e "$scratch" ]
}
