# What the server holds, and whether it can be read. Each check is a function that calls `record`.
# shellcheck shell=bash

# Schemas of the server itself. Their tables are checked with CHECK TABLE but prove nothing about the backup's data.
is_system_schema() {
  case $1 in mysql | sys | sys_infobright | BH_RSI_Repository) ;; *) return 1 ;; esac
}

TABLES_FOUND=()

text_of() {
  local hex=$1 text=''
  while [ -n "$hex" ]; do
    text="$text\\x${hex:0:2}"
    hex=${hex:2}
  done
  printf '%b' "$text"
}

# quoted <name>: as an identifier, whatever is in it
quoted() {
  local tick='`'
  printf '%s' "$tick${1//$tick/$tick$tick}$tick"
}

# list_tables: TABLES_FOUND, one "<hex schema> <hex name> <schema folder> <file name> <type> <engine>" each.
# The charset `filename` is how the server itself makes file names of table names.
list_tables() {
  local line
  ask "SELECT HEX(table_schema), HEX(table_name), HEX(CONVERT(table_schema USING filename)),
      HEX(CONVERT(table_name USING filename)), REPLACE(table_type, ' ', '_'), IFNULL(NULLIF(engine, ''), '-')
    FROM information_schema.tables WHERE table_schema NOT IN ('information_schema', 'performance_schema')
    ORDER BY table_schema, table_name;" || {
    judge_complaint inventory 'the list of tables'
    conclude_from_records
  }
  while read -r line; do
    [ -z "$line" ] || TABLES_FOUND+=("$line")
  done <<<"$ANSWER"
  check_count_of_tables
}

# check_count_of_tables: a test that read nothing proves nothing
check_count_of_tables() {
  local line schema type user=0
  for line in ${TABLES_FOUND[@]+"${TABLES_FOUND[@]}"}; do
    read -r schema _ _ _ type _ <<<"$line"
    [ "$type" != VIEW ] || continue
    ! is_system_schema "$(text_of "$schema")" || continue
    user=$((user + 1))
  done
  if [ "$user" -eq 0 ]; then
    record inventory fail "$SSM_dataDirectory" "no tables found in it but the server's own: nothing to restore"
    return
  fi
  record inventory pass "$SSM_dataDirectory" "$user tables in the server's list"
}

