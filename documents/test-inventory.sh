# Which tables exist: on the disk, in the server's list, in the manifest, in requiredTables; and how old their data is.
# shellcheck shell=bash

# The tables in the server's list, each by a number.
T_KEY=() T_SCHEMA=() T_NAME=() T_SQL=() T_PATH=() T_TYPE=() T_ENGINE=() T_PACKS=()
# By number, the tables that no statement may name, because of a backslash or a control character.
T_UNASKABLE=()
declare -A NUMBER_OF=()

# Schemas of the server itself. CHECK TABLE checks their tables, but they prove nothing about the backup's data.
is_system_schema() {
  case $1 in mysql | sys | sys_infobright | BH_RSI_Repository) ;; *) return 1 ;; esac
}

# text_of <hex>: sets TEXT, without a process for each of thousands of names. Most names appear more than once.
declare -A TEXTS=()
text_of() {
  local hex=$1 escaped=''
  TEXT=''
  is_hex "$hex" || return 0
  TEXT=${TEXTS[$hex]-}
  [ -z "$TEXT" ] || return 0
  while [ "${#hex}" -ge 16 ]; do
    escaped="$escaped\\x${hex:0:2}\\x${hex:2:2}\\x${hex:4:2}\\x${hex:6:2}\\x${hex:8:2}\\x${hex:10:2}\\x${hex:12:2}\\x${hex:14:2}"
    hex=${hex:16}
  done
  while [ -n "$hex" ]; do
    escaped="$escaped\\x${hex:0:2}"
    hex=${hex:2}
  done
  printf -v TEXT '%b' "$escaped"
  [ "${#TEXTS[@]}" -lt 20000 ] || TEXTS=()
  TEXTS[$1]=$TEXT
}

# quoted <name>: sets QUOTED to the name as an SQL identifier
quoted() {
  local tick='`'
  QUOTED="$tick${1//$tick/$tick$tick}$tick"
}

# list_tables: the charset `filename` converts table names to file names, as the server does
list_tables() {
  local schema name folder file type engine bytes at=0
  ask "SELECT HEX(table_schema), HEX(table_name), HEX(CONVERT(table_schema USING filename)),
      HEX(CONVERT(table_name USING filename)), REPLACE(table_type, ' ', '_'), IFNULL(NULLIF(engine, ''), '-'),
      IFNULL(data_length, 0)
    FROM information_schema.tables WHERE table_schema NOT IN ('information_schema', 'performance_schema')
    ORDER BY table_schema, table_name;" || {
    judge_complaint inventory 'the list of tables'
    conclude_from_records
  }
  while read -r schema name folder file type engine bytes; do
    [ -n "$schema" ] || continue
    { [[ $schema$name$folder$file =~ ^[0-9A-F]+$ ]] && is_count "$bytes"; } ||
      unchecked "the server's list of tables makes no sense: $schema $name $folder $file $type $engine $bytes"
    T_KEY[at]="$schema $name"
    text_of "$schema" && T_SCHEMA[at]=$TEXT
    quoted "$TEXT" && T_SQL[at]=$QUOTED
    text_of "$name" && T_NAME[at]=${T_SCHEMA[at]}.$TEXT
    quoted "$TEXT" && T_SQL[at]=${T_SQL[at]}.$QUOTED
    # A file name from MySQL 5.0 is not encoded, and has this prefix in the list.
    case ${T_SCHEMA[at]} in '#mysql50#'*) TEXT=${T_SCHEMA[at]#'#mysql50#'} ;; *) text_of "$folder" ;; esac
    T_PATH[at]=$TEXT
    case $name in 236D7973716C353023*) text_of "${name:18}" ;; *) text_of "$file" ;; esac
    T_PATH[at]=${T_PATH[at]}/$TEXT
    T_TYPE[at]=$type
    # A table that the server cannot open has no engine in the list, but may have Infobright's folder.
    if [ "$engine" = - ] && [ -n "${FILES_ROWS["${T_PATH[at]}"]+x}" ]; then engine=BRIGHTHOUSE; fi
    T_ENGINE[at]=$engine
    T_PACKS[at]=$((1 + bytes / 65536))
    NUMBER_OF[${T_NAME[at]}]=$at
    is_askable "${T_NAME[at]}" || {
      T_UNASKABLE[at]=yes
      record inventory warn "${T_NAME[at]}" 'is not read: its name has a backslash or a control character' 'another name'
    }
    at=$((at + 1))
  done <<<"$ANSWER"
  check_count_of_tables
}

