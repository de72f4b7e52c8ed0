# Decides what to read tonight, within the time budget: the newest pack rows always, the rest in rotation by date, and several
# tables at once if the host has several cores. COVERAGE is the percentage of packs and tables that was read.
# shellcheck shell=bash

WORKERS=1
EXPECTED_LOADS=0
UNITS=()
PACKS_TO_READ=0
PACKS_READ=0
READING_SINCE=0

left() { echo $((BUDGET - (SECONDS - TEST_BEGAN))); }

# rotated <count>: sets FIRST, where tonight begins. It moves by the golden section each night, so that soon every place has been
# near the beginning.
rotated() {
  local day=${IB_DAY:-$(($(date +%s) / 86400))}
  FIRST=$((day * 618034 % 1000000 * $1 / 1000000))
}

# plan: sets UNITS, each "<packs> <kind> <number of the table> ...". A unit is a table, a column of a large table, some pack rows
# of a very large column, or several small tables, either of Infobright's or of other engines.
plan() {
  local at kind most all=() newest=() index together=${IB_PACKS_TOGETHER:-64} large=${IB_TABLE_PACKS:-2000}
  local -A small=() small_packs=()
  for at in "${!T_KEY[@]}"; do
    [ "${T_TYPE[at]}" != VIEW ] || continue
    ! is_system_schema "${T_SCHEMA[at]}" || continue
    if [ -n "${T_UNASKABLE[at]-}" ]; then
      PACKS_TO_READ=$((PACKS_TO_READ + T_PACKS[at])) UNREAD=$((UNREAD + 1))
      continue
    fi
    if [ "${T_ENGINE[at]}" = BRIGHTHOUSE ]; then stored_in "$at" 0 100000 && T_PACKS[at]=$((1 + ${STORED:-0})); fi
    kind=table
    ! keeps_rows "${T_ENGINE[at]}" || kind=tables
    [ "${T_ENGINE[at]}" != BRIGHTHOUSE ] || kind=infobright
    most=$together
    [ "$kind" != infobright ] || [ "$most" -le "$large" ] || most=$((large + 1))
    if [ "$kind" != table ] && [ "${T_PACKS[at]}" -lt "$most" ]; then
      # Small tables are read first: a fault in one must not wait for a large table.
      small[$kind]="${small[$kind]-} $at" small_packs[$kind]=$((${small_packs[$kind]-0} + T_PACKS[at]))
      [ "${small_packs[$kind]}" -ge "$together" ] || continue
      all+=("${small_packs[$kind]} $kind${small[$kind]}")
      small[$kind]='' small_packs[$kind]=0
    elif [ "$kind" != infobright ] || [ "${T_PACKS[at]}" -le "$large" ]; then
      all+=("${T_PACKS[at]} $kind $at")
    else
      newest+=("1 newest $at")
      plan_columns "$at"
    fi
  done
  for kind in infobright tables; do
    [ -z "${small[$kind]-}" ] || all+=("${small_packs[$kind]} $kind${small[$kind]}")
  done
  for index in ${all[@]+"${all[@]}"}; do PACKS_TO_READ=$((PACKS_TO_READ + ${index%% *})); done
  # If everything is read, there is no rotation.
  FIRST=0
  fits "$PACKS_TO_READ" || rotated "${#all[@]}"
  PACKS_TO_READ=$((PACKS_TO_READ + ${#newest[@]}))
  UNITS=(${newest[@]+"${newest[@]}"} ${all[@]+"${all[@]:FIRST}" "${all[@]:0:FIRST}"})
}

# plan_columns <number>: adds to `all`
plan_columns() {
  local -a each
  local column row rows=$(((${FILES_ROWS["${T_PATH[$1]}"]} + PACK_ROWS - 1) / PACK_ROWS)) size=${IB_COLUMN_PACKS:-3000}
  IFS=, read -r -a each <<<"${FILES_STORED["${T_PATH[$1]}"]}"
  for column in "${!each[@]}"; do
    if [ "${each[column]}" -le "$size" ]; then
      all+=("${each[column]} column $1 $column")
    else
      for ((row = 0; row < rows; row += size)); do
        all+=("$((row + size < rows ? size : rows - row)) rows $1 $column $row")
      done
    fi
  done
}

# read_unit <packs> <kind> <number> ...: damaged data counts as read, too; its fault decides
read_unit() {
  local packs=$1 UNIT_PACKS=$1
  shift
  case $1 in
    table) read_table "$2" ;;
    tables) read_rows "${@:2}" ;;
    infobright) read_brighthouse "${@:2}" ;;
    newest) read_newest "$2" ;;
    column) read_part "$2" "$3" 0 0 ;;
    rows) read_part "$2" "$3" "$4" "$packs" ;;
  esac
  PACKS_READ=$((PACKS_READ + packs))
}