# check_files: the definitions on the disk against the server's list, and data files that lost their definition
check_files() {
  local line folder name file before=${#FAULT_LINES[@]} count=0
  local -A known=() defined=()
  for line in ${TABLES_FOUND[@]+"${TABLES_FOUND[@]}"}; do
    read -r _ _ folder name _ _ <<<"$line"
    known["$(text_of "$folder")/$(text_of "$name")"]=1
  done
  while read -r file; do
    file=${file%.frm}
    defined["$file"]=1
    # A name that is a device on other systems gets @@@ at its end (nul, con and so on).
    file=${file%@@@}
    [[ $file =~ ^[A-Za-z0-9_@]+/[A-Za-z0-9_@]+$ ]] || continue
    count=$((count + 1))
    [ -n "${known[$file]-}" ] || [ "${file%%/*}" = performance_schema ] ||
      record files fail "${file/\//.}" "its definition $file.frm is on the disk, but the server does not list it"
  done < <(find "$DATA/" -mindepth 2 -maxdepth 2 -name '*.frm' ! -name '#*' -printf '%P\n')
  # MySQL from 8.0 on keeps no definitions in files.
  [ "$count" -gt 0 ] || return 0
  while read -r file; do
    file=${file%.*}
    file=${file%%#[pP]#*}
    [ -n "${defined[$file]-}" ] || record files fail "${file/\//.}" 'its data is on the disk, but its definition (.frm) is gone'
  done < <(find "$DATA/" -mindepth 2 -maxdepth 2 \( -name '*.MYD' -o -name '*.MAD' -o -name '*.bht' -o -name '*.ibd' \) \
    ! -name '#*' ! -name 'FTS_*' -printf '%P\n')
  check_links
  [ "${#FAULT_LINES[@]}" -gt "$before" ] ||
    record files pass "$SSM_dataDirectory" "$count table definitions on the disk, all in the server's list"
}

# check_links: what a link leads to outside of the volume is not in the backup, and not ours to read
check_links() {
  local link target root
  root=$(readlink -f "$MOUNT_POINT")
  while read -r link; do
    target=$(readlink -m "$link")
    case $target/ in
      "$root"/*) ;;
      *) record files fail "${link#"$DATA"/}" "is a link to $target, which is not on this volume" ;;
    esac
  done < <(find "$DATA/" -mindepth 1 -maxdepth 2 -type l ! -name '*.sock' ! -name '*.err' ! -name '*.log' ! -name '*.pid')
}

# read_tables: every table of the users whole, then the server's own
read_tables() {
  local line schema name type engine at=0 all=${#TABLES_FOUND[@]} subject
  for line in ${TABLES_FOUND[@]+"${TABLES_FOUND[@]}"}; do
    read -r schema name _ _ type engine <<<"$line"
    at=$((at + 1))
    [ "$type" != VIEW ] || continue
    schema=$(text_of "$schema")
    name=$(text_of "$name")
    subject=$schema.$name
    progress "table $at of $all: $subject"
    if is_system_schema "$schema"; then
      check_table 'system table' "$subject" "$(quoted "$schema").$(quoted "$name")"
    else
      read_table "$line" "$subject" "$(quoted "$schema").$(quoted "$name")" "$engine"
    fi
  done
}

# read_table <line> <subject> <quoted name> <engine>
read_table() {
  local schema name before=${#FAULT_LINES[@]} errors=${#ERROR_LINES[@]}
  case $4 in
    # Their rows are on other machines. A test that dials production is worse than no test.
    FEDERATED | CONNECT | SPIDER | SPHINX | S3 | OQGRAPH)
      record read skip "$2" "its rows are not on this volume (engine $4)"
      return
      ;;
    BLACKHOLE)
      record read skip "$2" 'has no rows (engine BLACKHOLE)'
      return
      ;;
  esac
  read -r schema name _ <<<"$1"
  ask "SELECT HEX(column_name), data_type FROM information_schema.columns
    WHERE table_schema = _utf8 x'$schema' AND table_name = _utf8 x'$name' ORDER BY ordinal_position;" || {
    judge_complaint read "$2"
    return
  }
  if [ "$4" = BRIGHTHOUSE ]; then
    scan_brighthouse "$2" "$3" "$ANSWER"
  else
    scan_rows "$2" "$3" "$ANSWER" "$4"
    # After the scan: CHECK TABLE marks a damaged MyISAM or Aria table crashed, which changes what a scan says.
    check_table 'check table' "$2" "$3"
  fi
  [ "${#FAULT_LINES[@]}" -gt "$before" ] || [ "${#ERROR_LINES[@]}" -gt "$errors" ] || TABLES=$((TABLES + 1))
}

# sums_of <columns from information_schema> <at most>: LISTS, each a list of expressions that read those columns.
# A sum of checksums has to fetch every value; COUNT or SUM of the column itself may come from statistics.
sums_of() {
  local hex list='' count=0
  LISTS=()
  while read -r hex _; do
    [ -n "$hex" ] || continue
    list="$list, SUM(MOD(CRC32($(quoted "$(text_of "$hex")")), 1000003))"
    count=$((count + 1))
    if [ $((count % $2)) -eq 0 ]; then
      LISTS+=("$list")
      list=''
    fi
  done <<<"$1"
  [ -z "$list" ] || LISTS+=("$list")
}

# scan_rows <subject> <quoted name> <columns> <engine>: for engines that keep rows together
scan_rows() {
  local sql list line counted='' scanned=''
  sums_of "$3" 200
  sql="SELECT 'count', COUNT(*) FROM $2;"
  # USE INDEX () allows no index, so that the rows are read and not an index that happens to hold the columns.
  for list in ${LISTS[@]+"${LISTS[@]}"}; do
    sql="$sql SELECT 'scan', IFNULL(SUM(1), 0)$list FROM $2 USE INDEX ();"
  done
  if ! ask "$sql"; then
    judge_complaint read "$1"
    return
  fi
  while read -r line; do
    case $line in
      count*) read -r _ counted _ <<<"$line" ;;
      scan*) read -r _ scanned _ <<<"$line" ;;
    esac
  done <<<"$ANSWER"
  if ! [[ $counted =~ ^[0-9]+$ && $scanned =~ ^[0-9]+$ ]]; then
    record read error "$1" "the server's answer makes no sense: ${ANSWER:0:80}"
  elif [ "$counted" != "$scanned" ] && [ "$4" != CSV ]; then
    record read fail "$1" "the server counts $counted rows, but $scanned were read"
  else
    ROWS=$((ROWS + scanned))
    record read pass "$1" "$scanned rows ($4)"
  fi
}

# scan_brighthouse <subject> <quoted name> <columns>: column by column, then the sums against the statistics.
# Only forms that its optimiser is known to take; CHECK TABLE does not know this engine.
scan_brighthouse() {
  local list counted
  ask "SELECT 'ok',COUNT(*) FROM $2;" || {
    judge_complaint read "$1"
    return
  }
  counted=${ANSWER#ok$'\t'}
  sums_of "$3" 20
  for list in ${LISTS[@]+"${LISTS[@]}"}; do
    ask "SELECT 'ok'$list FROM $2;" || {
      judge_complaint read "$1"
      return
    }
    if [ "${ANSWER%%$'\t'*}" != ok ] || ! [[ $counted =~ ^[0-9]+$ ]]; then
      record read error "$1" "the server's answer makes no sense: ${ANSWER:0:80}"
      return
    fi
  done
  compare_sums "$1" "$2" "$3"
  ROWS=$((ROWS + counted))
  record read pass "$1" "$counted rows (BRIGHTHOUSE)"
}

# compare_sums <subject> <quoted name> <columns>: SUM(n) comes from the statistics, SUM(n+0) from the packs
compare_sums() {
  local hex type name column sum
  while read -r hex type; do
    case $type in tinyint | smallint | mediumint | int | bigint | decimal) ;; *) continue ;; esac
    name=$(text_of "$hex")
    column=$(quoted "$name")
    ask "SELECT 'ok',SUM($column)<=>SUM($column+0),SUM($column+0) FROM $2;" || {
      judge_complaint sums "$1"
      return
    }
    sum=${ANSWER##*$'\t'}
    case $ANSWER in
      ok$'\t'1$'\t'*) ;;
      # So large a sum may have run over in the statistics of a healthy column.
      *) if [ "${#sum}" -ge 19 ]; then
        record sums warn "$1" "column $name: the statistics and the data have different sums, perhaps an overflow"
      else
        record sums fail "$1" "column $name: the statistics and the data have different sums"
        return
      fi ;;
    esac
  done <<<"$3"
  record sums pass "$1" 'statistics and data agree'
}

# check_table <check> <subject> <quoted name>: judged by its words; its exit code is 0 whatever it finds.
# MEDIUM: FAST and QUICK skip the rows.
check_table() {
  local kind said bad='' doubtful=''
  ask "CHECK TABLE $3 MEDIUM;" || {
    judge_complaint "$1" "$2"
    return
  }
  while IFS=$'\t' read -r _ _ kind said; do
    case "$kind:$said" in
      'status:OK' | 'status:Table is already up to date') ;;
      note:*"doesn't support check"*) ;;
      *"can't use locks with log tables"*) ;;
      *'pgrade required'* | *'lease do "ALTER TABLE'*) doubtful=$said ;;
      warning:* | note:* | info:* | Warning:* | Note:*) doubtful=$said ;;
      *:'Operation failed') [ -n "$bad" ] || bad=$said ;;
      *) if [ -z "$bad" ] || [ "$bad" = 'Operation failed' ]; then bad=$said; fi ;;
    esac
  done <<<"$ANSWER"
  if [ -n "$bad" ]; then
    COMPLAINT=$bad
    judge_complaint "$1" "$2"
  elif [ -n "$doubtful" ]; then
    record "$1" warn "$2" "$doubtful"
  else
    record "$1" pass "$2" OK
  fi
}
