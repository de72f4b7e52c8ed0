# Reading ahead of the test: which files, how far, when it ends, and what it says of a device that cannot be read.
bats_require_minimum_version 1.5.0
load helper
setup() { host; }

# order_of [order]: the files that ahead.pl reads for this order, or at first, a range a line
order_of() {
  sed '/^\$SIG{\$_} = /,$d' "$BATS_TEST_DIRNAME/../ahead.pl" >"$W/order.pl"
  cat "$BATS_TEST_DIRNAME"/../ahead-{order,memory}.pl >>"$W/order.pl"
  echo 'take_order($ARGV[1] eq "" ? undef : "$folder/$ARGV[1]"); 1 while has_more() && ++$at_file; print "@$_\n" for @files' >>"$W/order.pl"
  sed -i 's/= @ARGV;/= ($ARGV[0], $ENV{W}, 0, 0, 0, 1);/' "$W/order.pl"
  W=$W perl "$W/order.pl" "$DATA" "${1-}"
}

# pieces_left: processes that read ahead of a test below $W
pieces_left() { grep -la "$W/state/runs" /proc/[0-9]*/cmdline 2>/dev/null || true; }

@test "ahead: of Infobright's tables only the current set, in the order of the columns" {
  infobright_volume
  order_of >"$W/all"
  # The set A is the current one of this table, the node file names its packs.
  grep -q '^shop/events.bht/TA00000DPN.ctb ' "$W/all"
  for table in "$DATA"/shop/*.bht; do
    table=shop/${table##*/}
    if [ -e "$DATA/$table/ab_switch" ]; then other=A; else other=B; fi
    if grep -Eq "^$table/T${other}[0-9]{5}\.ctb " "$W/all"; then return 1; fi
  done
  # Every pack that a column refers to, and nothing of a file that none refers to.
  : >"$DATA/shop/events.bht/TA00000000000099.ctb"
  head -c 5000 /dev/zero >"$DATA/shop/events.bht/TA00000000000099.ctb"
  order_of >"$W/again"
  if grep -q TA00000000000099 "$W/again"; then return 1; fi
  printf 'column\tshop/events\t1\n' >"$W/column"
  order_of column >"$W/of_column"
  [ -s "$W/of_column" ]
  [ "$(grep -vc '^shop/events.bht/TA00001[0-9]\{9\}.ctb ' "$W/of_column")" -eq 0 ]
  printf 'rows\tshop/events\t1\t1\t2\n' >"$W/rows"
  bytes() { awk '{ sum += $3 - $2 } END { print sum + 0 }' "$1"; }
  order_of rows >"$W/of_rows"
  [ "$(bytes "$W/of_rows")" -gt 0 ]
  [ "$(bytes "$W/of_rows")" -lt "$(bytes "$W/of_column")" ]
}

@test "ahead: only regular files below the data directory are opened" {
  infobright_volume
  mkfifo "$DATA/shop/pipe.MYD"
  ln -s /etc/passwd "$DATA/shop/link.MYD"
  printf 'file\t../../etc/passwd\t/etc/passwd\tshop/pipe.MYD\tshop/link.MYD\ntable\t../shop/events\n' >"$W/bad"
  [ -z "$(order_of bad)" ]
  order_of >"$W/all"
  if grep -Eq 'pipe|link' "$W/all"; then return 1; fi
}

@test "ahead: it is never further ahead than half of what the host's memory can cache" {
  mkdir -p "$W/data/big" "$W/run"
  for table in 1 2 3 4 5 6; do head -c 16M /dev/urandom >"$W/data/big/t$table.MYD"; done
  printf 'MemTotal: 4000000 kB\nMemFree: 40000 kB\nCached: 9152 kB\n' >"$W/meminfo"
  cat "$BATS_TEST_DIRNAME"/../{ahead,ahead-order,ahead-memory,free-memory}.pl >"$W/ahead.pl"
  # As for a cold volume, whatever this one is.
  sed -i 's/^my \$SLOW = .*/my $SLOW = 0;/' "$W/ahead.pl"
  parent=$BASHPID
  IB_MEMINFO=$W/meminfo perl "$W/ahead.pl" "$W/data" "$W/run" $$ "$(awk '{ print $22 }' /proc/$$/stat)" "$parent" 4 3>&- &
  STARTED+=($!)
  ahead=$!
  # 48 MiB are available, and the files have 96.
  told() { until [ "$SECONDS" -gt 60 ]; do if [ "$(cut -d' ' -f3 "$W/run/ahead.state" 2>/dev/null)" = "$1" ]; then return; fi; read -rt 0.2 _ <>"$W/never" || true; done; cat "$W/run/ahead.state"; return 1; }
  mkfifo "$W/never"
  told $((24 << 20))
  # A new order is read from its beginning, as far as memory goes.
  for table in 1 2 3 4 5 6; do printf 'table\tbig/t%s\n' "$table"; done >"$W/run/new"
  mv "$W/run/new" "$W/run/ahead.order"
  told $((48 << 20))
  # Where the test is at the last it reads on, from there.
  echo '5 0' >"$W/run/ahead.at"
  told $((64 << 20))
  [ "$(cut -d' ' -f5 "$W/run/ahead.state")" -le $((24 << 20)) ]
  kill "$ahead"
  wait "$ahead" || true
}

