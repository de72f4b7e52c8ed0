# Compares InnoDB's secondary indexes with the rows, and reads its full-text indexes. CHECK TABLE ... MEDIUM only counts their
# entries; for MyISAM and Aria it has a checksum over all keys. This comes last, in a tenth of the test's time so far.
# shellcheck shell=bash

INDEX_END=0

# check_indexes: in rotation by date if there is no time for all; the first one always, if a minute is enough for it. Skipped
# if a fault was found.
check_indexes() {
  local at done_=0 seconds=$(((SECONDS - TEST_BEGAN) / 10)) large=0 packs=0
  local -a all=() few=()
  [ -z "$FIRST_FAULT" ] || return 0
  has_second_indexes
  [ "$seconds" -ge 2 ] || seconds=2
  seconds=${IB_INDEX_SECONDS:-$seconds}
  [ "$seconds" -le "$(left)" ] || seconds=$(left)
  INDEX_END=$((SECONDS + seconds))
  check_full_texts
  [ "${#all[@]}" -gt 0 ] || return 0
  compares_indexes_itself
  rotated "${#all[@]}"
  for at in "${all[@]:FIRST}" "${all[@]:0:FIRST}"; do
    if [ "$SECONDS" -ge "$INDEX_END" ] && { [ $((done_ + large)) -gt 0 ] || [ "$seconds" -eq 0 ]; }; then break; fi
    progress "comparing indexes, $((done_ + large + 1)) of ${#all[@]}: ${T_NAME[at]}"
    # Small tables share a statement.
    if [ -n "$COMPARES" ] && [ "${T_PACKS[at]}" -le "${IB_EXTENDED_PACKS:-8}" ] && [ "${T_PACKS[at]}" -le 8 ] && [ "$((done_ + large))" -gt 0 ]; then
      few+=("$at") packs=$((packs + T_PACKS[at])) done_=$((done_ + 1))
      [ "$packs" -ge 64 ] || [ "${#few[@]}" -ge 64 ] || continue
      check_together index EXTENDED ${few[@]+"${few[@]}"}
      few=() packs=0
    elif check_indexes_of "$at" $((done_ + large == 0 && seconds > 0 ? 60 : 0)); then
      done_=$((done_ + 1))
    else
      large=$((large + 1))
    fi
  done
  [ "${#few[@]}" -eq 0 ] || check_together index EXTENDED ${few[@]+"${few[@]}"}
  if [ "$done_" -lt "${#all[@]}" ]; then
    record index skip "$SSM_dataDirectory" "indexes of $done_ of ${#all[@]} InnoDB tables were compared with the rows in $seconds seconds\
$([ "$large" -eq 0 ] || printf ', %d were too large' "$large"): the rest has its turn another night"
  fi
}

