# Reads a whole table, as its engine needs it. Each check is a function that calls `record`.
# shellcheck shell=bash

# query_columns <number>: sets QUERY, the statement for its columns
query_columns() {
  QUERY="SELECT HEX(column_name), data_type, IFNULL(character_set_name, '-'), IFNULL(character_octet_length, 0), column_key"
  QUERY="$QUERY FROM information_schema.columns WHERE table_schema = _utf8 x'${T_KEY[$1]% *}'"
  QUERY="$QUERY AND table_name = _utf8 x'${T_KEY[$1]#* }' ORDER BY ordinal_position;"
}

# By the hex of a column's name: the name in SQL. Many tables have the same names.
declare -A SQL_OF_NAME=()

# take_columns <answer>: sets C_HEX, C_TYPE, C_SET, C_KEY and C_SQL, in the table's order; and UNASKABLE, whether a column's name
# cannot be used in a statement
take_columns() {
  local line
  C_HEX=() C_TYPE=() C_SET=() C_KEY=() C_SQL=() UNASKABLE=''
  lines_of "$1"
  set -f
  for line in ${TEXT_LINES[@]+"${TEXT_LINES[@]}"}; do
    # shellcheck disable=SC2086 # splits into fields
    set -- $line
    QUOTED=${SQL_OF_NAME["$1"]-}
    [ -n "$QUOTED" ] || sql_of_name "$1"
    [ "$QUOTED" != NULL ] || UNASKABLE=yes
    C_HEX+=("$1")
    C_TYPE+=("${2-}")
    C_SET+=("${3-}")
    C_KEY+=("${5-}")
    C_SQL+=("$QUOTED")
  done
  set +f
}

# sql_of_name <hex>: sets QUOTED. A name that cannot be used becomes NULL, so that the other columns keep their places.
sql_of_name() {
  text_of "$1"
  quoted "$TEXT"
  is_askable "$TEXT" || QUOTED=NULL
  [ "${#SQL_OF_NAME[@]}" -lt 2000 ] || SQL_OF_NAME=()
  SQL_OF_NAME["$1"]=$QUOTED
}

# columns_of <number>
columns_of() {
  query_columns "$1"
  ask "$QUERY" || return
  take_columns "$ANSWER"
}

# keeps_rows <engine>: whether it stores whole rows, and on this volume
keeps_rows() { case $1 in BRIGHTHOUSE | BLACKHOLE | FEDERATED | CONNECT | SPIDER | SPHINX | S3 | OQGRAPH | -) return 1 ;; esac; }

# read_table <number>: reads it whole
read_table() {
  local at=$1
  case ${T_ENGINE[at]} in
    BLACKHOLE) record read skip "${T_NAME[at]}" 'has no rows (engine BLACKHOLE)' ;;
    # A table that the server cannot open has no engine in the list; the server's message gives the reason.
    -)
      if ask "SELECT 'ok',COUNT(*) FROM ${T_SQL[at]};"; then read_rows "$at"; else judge_complaint read "${T_NAME[at]}"; fi
      ;;
    # Their rows are on other machines. The test must never connect to production.
    *) record read skip "${T_NAME[at]}" "its rows are not on this volume (engine ${T_ENGINE[at]})" ;;
  esac
}