# Packs a second so far; at first, a slow rate.
RATE=3

# fits <packs>: whether they can be read in the time left, at the rate so far
fits() {
  local left
  left=$(left)
  [ "$left" -gt 0 ] || return 1
  if [ "$PACKS_READ" -gt 200 ] && [ "$SECONDS" -gt "$READING_SINCE" ]; then
    RATE=$((PACKS_READ / (SECONDS - READING_SINCE) + 1))
  fi
  [ "$1" -le $((RATE * left)) ]
}

# read_tables: reads all units, with one reader or several
read_tables() {
  local cores
  cores=$(getconf _NPROCESSORS_ONLN 2>/dev/null) || cores=1
  WORKERS=${IB_WORKERS:-$((cores < 4 ? cores : 4))}
  READING_SINCE=$SECONDS
  plan
  [ "$WORKERS" -le "${#UNITS[@]}" ] || WORKERS=${#UNITS[@]}
  [ "$WORKERS" -gt 0 ] || WORKERS=1
  read_in_order
  ahead_says
  progress_now "reading ${#UNITS[@]} units$SAID"
  if [ "$WORKERS" -eq 1 ]; then read_alone 0; else read_together; fi
  check_loads
  judge_coverage
}

# read_alone <first unit>
read_alone() {
  local unit packs kind at
  for ((unit = $1; unit < ${#UNITS[@]}; unit++)); do
    read -r packs kind at _ <<<"${UNITS[unit]}" # number: plan made the unit
    now_at "$unit"
    ahead_says
    progress "reading $((unit + 1)) of ${#UNITS[@]}, $kind: ${T_NAME[at]:0:30}$SAID"
    # shellcheck disable=SC2086 # splits into words
    read_or_leave ${UNITS[unit]}
  done
}

# read_or_leave <packs> <kind> <number> ...: reads the newest rows always, the others while there is time; of several tables
# those that fit
read_or_leave() {
  local at
  if [ "$2" = newest ] || fits "$1"; then
    read_unit "$@"
  elif [ $# -gt 3 ] && { [ "$2" = tables ] || [ "$2" = infobright ]; }; then
    for at in "${@:3}"; do read_or_leave "${T_PACKS[at]}" "$2" "$at"; done
  else
    UNREAD=$((UNREAD + 1))
  fi
}
UNREAD=0

# measure_coverage: sets COVERAGE; empty, and so not in the last line, if the test read nothing or had nothing to read
measure_coverage() {
  [ "$PACKS_TO_READ" -gt 0 ] || return 0
  COVERAGE=$((PACKS_READ * 100 / PACKS_TO_READ))
  [ "$COVERAGE" -le 100 ] || COVERAGE=100
}

# judge_coverage: too little coverage is not valid; the rest is read another night
judge_coverage() {
  measure_coverage
  if [ -z "$COVERAGE" ]; then
    return
  elif [ "$UNREAD" -eq 0 ]; then
    record coverage pass "$SSM_dataDirectory" "$COVERAGE% of packs and tables were read, everything was tried"
  elif [ "$COVERAGE" -lt "$SSM_minimumCoverage" ]; then
    record coverage error "$SSM_dataDirectory" "only $COVERAGE% of packs and tables were read in the time there is" \
      "$SSM_minimumCoverage% (minimumCoverage)"
  else
    record coverage pass "$SSM_dataDirectory" "$COVERAGE% of packs and tables were read, the rest has its turn another night"
  fi
}