# check_engines: a server without Infobright's engine cannot test its tables
check_engines() {
  local seen
  [ "${#FILES_ROWS[@]}" -gt 0 ] || return 0
  ask "SELECT support FROM information_schema.engines WHERE engine = 'BRIGHTHOUSE';" || ANSWER=''
  seen=${ANSWER:-no such engine}
  case $seen in
    YES | DEFAULT) record engine pass BRIGHTHOUSE "$seen" ;;
    *) unchecked "the server of this host lacks the engine BRIGHTHOUSE ($seen), and the backup has ${#FILES_ROWS[@]} tables of it" ;;
  esac
}

# check_count_of_tables: a test that read nothing proves nothing
check_count_of_tables() {
  local at user=0
  for at in "${!T_KEY[@]}"; do
    [ "${T_TYPE[at]}" = VIEW ] || is_system_schema "${T_SCHEMA[at]}" || user=$((user + 1))
  done
  if [ "$user" -eq 0 ] && tight_limits; then
    record inventory error "$SSM_dataDirectory" "the server lists no tables but its own: $TROUBLE"
    return
  elif [ "$user" -eq 0 ]; then
    record inventory fail "$SSM_dataDirectory" "no tables found in it but the server's own: nothing to restore" 'tables of users'
    return
  fi
  record inventory pass "$SSM_dataDirectory" "$user tables in the server's list"
}