# sums_of <at most> [format]: sets LISTS, lists of expressions that each read some of the columns, and LIST_FROM, the first
# column of each. A sum of checksums has to fetch every value; COUNT or SUM of the column itself may come from statistics.
# Format 2 distinguishes NULL from the empty text, and shows values that changed rows: each checksum is combined with the primary
# key's, or if there is none with that of the previous column. Infobright's optimizer accepts format 1, and it has no keys.
sums_of() {
  local at list='' key='' keys=0 row
  LISTS=() LIST_FROM=()
  [ "${2:-1}" = 1 ] || for at in "${!C_SQL[@]}"; do
    if [ "${C_KEY[at]}" != PRI ] || [ "${C_SQL[at]}" = NULL ] || [ "$keys" -ge 4 ]; then continue; fi
    keys=$((keys + 1))
    key="$key${key:++}$keys*CRC32(${C_SQL[at]})"
  done
  for at in "${!C_SQL[@]}"; do
    if [ $((at % $1)) -eq 0 ]; then
      [ -z "$list" ] || LISTS+=("$list")
      LIST_FROM+=("$at")
      list=''
    fi
    if [ "${2:-1}" = 1 ]; then
      list="$list,SUM(MOD(CRC32(${C_SQL[at]}),1000003))"
      continue
    fi
    row=${key:-IFNULL(CRC32(${C_SQL[at > 0 ? at - 1 : ${#C_SQL[@]} - 1]}),5)}
    if [ "${#C_SQL[@]}" -eq 1 ] || { [ "$keys" -eq 1 ] && [ "${C_KEY[at]}" = PRI ]; }; then
      list="$list,SUM(IFNULL(CRC32(${C_SQL[at]}),7))"
    else
      list="$list,SUM(IFNULL(CRC32(${C_SQL[at]})^($row),7))"
    fi
  done
  [ -z "$list" ] || LISTS+=("$list")
}

# compare_prints <number> <first column> <values, tabs between>: compares fingerprints with the manifest's
compare_prints() {
  local number=$1 at=$2 name=${T_NAME[$1]} value recorded
  local -a values
  IFS=$'\t' read -r -a values <<<"$3"
  for value in ${values[@]+"${values[@]}"}; do
    recorded=${MANIFEST_PRINT["${T_KEY[number]} ${C_HEX[at]}"]-}
    ! is_later "$number" || recorded=''
    if [ -n "$recorded" ]; then
      text_of "${C_HEX[at]}"
      if [ "$recorded" != "$value" ] && changed_later "$number"; then
        PRINTS=0
        return
      elif [ "$recorded" != "$value" ]; then
        record fingerprint fail "$name" "column $TEXT: $value" "$recorded, as in the manifest"
      else
        PRINTS=$((PRINTS + 1))
      fi
    fi
    at=$((at + 1))
  done
}

# check_system_tables: after all others, because they have none of the backup's own data
check_system_tables() {
  local at
  local -a own=()
  for at in "${!T_KEY[@]}"; do
    if [ "${T_TYPE[at]}" = VIEW ] || [ -n "${T_UNASKABLE[at]-}" ]; then continue; fi
    ! is_system_schema "${T_SCHEMA[at]}" || own+=("$at")
  done
  [ "${#own[@]}" -gt 0 ] || return 0
  progress_now "checking ${#own[@]} tables of the server's own"
  check_together 'system table' MEDIUM "${own[@]}"
}

# check_together <check> <MEDIUM|EXTENDED> <number>...: in one statement. Its messages decide, because the exit code is always 0.
# If the statement fails, the tables are checked one by one, to name the table. Not FAST or QUICK, which skip the rows.
check_together() {
  local check=$1 how=$2 at sql='' table line
  local -A said=()
  shift 2
  for at in "$@"; do sql="${sql}CHECK TABLE ${T_SQL[at]} $how;"; done
  if ! ask "$sql"; then
    [ $# -gt 1 ] || judge_complaint "$check" "${T_NAME[$1]}"
    [ $# -eq 1 ] || for at in "$@"; do check_together "$check" "$how" "$at"; done
  elif [ $# -eq 1 ]; then
    judge_check "$check" "${T_NAME[$1]}" "$ANSWER"
  else
    while IFS= read -r line; do
      table=${line%%$'\t'*}
      said[${table:-?}]="${said[${table:-?}]-}$line"$'\n'
    done <<<"$ANSWER"
    for at in "$@"; do judge_check "$check" "${T_NAME[at]}" "${said[${T_NAME[at]}]-}"; done
  fi
}

# judge_check <check> <subject> <lines of CHECK TABLE>
judge_check() {
  local kind said bad='' doubtful='' status=''
  while IFS=$'\t' read -r _ _ kind said; do
    case "$kind:$said" in
      '':'') ;;
      'status:OK' | 'status:Table is already up to date') status=$said ;;
      note:*"doesn't support check"*) status=$said ;;
      *"can't use locks with log tables"*) ;;
      *'pgrade required'* | *'lease do "ALTER TABLE'*) doubtful=$said ;;
      # One for each server that was killed with the table open. The copy of a running server has 1.
      warning:*' clients are using or haven'*)
        if ! is_count "${said%% *}" || [ "${said%% *}" -gt 16 ]; then bad=$said; else doubtful=$said; fi
        ;;
      warning:* | note:* | info:* | Warning:* | Note:*) doubtful=$said ;;
      *:'Operation failed') [ -n "$bad" ] || bad=$said ;;
      *) if [ -z "$bad" ] || [ "$bad" = 'Operation failed' ]; then bad=$said; fi ;;
    esac
  done <<<"$3"
  case $bad in
    # A MyISAM table whose index is from another moment than its rows.
    'Record-count is not ok'*) bad="$bad (was it written to when the snapshot was taken, without FLUSH TABLES WITH READ LOCK?)" ;;
  esac
  if [ -n "$bad" ]; then
    COMPLAINT=$bad
    judge_complaint "$1" "$2" checked
  elif [ -n "$doubtful" ]; then
    record "$1" warn "$2" "$doubtful"
  elif [ -z "$status" ]; then
    record "$1" error "$2" 'CHECK TABLE said nothing of it'
  else
    record "$1" pass "$2" OK
  fi
}