# has_second_indexes: sets all, the InnoDB tables with a secondary index; if the server does not show that, all InnoDB tables
has_second_indexes() {
  local at hex known=''
  local -A have=()
  if ask "SELECT 'ok';SELECT HEX(t.name) FROM information_schema.INNODB_SYS_TABLES t JOIN information_schema.INNODB_SYS_INDEXES i USING (table_id)
    GROUP BY t.table_id, t.name HAVING COUNT(*) > 1;"; then
    known=yes
    while read -r hex; do
      if is_hex "$hex"; then
        text_of "$hex" && hex=${TEXT%%#*}
        have[${hex:-?}]=1
      fi
    done <<<"$ANSWER"
  fi
  for at in "${!T_KEY[@]}"; do
    if [ "${T_ENGINE[at]}" != InnoDB ] || [ -n "${T_UNASKABLE[at]-}" ] || is_system_schema "${T_SCHEMA[at]}"; then continue; fi
    [ -n "$known" ] && [ -z "${have[${T_PATH[at]}]-}" ] || all+=("$at")
  done
}

# check_full_texts: CHECK TABLE does not read the files of a full-text index. This reads all of them; if one cannot be read, the
# server logs that or crashes.
check_full_texts() {
  local path
  for path in "${!FULL_TEXT[@]}"; do
    [ "$SECONDS" -lt "$INDEX_END" ] || return 0
    # The server copies them into a temporary table, so large ones are left out.
    if ! [[ $path =~ ^[A-Za-z0-9_@/]+$ ]] || [ "${FULL_TEXT[$path]}" -gt 65536 ]; then continue; fi
    if ask "SET GLOBAL innodb_ft_aux_table='$path';SELECT 'settings',COUNT(*) FROM information_schema.INNODB_FT_CONFIG;
      SELECT 'deleted',COUNT(*) FROM information_schema.INNODB_FT_DELETED;SELECT 'words',COUNT(*) FROM information_schema.INNODB_FT_INDEX_TABLE;"; then
      case $ANSWER in
        settings$'\t'0$'\n'*) record index fail "${path/\//.}" 'its full-text index has no settings (FTS_..._CONFIG)' 'some' ;;
        *) record index pass "${path/\//.}" "${ANSWER##*words$'\t'} words of its full-text indexes were read" ;;
      esac
    else
      # The server does not have this variable, or only after the table was opened.
      case $COMPLAINT in *'ERROR 1193'* | *'ERROR 1231'* | *'ERROR 1109'*) ;; *) judge_complaint index "${path/\//.}" ;; esac
    fi
  done
}

# compares_indexes_itself: sets COMPARES, whether CHECK TABLE ... EXTENDED compares InnoDB's indexes (MDEV-24402). MySQL accepts
# EXTENDED, but only counts.
compares_indexes_itself() {
  local major minor patch
  COMPARES=''
  ask 'SELECT VERSION();' || return 0
  [[ $ANSWER =~ ^([0-9]+)\.([0-9]+)\.([0-9]+).*MariaDB ]] || return 0
  major=${BASH_REMATCH[1]} minor=${BASH_REMATCH[2]} patch=${BASH_REMATCH[3]}
  case $major.$minor in
    10.6) [ "$patch" -lt 11 ] || COMPARES=yes ;;
    10.7) [ "$patch" -lt 7 ] || COMPARES=yes ;;
    10.8) [ "$patch" -lt 6 ] || COMPARES=yes ;;
    10.9) [ "$patch" -lt 4 ] || COMPARES=yes ;;
    10.10) [ "$patch" -lt 2 ] || COMPARES=yes ;;
    *) if [ "$major" -gt 10 ] || { [ "$major" -eq 10 ] && [ "$minor" -gt 10 ]; }; then COMPARES=yes; fi ;;
  esac
}

# has_time_for <packs> <seconds>: whether these packs fit into the seconds or the time left, at the reading rate so far; at first at
# a rate that is low for data in memory
has_time_for() {
  local rate=200 seconds=$((INDEX_END - SECONDS))
  [ "$seconds" -ge "$2" ] || seconds=$2
  [ "$PACKS_READ" -le 200 ] || [ "$SECONDS" -le "$READING_SINCE" ] || rate=$((PACKS_READ / (SECONDS - READING_SINCE) + 1))
  [ "$1" -le $((rate * seconds)) ]
}

# check_indexes_of <number> <seconds>: returns 1 if it would take too long. In a table of up to 64 MiB, whose rows are in memory, the
# server looks up the row of each entry, which took six times as long as reading and counting. A larger table is read once by
# its rows and once by each index, each in its own order, and the sums are compared.
check_indexes_of() {
  local at=$1
  if [ -n "$COMPARES" ] && [ "${T_PACKS[at]}" -le "${IB_EXTENDED_PACKS:-1024}" ]; then
    has_time_for $((T_PACKS[at] * 6)) "$2" || return 1
    check_together index EXTENDED "$at"
  else
    has_time_for $((T_PACKS[at] * 2)) "$2" || return 1
    compare_indexes "$at"
  fi
}

