# Reading Infobright's own tables. COUNT, SUM and CHECK TABLE read no data pack of them, so each value is asked for, and
# the server's counters prove that it fetched the packs. Only forms that its optimiser is known to take.
# shellcheck shell=bash

PACK_ROWS=65536
UNTOUCHED=''

# read_brighthouse <number>: whole
read_brighthouse() {
  local at=$1 chunk UNTOUCHED=yes
  count_brighthouse "$at" || return 1
  sums_of 20
  for chunk in "${!LISTS[@]}"; do
    fetch_columns "$at" "${LIST_FROM[chunk]}" 20 "${LISTS[chunk]}" || return 1
  done
  compare_sums "$at" 0 "${#C_SQL[@]}" || return 1
  look_up "$at" all || return 1
  record read pass "${T_NAME[at]}" "$COUNTED rows (BRIGHTHOUSE), each pack"
}

# count_brighthouse <number>: COUNTED, and the definition against the files
count_brighthouse() {
  local at=$1 name=${T_NAME[$1]} columns
  ask "SELECT 'ok',COUNT(*) FROM ${T_SQL[at]};" || {
    judge_complaint read "$name"
    return 1
  }
  COUNTED=${ANSWER#ok$'\t'}
  if ! is_count "$COUNTED"; then
    no_sense read "$at"
    return 1
  fi
  columns=${FILES_COLUMNS["${T_PATH[at]}"]-}
  [ -z "$columns" ] || [ "$columns" -eq "${#C_SQL[@]}" ] ||
    record columns fail "$name" "${#C_SQL[@]} columns in its definition" "$columns, as its files say"
  ROWS=$((ROWS + COUNTED))
  found_rows "$name" "$COUNTED"
  check_rows "$at" "$COUNTED"
}

STATUS_OF_PACKS="SHOW STATUS WHERE variable_name IN ('BH_gdc_pack_loads','BH_gdc_load_errors');"

# loads <answer>: LOADS and LOAD_ERRORS, packs that the server has fetched since it started, and could not
loads() {
  local name value
  LOADS='' LOAD_ERRORS=''
  while IFS=$'\t' read -r name value; do
    is_count "$value" || continue
    case $name in
      BH_gdc_pack_loads) LOADS=$value ;;
      BH_gdc_load_errors) LOAD_ERRORS=$value ;;
    esac
  done <<<"$1"
}

