# Reading a table whole, and what each engine needs for it. Each check is a function that calls `record`.
# shellcheck shell=bash

# columns_of <number>: C_HEX, C_TYPE and C_SQL, one each in the table's order
columns_of() {
  local hex type schema=${T_KEY[$1]% *} name=${T_KEY[$1]#* }
  C_HEX=() C_TYPE=() C_SQL=()
  ask "SELECT HEX(column_name), data_type FROM information_schema.columns
    WHERE table_schema = _utf8 x'$schema' AND table_name = _utf8 x'$name' ORDER BY ordinal_position;" || return
  while read -r hex type; do
    [ -n "$hex" ] || continue
    text_of "$hex"
    quoted "$TEXT"
    C_HEX+=("$hex")
    C_TYPE+=("$type")
    C_SQL+=("$QUOTED")
  done <<<"$ANSWER"
}

# read_table <number>: whole. UNIT_PACKS of it count as read if nothing was in the way.
read_table() {
  local at=$1 before faults
  case ${T_ENGINE[at]} in
    # Their rows are on other machines. A test that dials production is worse than no test.
    FEDERATED | CONNECT | SPIDER | SPHINX | S3 | OQGRAPH)
      record read skip "${T_NAME[at]}" "its rows are not on this volume (engine ${T_ENGINE[at]})"
      return
      ;;
    BLACKHOLE)
      record read skip "${T_NAME[at]}" 'has no rows (engine BLACKHOLE)'
      return
      ;;
  esac
  faults=$(faults_so_far)
  known_columns "$at" || return 0
  # A table that does not open has no engine in the list; its own words tell why.
  if [ "${T_ENGINE[at]}" = - ] && ! ask "SELECT 'ok',COUNT(*) FROM ${T_SQL[at]};"; then
    judge_complaint read "${T_NAME[at]}"
    return 0
  fi
  if [ "${T_ENGINE[at]}" = BRIGHTHOUSE ]; then
    read_brighthouse "$at" || return 0
  else
    scan_rows "$at" || true
    # After the scan: CHECK TABLE marks a damaged MyISAM or Aria table crashed, which changes what a scan says.
    check_table 'check table' "${T_NAME[at]}" "${T_SQL[at]}"
  fi
  before=$faults
  faults=$(faults_so_far)
  [ "$faults" != "$before" ] || TABLES=$((TABLES + 1))
}