@test "ahead: data that was read before the order existed is not read again" {
  mkdir -p "$W/data/big" "$W/run"
  for table in 1 2 3; do head -c 4100000 /dev/urandom >"$W/data/big/t$table.MYD"; done
  cat "$BATS_TEST_DIRNAME"/../{ahead,ahead-order,ahead-memory,free-memory}.pl >"$W/ahead.pl"
  sed -i 's/^my \$SLOW = .*/my $SLOW = 0;/' "$W/ahead.pl"
  parent=$BASHPID
  perl "$W/ahead.pl" "$W/data" "$W/run" $$ "$(awk '{ print $22 }' /proc/$$/stat)" "$parent" 4 3>&- &
  STARTED+=($!)
  ahead=$!
  mkfifo "$W/never"
  told() { until [ "$SECONDS" -gt 60 ]; do if [ "$(cut -d' ' -f3 "$W/run/ahead.state" 2>/dev/null)" = "$1" ]; then return; fi; read -rt 0.2 _ <>"$W/never" || true; done; cat "$W/run/ahead.state"; return 1; }
  told 12300000
  head -c 1000 /dev/urandom >"$W/data/big/t4.MYD"
  for table in 3 2 1 4; do printf 'table\tbig/t%s\n' "$table"; done >"$W/run/new"
  mv "$W/run/new" "$W/run/ahead.order"
  told 12301000
  kill "$ahead"
  wait "$ahead" || true
}

@test "ahead: data in memory does not make a cold volume count as warm" {
  sed '/^\$SIG{\$_} = /,$d' "$BATS_TEST_DIRNAME/../ahead.pl" >"$W/judge.pl"
  cat >>"$W/judge.pl" <<'JUDGE'
judge_anew('cold');
seen(524288, 0) for 1 .. 63;
print is_warm() ? 'warm ' : 'cold ';
seen(524288, 0);
print is_warm() ? 'warm ' : 'cold ';
seen(524288, 1) for 1 .. 8;
seen(524288, 0) for 1 .. 504;
print is_warm() ? 'warm ' : 'cold ';
seen(524288, 0) for 1 .. 8;
print is_warm() ? 'warm' : 'cold';
JUDGE
  [ "$(perl "$W/judge.pl" "$W" "$W" 0 0 0 1)" = 'cold warm cold warm' ]
}

@test "ahead: the test's place is the first unit that a reader still reads" {
  # shellcheck source=documents/test-workers.sh
  . "$BATS_TEST_DIRNAME/../test-workers.sh"
  # shellcheck source=documents/test-ahead.sh
  . "$BATS_TEST_DIRNAME/../test-ahead.sh"
  RUN_DIRECTORY=$W WORK=$W/work AHEAD=1 SERVER_PID=7 UNITS=(a b c d)
  mkdir "$WORK"
  echo 0 >"$WORK/next"
  take_unit 0
  take_unit 1
  take_unit 1
  [ "$(cat "$W/ahead.at")" = '0 7 0' ]
  take_unit 0
  [ "$(cat "$W/ahead.at")" = '2 7 0' ]
  # A reader that finds no more is not still reading.
  if take_unit 0; then return 1; fi
  [ "$(cat "$W/ahead.at")" = '2 7 0' ]
  if take_unit 1; then return 1; fi
  [ "$(cat "$W/ahead.at")" = '4 7 0' ]
}

@test "ahead: a test that is killed leaves none of its processes" {
  infobright_volume
  pausing_client 'FROM information_schema.tables'
  document mount
  in_background test "$W/out"
  await
  [ -n "$(pieces_left)" ]
  kill -KILL "${STARTED[-1]}"
  wait "${STARTED[-1]}" || true
  flock -w 20 "$W/state/runs/$SSM_runId/ahead.lock" true
  # The kernel takes a killed process down in its own time.
  for _ in {1..500}; do [ -n "$(pieces_left | xargs -r grep -la ahead 2>/dev/null)" ] || break; done
  [ -z "$(pieces_left | xargs -r grep -la ahead 2>/dev/null)" ]
  go_on
  document release
  expect 0
}

