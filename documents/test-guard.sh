# Ends statements that do not end. A server may ignore the request to stop a query, and a crashed server may hang in its own
# crash handler. So a watcher reads the server's log and the clock, and kills the server.
# shellcheck shell=bash

GUARD=''
# How many packs the current unit has. A statement's time limit depends on it.
UNIT_PACKS=200

# time_limit: sets LIMIT, the seconds for one statement: five for each pack, for a slow volume, but at most a quarter of the
# time left, or twice what its unit should take if that is more: one statement may read a whole column that fits into the time left
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

# guard_server: watches the server from its start to its end
guard_server() {
  rm -f "$RUN_DIRECTORY/ended"
  [ -z "$GUARD" ] || kill "$GUARD" 2>/dev/null || true
  guard "$SERVER_PID" "$SERVER_START" </dev/null >/dev/null 2>&1 3>&- 5>&- 6>&- 7>&- 8>&- 9>&- &
  GUARD=$!
}

# guard <pid> <start>: runs in its own process
guard() {
  local handler='' file until
  trap - EXIT ERR
  trap 'exit 0' HUP INT TERM
  while alive "$1" "$2" && kill -0 $$ 2>/dev/null; do
    if grep -Eaqs -e "$CRASH_LINE" "$SCRATCH/error.log" "$SCRATCH/server.out"; then
      # The server may still be writing its stack.
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

# end_server <pid> <crash|time>: kills the server, and stores the reason for server_is_lost
end_server() {
  printf '%s\n' "$2" >"$RUN_DIRECTORY/ended"
  kill -KILL "$1" 2>/dev/null || true
  exit 0
}

# ended_by_guard: prints crash or time, or nothing
ended_by_guard() { cat "$RUN_DIRECTORY/ended" 2>/dev/null || true; }

# stop_guard: runs on every exit
stop_guard() {
  [ -z "$GUARD" ] || kill "$GUARD" 2>/dev/null || true
  GUARD=''
}
