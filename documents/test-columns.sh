# Compares the columns of a table's definition with those in InnoDB's dictionary. An old definition, from before a column was
# renamed, opens too: the server then reads one column under another's name, or a number with another length.
# shellcheck shell=bash

# By a table's path: the columns in InnoDB's dictionary, in hex with spaces around each.
declare -A IN_DICTIONARY=()
# The same with main type and length: <hex>:<type>:<length>.
declare -A FORMS=()

# read_dictionary: for MariaDB, MySQL 5.6 and 5.7. Older servers do not show it, newer ones have definitions only there.
read_dictionary() {
  local table columns forms path
  IN_DICTIONARY=() FORMS=()
  ask "SET SESSION group_concat_max_len=4000000;SELECT HEX(t.name), GROUP_CONCAT(HEX(c.name) SEPARATOR ' '),
    GROUP_CONCAT(CONCAT(HEX(c.name), ':', c.mtype, ':', c.len) SEPARATOR ' ')
    FROM information_schema.INNODB_SYS_TABLES t JOIN information_schema.INNODB_SYS_COLUMNS c ON c.table_id = t.table_id
    WHERE t.name LIKE '%/%' AND t.name NOT LIKE '%#%' GROUP BY t.table_id;" || return 0
  while IFS=$'\t' read -r table columns forms; do
    is_hex "$table" || continue
    text_of "$table" && path=$TEXT
    IN_DICTIONARY[$path]=" $columns " FORMS[$path]=" $forms "
  done <<<"$ANSWER"
}

# check_columns <number>: compares LINES_OF. InnoDB may have more columns (system versioning), never fewer. Before MariaDB 10.2
# the dictionary has no virtual columns, and may encode names that are not ASCII in another way.
check_columns() {
  local at=$1 known=${IN_DICTIONARY["${T_PATH[$1]}"]-} line hex column strange=''
  [ -n "$known" ] && [ "${T_ENGINE[at]}" = InnoDB ] || return 0
  lines_of "${LINES_OF[at]}"
  check_forms "$at"
  for line in ${TEXT_LINES[@]+"${TEXT_LINES[@]}"}; do
    hex=${line%%$'\t'*}
    case $known in *" $hex "*) continue ;; esac
    text_of "$hex" && column=$TEXT
    [[ $column =~ ^[A-Za-z0-9_]+$ ]] || continue
    text_of "${known// /20}"
    case ${TEXT,,} in *" ${column,,} "*) ;; *) strange=$column ;; esac
  done
  [ -n "$strange" ] || return 0
  ask "SELECT extra FROM information_schema.columns WHERE table_schema = _utf8 x'${T_KEY[at]% *}' AND table_name = _utf8 x'${T_KEY[at]#* }'
    AND column_name = '$strange';" || return 0
  case ${ANSWER,,} in *virtual*) return 0 ;; esac
  text_of "${known// /20}"
  record columns fail "${T_NAME[at]}" "its definition has a column $strange, which InnoDB's dictionary has not: ${TEXT# }" 'a definition of the same time'
}

# check_forms <number>: compares TEXT_LINES. Whole numbers and texts have the same length in the definition and in the
# dictionary. InnoDB's main types: 1 and 12 VARCHAR, 2 and 13 CHAR, 4 VARBINARY, 6 whole numbers.
check_forms() {
  local at=$1 known=${FORMS["${T_PATH[$1]}"]} line hex type length form
  set -f
  for line in ${TEXT_LINES[@]+"${TEXT_LINES[@]}"}; do
    # shellcheck disable=SC2086 # splits into fields
    set -- $line
    hex=$1 type=${2-} length=${4-}
    case $known in *" $hex:"*) ;; *) continue ;; esac
    form=${known#*" $hex:"}
    form=${form%% *}
    is_count "$length" || continue
    case $type in
      tinyint) type=6 length=1 ;;
      smallint) type=6 length=2 ;;
      mediumint) type=6 length=3 ;;
      int) type=6 length=4 ;;
      bigint) type=6 length=8 ;;
      varchar) case $form in 12:*) type=12 ;; *) type=1 ;; esac ;;
      char) case $form in 13:*) type=13 ;; *) type=2 ;; esac ;;
      varbinary) type=4 ;;
      *) continue ;;
    esac
    # A compressed column has one more byte.
    if [ "$form" = "$type:$length" ] || { [[ $type =~ ^(1|4|12)$ ]] && [ "$form" = "$type:$((length + 1))" ]; }; then continue; fi
    set +f
    text_of "$hex"
    record columns fail "${T_NAME[at]}" "column $TEXT is of type $type and length $length in its definition, as InnoDB numbers types" "${form/:/ and }, as in InnoDB's dictionary"
    return
  done
  set +f
}
