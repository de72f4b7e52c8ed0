# What is read in the time there is, by how many readers, and what the coverage says of it. On Infobright's own files,
# with the stand-in for its server: golden has 46 stored packs, and six tables of which three have several pack rows.
bats_require_minimum_version 1.5.0
load helper
setup() { host; }

# functions: all of the script but its last lines, which run it
functions() { sed '/^main$/,$d' "$SCRIPTS/test" >"$W/functions"; }

# plan_of <day>: after `functions`, the units of that day, one a line, for six tables of three columns with one pack each
plan_of() {
  bash -c '
    . "$1"
    BUDGET=0 IB_DAY=$2 IB_TABLE_PACKS=2
    for at in 0 1 2 3 4 5; do
      T_KEY[at]="$at $at" T_PATH[at]=shop/t$at T_TYPE[at]=BASE_TABLE T_ENGINE[at]=BRIGHTHOUSE T_SCHEMA[at]=shop
      FILES_STORED[shop/t$at]=1,1,1 FILES_ROWS[shop/t$at]=60000
    done
    plan
    printf "%s\n" "${UNITS[@]}"' plan "$W/functions" "$1"
}

@test "budget: with enough time whole tables are read, and the server's counters prove it" {
  infobright_volume
  mounted_test
  expect 0
  [ "$(summary coverage)" -eq 100 ]
  grep -q '^PASS *packs read: server: 46 fetched, 46 are stored' <<<"$output"
}

@test "budget: a large table is read by columns, a very large column by pack rows" {
  infobright_volume
  export IB_TABLE_PACKS=5 IB_COLUMN_PACKS=2 IB_WORKERS=1
  mounted_test
  expect 0
  [ "$(summary coverage)" -eq 100 ]
  # Four tables whole, the newest rows of two, four columns of customers, and twice two pack rows of each of events'
  # seven columns.
  grep -q '^PASS *read: 24 times' <<<"$output"
  [ "$tables" -eq 6 ]
}

@test "budget: without time only the newest pack rows are read, and that is too little" {
  infobright_volume
  export IB_TABLE_PACKS=1 SSM_budgetSeconds=0
  mounted_test
  expect 75 'only' 'in the time there is'
  [ "$(summary coverage)" -gt 0 ]
  [ "$(summary coverage)" -lt 50 ]
  grep -q '^PASS *read: shop.events: newest pack row, 4 of 4' <<<"$output"
}

@test "budget: the same is valid if the minimum is set that low" {
  infobright_volume
  export IB_TABLE_PACKS=1 SSM_budgetSeconds=0 SSM_minimumCoverage=1
  mounted_test
  expect 0
  [ "$(summary coverage)" -lt 50 ]
  grep -q '^PASS *coverage: .*the rest has its turn another night' <<<"$output"
}

@test "budget: damage in the newest pack row is found without time for anything else" {
  # Case 163: the last pack of events.id is cut off by a byte.
  infobright_volume 163
  truncate -s 34705 "$DATA/shop/events.bht/TA00000000000001.ctb"
  # The walk of the files finds this too; here the read has to.
  sed 's/^structure() {/structure() { whole_structure "$@" | grep -v ^fail; }; whole_structure() {/' "$SCRIPTS/test" >"$W/bin/test"
  export IB_TABLE_PACKS=1 SSM_budgetSeconds=0
  document mount
  code=0
  output=$(bash "$W/bin/test" 2>"$W/stderr") || code=$?
  read_result
  expect 1 'shop.events: read'
}

@test "budget: a column that was begun since it fits may take that time in one statement" {
  functions
  bash -c '
    . "$1"
    unset IB_STATEMENT_WAIT
    # At the first, slow rate these take 1,000 seconds.
    UNIT_PACKS=3000
    for BUDGET in 9000 1100; do
      fits "$UNIT_PACKS"
      time_limit
      [ "$LIMIT" -ge 1000 ] && [ "$LIMIT" -le "$BUDGET" ] || { echo "$LIMIT of $BUDGET"; exit 1; }
    done
    UNIT_PACKS=1
    time_limit
    [ "$LIMIT" -eq 125 ]' limits "$W/functions"
}

@test "budget: each night the newest first, and within few nights every unit" {
  functions
  for day in {20000..20011}; do
    plan_of "$day" >"$W/$day"
    [ "$(head -n 6 "$W/$day" | grep -c newest)" -eq 6 ]
    [ "$(sort -u "$W/$day" | wc -l)" -eq 24 ]
    # What a quarter of the time would reach.
    sed -n 7,11p "$W/$day" >>"$W/reached"
  done
  [ "$(sort -u "$W/reached" | wc -l)" -eq 18 ]
  if cmp -s "$W/20000" "$W/20001"; then return 1; fi
  cmp "$W/20000" <(plan_of 20000)
}

