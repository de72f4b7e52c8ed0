# Reads Infobright's own tables. COUNT, SUM and CHECK TABLE read none of their data packs, so the statements need every value, in
# forms that its optimizer is known to accept; brighthouse.pl makes them and judges the answers. Column by column: all statements
# for a column come while its packs are in the server's memory, because a dropped pack has to be unpacked again.
# shellcheck shell=bash

PACK_ROWS=65536
UNTOUCHED=''
# How many packs are read together. A large column is read alone.
BATCH_PACKS=${IB_BATCH_PACKS:-32}
declare -A BAD=() AGREED=() ROWS_OF=()

# read_brighthouse <number>...: reads whole tables. Small tables share a client. If there are several readers, texts are planned
# apart from numbers: only one reader at a time reads texts (carry_out), and numbers should not wait for that.
read_brighthouse() {
  local at UNTOUCHED=yes
  columns_of_all "$@"
  new_plan
  if [ "$WORKERS" -eq 1 ]; then
    plan_batches 'numbers texts'
  else
    plan_batches numbers
    plan_batches texts
  fi
  for at in $KNOWN; do finish_table "$at"; done
}

# plan_batches <kinds of columns>: those of KNOWN, in parts, each carried out
plan_batches() {
  local at column
  for at in $KNOWN; do
    take_columns "${LINES_OF[$at]}"
    case $1 in numbers*) tell_unaskable "$at" && plan_count "$at" ;; esac
    for column in "${!C_SQL[@]}"; do
      if is_text "${C_TYPE[column]}"; then
        case $1 in *texts) ;; *) continue ;; esac
      elif [ "$1" = texts ]; then
        continue
      fi
      stored_in "$at" "$column" 1
      [ "$PLANNED" -eq 0 ] || [ $((PLANNED + ${STORED:-0})) -le "$BATCH_PACKS" ] || carry_out
      plan_column "$at" "$column" 0 0
    done
  done
  carry_out
}

is_text() { case $1 in *char | *text | *binary | *blob) ;; *) return 1 ;; esac; }

# finish_table <number>: records what was right in it
finish_table() {
  local at=$1 name=${T_NAME[$1]}
  [ -z "${BAD[$at]-}" ] || return 0
  TABLES=$((TABLES + 1))
  record read pass "$name" "${ROWS_OF[$at]-0} rows (BRIGHTHOUSE), each pack"
  say_done "$at" sums 'sums agree with the files'
  say_done "$at" 'look-up' 'values found'
  say_done "$at" grid 'packs of the Knowledge Grid are whole'
  say_done "$at" fingerprint 'columns as in the manifest'
}

# take_columns_of <number>: needs columns_of_all before
take_columns_of() {
  take_columns "${LINES_OF[$1]}"
  tell_unaskable "$1"
}

# tell_unaskable <number>: after take_columns
tell_unaskable() {
  [ -z "$UNASKABLE" ] || record read warn "${T_NAME[$1]}" \
    'a column is not read: its name has a backslash or a control character' 'another name'
}

# say_done <number> <check> <text>
say_done() {
  [ -z "${AGREED["$1 $2"]-}" ] || record "$2" pass "${T_NAME[$1]}" "${AGREED["$1 $2"]} $3"
}

# stored_in <number> <first column> <columns>: sets STORED, how many of their packs are on the disk, or nothing if unknown
stored_in() {
  local -a each
  local column
  STORED=''
  IFS=, read -r -a each <<<"${FILES_STORED["${T_PATH[$1]}"]-}"
  [ "${#each[@]}" -gt 0 ] || return 0
  STORED=0
  for ((column = $2; column < $2 + $3 && column < ${#each[@]}; column++)); do STORED=$((STORED + each[column])); done # number: findings has matched FILES_STORED
}

# read_part <number> <column> <first pack row> <count>: reads a column of a large table, or pack rows of a very large one
read_part() {
  local rows=", pack rows $(($3 + 1)) to $(($3 + $4))"
  columns_of_all "$1"
  [ -n "$KNOWN" ] || return 0
  take_columns_of "$1"
  new_plan
  plan_column "$@"
  carry_out
  [ "$4" -gt 0 ] || rows=" of ${#C_SQL[@]}"
  [ -n "${BAD[$1]-}" ] || record read pass "${T_NAME[$1]}" "column $(($2 + 1))$rows"
}

# read_newest <number>: reads the newest pack row of all columns; the rest of a large table may be read another night
read_newest() {
  local at=$1 column last
  last=$(((${FILES_ROWS["${T_PATH[at]}"]:-1} - 1) / PACK_ROWS))
  columns_of_all "$at"
  [ -n "$KNOWN" ] || return 0
  take_columns_of "$at"
  new_plan
  plan_count "$at"
  for column in "${!C_SQL[@]}"; do plan_column "$at" "$column" "$last" 1; done
  carry_out
  [ -z "${BAD[$at]-}" ] || return 0
  TABLES=$((TABLES + 1))
  record read pass "${T_NAME[at]}" "newest pack row, $((last + 1)) of $((last + 1))"
}

STATUS_OF_PACKS="SHOW STATUS WHERE variable_name IN ('BH_gdc_pack_loads','BH_gdc_load_errors');"

# loads: sets LOADS and LOAD_ERRORS, the packs that the server has fetched since its start, and those that it could not
loads() {
  local name value
  LOADS='' LOAD_ERRORS=''
  ask "$STATUS_OF_PACKS" || return 0
  while IFS=$'\t' read -r name value; do
    is_count "$value" || continue
    case $name in
      BH_gdc_pack_loads) LOADS=$value ;;
      BH_gdc_load_errors) LOAD_ERRORS=$value ;;
    esac
  done <<<"$ANSWER"
}

# prove_loads <loads before> <tables>: whether the packs were fetched. With other readers, or if some packs of a table were
# already in memory, only the sum over all tables can show it: check_loads compares that.
prove_loads() {
  EXPECTED_LOADS=$((EXPECTED_LOADS + PLANNED_WHOLE))
  [ "$WORKERS" -eq 1 ] && [ -n "$UNTOUCHED" ] && [ -n "$1" ] && [ -z "$FIRST_FAULT$FIRST_ERROR" ] || return 0
  loads
  [ -n "$LOADS" ] && [ "$((LOADS - $1))" -lt "$PLANNED_WHOLE" ] || return 0
  record 'packs read' error "$2" "the server fetched $((LOADS - $1)) packs" "$PLANNED_WHOLE, all that are stored"
}

# check_loads: compares the server's counters, over all tables
check_loads() {
  [ "$EXPECTED_LOADS" -gt 0 ] && [ "$SERVER_CRASHES" -eq 0 ] || return 0
  loads
  [ -n "$LOADS" ] || return 0
  if [ "${LOAD_ERRORS:-0}" -gt 0 ]; then
    # Where a statement told of it, that was judged: it may have been for want of something on this host.
    [ -z "$FIRST_FAULT$FIRST_ERROR" ] || return 0
    record 'packs read' fail server "it could not fetch $LOAD_ERRORS packs, and no statement said so" 0
  elif [ "$LOADS" -lt "$EXPECTED_LOADS" ] && [ -z "$FIRST_FAULT$FIRST_ERROR" ]; then
    record 'packs read' error server "it fetched $LOADS packs" "$EXPECTED_LOADS"
  else
    record 'packs read' pass server "$LOADS fetched, $EXPECTED_LOADS are stored in what was read"
  fi
}
