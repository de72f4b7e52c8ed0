# The test script stopped at each of its checks: its server stops, nothing is left, the verdict is undetermined, and the
# volume can be unmounted.
bats_require_minimum_version 1.5.0
load helper
setup() { host; }

# interruptible: a copy of the script that gets the signal of its own process as it records the check $STOP_AT
interruptible() {
  sed 's/^record() {$/&\n  if [ "$1" = "${STOP_AT-}" ]; then kill -TERM $$; fi/' "$SCRIPTS/test" >"$W/bin/test"
  grep -q STOP_AT "$W/bin/test"
}

# stopped_at <check> [verdict]
stopped_at() {
  export SSM_runId="at-${1// /-}" STOP_AT=$1
  document mount
  expect 0
  code=0
  output=$(bash "$W/bin/test" 2>"$W/stderr") || code=$?
  read_result
  expect "${2:-75}" "${3:-SIGTERM}"
  [ "$(grep -c . <<<"$output")" -ge 1 ]
  if grep -la "$W/state" /proc/[0-9]*/cmdline; then return 1; fi
  [ -z "$(find "$W/state/runs/$SSM_runId" -name 'scratch' -o -name 'work' -o -name 'ask.*')" ]
  [ ! -e "$W/state/testing" ]
  # Nothing is told again of a test that did not end.
  [ "${2:-75}" -eq 1 ] || [ ! -e "$W/state/runs/$SSM_runId/test.result" ]
  document release
  expect 0
  [ -z "$(cat "$W/mountinfo")" ]
}

# checks_of <output>: the names of all checks in a report
checks_of() { sed -n 's/^\(PASS\|SKIP\|WARN\) *\([a-z][a-z -]*\): .*/\2/p' <<<"$1" | sort -u; }

@test "interrupt: at each check of Infobright's tables, with three readers" {
  infobright_volume
  interruptible
  export SSM_requiredTables=shop.events:1 SSM_freshTables=shop.events.ts:99999 IB_WORKERS=3
  mounted_test
  expect 0
  names=$(checks_of "$output")
  document release
  for check in preflight mount 'data directory' manifest structure start isolation engine inventory files rows sums look-up read \
    'packs read' coverage freshness 'system table' stop log; do
    grep -Fxq "$check" <<<"$names" || { echo "no check $check in $names"; return 1; }
  done
  while read -r check; do stopped_at "$check"; done <<<"$names"
}

@test "interrupt: at each check of MariaDB's tables, with one reader" {
  folder_volume
  interruptible
  export IB_WORKERS=1
  for check in start read 'check table' rows 'system table' stop; do stopped_at "$check"; done
}

@test "interrupt: after a fault was seen the backup stays bad" {
  folder_volume
  rm "$DATA/shop/visits.MYD"
  interruptible
  stopped_at 'system table' 1 shop.visits
}

@test "interrupt: the call after a stopped one tests again, and a third prints its result" {
  folder_volume
  interruptible
  counting_server
  export STOP_AT=coverage
  document mount
  code=0
  output=$(bash "$W/bin/test" 2>"$W/stderr") || code=$?
  read_result
  expect 75 SIGTERM
  document test
  expect 0
  again=$output
  document test
  expect 0
  [ "$output" = "$again" ]
  [ "$(wc -l <"$W/volume/starts")" -eq 2 ]
}

@test "interrupt: a reader that waits for the lock of the texts ends with the others, though a client still waits for its answer" {
  sed '/^main$/,$d' "$SCRIPTS/test" >"$W/functions"
  printf '#!/bin/bash\ntouch "%s/asked"\nexec sleep 20\n' "$W" >"$W/bin/client"
  chmod +x "$W/bin/client"
  mkdir "$W/work"
  cat >"$W/two" <<'BASH'
. "$1/functions"
RUN_DIRECTORY=$1 WORK=$1/work WORKERS=2 SSM_client=$1/bin/client CLIENT_USER=$(id -un) T_NAME=(shop.a)
converse() { ask 'SELECT 1;'; }
one() {
  trap 'exit 75' TERM
  ASK=$RUN_DIRECTORY/ask.$1 PLAN_TABLES=0 PLAN_TEXTS=yes
  carry_out
}
one 0 &
READERS=($!)
until [ -e "$1/asked" ]; do sleep 0.1; done
one 1 &
READERS+=($!)
until pgrep -P "${READERS[1]}" flock >/dev/null; do sleep 0.1; done
SECONDS=0
stop_readers
[ "$SECONDS" -lt 10 ]
BASH
  bash "$W/two" "$W" 3>&-
}