@test "budget: several readers find the same as one, in the same order" {
  infobright_volume
  export IB_WORKERS=1
  mounted_test
  expect 0
  one=$(sed 's/ ([0-9]* ms)$//; $d' <<<"$output" | grep -v 'preflight\|^PASS *isolation')
  document release
  export IB_WORKERS=3 SSM_runId=run-2
  mounted_test
  expect 0
  three=$(sed 's/ ([0-9]* ms)$//; $d' <<<"$output" | grep -v 'preflight\|^PASS *isolation\|run-2')
  diff <(grep -v run-1 <<<"$one") <(echo "$three")
}

@test "budget: of several readers one at a time reads texts, since Infobright decompresses them one at a time" {
  infobright_volume
  cat >"$W/bin/client" <<CLIENT
#!/bin/bash
sql=\$(cat)
if [[ \$sql == *'MAX(LENGTH('* ]]; then
  echo text >>"$W/state/texts"
  [[ \$sql != *'SUM(\`'* ]] || touch "$W/state/mixed"
  # Its reader holds the lock, which only one at a time can.
  flock --nonblock --conflict-exit-code 9 "$W/state/runs/run-1/work/texts" true
  [ \$? -eq 9 ] || touch "$W/state/together"
fi
exec "$SSM_client" "\$@" <<<"\$sql"
CLIENT
  chmod +x "$W/bin/client"
  export SSM_client=$W/bin/client IB_WORKERS=3 IB_PACKS_TOGETHER=1
  mounted_test
  expect 0
  [ "$(wc -l <"$W/state/texts")" -ge 3 ]
  [ ! -e "$W/state/together" ]
  # Nobody waits with numbers for his turn with texts.
  [ ! -e "$W/state/mixed" ]
}

@test "budget: a crash among several readers names its table" {
  # Case 129: the server crashes on loaded_twice.word.
  infobright_volume 129
  python3 -c 'import sys; sys.path.insert(0, sys.argv[1] + "/infobright"); import damage, pathlib
case = next(c for c in damage.cases() if c["case"] == "129")
damage.apply(case, pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))' "$BATS_TEST_DIRNAME" "$GOLDEN" "$DATA"
  export IB_WORKERS=3
  mounted_test
  expect 1 shop.loaded_twice crashed
  [ "$tables" -eq 5 ]
  if grep '^FAIL' <<<"$output" | grep -v loaded_twice; then return 1; fi
}

@test "budget: a server that is started while a text is read does not keep the lock of the texts" {
  # Case 33: the server crashes on events.note, and the tables after it have texts.
  infobright_volume 33
  python3 -c 'import sys; sys.path.insert(0, sys.argv[1] + "/infobright"); import damage, pathlib
case = next(c for c in damage.cases() if c["case"] == "33")
damage.apply(case, pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))' "$BATS_TEST_DIRNAME" "$GOLDEN" "$DATA"
  export IB_WORKERS=3 IB_PACKS_TOGETHER=1
  document mount
  code=0
  output=$(timeout 60 bash "$SCRIPTS/test" 2>"$W/stderr") || code=$?
  read_result
  expect 1 shop.events crashed
  [ "$tables" -eq 5 ]
}

@test "budget: packs that the server did not fetch are not proven to be read" {
  infobright_volume
  cat >"$W/bin/client" <<CLIENT
#!/bin/bash
"$SSM_client" "\$@" | sed 's/^BH_gdc_pack_loads.*/BH_gdc_pack_loads\t7/'
exit "\${PIPESTATUS[0]}"
CLIENT
  chmod +x "$W/bin/client"
  export SSM_client=$W/bin/client IB_WORKERS=1
  mounted_test
  expect 75 'packs read: the server fetched 0 packs'
  document release
  export IB_WORKERS=2 IB_PACKS_TOGETHER=1 SSM_runId=run-2
  mounted_test
  expect 75 'packs read: it fetched 7 packs'
}

@test "budget: packs that could not be fetched, without an error of a statement" {
  infobright_volume
  cat >"$W/bin/client" <<CLIENT
#!/bin/bash
"$SSM_client" "\$@" | sed 's/^BH_gdc_load_errors.*/BH_gdc_load_errors\t2/'
exit "\${PIPESTATUS[0]}"
CLIENT
  chmod +x "$W/bin/client"
  export SSM_client=$W/bin/client
  mounted_test
  expect 1 'could not fetch 2 packs'
}

