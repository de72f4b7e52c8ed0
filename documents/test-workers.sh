# Several readers at once. Each takes the next unit and writes its records to its own file; the parent merges the files in the
# units' order. If a reader loses the server, its unit is read again later, alone.
# shellcheck shell=bash

READERS=()
WORK=''

# read_together: runs until all units are read, or the server has crashed too often
read_together() {
  local unit
  WORK=$RUN_DIRECTORY/work
  rm -rf "$WORK"
  mkdir "$WORK" || unchecked "cannot make the folder $WORK on this host"
  echo 0 >"$WORK/next"
  while [ "$(cat "$WORK/next")" -lt "${#UNITS[@]}" ]; do
    start_readers
    gather
    READERS=()
    [ -s "$WORK/again" ] || break
    read_again
  done
  for unit in "${!UNITS[@]}"; do
    [ -e "$WORK/$unit.merged" ] || unchecked "the reader of ${UNITS[unit]} failed"
  done
  rm -rf "$WORK"
}

start_readers() {
  local number
  rm -f "$WORK"/at.*
  for ((number = 0; number < WORKERS; number++)); do
    reader "$number" 7>&- 8>&- 9>&- &
    READERS+=($!)
  done
}

# reader <number>: runs in its own process
reader() {
  local unit before_tables before_rows before_packs before_unread before_loads
  trap - EXIT ERR
  trap 'exit 75' HUP INT TERM
  ASK=$RUN_DIRECTORY/ask.$1
  while take_unit "$1"; do
    unit=$UNIT
    before_tables=$TABLES before_rows=$ROWS before_packs=$PACKS_READ before_unread=$UNREAD before_loads=$EXPECTED_LOADS
    RECORD_FILE=$WORK/$unit.part
    : >"$RECORD_FILE"
    # shellcheck disable=SC2086 # splits into words
    read_or_leave ${UNITS[unit]}
    printf '=\t%d\t%d\t%d\t%d\t%d\n' $((TABLES - before_tables)) $((ROWS - before_rows)) $((PACKS_READ - before_packs)) \
      $((UNREAD - before_unread)) $((EXPECTED_LOADS - before_loads)) >>"$RECORD_FILE"
    mv "$RECORD_FILE" "$WORK/$unit.done"
  done
  exit 0
}

# take_unit <reader>: sets UNIT, the next unit that no reader has
take_unit() {
  local file at first
  exec 6>"$WORK/lock"
  flock 6
  read -r UNIT <"$WORK/next" # number: only readers write it
  echo $((UNIT + 1)) >"$WORK/next"
  echo "$UNIT" >"$WORK/at.$1"
  first=$UNIT
  for file in "$WORK"/at.*; do
    read -r at <"$file"
    [ "$at" -ge "$first" ] || first=$at
  done
  now_at "$first"
  exec 6>&-
  [ "$UNIT" -lt "${#UNITS[@]}" ]
}

readers_live() {
  local pid
  for pid in "${READERS[@]}"; do
    if kill -0 "$pid" 2>/dev/null; then return; fi
  done
  return 1
}

# gather: takes the readers' records, in the units' order as far as they are complete
gather() {
  local unit at
  for unit in "${!UNITS[@]}"; do
    while [ ! -e "$WORK/$unit.done" ] && [ ! -e "$WORK/$unit.merged" ] && readers_live; do
      sleep 0.1
      [ "$SECONDS" -lt "$PROGRESS_NEXT" ] || {
        ahead_says
        progress "reading, $(find "$WORK" -name '*.done' -o -name '*.merged' | wc -l) of ${#UNITS[@]} done$SAID"
      }
    done
    [ ! -e "$WORK/$unit.done" ] || merge "$unit"
    read -r _ _ at _ <<<"${UNITS[unit]}" # number: plan made the unit
    progress "reading, $((unit + 1)) of ${#UNITS[@]}: ${T_NAME[at]}"
  done
  wait "${READERS[@]}" 2>/dev/null || true
}

# merge <unit>
merge() {
  local check status subject seen expected took
  while IFS=$'\t' read -r check status subject seen expected took; do
    case $check:$status in
      =:*)
        are_counts "$status" "$subject" "$seen" "$expected" "$took" ||
          unchecked "a reader's counts make no sense: $status $subject $seen $expected $took"
        TABLES=$((TABLES + status)) ROWS=$((ROWS + subject)) PACKS_READ=$((PACKS_READ + seen))
        UNREAD=$((UNREAD + expected)) EXPECTED_LOADS=$((EXPECTED_LOADS + took))
        ;;
      rows:found) READ_ROWS[$subject]=$seen ;;
      *) note "$check" "$status" "$subject" "$seen" "${expected# }" "$took" ;;
    esac
  done <"$WORK/$1.done"
  mv "$WORK/$1.done" "$WORK/$1.merged"
}

# found_rows <table> <rows>: keeps them for the next night's comparison
found_rows() {
  if [ -n "$RECORD_FILE" ]; then
    printf 'rows\tfound\t%s\t%s\t \t0\n' "${1//[[:cntrl:]]/ }" "$2" >>"$RECORD_FILE"
  else
    # shellcheck disable=SC2034 # test.sh stores it
    READ_ROWS[${1//[[:cntrl:]]/ }]=$2
  fi
}

# leave_unit <table>: marks the unit at which a reader lost the server
leave_unit() {
  printf '%s %s\n' "$UNIT" "$1" >>"$WORK/again"
  rm -f "$RECORD_FILE"
  exit 9
}

# read_again: reads the units that lost the server, one after the other, so that a crash can be attributed to a table
read_again() {
  local unit name crashes trouble names='' status=0
  local -a again=()
  while read -r unit name; do # number: leave_unit wrote it
    again+=("$unit")
    names="$names${names:+, }$name"
  done <"$WORK/again"
  rm -f "$WORK/again"
  if server_is_lost "$names" together; then status=$SERVER_STATUS; fi
  crashes=$SERVER_CRASHES trouble=$CRASH_TROUBLE
  for unit in "${again[@]}"; do
    # shellcheck disable=SC2086 # splits into words
    read_unit ${UNITS[unit]}
    : >"$WORK/$unit.merged"
  done
  if [ "$status" -ne 0 ] && [ "$crashes" -eq "$SERVER_CRASHES" ]; then
    CRASH_TROUBLE=$trouble
    judge_crash read "$names" "the server crashed while reading (status $status), and not again when they were read alone"
  fi
}

# stop_readers: runs on exit
stop_readers() {
  local pid
  for pid in ${READERS[@]+"${READERS[@]}"}; do kill -TERM "$pid" 2>/dev/null || true; done
  [ "${#READERS[@]}" -eq 0 ] || wait "${READERS[@]}" 2>/dev/null || true
  READERS=()
  [ -z "$WORK" ] || rm -rf "$WORK"
}
