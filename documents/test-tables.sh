# Reading a table whole, and what each engine needs for it. Each check is a function that calls `record`.
# shellcheck shell=bash

# query_columns <number>: QUERY, for its columns
query_columns() {
  QUERY="SELECT HEX(column_name), data_type, IFNULL(character_set_name, '-'), IFNULL(character_octet_length, 0), column_key"
  QUERY="$QUERY FROM information_schema.columns WHERE table_schema = _utf8 x'${T_KEY[$1]% *}'"
  QUERY="$QUERY AND table_name = _utf8 x'${T_KEY[$1]#* }' ORDER BY ordinal_position;"
}

# By the hex of a column's name: as it stands in a question. The same names come in table after table.
declare -A SQL_OF_NAME=()

# take_columns <answer>: C_HEX, C_TYPE, C_SET, C_KEY and C_SQL, one each in the table's order; UNASKABLE, whether there is one
# that is not asked about
take_columns() {
  local line
  C_HEX=() C_TYPE=() C_SET=() C_KEY=() C_SQL=() UNASKABLE=''
  lines_of "$1"
  set -f
  for line in ${TEXT_LINES[@]+"${TEXT_LINES[@]}"}; do
    # shellcheck disable=SC2086 # its fields
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

# sql_of_name <hex>: in QUOTED. A name that is not asked about stands as NULL, so that each other column keeps its place.
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

# keeps_rows <engine>: together, and on this volume
keeps_rows() { case $1 in BRIGHTHOUSE | BLACKHOLE | FEDERATED | CONNECT | SPIDER | SPHINX | S3 | OQGRAPH | -) return 1 ;; esac; }

# read_table <number>: whole
read_table() {
  local at=$1
  case ${T_ENGINE[at]} in
    BLACKHOLE) record read skip "${T_NAME[at]}" 'has no rows (engine BLACKHOLE)' ;;
    # A table that does not open has no engine in the list; its own words tell why.
    -)
      if ask "SELECT 'ok',COUNT(*) FROM ${T_SQL[at]};"; then read_rows "$at"; else judge_complaint read "${T_NAME[at]}"; fi
      ;;
    # Their rows are on other machines. A test that dials production is worse than no test.
    *) record read skip "${T_NAME[at]}" "its rows are not on this volume (engine ${T_ENGINE[at]})" ;;
  esac
}

# sums_of <at most> [format]: LISTS, each a list of expressions that read some of the columns. The first column of each is
# in LIST_FROM. A sum of checksums has to fetch every value; COUNT or SUM of the column itself may come from statistics.
# Format 2 tells NULL from the empty text, and in which row a value is: each checksum is mixed with the primary key's, or
# where there is none with that of the column before. Infobright's optimizer is known to take format 1, and has no keys.
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

# compare_prints <number> <first column> <values, tabs between>: fingerprints against the manifest's
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

# check_system_tables: after all others, since nothing of the backup's own data is in them
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

# check_together <check> <MEDIUM|EXTENDED> <number>...: in one question. Judged by its words; its exit code is 0 whatever it
# finds. Where the question fails, one by one, so that the table has a name. MEDIUM: FAST and QUICK skip the rows.
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
      # One for each server that was killed while it had the table open: a running server's copy says 1.
      warning:*' clients are using or haven'*)
        if ! is_count "${said%% *}" || [ "${said%% *}" -gt 16 ]; then bad=$said; else doubtful=$said; fi
        ;;
      warning:* | note:* | info:* | Warning:* | Note:*) doubtful=$said ;;
      *:'Operation failed') [ -n "$bad" ] || bad=$said ;;
      *) if [ -z "$bad" ] || [ "$bad" = 'Operation failed' ]; then bad=$said; fi ;;
    esac
  done <<<"$3"
  case $bad in
    # Of a MyISAM table: its index is of another moment than its rows.
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