@test "budget: packs that could not be fetched for want of something on the host are no fault" {
  infobright_volume
  cat >"$W/bin/client" <<CLIENT
#!/bin/bash
sql=\$(cat)
if [[ \$sql == *'FROM \`shop\`.\`customers\`'* ]] && mkdir "$W/state/once" 2>/dev/null; then
  echo 'ERROR 1030 (HY000) at line 1: Got error 24 from storage engine' >&2
  exit 1
fi
"$SSM_client" "\$@" <<<"\$sql" | sed 's/^BH_gdc_load_errors.*/BH_gdc_load_errors\t2/'
exit "\${PIPESTATUS[0]}"
CLIENT
  chmod +x "$W/bin/client"
  export SSM_client=$W/bin/client
  mounted_test
  expect 75 'Got error 24'
}

@test "budget: a server that is killed among several readers is no fault of the backup" {
  infobright_volume
  cat >"$W/bin/client" <<CLIENT
#!/bin/bash
sql=\$(cat)
pid=$W/state/runs/run-1/scratch/pid
if [[ \$sql == *COUNT*customers* ]] && mkdir "$W/state/once" 2>/dev/null; then kill -KILL "\$(cat "\$pid")"; fi
exec "$SSM_client" "\$@" <<<"\$sql"
CLIENT
  chmod +x "$W/bin/client"
  export SSM_client=$W/bin/client IB_WORKERS=3 IB_PACKS_TOGETHER=1
  mounted_test
  expect 75 shop.customers 'stopped from outside'
}

@test "budget: two at once with several readers do the work once and print the same" {
  infobright_volume
  export IB_WORKERS=3
  document mount
  in_background test "$W/one"
  in_background test "$W/two"
  finished "${STARTED[0]}" "$W/one"
  expect 0
  finished "${STARTED[1]}" "$W/two"
  expect 0
  cmp "$W/one" "$W/two"
}

@test "budget: small tables are read together and a large one alone, in any order" {
  functions
  bash -c '
    . "$1"
    BUDGET=9000
    T_PACKS=(10 64 60 1 100 5 1)
    for at in 0 1 2 3 4 5 6; do T_KEY[at]=$at T_SCHEMA[at]=shop T_TYPE[at]=BASE_TABLE T_ENGINE[at]=InnoDB; done
    T_ENGINE[3]=BLACKHOLE T_TYPE[6]=VIEW
    plan
    printf "%s\n" "${UNITS[@]}"' planned "$W/functions" |
    diff - <(printf '%s\n' '64 tables 1' '70 tables 0 2' '1 table 3' '100 tables 4' '5 tables 5')
}

@test "budget: small tables share a client, and each has records of its own" {
  folder_volume
  # Two whose rows cannot be read among three good ones.
  for suffix in frm MYD MYI; do cp "$DATA/shop/visits.$suffix" "$DATA/shop/goods.$suffix"; done
  truncate -s 100000 "$DATA/shop/goods.MYD" "$DATA/shop/visits.MYD"
  cat >"$W/bin/client" <<CLIENT
#!/bin/bash
sql=\$(cat)
[[ \$sql != *CRC32* ]] || echo asked >>"$W/state/asked"
exec $SSM_client "\$@" <<<"\$sql"
CLIENT
  chmod +x "$W/bin/client"
  export SSM_client=$W/bin/client
  mounted_test
  expect 1 'shop.goods: read'
  for table in goods visits; do grep -q "^FAIL *read: shop.$table: ERROR 1194" <<<"$output"; done
  for table in customers orders stock; do
    grep -q "^PASS *read: shop.$table: [1-9]" <<<"$output"
    grep -q "^PASS *check table: shop.$table: OK" <<<"$output"
  done
  [ "$tables" -eq 3 ]
  # One client for all, and one for what stands behind goods; nothing stands behind visits.
  [ "$(wc -l <"$W/state/asked")" -eq 2 ]
}

@test "budget: a table among several that always crashes the server is named, and the others are read" {
  folder_volume
  before_statement 'FROM `shop`.`stock`' "$(kill_server SEGV)"
  sed -i 's| && mkdir.*; then|; then|' "$W/bin/client"
  for workers in 1 2; do
    export IB_WORKERS=$workers IB_PACKS_TOGETHER=4 SSM_runId=run-$workers
    mounted_test
    expect 1 'shop.stock: read: the server crashed while reading'
    [ "$tables" -eq 3 ]
    if grep '^FAIL' <<<"$output" | grep -v shop.stock; then return 1; fi
    document release
  done
}

