# No statement without an end. A server that is told to stop a query does not stop it, and one that crashed may sit in its own
# crash handler for ever: beside it a watcher reads its log and the clock, and ends it.
# shellcheck shell=bash

GUARD=''
# How many packs the unit has that is read: what a statement may take.
UNIT_PACKS=200

# time_limit: LIMIT, seconds for one statement: for a slow volume five a pack, but never more than a quarter of what is left; or
# twice what its unit should take, since one statement may read a whole column that was begun as it would fit.
time_limit() {
  local left most
  left=$(left)
  most=$((2 * UNIT_PACKS / RATE))
  [ "$most" -le "$left" ] || most=$left
  [ "$most" -ge $((left / 4)) ] || most=$((left / 4))
  [ "$most" -ge 60 ] || most=60
  LIMIT=$((120 + 5 * UNIT_PACKS))
  [ "$LIMIT" -le "$most" ] || LIMIT=$most
  LIMIT=${IB_STATEMENT_WAIT:-$LIMIT}
}

# guard_server: from its start on, until it ends
guard_server() {
  rm -f "$RUN_DIRECTORY/ended"
  [ -z "$GUARD" ] || kill "$GUARD" 2>/dev/null || true
  guard "$SERVER_PID" "$SERVER_START" </dev/null >/dev/null 2>&1 3>&- 6>&- 7>&- 8>&- 9>&- &
  GUARD=$!
}

# guard <pid> <start>: in a process of its own
guard() {
  local handler='' file until
  trap - EXIT ERR
  trap 'exit 0' HUP INT TERM
  while alive "$1" "$2" && kill -0 $$ 2>/dev/null; do
    if grep -aqs 'got signal' "$SCRATCH/error.log" "$SCRATCH/server.out"; then
      # It may be writing its stack.
      handler=${handler:-$SECONDS}
      [ $((SECONDS - handler)) -lt "${IB_CRASH_WAIT:-15}" ] || end_server "$1" crash
    fi
    for file in "$RUN_DIRECTORY"/ask*.until; do
      until=''
      [ ! -s "$file" ] || read -r until <"$file" || true
      [ "${until:-$((SECONDS + 1))}" -gt "$SECONDS" ] || end_server "$1" time
    done
    sleep 1
  done
}

# end_server <pid> <crash|time>: and why, for server_is_lost
end_server() {
  printf '%s\n' "$2" >"$RUN_DIRECTORY/ended"
  kill -KILL "$1" 2>/dev/null || true
  exit 0
}

# ended_by_guard: prints crash or time, or nothing
ended_by_guard() { cat "$RUN_DIRECTORY/ended" 2>/dev/null || true; }

# stop_guard: on every way out
stop_guard() {
  [ -z "$GUARD" ] || kill "$GUARD" 2>/dev/null || true
  GUARD=''
}
