# Single checks of the test, on Infobright's files with the stand-in for its server, where no damage of damage.tsv is
# the first to need them.
bats_require_minimum_version 1.5.0
load helper
setup() { host; }

# answers <Perl program> [volume]: the answers of a server, changed on their way
answers() {
  "${2:-infobright_volume}"
  cat >"$W/bin/client" <<CLIENT
#!/bin/bash
sql=\$(cat)
"$SSM_client" "\$@" <<<"\$sql" | SQL=\$sql perl -pe '$1'
exit "\${PIPESTATUS[0]}"
CLIENT
  chmod +x "$W/bin/client"
  export SSM_client=$W/bin/client
}

@test "checks: golden is valid, without a warning" {
  infobright_volume
  mounted_test
  expect 0
  [ "$tables" -eq 6 ]
  [ "$rows" -eq 435000 ]
  no_marks
}

@test "checks: too little memory" {
  infobright_volume
  echo 'MemAvailable: 100000 kB' >"$W/meminfo"
  export IB_MEMINFO=$W/meminfo
  mounted_test
  expect 75 'too little memory' 100000
}

@test "checks: Infobright's heap is raised to what the host has, and its line is there once" {
  infobright_volume
  echo 'MemAvailable: 4096000 kB' >"$W/meminfo"
  # What reading ahead knows of it before the server has answered.
  printf '#!/bin/bash\ncp -n "%s" "%s"\nexec %s "$@"\n' "$W/state/runs/run-1/ahead.at" "$W/state/known" "$SSM_client" >"$W/bin/client"
  chmod +x "$W/bin/client"
  export IB_MEMINFO=$W/meminfo SSM_client=$W/bin/client
  mounted_test
  expect 0
  [ "$(cat "$W/state/known")" = '0 0 2400' ]
  grep -Fxq 'ServerMainHeapSize = 2400' "$DATA/brighthouse.ini"
  [ "$(grep -c ServerMainHeapSize "$DATA/brighthouse.ini")" -eq 1 ]
}

@test "checks: where the kernel promises no more memory than its commit limit, that is what is available" {
  sed '/^main$/,$d' "$SCRIPTS/test" >"$W/functions"
  printf '%s\n' 'MemAvailable: 4096000 kB' 'CommitLimit: 3000000 kB' 'Committed_AS: 1000000 kB' >"$W/meminfo"
  available() { IB_MEMINFO=$W/meminfo IB_OVERCOMMIT=$W/overcommit bash -c '. "$1"; memory_kb' available "$W/functions"; }
  for mode in 0 1; do
    echo "$mode" >"$W/overcommit"
    [ "$(available)" = 4096000 ]
  done
  echo 2 >"$W/overcommit"
  [ "$(available)" = 2000000 ]
  sed -i 's/^Committed_AS: .*/Committed_AS: 9000000 kB/' "$W/meminfo"
  [ "$(available)" = 0 ]
  # A kernel that says nothing of it.
  sed -i '/^Commit/d' "$W/meminfo"
  [ "$(available)" = 4096000 ]
}

@test "checks: Infobright's heap is 60 % of the memory, 8000 MB at most, and production's if that is larger and fits" {
  sed '/^main$/,$d' "$SCRIPTS/test" >"$W/functions"
  # MiB of memory, the limit of the address space, brighthouse.ini
  fits() { bash -c '. "$1"; MEMORY_KB=$(($2 * 1024)) LIMIT_SPACE=$3; fit_heap "$4"; echo "$HEAP_MB"' fits "$W/functions" "$@"; }
  [ "$(fits 500 '' 'ServerMainHeapSize = 600')" = 300 ]
  [ "$(fits 4000 '' $'CacheFolder = x\nServerMainHeapSize=600 # MB\r\nKNFolder = y')" = 2400 ]
  [ "$(fits 4000 '' 'CacheFolder = x')" = 2400 ]
  [ "$(fits 4000 '' '# ServerMainHeapSize = 3000')" = 2400 ]
  [ "$(fits 40000 '' 'ServerMainHeapSize = 600')" = 8000 ]
  [ "$(fits 40000 '' 'ServerMainHeapSize = 12000')" = 12000 ]
  [ "$(fits 40000 '' 'ServerMainHeapSize = 30000')" = 8000 ]
  [ "$(fits 40000 '' 'ServerMainHeapSize = 99999999999999999999')" = 8000 ]
  [ "$(fits 40000 4294967296 'ServerMainHeapSize = 600')" = 2457 ]
  # The server judges what is no number, and two lines.
  [ -z "$(fits 4000 '' $'ServerMainHeapSize = 600\nServerMainHeapSize = 700')" ]
  [ -z "$(fits 4000 '' $'ServerMainHeapSize = 60x\nCacheFolder = y')" ]
  [ -z "$(fits 4000 '' 'ServerMainHeapSize =')" ]
}