# stored_in <number> <first column> <columns>: STORED, how many packs of them are on the disk; nothing where it is not known
stored_in() {
  local -a each
  local column
  STORED=''
  IFS=, read -r -a each <<<"${FILES_STORED["${T_PATH[$1]}"]-}"
  [ "${#each[@]}" -gt 0 ] || return 0
  STORED=0
  for ((column = $2; column < $2 + $3 && column < ${#each[@]}; column++)); do STORED=$((STORED + each[column])); done
}

# fetch_columns <number> <first> <columns> <list>: every value of these columns
fetch_columns() {
  local at=$1 before values
  stored_in "$at" "$2" "$3"
  ask "${STATUS_OF_PACKS}SELECT 'ok'$4 FROM ${T_SQL[at]};$STATUS_OF_PACKS" || {
    judge_complaint read "${T_NAME[at]}"
    return 1
  }
  values=$(sed -n $'s/^ok\t//p' <<<"$ANSWER")
  if [ -z "$values" ]; then
    no_sense read "$at"
    return 1
  fi
  loads "${ANSWER%ok*}" && before=$LOADS
  loads "${ANSWER##*ok$'\t'}"
  prove_loads "$at" "$before" || return 1
  PRINTS=0
  compare_prints "$at" "$2" "$values"
  [ "$PRINTS" -eq 0 ] || record fingerprint pass "${T_NAME[at]}" "$PRINTS columns as in the manifest"
}

# prove_loads <number> <loads before>: the packs were fetched. Beside other readers, and in a table of which some packs
# were read before and are remembered, only the sum of all tells: check_loads looks.
prove_loads() {
  [ -n "$STORED" ] && [ -n "$2" ] && [ -n "$LOADS" ] || return 0
  EXPECTED_LOADS=$((EXPECTED_LOADS + STORED))
  if [ "$WORKERS" -eq 1 ] && [ -n "$UNTOUCHED" ] && [ "$((LOADS - $2))" -lt "$STORED" ]; then
    record 'packs read' error "${T_NAME[$1]}" "the server fetched $((LOADS - $2)) packs" "$STORED, all that are stored"
    return 1
  fi
}

# check_loads: the server's counters, over all tables
check_loads() {
  [ "$EXPECTED_LOADS" -gt 0 ] && [ "$SERVER_CRASHES" -eq 0 ] && ask "$STATUS_OF_PACKS" || return 0
  loads "$ANSWER"
  [ -n "$LOADS" ] || return 0
  if [ "${LOAD_ERRORS:-0}" -gt 0 ] && [ -z "$FIRST_FAULT" ]; then
    record 'packs read' fail server "it could not fetch $LOAD_ERRORS packs, and no statement said so" 0
  elif [ "$LOADS" -lt "$EXPECTED_LOADS" ] && [ -z "$FIRST_FAULT$FIRST_ERROR" ]; then
    record 'packs read' error server "it fetched $LOADS packs" "$EXPECTED_LOADS"
  else
    record 'packs read' pass server "$LOADS fetched, $EXPECTED_LOADS are stored in what was read"
  fi
}

# known_columns <number>: as columns_of, and says so where that fails
known_columns() {
  columns_of "$1" || {
    judge_complaint read "${T_NAME[$1]}"
    return 1
  }
  ! has_unaskable_column || {
    record read warn "${T_NAME[$1]}" 'is not read: a column has a name with a backslash or a control character' 'another name'
    return 1
  }
}

# read_column <number> <column>: one column of a large table, whole
read_column() {
  local at=$1
  known_columns "$at" || return 1
  fetch_columns "$at" "$2" 1 ",SUM(MOD(CRC32(${C_SQL[$2]}),1000003))" || return 1
  compare_sums "$at" "$2" 1 || return 1
  record read pass "${T_NAME[at]}" "column $(($2 + 1)) of ${#C_SQL[@]}"
}

# read_pack_rows <number> <column> <first> <count>: some pack rows of a very large column
read_pack_rows() {
  local at=$1 row sql=''
  known_columns "$at" || return 1
  for ((row = $3; row < $3 + $4; row++)); do
    sql="${sql}SELECT 'ok',0*CRC32(${C_SQL[$2]}) FROM ${T_SQL[at]} LIMIT $((row * PACK_ROWS)),1;"
  done
  ask "$sql" || {
    judge_complaint read "${T_NAME[at]}"
    return 1
  }
  record read pass "${T_NAME[at]}" "column $(($2 + 1)), pack rows $(($3 + 1)) to $(($3 + $4))"
}

# read_newest <number>: the newest pack row, and look-ups; a large table's other units may have another night
read_newest() {
  local at=$1 column list='' last
  known_columns "$at" || return 1
  count_brighthouse "$at" || return 1
  [ "$COUNTED" -gt 0 ] || return 0
  last=$(((COUNTED - 1) / PACK_ROWS))
  for column in "${!C_SQL[@]}"; do
    list="$list,0*CRC32(${C_SQL[column]})"
    [ $((column % 20)) -eq 19 ] || [ "$column" -eq $((${#C_SQL[@]} - 1)) ] || continue
    ask "SELECT 'ok'$list FROM ${T_SQL[at]} LIMIT $((last * PACK_ROWS)),1;" || {
      judge_complaint read "${T_NAME[at]}"
      return 1
    }
    list=''
  done
  look_up "$at" some || return 1
  TABLES=$((TABLES + 1))
  record read pass "${T_NAME[at]}" "newest pack row, $((last + 1)) of $((last + 1))"
}

is_number() { case $1 in tinyint | smallint | mediumint | int | bigint | decimal) ;; *) return 1 ;; esac }

# compare_sums <number> <first column> <columns>: SUM(n) comes from the statistics, SUM(n+0) from the packs
compare_sums() {
  local at=$1 column list='' named=() what compared=0
  for ((column = $2; column < $2 + $3; column++)); do
    if is_number "${C_TYPE[column]}"; then
      for what in SUM MIN MAX; do list="$list,$what(${C_SQL[column]})<=>$what(${C_SQL[column]}+0)"; done
      named+=("$column")
    fi
    [ "${#named[@]}" -ge 3 ] || [ "$column" -eq $(($2 + $3 - 1)) ] || continue
    [ "${#named[@]}" -gt 0 ] || continue
    ask "SELECT 'ok'$list FROM ${T_SQL[at]};" || {
      judge_complaint sums "${T_NAME[at]}"
      return 1
    }
    [[ $ANSWER =~ ^ok($'\t'[01]){$((${#named[@]} * 3))}$ ]] || {
      no_sense sums "$at"
      return 1
    }
    compared=$((compared + ${#named[@]}))
    judge_sums "$at" "${ANSWER#ok}" "${named[@]}"
    list='' named=()
  done
  [ "$compared" -eq 0 ] || record sums pass "${T_NAME[at]}" "$compared columns: statistics and data agree"
}

# judge_sums <number> <flags> <columns>...
judge_sums() {
  local at=$1 flags=$2 column what flag
  shift 2
  for column in "$@"; do
    for what in sum least greatest; do
      flags=${flags#$'\t'}
      flag=${flags%%$'\t'*}
      flags=${flags#"$flag"}
      [ "$flag" != 1 ] || continue
      text_of "${C_HEX[column]}"
      if [ "$what" = sum ] && ask "SELECT 'ok',SUM(${C_SQL[column]}),SUM(${C_SQL[column]}+0) FROM ${T_SQL[at]};" &&
        [ "${#ANSWER}" -ge 42 ]; then
        # So large a sum may have run over in the statistics of a healthy column.
        record sums warn "${T_NAME[at]}" "column $TEXT: the sums differ, perhaps an overflow: ${ANSWER#ok$'\t'}"
      else
        record sums fail "${T_NAME[at]}" "column $TEXT: the statistics say another $what than the data" 'the same'
      fi
    done
  done
}