@test "budget: a crash among several readers that does not recur names all that was being read, and is no fault of the backup" {
  folder_volume
  before_statement 'FROM `shop`.`orders`' "$(kill_server SEGV)"
  export IB_WORKERS=2 IB_PACKS_TOGETHER=4
  mounted_test
  expect 75 shop.orders 'and not again when they were read alone (its log names no damage)'
  if grep '^FAIL' <<<"$output"; then return 1; fi
  [ "$tables" -eq 4 ]
}

@test "budget: a crash among several readers that does not recur is a fault if the server's log names damage" {
  folder_volume
  before_statement 'FROM `shop`.`orders`' \
    "echo '2026-11-26 17:31:27 0 [ERROR] InnoDB: Database page corruption on disk or a failed read' >>$W/state/runs/run-1/scratch/error.log; $(kill_server SEGV)"
  export IB_WORKERS=2 IB_PACKS_TOGETHER=4
  mounted_test
  expect 1 shop.orders 'and not again when they were read alone'
  [ "$tables" -eq 4 ]
}

@test "budget: a fourth crash among several readers is no fault of the backup, and one in front of a single reader is" {
  functions
  cat >"$W/fourth" <<'BASH'
. "$1/functions"
alive() { return 1; }
host_in_trouble() { return 1; }
conclude_from_records() { exit 0; }
record() { echo "$1 $2: $3: $4"; }
SCRATCH=$1 SERVER_CRASHES=3
echo '261126 17:31:27 - mysqld got signal 11 ;' >"$SCRATCH/error.log"
bash -c 'kill -SEGV $$' &
SERVER_PID=$!
server_is_lost shop.a "${@:2}"
BASH
  bash "$W/fourth" "$W" together >"$W/together" 2>/dev/null
  grep -q '^read error: shop.a: the server crashed for the fourth time (status 139): .* (its log names no damage)$' "$W/together"
  bash "$W/fourth" "$W" >"$W/single" 2>/dev/null
  grep -q '^read fail: shop.a: the server crashed for the fourth time (status 139)' "$W/single"
}

@test "budget: a server that memory or a file was refused among several readers is no fault of the backup" {
  folder_volume
  before_statement 'FROM `shop`.`orders`' "$(kill_server BUS)"
  export IB_WORKERS=2 IB_PACKS_TOGETHER=4
  mounted_test
  expect 75 shop.orders 'not again when they were read alone (SIGBUS'
}

@test "budget: a server that ends by what is no crash, and names no damage, is no fault of the backup" {
  folder_volume
  before_statement 'FROM `shop`.`stock`' "$(kill_server STKFLT)"
  export IB_WORKERS=1
  mounted_test
  expect 75 'shop.stock: read: the server crashed while reading (status 144)' 'names no damage'
}

@test "budget: a list of columns that crashes the server names its table" {
  folder_volume
  # `stock` in hexadecimal
  before_statement 73746F636B "$(kill_server SEGV)"
  export IB_WORKERS=1
  mounted_test
  expect 1 'shop.stock: read: the server crashed while reading'
  [ "$tables" -eq 3 ]
}

@test "budget: of several small tables, those that fit into the time are read" {
  functions
  bash -c '
    . "$1"
    fits() { [ "$1" -le 5 ]; }
    read_unit() { echo "$@"; }
    T_PACKS=(3 9 4)
    read_or_leave 16 tables 0 1 2
    echo "$UNREAD left"' fitting "$W/functions" | diff - <(printf '%s\n' '3 tables 0' '4 tables 2' '1 left')
}

@test "budget: a test that was stopped while it read has the coverage so far, one that never read has none" {
  folder_volume
  export IB_PACKS_TOGETHER=1
  pausing_client 'FROM `shop`.`visits`'
  document mount
  in_background test "$W/one"
  await
  kill -TERM "${STARTED[0]}"
  finished "${STARTED[0]}" "$W/one"
  expect 75 SIGTERM
  [ "$(summary coverage)" -gt 0 ]
  [ "$(summary coverage)" -lt 100 ]
  document release
  : >"$DATA/ib_logfile0"
  export SSM_runId=run-2
  mounted_test
  expect 1 'the redo log of InnoDB is cut'
  [ "$(summary coverage)" = '' ]
}
