# Reads ahead of the test: runs ahead.pl in the background, and tells it where the test is.
# shellcheck shell=bash

AHEAD=''

# start_ahead: its processes hold the lock until the last of them has ended
start_ahead() {
  local requests=${IB_READ_AHEAD:-32}
  rm -f "$RUN_DIRECTORY"/ahead.[aoes]*
  [ "$requests" -gt 0 ] || return 0
  exec 5>"$RUN_DIRECTORY/ahead.lock"
  flock -w 30 5 || unchecked 'the reading ahead of an earlier call of this run does not end'
  ahead_in_background "$requests" </dev/null >/dev/null 2>&1 7>&- 8>&- 9>&- &
  AHEAD=$!
  exec 5>&-
  progress_now "$(used_mb "$MOUNT_POINT") MiB are in use on the volume; $requests requests read ahead; there are $(left) s"
}

# used_mb <mount point>
used_mb() { df -Pk "$1" 2>/dev/null | awk 'NR == 2 { print int($3 / 1024) }'; }

# ahead_in_background <requests>
ahead_in_background() {
  trap - EXIT ERR HUP INT TERM
  ahead "$DATA" "$RUN_DIRECTORY" "$$" "$(start_of "$$")" "$BASHPID" "$1"
}

# stop_ahead: runs on exit. The processes notice that their parent is gone.
stop_ahead() {
  [ -n "$AHEAD" ] || return 0
  kill -TERM "$AHEAD" 2>/dev/null || true
  wait "$AHEAD" 2>/dev/null || true
  AHEAD=''
  await_ahead
}

# await_ahead: waits until all its processes have ended, even those of a killed test
await_ahead() {
  [ -e "$RUN_DIRECTORY/ahead.lock" ] || return 0
  flock -w 30 "$RUN_DIRECTORY/ahead.lock" true || return 0
  rm -f "$RUN_DIRECTORY"/ahead.*
}

# read_in_order: one line for each unit of the plan, with what it reads
read_in_order() {
  local unit packs kind rest at
  [ -n "$AHEAD" ] || return 0
  for unit in ${UNITS[@]+"${UNITS[@]}"}; do
    read -r packs kind at rest <<<"$unit" # number: plan made the unit
    case $kind in
      table | newest) printf '%s\t%s\n' "$kind" "${T_PATH[at]}" ;;
      tables)
        printf table
        for at in $at $rest; do printf '\t%s' "${T_PATH[at]}"; done
        printf '\n'
        ;;
      column) printf 'column\t%s\t%s\n' "${T_PATH[at]}" "$rest" ;;
      rows) printf 'rows\t%s\t%s\t%s\t%s\n' "${T_PATH[at]}" "${rest% *}" "${rest#* }" "$packs" ;;
    esac
  done >"$RUN_DIRECTORY/ahead.order.new"
  now_at 0
  mv -f "$RUN_DIRECTORY/ahead.order.new" "$RUN_DIRECTORY/ahead.order"
}

# now_at <unit>: sets the first unit that is not yet read. What the server may still take for its heap is not used to read ahead.
now_at() {
  [ -n "$AHEAD" ] || return 0
  printf '%s %s %s\n' "$1" "${SERVER_PID:-0}" "${HEAP_MB:-0}" >"$RUN_DIRECTORY/ahead.at"
}

# ahead_says: sets SAID: how much is read ahead, at which rate, and when it will be complete, as far as that is known
ahead_says() {
  local all at read rate rest
  SAID=''
  [ -s "$RUN_DIRECTORY/ahead.state" ] || return 0
  read -r all at read rate rest <"$RUN_DIRECTORY/ahead.state" || return 0
  are_counts "$all" "$at" "$read" "$rate" || return 0
  SAID="; $((read >> 20)) of $((all >> 20)) MiB are there"
  if [ "$rate" -gt 0 ] && [ "$all" -gt "$read" ]; then
    SAID="$SAID, $rate MiB/s, $((((all - read) / 1048576 / rate + 59) / 60)) min to go"
  fi
}

# check_ahead: records what could not be read ahead, unless another check has recorded it
check_ahead() {
  local file error
  [ -s "$RUN_DIRECTORY/ahead.errors" ] || return 0
  IFS=$'\t' read -r file error <"$RUN_DIRECTORY/ahead.errors"
  case "${ERROR_LINES[*]-}" in *'Input/output error'* | *'rrno: 5'* | *'rror: 5'* | *'rror 5 '*) return 0 ;; esac
  record 'reading ahead' error "$file" "the device cannot read it: $error" 'a volume that can be read'
}