# list_indexes <number>: sets I_NAMES, the quoted names of its secondary indexes, and I_SUMS, the sums for each. An index with only
# a part of a column, or another form of it, has no sums and is left out.
list_indexes() {
  local at=$1 index column part type extra row='' where
  local -A sums=() no=()
  where="s.table_schema = _utf8 x'${T_KEY[at]% *}' AND s.table_name = _utf8 x'${T_KEY[at]#* }'"
  I_NAMES=() I_SUMS=()
  ask "SELECT HEX(s.index_name), IFNULL(HEX(s.column_name), '-'), IFNULL(s.sub_part, '-'), s.index_type, IFNULL(REPLACE(c.extra, ' ', '_'), '-')
    FROM information_schema.statistics s LEFT JOIN information_schema.columns c USING (table_schema, table_name, column_name)
    WHERE $where ORDER BY s.index_name, s.seq_in_index;" || return 1
  while read -r index column part type extra; do
    [ "$index" = 5052494D415259 ] || continue
    text_of "$column" && quoted "$TEXT"
    if [ "$part" = - ] && is_askable "$TEXT"; then row="$row${row:++}CRC32($QUOTED)"; fi
  done <<<"$ANSWER"
  while read -r index column part type extra; do
    case $index in '' | 5052494D415259) continue ;; esac
    TEXT=''
    [ "$column" = - ] || text_of "$column"
    quoted "$TEXT"
    case $part:$type:$extra in
      -:BTREE:*VIRTUAL*) no[$index]=1 ;;
      -:BTREE:*) sums[$index]="${sums[$index]-},SUM(IFNULL(CRC32($QUOTED)${row:+^($row)},7))" ;;
      *) no[$index]=1 ;;
    esac
    if [ -z "$TEXT" ] || ! is_askable "$TEXT"; then no[$index]=1; fi
  done <<<"$ANSWER"
  for index in ${sums[@]+"${!sums[@]}"}; do
    text_of "$index" && quoted "$TEXT"
    if [ -n "${no[$index]-}" ] || ! is_askable "$TEXT"; then continue; fi
    I_NAMES+=("$QUOTED")
    I_SUMS+=("${sums[$index]}")
  done
}

# compare_indexes <number>: FORCE INDEX makes the server read an index, which has all these columns, instead of the rows
compare_indexes() {
  local at=$1 number sql='' by_rows by_index
  list_indexes "$at" || {
    judge_complaint index "${T_NAME[at]}"
    return
  }
  [ "${#I_NAMES[@]}" -gt 0 ] || return 0
  for number in "${!I_NAMES[@]}"; do
    sql="${sql}SELECT 'rows',COUNT(*)${I_SUMS[number]} FROM ${T_SQL[at]} USE INDEX ();"
    sql="${sql}SELECT 'index',COUNT(*)${I_SUMS[number]} FROM ${T_SQL[at]} FORCE INDEX (${I_NAMES[number]});"
  done
  ask "$sql" || {
    # A disabled index (MariaDB's IGNORED, MySQL's INVISIBLE) cannot be read.
    case $COMPLAINT in *'ERROR 1176'*) ;; *) judge_complaint index "${T_NAME[at]}" ;; esac
    return 0
  }
  number=0
  while IFS= read -r by_rows && IFS= read -r by_index; do
    if [ "${by_rows#rows}" != "${by_index#index}" ]; then
      record index fail "${T_NAME[at]}" "its index ${I_NAMES[number]} holds other values than its rows" 'the same sums of checksums'
      return
    fi
    number=$((number + 1))
  done <<<"$ANSWER"
  if [ "$number" -eq "${#I_NAMES[@]}" ]; then
    record index pass "${T_NAME[at]}" "$number indexes hold what the rows hold"
  else
    no_sense index "$at"
  fi
}
