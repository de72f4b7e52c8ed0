# Reads tables of engines that store whole rows: MyISAM, InnoDB, Aria and others. Small tables share a client, because starting
# a client takes longer than reading one of them.
# shellcheck shell=bash

END_OF_PART='end of part'

# lines_of <text>: sets TEXT_LINES, without empty lines. Used for every table, because bash 5.1 and later read here-documents
# byte by byte.
lines_of() {
  local IFS=$'\n'
  set -f
  # shellcheck disable=SC2206 # splits into lines
  TEXT_LINES=($1)
  set +f
}

# take_parts: sets PARTS, the parts of ANSWER that end with a line END_OF_PART
take_parts() {
  local line part=''
  PARTS=()
  lines_of "$ANSWER"
  for line in ${TEXT_LINES[@]+"${TEXT_LINES[@]}"}; do
    if [ "$line" = "$END_OF_PART" ]; then
      PARTS+=("$part")
      part=''
    else
      part=$part$line$'\n'
    fi
  done
}

# read_rows <number>...: for each table first reads its rows. CHECK TABLE comes second, because it marks a damaged MyISAM or Aria
# table as crashed, and so changes the result of a read. The client ends at the first statement that fails; the number of
# complete parts shows whose statement it is. The tables after that are read with a new client.
read_rows() {
  local at status part wrong was_read complaint
  columns_of_all "$@"
  # shellcheck disable=SC2086 # numbers
  set -- $KNOWN
  while [ $# -gt 0 ]; do
    status=0
    ask_rows "$@" || status=$?
    complaint=$COMPLAINT
    take_parts
    was_read=''
    for part in ${PARTS[@]+"${PARTS[@]}"}; do
      at=$1
      if [ -z "$was_read" ]; then
        was_read=yes wrong=$WRONG
        judge_rows "$at" "$part"
      else
        was_read=''
        judge_check 'check table' "${T_NAME[at]}" "$part"
        [ "$wrong" -ne "$WRONG" ] || TABLES=$((TABLES + 1))
        shift
      fi
    done
    [ "$status" -ne 0 ] || [ $# -gt 0 ] || return 0
    COMPLAINT=$complaint
    judge_unanswered "${1:-$at}" "$status" "$was_read"
    [ $# -eq 0 ] || shift
  done
}

# judge_unanswered <number> <exit status of the client> <whether its rows were read>
judge_unanswered() {
  local name=${T_NAME[$1]}
  if [ "$2" -eq 0 ]; then
    no_sense read "$1"
  elif [ -n "$3" ]; then
    judge_complaint 'check table' "$name"
  else
    judge_complaint read "$name"
    check_together 'check table' MEDIUM "$1"
  fi
}

# columns_of_all <number>...: sets LINES_OF, the columns of each, and KNOWN, the tables whose columns the server gave
columns_of_all() {
  local at sql status
  KNOWN=$*
  LINES_OF=()
  while [ $# -gt 0 ]; do
    sql=''
    for at in "$@"; do
      query_columns "$at"
      sql="$sql${QUERY}SELECT '$END_OF_PART';"
    done
    status=0
    ask "$sql" || status=$?
    take_parts
    for sql in ${PARTS[@]+"${PARTS[@]}"}; do
      LINES_OF[$1]=$sql
      check_columns "$1"
      shift
    done
    if [ $# -eq 0 ]; then return; fi
    if [ "$status" -ne 0 ]; then judge_complaint read "${T_NAME[$1]}"; else no_sense read "$1"; fi
    KNOWN=" $KNOWN "
    KNOWN=${KNOWN/ $1 / }
    shift
  done
}

# ask_rows <number>...: sends two statements for each table, with an answer in two parts
ask_rows() {
  local at list sql=''
  for at in "$@"; do
    take_columns "${LINES_OF[at]}"
    [ -z "$UNASKABLE" ] || record read warn "${T_NAME[at]}" \
      'a column is not read: its name has a backslash or a control character' 'another name'
    sums_of 200 "$MANIFEST_FORMAT"
    sql="${sql}SELECT 'count', COUNT(*) FROM ${T_SQL[at]};"
    # USE INDEX () forbids all indexes, so that the rows are read and not an index with the same columns.
    for list in ${LISTS[@]+"${LISTS[@]}"}; do
      sql="${sql}SELECT 'scan', IFNULL(SUM(1), 0)$list FROM ${T_SQL[at]} USE INDEX ();"
    done
    sql="${sql}SELECT '$END_OF_PART';CHECK TABLE ${T_SQL[at]} MEDIUM;SELECT '$END_OF_PART';"
  done
  ask "$sql"
}

# judge_rows <number> <answer>
judge_rows() {
  local at=$1 line counted='' scanned='' prints=() chunk
  lines_of "$2"
  for line in ${TEXT_LINES[@]+"${TEXT_LINES[@]}"}; do
    case $line in
      count$'\t'*) counted=${line#*$'\t'} ;;
      scan$'\t'*)
        line=${line#*$'\t'}
        scanned=${line%%$'\t'*}
        prints+=("${line#*$'\t'}")
        ;;
    esac
  done
  if ! is_count "$counted" || ! is_count "$scanned"; then
    ANSWER=$2
    no_sense read "$at"
    return
  elif [ "$counted" != "$scanned" ] && [ "${T_ENGINE[at]}" != CSV ]; then
    record read fail "${T_NAME[at]}" "the server counts $counted rows, but $scanned were read" "$counted"
    return
  fi
  ROWS=$((ROWS + scanned))
  found_rows "${T_NAME[at]}" "$scanned"
  record read pass "${T_NAME[at]}" "$scanned rows (${T_ENGINE[at]})"
  check_rows "$at" "$scanned"
  [ "${#MANIFEST_PRINT[@]}" -gt 0 ] || return 0
  take_columns "${LINES_OF[at]}"
  PRINTS=0
  for chunk in "${!prints[@]}"; do compare_prints "$at" $((chunk * 200)) "${prints[chunk]}"; done
  [ "$PRINTS" -eq 0 ] || record fingerprint pass "${T_NAME[at]}" "$PRINTS columns as in the manifest"
}