@test "ahead: files are hashed on all cores, with the same findings and the same coverage" {
  mkdir -p "$W/data/shop" "$W/run"
  for file in {1..40}; do head -c $((file * 3000)) /dev/urandom >"$W/data/shop/t$file.MYD"; done
  perl "$BATS_TEST_DIRNAME/../files.pl" write "$W/data" /none >"$W/files" 2>/dev/null
  { printf 'ib-backup-manifest\t2\t9999999999\t10\tnow\n'; cat "$W/files"; } >"$W/lines"
  { cat "$W/lines"; printf 'end\t%s\n' "$(sha256sum <"$W/lines" | cut -d' ' -f1)"; } >"$W/manifest"
  invert "$W/data/shop/t7.MYD" 100 1
  touch -d '2020-01-01' "$W/data/shop/t7.MYD"
  IB_AHEAD=$W/run perl "$BATS_TEST_DIRNAME/../files.pl" compare "$W/data" "$W/manifest" 100 >"$W/said"
  [ "$(grep -c ^fail "$W/said")" -eq 1 ]
  grep -q $'^fail\tshop.t7' "$W/said"
  tail -n 1 "$W/said"
  [ "$(tail -n 1 "$W/said")" = $'end\t40\t2460000\t40\t2460000' ]
  [ "$(wc -l <"$W/run/ahead.order")" -eq 40 ]
  # Without time none, and no process is left.
  perl "$BATS_TEST_DIRNAME/../files.pl" compare "$W/data" "$W/manifest" -1 >"$W/said"
  [ "$(tail -n 1 "$W/said")" = $'end\t40\t2460000\t0\t0' ]
}

@test "ahead: what the device cannot read is recorded once, as the device's error" {
  infobright_volume
  sed "s#^check_ahead() {\$#&\n  printf 'shop/x.MYD\\\\tInput/output error\\\\n' >\"\$RUN_DIRECTORY/ahead.errors\"#" "$SCRIPTS/test" >"$W/bin/test"
  document mount
  code=0
  output=$(bash "$W/bin/test" 2>"$W/stderr") || code=$?
  read_result
  expect 75 'shop/x.MYD' 'the device cannot read it: Input/output error'
  [ "$(grep -c '^ERROR' <<<"$output")" -eq 1 ]
  # Not again where a check has met it.
  sed 's/^check_ahead() {$/&\n  record read error shop.x "Got error 5 \\"Input\/output error\\""/' "$W/bin/test" >"$W/bin/again"
  document release
  export SSM_runId=run-2
  document mount
  code=0
  output=$(bash "$W/bin/again" 2>"$W/stderr") || code=$?
  read_result
  expect 75 'shop.x'
  [ "$(grep -c '^ERROR' <<<"$output")" -eq 1 ]
}

@test "ahead: what the server may still take for its heap is not used" {
  mkdir "$W/run"
  echo 'MemAvailable: 1048576 kB' >"$W/meminfo"
  export IB_MEMINFO=$W/meminfo
  sed '/^main$/,$d' "$SCRIPTS/test" >"$W/functions"
  { echo 'our $folder = shift;'; sed -n '/^ahead() {$/,/^AHEAD_PL$/p' "$W/functions" | sed -nE '/^sub (memory_to_cache|heap_to_come|free_memory|number|groups) /,/^}/p'
    echo 'printf "%d", memory_to_cache() / 1048576;'; } >"$W/to_cache.pl"
  # to_cache <server> <its heap>: in MiB
  to_cache() {
    bash -c '. "$1"; AHEAD=1 RUN_DIRECTORY=$2 SERVER_PID=$3 HEAP_MB=$4; now_at 0' at "$W/functions" "$W/run" "$@"
    perl "$W/to_cache.pl" "$W/run"
  }
  [ "$(perl "$W/to_cache.pl" "$W/run")" -eq 512 ]
  [ "$(to_cache '' '')" -eq 512 ]
  [ "$(to_cache '' 600)" -eq 212 ]
  [ "$(to_cache '' 2000)" -eq 0 ]
  # What a server has of it is not free any more.
  perl -e 'vec(my $has, 200 << 20, 8) = 1; print "has\n"; close STDOUT; sleep 60' >"$W/has" 3>&- &
  STARTED+=($!)
  until [ -s "$W/has" ]; do sleep 0.1; done
  more=$(to_cache "$!" 600)
  [ "$more" -ge 312 ] && [ "$more" -lt 332 ]
}

@test "ahead: in a control group of 512 MiB it uses no more than that" {
  printf 'MemTotal: 9000000 kB\nMemAvailable: 8000000 kB\n' >"$W/meminfo"
  control_group ib-ahead $((512 << 20))
  free='$ENV{IB_MEMINFO} = shift; do shift; print free_memory()'
  inside=$(bash -c 'echo "$BASHPID" >"$1/cgroup.procs"; exec perl -e "$2" "$3" "$4"' - "$group" "$free" "$W/meminfo" "$BATS_TEST_DIRNAME/../free-memory.pl")
  outside=$(perl -e "$free" "$W/meminfo" "$BATS_TEST_DIRNAME/../free-memory.pl")
  rmdir "$group"
  echo "$inside $outside"
  [ "$outside" -gt $((512 << 20)) ]
  [ "$inside" -le $((512 << 20)) ]
  [ "$inside" -gt $((450 << 20)) ]
}