@test "checks: memory is what the control group of the test has, and those above it" {
  sed '/^main$/,$d' "$SCRIPTS/test" >"$W/functions"
  echo 'MemAvailable: 8000000 kB' >"$W/meminfo"
  export IB_MEMINFO=$W/meminfo
  control_group ib-memory $((512 << 20))
  mkdir "$group/below"
  for place in "$group" "$group/below"; do
    bash -c 'echo "$BASHPID" >"$1/cgroup.procs"; . "$2"; memory_kb' - "$place" "$W/functions" >"$W/kb"
    cat "$W/kb"
    [ "$(cat "$W/kb")" -le 524288 ]
    [ "$(cat "$W/kb")" -gt 450000 ]
  done
  rmdir "$group/below" "$group"
  [ "$(bash -c '. "$1"; memory_kb' - "$W/functions")" = 8000000 ]
}

@test "checks: a perl without 64-bit numbers or its hashes" {
  infobright_volume
  printf '#!/bin/bash\nexit 1\n' >"$W/bin/perl"
  chmod +x "$W/bin/perl"
  document mount
  PATH=$W/bin:$PATH document test
  expect 75 "this host's perl"
}

@test "checks: a server without Infobright's engine cannot test its tables" {
  answers 's/^DEFAULT$/NO/ if $ENV{SQL} =~ /engines/'
  mounted_test
  expect 75 'lacks the engine BRIGHTHOUSE'
}

@test "checks: a MariaDB server cannot test Infobright's tables" {
  needs_server
  infobright_volume
  SSM_server=$(command -v mariadbd || echo /usr/sbin/mariadbd)
  SSM_client=$(command -v mariadb || echo /usr/bin/mariadb)
  mounted_test
  expect 75 BRIGHTHOUSE
}

@test "checks: rows that the server counts are compared with the files" {
  infobright_volume 269
  mounted_test
  expect 1 'shop.loaded_twice: rows: 18000 rows in the server'
  grep -q 'expected 22000, as its files say' <<<"$output"
}

@test "checks: tables and rows that are required" {
  infobright_volume
  export SSM_requiredTables=shop.events:200000,shop.customers
  mounted_test
  expect 0
  document release
  export SSM_runId=run-2 SSM_requiredTables=shop.events:200001,shop.customers
  mounted_test
  expect 1 'shop.events: rows: 200000 rows'
  document release
  export SSM_runId=run-3 SSM_requiredTables=shop.lost
  mounted_test
  expect 1 'shop.lost: inventory: is not in the backup'
}

@test "checks: how old the newest rows are" {
  infobright_volume
  # The stand-in was recorded to say 76840 seconds.
  export SSM_freshTables=shop.events.ts:22 SSM_snapshotTime=2023-02-08T00:00:00Z
  mounted_test
  expect 0
  document release
  export SSM_runId=run-2 SSM_freshTables=shop.events.ts:21
  mounted_test
  expect 1 'shop.events: freshness: ts ends 21 hours before the snapshot'
  document release
  export SSM_runId=run-3 SSM_freshTables=shop.lost.ts:21
  mounted_test
  expect 1 'shop.lost: freshness: is not in the backup'
}

@test "checks: the snapshot's time, on a host whose date reads a T as a time zone" {
  infobright_volume
  # coreutils of before 8.13, on hosts with bash 4.1
  printf '#!/bin/bash\ncase "$*" in *[0-9]T[0-9]*) echo 0 ;; *) exec %s "$@" ;; esac\n' "$(command -v date)" >"$W/bin/date"
  chmod +x "$W/bin/date"
  export PATH=$W/bin:$PATH SSM_freshTables=shop.events.ts:22 SSM_snapshotTime=2023-02-08T00:00:00.5Z
  mounted_test
  expect 0
  grep -q "^PASS *freshness: shop.events: ts ends 21 hours before" <<<"$output"
}