# check_required: the required tables and those of the manifest exist. Row counts are compared when the tables are read.
check_required() {
  local key schema name item missing=0 at
  local -A there=()
  for at in "${!T_KEY[@]}"; do there[${T_KEY[at]}]=1; done
  for key in "${!MANIFEST_ROWS[@]}"; do
    [ -z "${there[$key]-}" ] || continue
    text_of "${key% *}" && schema=$TEXT
    text_of "${key#* }" && name=$TEXT
    [ -z "${LATER[$schema.$name]-}" ] || continue
    record inventory fail "$schema.$name" 'is not in the backup' 'the table, which is in the manifest'
    missing=$((missing + 1))
  done
  for item in ${SSM_requiredTables//,/ }; do
    [ -z "${NUMBER_OF[${item%%:*}]-}" ] || continue
    record inventory fail "${item%%:*}" 'is not in the backup' 'the table, which is required'
    missing=$((missing + 1))
  done
  if [ "$missing" -eq 0 ] && [ -n "${!MANIFEST_ROWS[*]}$SSM_requiredTables" ]; then
    record inventory pass 'required tables' 'all are there'
  fi
}

# read_references: sets FLOOR, REQUIRED (tables without a floor) and LAST_ROWS, by table name: the required minimum, and the
# rows of the last good run here
# shellcheck disable=SC2034 # test.sh stores READ_ROWS
declare -A FLOOR=() REQUIRED=() LAST_ROWS=() READ_ROWS=()
read_references() {
  local item rows name
  for item in ${SSM_requiredTables//,/ }; do
    if [ "$item" = "${item%:*}" ]; then REQUIRED[$item]=1; else FLOOR[${item%:*}]=$((10#${item##*:})); fi
  done
  [ -s "$SSM_stateDirectory/last-good" ] || return 0
  while IFS=$'\t' read -r rows name; do
    if is_count "$rows"; then LAST_ROWS[$name]=$rows; fi
  done <"$SSM_stateDirectory/last-good"
}

# check_rows <number> <rows>: compares with the files, the manifest, the floor and the last good run
check_rows() {
  local at=$1 rows=$2 name=${T_NAME[$1]} files recorded
  files=${FILES_ROWS["${T_PATH[at]}"]-}
  recorded=${MANIFEST_ROWS["${T_KEY[at]}"]-}
  ! is_later "$at" || recorded=''
  if [ -n "$recorded" ] && [ "$recorded" != "$rows" ] && changed_later "$at"; then recorded=''; fi
  if [ -n "$files" ] && [ "$files" != "$rows" ]; then
    record rows fail "$name" "$rows rows in the server" "$files, as its files say"
  elif [ -n "$recorded" ] && [ "$recorded" != "$rows" ]; then
    record rows fail "$name" "$rows rows" "$recorded, as in the manifest"
  elif [ "$rows" -lt "${FLOOR[$name]:-0}" ]; then
    record rows fail "$name" "$rows rows" "${FLOOR[$name]} at least"
  elif [ -z "$recorded" ] && [ -n "${REQUIRED[$name]-}" ] && [ "$((rows * 10))" -le "${LAST_ROWS[$name]:-0}" ] && [ "${LAST_ROWS[$name]:-0}" -gt 0 ]; then
    # Other tables may have been emptied by their owner. This one is required.
    record rows fail "$name" "$rows rows, a tenth of last time or less" "about ${LAST_ROWS[$name]}, as in the last good run, or a number of its own in requiredTables"
  elif [ -z "$recorded" ] && [ "$((rows * 2))" -lt "${LAST_ROWS[$name]:-0}" ]; then
    record rows warn "$name" "$rows rows, fewer than half of last time" "about ${LAST_ROWS[$name]}, as in the last good run"
  else
    record rows pass "$name" "$rows rows"
  fi
}

# check_fresh: compares the newest value of a column with the time of the snapshot
check_fresh() {
  local item table column hours at age taken
  taken=${TAKEN:-$MANIFEST_TIME}
  # A fixed time, so that the server's clock and time zone do not matter.
  taken=$(date -u -d "${taken:+@}${taken:-now}" '+%Y-%m-%d %H:%M:%S')
  for item in ${SSM_freshTables//,/ }; do
    hours=$((10#${item##*:}))
    column=${item%:*}
    table=${column%.*}
    column=${column##*.}
    at=${NUMBER_OF[$table]-}
    if [ -z "$at" ]; then
      record freshness fail "$table" 'is not in the backup' "a table with rows of the last $hours hours"
      continue
    fi
    if ! columns_of "$at"; then
      judge_complaint freshness "$table"
      continue
    fi
    quoted "$column"
    case " ${C_SQL[*]-} " in
      *" $QUOTED "*) ;;
      *)
        record freshness error "$table" "has no column $column" 'one that freshTables names'
        continue
        ;;
    esac
    ask "SELECT 'ok',TIMESTAMPDIFF(SECOND,MAX($QUOTED),'$taken') FROM ${T_SQL[at]};" || {
      judge_complaint freshness "$table"
      continue
    }
    age=${ANSWER#ok$'\t'}
    if ! is_count "${age#-}"; then
      record freshness fail "$table" "$column has no newest value: ${age:0:40}" "one of the last $hours hours"
    elif [ "$age" -gt $((hours * 3600)) ]; then
      record freshness fail "$table" "$column ends $((age / 3600)) hours before the snapshot" "$hours hours at most"
    elif [ "$age" -lt -86400 ]; then
      warn_of_future "$at" "$table" "$column" "$age" "$taken"
    else
      record freshness pass "$table" "$column ends $((age / 3600)) hours before the snapshot"
    fi
  done
}

# warn_of_future <number> <table> <column> <age> <snapshot's time>: one row with a date far in the future hides the age of all
# others, but may be right. Only beyond a day, because times without a zone may be ahead.
warn_of_future() {
  local age=''
  quoted "$3"
  if ask "SELECT 'ok',TIMESTAMPDIFF(SECOND,MAX($QUOTED),'$5') FROM ${T_SQL[$1]} WHERE $QUOTED<='$5';"; then age=${ANSWER#ok$'\t'}; fi
  if is_count "$age"; then age="the newest before it is $((age / 3600)) hours older"; else age='none is before it'; fi
  record freshness warn "$2" "$3 ends $((${4#-} / 3600)) hours after the snapshot, $age" 'a time before the snapshot'
}
