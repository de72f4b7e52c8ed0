# InnoDB's own dictionary, which also has the names of tables whose definition is gone.
# shellcheck shell=bash

# InnoDB's tables by path, from its dictionary. INNODB_LISTED: whether the server shows the dictionary.
declare -A IN_INNODB=()
# By the path of a table with full-text indexes: the size of their files in KiB.
declare -A FULL_TEXT=()
INNODB_LISTED=''

# check_innodb_tables: a table that was lost with its definition, alone or with its whole database, is still in the dictionary.
# MariaDB and MySQL from 5.6 on show it (under another name from 8.0 on); an older server only logs which files are missing.
check_innodb_tables() {
  local view=''
  ask "SELECT table_name FROM information_schema.tables WHERE table_schema = 'information_schema'
    AND table_name IN ('INNODB_SYS_TABLES', 'INNODB_TABLES');" || ANSWER=''
  view=${ANSWER%%$'\n'*}
  if [ -n "$view" ] && ask "SELECT table_id, HEX(name), space FROM information_schema.$view WHERE name LIKE '%/%' ORDER BY name;" &&
    [ -n "$ANSWER" ]; then
    INNODB_LISTED=yes
    compare_dictionary
  else
    compare_log_of_innodb
  fi
}

# compare_dictionary: compares ANSWER, InnoDB's list, with the server's
compare_dictionary() {
  local id hex space name path size before=${#FAULT_LINES[@]} at count=0
  local -A known=() owner=()
  local lost=() texts=()
  for at in "${!T_KEY[@]}"; do known[${T_PATH[at]}]=1; done
  while read -r id hex space; do
    [ -n "$hex" ] || continue
    text_of "$hex" && name=$TEXT
    owner[$id]=$name
    # Left by an ALTER TABLE that was interrupted, or temporary.
    case ${name#*/} in '#'*) continue ;; esac
    if [[ ${name#*/} =~ ^[Ff][Tt][Ss]_[0-9a-f]{16}_ ]]; then
      [ "$space" = 0 ] || texts+=("$name")
      continue
    fi
    # After a # there is the name of a partition or vector index. A # in a table's name is @0023.
    path=${name%%#*}
    path=${path%@@@}
    [ -z "${IN_INNODB[$path]-}" ] || continue
    IN_INNODB[$path]=1
    count=$((count + 1))
    [ -n "${known[$path]-}" ] || [ -e "$DATA/$path.frm" ] || lost+=("$path")
  done <<<"$ANSWER"
  name_lost_tables "InnoDB's dictionary has it" ${lost[@]+"${lost[@]}"}
  for name in ${texts[@]+"${texts[@]}"}; do
    id=${name#*/[Ff][Tt][Ss]_}
    path=${owner[$((16#${id:0:16}))]-$name} # number: matched above, sixteen hexadecimal digits
    if [ -e "$DATA/$name.ibd" ] || [ -e "$DATA/$name.isl" ]; then
      size=$(stat -c %s "$DATA/$name.ibd" 2>/dev/null) || size=0
      is_count "$size" || size=0
      FULL_TEXT[$path]=$((${FULL_TEXT[$path]-0} + size / 1024))
      continue
    fi
    record 'InnoDB tables' fail "${path/\//.}" "the file $name.ibd of its full-text index is gone" 'a file'
  done
  [ "${#FAULT_LINES[@]}" -gt "$before" ] || record 'InnoDB tables' pass "$count tables" "of InnoDB's dictionary are in the server's list"
}

# name_lost_tables <source> <path>...: records lost tables. A database without its folder has one line for all its tables.
name_lost_tables() {
  local seen=$1 path folder
  local -A whole=()
  shift
  for path in "$@"; do
    folder=${path%%/*}
    if [ -d "$DATA/$folder" ]; then
      record 'InnoDB tables' fail "${path/\//.}" "is lost with its definition: $seen" 'a table'
    else
      whole[$folder]="${whole[$folder]-}${whole[$folder]+, }${path#*/}"
    fi
  done
  for folder in "${!whole[@]}"; do
    record 'InnoDB tables' fail "$folder" "the folder of this database is gone, with tables such as ${whole[$folder]:0:80}: $seen" 'a database'
  done
}

# compare_log_of_innodb: a server without such a list logs at its start which tablespaces of its dictionary are missing. MySQL
# 5.1 to 5.5 write three lines, the first with the name in quotes.
compare_log_of_innodb() {
  local path
  local lost=()
  while read -r path; do
    [ -z "$path" ] || [ -e "$DATA/$path.frm" ] || lost+=("$path")
  done < <(server_log | awk '
    function named(text) { return match(text, /[A-Za-z0-9_@]+\/[A-Za-z0-9_@]+/) ? substr(text, RSTART, RLENGTH) : "" }
    /ould not find a valid tablespace file for/ { sub(/.*tablespace file for/, ""); print named($0) }
    /InnoDB: Error: table / { before = $0; sub(/.*Error: table /, "", before); next }
    /InnoDB: in InnoDB data dictionary has tablespace id/ && before != "" { print named(before) }
    { before = "" }' | sort -u)
  name_lost_tables "the server's log says that InnoDB's dictionary has it" ${lost[@]+"${lost[@]}"}
}