@test "checks: impossible settings are not the backup's fault" {
  infobright_volume
  document mount
  for setting in requiredTables=events requiredTables=shop.events:many freshTables=shop.events:5 freshTables=shop.events.ts \
    snapshotTime=yesterday snapshotTime=2026-13-41T99:00:00Z minimumCoverage=all budgetSeconds=1h canary=perhaps; do
    export "SSM_$setting"
    document test
    expect 75 "parameter ${setting%%=*}"
    unset "SSM_${setting%%=*}"
  done
  export SSM_freshTables=shop.events.nosuch:5
  document test
  expect 75 'shop.events: freshness: has no column nosuch'
}

@test "checks: fewer than half of the rows of the last good run are a warning, and no fault" {
  infobright_volume
  mounted_test
  expect 0
  sed -i 's/^200000\t/400001\t/' "$W/state/last-good"
  document release
  export SSM_runId=run-2
  mounted_test
  expect 0
  grep -q '^WARN *rows: shop.events: 200000 rows, fewer than half of last time' <<<"$output"
}

@test "checks: a value that is there and not found" {
  infobright_volume
  export IB_SAYS=$'customers. WHERE .name.=\t0'
  mounted_test
  expect 1 'shop.customers: look-up: column name: 0 rows with'
}

@test "checks: a fingerprint that is not the manifest's" {
  infobright_volume
  touch "$W/defaults"
  printf 'datadir = %s\nsocket = %s/s\npid-file = %s/pid\nlog-error = %s/log\n' "$DATA" "$W" "$W" "$W" >"$W/defaults"
  "$SSM_server" --defaults-file="$W/defaults" 3>&- &
  STARTED+=($!)
  while [ ! -S "$W/s" ]; do kill -0 "${STARTED[0]}"; done
  manifest
  [ "$code" -eq 0 ] || { echo "$said"; return 1; }
  kill "${STARTED[0]}"
  wait "${STARTED[0]}" || true
  # Files and sums are as they were.
  export IB_SAYS=$'^SELECT SUM.MOD.CRC32..amount\t1'
  mounted_test
  expect 1 'shop.events: fingerprint: column amount'
}

@test "checks: a malformed answer is neither good nor bad" {
  infobright_volume
  document mount
  for lie in 'COUNT.* FROM .shop.\..constants.$=huh=read: shop.constants' 'SUM..grade.*=1x=sums: shop.customers' \
    'events. WHERE .id.==x=look-up: shop.events' 'HEX..kind.*GROUP=yes=sums: shop.events' 'DIV [0-9]+ b=1=grid: shop.customers'; do
    IFS='=' read -r pattern answer line <<<"${lie/.id.==/.id.=}"
    export IB_SAYS=$pattern$'\t'$answer
    document test
    expect 75 'makes no sense'
    grep -q "^ERROR $line: the server's answer makes no sense" <<<"$output"
    rm -f "$W/state/runs/run-1/test.result"
  done
}

@test "checks: a server that crashes while it stops, after all was read, is no fault by itself" {
  infobright_volume
  export IB_STOP=crash
  mounted_test
  expect 75 'crashed while it stopped'
}

@test "checks: a server that crashes while it stops, with words of damage" {
  infobright_volume
  export IB_STOP=corrupt
  mounted_test
  expect 1 'crashed while it stopped'
}

@test "checks: a table that CHECK TABLE does not mention" {
  answers 'undef $_ if /^mysql.user\t/'
  mounted_test
  expect 75 'mysql.user: system table: CHECK TABLE said nothing'
}

@test "checks: rows that the server counts and that cannot all be read" {
  answers 's/^(scan\t)(\d+)/$1 . ($2 - 1)/e' folder_volume
  mounted_test
  expect 1 'the server counts' 'rows, but'
}

@test "checks: a column whose statement the server does not take is read in another form" {
  infobright_volume
  # Of floats, lookup columns and other strings.
  export IB_REFUSES='^SELECT (ABS|HEX.`.*COUNT|SUM.MOD.*MAX.LENGTH)' IB_WORKERS=1 IB_ASKED=$W/state/asked
  mounted_test
  expect 0
  [ "$(grep -c '^SKIP *sums: .*this server does not take the statement' <<<"$output")" -ge 2 ]
  grep -q '^SKIP *read: shop.events: column 4: this server does not take the statement' <<<"$output"
  for column in kind note; do tr '\0' '\n' <"$W/state/asked" | grep -Fxq "SELECT BIT_XOR(\`$column\`) FROM \`shop\`.\`events\`"; done
  document release
  export IB_TABLE_PACKS=5 IB_COLUMN_PACKS=2 SSM_runId=run-2
  mounted_test
  expect 0
  [ "$(tr '\0' '\n' <"$W/state/asked" | grep -c 'BIT_XOR(x.a).*`note`')" -ge 4 ]
}
