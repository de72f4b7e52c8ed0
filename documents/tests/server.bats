# What the test needs of its host, and how its server is cut off.
bats_require_minimum_version 1.5.0
load helper
setup() { host; }

@test "test: no server program on this host" {
  folder_volume
  export SSM_server=/usr/sbin/no-such-server
  mounted_test
  expect 75 'this host has no program /usr/sbin/no-such-server'
}

@test "test: no client program on this host" {
  folder_volume
  export SSM_client=/usr/bin/no-such-client
  mounted_test
  expect 75 'this host has no program /usr/bin/no-such-client'
}

@test "test: a server program that cannot run" {
  folder_volume
  printf '#!/bin/bash\nexec /no/such/program\n' >"$W/bin/server"
  chmod +x "$W/bin/server"
  export SSM_server=$W/bin/server
  mounted_test
  expect 75 'does not start'
}

@test "test: too little space for the scratch folder" {
  folder_volume
  export IB_SCRATCH_KB=999999999999
  mounted_test
  expect 75 'too little space'
}

# ends_meanwhile <signal>: it ends between its first answer and the first question about it
ends_meanwhile() {
  folder_volume
  before_statement event_scheduler "$(kill_server "$1")"
  mounted_test
}

@test "test: a server that crashes right after its first answer has crashed" {
  ends_meanwhile SEGV
  expect 1 'does not start (status 139)' 'got signal 11'
}

@test "test: a server that is killed right after its first answer is no fault of the backup" {
  ends_meanwhile KILL
  expect 75 'stopped from outside'
}

@test "test: case 78: nothing is mounted, because systemd unmounted it at once, or nobody mounted" {
  document test
  expect 75 'nothing is mounted'
}

@test "test: what another run has mounted is not tested" {
  folder_volume
  document mount
  export SSM_runId=run-2
  document test
  expect 75 run-1
}

@test "test: the server is isolated: no TCP port, no replication, no events, no log, and its files are not on the volume" {
  folder_volume
  mounted_test
  expect 0
  config=$W/state/runs/run-1/server.cnf
  for option in skip-networking skip-grant-tables skip-slave-start 'loose-event-scheduler = OFF' loose-skip-log-bin \
    'loose-aria-recover-options = OFF' 'loose-myisam-recover-options = OFF' "socket = $W/state/runs/run-1/scratch/s" \
    "log-error = $W/state/runs/run-1/scratch/error.log" "tmpdir = $W/state/runs/run-1/scratch/tmp"; do
    grep -Fxq "$option" "$config"
  done
  grep -q '^PASS *isolation: .*skip_networking=ON.*no TCP port' <<<"$output"
  [ -z "$(find "$DATA" -newer "$config" \( -name '*.err' -o -name '*.pid' -o -name '*.sock' -o -name '*-bin.*' \))" ]
}

@test "test: a server that listens on a TCP port, whatever it reports, is not used" {
  folder_volume
  counting_server --skip-networking=0 --bind-address=127.0.0.1 --port=0
  cat >"$W/bin/client" <<CLIENT
#!/bin/bash
set -o pipefail
$SSM_client "\$@" | sed 's/^\(skip_networking.*\)OFF/\1ON/'
CLIENT
  chmod +x "$W/bin/client"
  export SSM_client=$W/bin/client
  mounted_test
  expect 75 'listens on a TCP port'
}

@test "test: a server that says it has a network is not used" {
  folder_volume
  counting_server --skip-networking=0 --bind-address=127.0.0.1 --port=0
  mounted_test
  expect 75 'not isolated: skip_networking'
}

@test "test: the server's first argument is its defaults file, and mysqld_safe is not used" {
  folder_volume
  counting_server
  mounted_test
  expect 0
  [ "$(cat "$W/volume/starts")" = "--defaults-file=$W/state/runs/run-1/server.cnf" ]
}

@test "test: Infobright's cache folder, which its server empties, is moved to the scratch folder" {
  folder_volume
  cp "$BATS_TEST_DIRNAME/brighthouse.ini" "$DATA/brighthouse.ini"
  echo 'MemAvailable: 1024000 kB' >"$W/meminfo"
  IB_MEMINFO=$W/meminfo mounted_test
  expect 0
  grep -Fxq "CacheFolder = $W/state/runs/run-1/scratch/cache" "$DATA/brighthouse.ini"
  grep -Fxq "KNFolder = $W/state/runs/run-1/scratch/grid" "$DATA/brighthouse.ini"
  [ "$(grep -c Folder "$DATA/brighthouse.ini")" -eq 2 ]
  grep -Fxq 'ServerMainHeapSize = 600' "$DATA/brighthouse.ini"
}