# faults_so_far: of this process; a worker's are in its file
faults_so_far() {
  if [ -n "$RECORD_FILE" ]; then
    grep -c $'^[^\t]*\t\\(fail\\|error\\)\t' "$RECORD_FILE" || true
  else
    echo $((${#FAULT_LINES[@]} + ${#ERROR_LINES[@]}))
  fi
}

# sums_of <at most>: LISTS, each a list of expressions that read some of the columns. The first column of each is in
# LIST_FROM. A sum of checksums has to fetch every value; COUNT or SUM of the column itself may come from statistics.
sums_of() {
  local at list=''
  LISTS=() LIST_FROM=()
  for at in "${!C_SQL[@]}"; do
    if [ $((at % $1)) -eq 0 ]; then
      [ -z "$list" ] || LISTS+=("$list")
      LIST_FROM+=("$at")
      list=''
    fi
    list="$list,SUM(MOD(CRC32(${C_SQL[at]}),1000003))"
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
    [ -z "${LATER[$name]-}" ] || recorded=''
    if [ -n "$recorded" ]; then
      text_of "${C_HEX[at]}"
      if [ "$recorded" != "$value" ]; then
        record fingerprint fail "$name" "column $TEXT: $value" "$recorded, as in the manifest"
      else
        PRINTS=$((PRINTS + 1))
      fi
    fi
    at=$((at + 1))
  done
}

# scan_rows <number>: for engines that keep rows together
scan_rows() {
  local at=$1 sql list line counted='' scanned='' prints=() chunk
  sums_of 200
  sql="SELECT 'count', COUNT(*) FROM ${T_SQL[at]};"
  # USE INDEX () allows no index, so that the rows are read and not an index that happens to hold the columns.
  for list in ${LISTS[@]+"${LISTS[@]}"}; do
    sql="$sql SELECT 'scan', IFNULL(SUM(1), 0)$list FROM ${T_SQL[at]} USE INDEX ();"
  done
  if ! ask "$sql"; then
    judge_complaint read "${T_NAME[at]}"
    return 1
  fi
  while IFS= read -r line; do
    case $line in
      count*) read -r _ counted _ <<<"$line" ;;
      scan*)
        read -r _ scanned _ <<<"$line"
        prints+=("${line#*$'\t'*$'\t'}")
        ;;
    esac
  done <<<"$ANSWER"
  if ! [[ $counted =~ ^[0-9]+$ && $scanned =~ ^[0-9]+$ ]]; then
    no_sense read "$at"
    return 1
  elif [ "$counted" != "$scanned" ] && [ "${T_ENGINE[at]}" != CSV ]; then
    record read fail "${T_NAME[at]}" "the server counts $counted rows, but $scanned were read" "$counted"
    return 1
  fi
  ROWS=$((ROWS + scanned))
  found_rows "${T_NAME[at]}" "$scanned"
  record read pass "${T_NAME[at]}" "$scanned rows (${T_ENGINE[at]})"
  check_rows "$at" "$scanned"
  PRINTS=0
  for chunk in "${!prints[@]}"; do compare_prints "$at" "${LIST_FROM[chunk]}" "${prints[chunk]}"; done
  [ "$PRINTS" -eq 0 ] || record fingerprint pass "${T_NAME[at]}" "$PRINTS columns as in the manifest"
}

# check_system_tables: after all others, since nothing of the backup's own data is in them. All in one question; where
# that fails, one by one, so that the table has a name.
check_system_tables() {
  local at sql='' table line
  local -a own=()
  local -A said=()
  for at in "${!T_KEY[@]}"; do
    [ "${T_TYPE[at]}" != VIEW ] || continue
    is_system_schema "${T_SCHEMA[at]}" || continue
    own+=("$at")
    sql="${sql}CHECK TABLE ${T_SQL[at]} MEDIUM;"
  done
  [ "${#own[@]}" -gt 0 ] || return 0
  progress_now "checking ${#own[@]} tables of the server's own"
  if ask "$sql"; then
    while IFS= read -r line; do
      table=${line%%$'\t'*}
      said[${table:-?}]="${said[${table:-?}]-}$line"$'\n'
    done <<<"$ANSWER"
    for at in "${own[@]}"; do judge_check 'system table' "${T_NAME[at]}" "${said[${T_NAME[at]}]-}"; done
  else
    for at in "${own[@]}"; do check_table 'system table' "${T_NAME[at]}" "${T_SQL[at]}"; done
  fi
}

# check_table <check> <subject> <quoted name>: judged by its words; its exit code is 0 whatever it finds.
# MEDIUM: FAST and QUICK skip the rows.
check_table() {
  ask "CHECK TABLE $3 MEDIUM;" || {
    judge_complaint "$1" "$2"
    return
  }
  judge_check "$1" "$2" "$ANSWER"
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
        if [ "${said%% *}" -gt 16 ]; then bad=$said; else doubtful=$said; fi
        ;;
      warning:* | note:* | info:* | Warning:* | Note:*) doubtful=$said ;;
      *:'Operation failed') [ -n "$bad" ] || bad=$said ;;
      *) if [ -z "$bad" ] || [ "$bad" = 'Operation failed' ]; then bad=$said; fi ;;
    esac
  done <<<"$3"
  if [ -n "$bad" ]; then
    COMPLAINT=$bad
    judge_complaint "$1" "$2"
  elif [ -n "$doubtful" ]; then
    record "$1" warn "$2" "$doubtful"
  elif [ -z "$status" ]; then
    record "$1" error "$2" 'CHECK TABLE said nothing of it'
  else
    record "$1" pass "$2" OK
  fi
}
