# The columns of a table's definition against those that InnoDB's own dictionary has: a definition of before a column was
# renamed opens, and the server reads one column under another's name.
# shellcheck shell=bash

# By a table's path: the columns in InnoDB's dictionary, as hex with spaces around each.
declare -A IN_DICTIONARY=()

# read_dictionary: MariaDB and MySQL 5.6 and 5.7; older ones do not show it, newer ones keep definitions nowhere else.
read_dictionary() {
  local table columns path
  IN_DICTIONARY=()
  ask "SET SESSION group_concat_max_len=4000000;SELECT HEX(t.name), GROUP_CONCAT(HEX(c.name) SEPARATOR ' ')
    FROM information_schema.INNODB_SYS_TABLES t JOIN information_schema.INNODB_SYS_COLUMNS c ON c.table_id = t.table_id
    WHERE t.name LIKE '%/%' AND t.name NOT LIKE '%#%' GROUP BY t.table_id;" || return 0
  while IFS=$'\t' read -r table columns; do
    is_hex "$table" || continue
    text_of "$table" && path=$TEXT
    IN_DICTIONARY[$path]=" $columns "
  done <<<"$ANSWER"
}

# check_columns <number>: from LINES_OF. InnoDB may have more (those of system versioning), never fewer. Virtual columns are in
# no dictionary of before MariaDB 10.2, and what is not ASCII may be written otherwise there.
check_columns() {
  local at=$1 known=${IN_DICTIONARY["${T_PATH[$1]}"]-} hex column strange=''
  [ -n "$known" ] && [ "${T_ENGINE[at]}" = InnoDB ] || return 0
  while read -r hex _; do
    case $known in *" ${hex:-20} "*) continue ;; esac
    [ -n "$hex" ] || continue
    text_of "$hex" && column=$TEXT
    [[ $column =~ ^[A-Za-z0-9_]+$ ]] || continue
    text_of "${known// /20}"
    case ${TEXT,,} in *" ${column,,} "*) ;; *) strange=$column ;; esac
  done <<<"${LINES_OF[at]}"
  [ -n "$strange" ] || return 0
  ask "SELECT extra FROM information_schema.columns WHERE table_schema = _utf8 x'${T_KEY[at]% *}' AND table_name = _utf8 x'${T_KEY[at]#* }'
    AND column_name = '$strange';" || return 0
  case ${ANSWER,,} in *virtual*) return 0 ;; esac
  text_of "${known// /20}"
  record columns fail "${T_NAME[at]}" "its definition has a column $strange, which InnoDB's dictionary has not: ${TEXT# }" 'a definition of the same time'
}
