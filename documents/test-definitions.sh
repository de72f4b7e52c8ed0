# Compares the definitions on the disk (.frm) with the server's list, and finds data files without a definition.
# shellcheck shell=bash

# check_files: definitions, data files, and the folders of Infobright's tables
check_files() {
  local at file before=${#FAULT_LINES[@]} count=0 OLD_NAMES=''
  local -A known=()
  for at in "${!T_KEY[@]}"; do known[${T_PATH[at]}]=1; done
  while read -r file; do
    file=${file%.frm}
    # If a database or table is named like a Windows device (nul, con and so on), its file name ends with @@@.
    file=${file//@@@/}
    case $file in *.*) continue ;; esac
    [[ $file =~ ^[A-Za-z0-9_@]+/[A-Za-z0-9_@]+$ ]] || OLD_NAMES=yes
    count=$((count + 1))
    [ -n "${known[$file]-}" ] || [ "${file%%/*}" = performance_schema ] ||
      record_unlisted "$file"
  done < <(find "$DATA/" -mindepth 2 -maxdepth 2 -name '*.frm' ! -name '#*' -printf '%P\n')
  # MySQL from 8.0 on keeps no definitions in files.
  [ "$count" -gt 0 ] || return 0
  check_data_files
  for at in "${!T_KEY[@]}"; do
    [ "${T_ENGINE[at]}" = BRIGHTHOUSE ] || continue
    disk_folder "$at"
    [ -d "$DATA/$FOLDER.bht" ] || [ -L "$DATA/$FOLDER.bht" ] ||
      record files fail "${T_NAME[at]}" "its folder ${T_PATH[at]}.bht is not on the disk" 'the folder with its data'
  done
  [ "${#FAULT_LINES[@]}" -gt "$before" ] ||
    record files pass "$SSM_dataDirectory" "$count table definitions on the disk, all in the server's list"
}

# check_data_files: data files without a definition, grouped by table
check_data_files() {
  local file name kind
  local -A kinds=()
  # A name may end with a space, before the file's ending.
  while IFS= read -r file; do
    name=${file%.*}
    kinds[$name]="${kinds[$name]-} ${file##*.}"
  done < <(find "$DATA/" -mindepth 2 -maxdepth 2 \( -name '*.frm' -o -name '*.MY[DI]' -o -name '*.MA[DI]' -o -name '*.bht' -o -name '*.ibd' \) \
    ! -name '#*' ! -name 'FTS_*' ! -name 'fts_*' -printf '%P\n' | without_definition)
  for name in ${kinds[@]+"${!kinds[@]}"}; do
    for kind in ${kinds[$name]}; do judge_data_file "$name" "$kind" "${kinds[$name]} "; done
  done
}

# without_definition: the files in its input that have no .frm, without the partitions' part after a #. In awk, because there
# may be thousands.
without_definition() {
  awk '
    { ending = stem = $0; sub(/\.[^.]*$/, "", stem); sub(/.*\./, "", ending) }
    ending == "frm" { defined[stem] = 1; next }
    # Of partitions and vector indexes. A # that belongs to the name of the table is @0023 on the disk.
    { if (stem ~ /\/[^\/]+#/) sub(/#.*/, "", stem); file[++count] = stem "." ending; of[count] = stem }
    END { for (at = 1; at <= count; at++) if (!(of[at] in defined)) print file[at] }'
}

# judge_data_file <folder and name> <ending> <endings of that name>: whether its table lost the definition, or it is a stray file
judge_data_file() {
  local name=$1 pair=''
  # From MySQL 5.1 on the server encodes all but letters, digits and underscores with @. Older names have no dot.
  if [[ $name =~ [^A-Za-z0-9_@/] ]] && { [ -z "$OLD_NAMES" ] || [[ $name = *.* ]]; }; then
    record files skip "$name.$2" 'is no table: no table has a file of this name'
    return
  fi
  case $2 in
    MYI | MAI)
      # The index and the rows are one table, which is recorded for its rows.
      [[ $3 != *" ${2%I}D "* ]] || return 0
      pair=${2%I}D
      ;;
    MYD | MAD) [[ $3 == *" ${2%D}I "* ]] || pair=${2%D}I ;;
    ibd)
      # InnoDB's own list has shown the lost tables. A file that is not in it is a copy that somebody left here.
      if [ -n "$INNODB_LISTED" ]; then
        [ -n "${IN_INNODB[$name]-}" ] || record files warn "${name/\//.}" "InnoDB does not know the file $name.ibd, which has no definition" 'no such file'
        return
      fi
      ;;
    bht)
      if [ -d "$DATA/$name.bht" ] && [ ! -e "$DATA/$name.bht/Table.ctb" ] && [ -z "$(find "$DATA/$name.bht/" -name 'TA*' -print | head -n 1)" ]; then
        record files warn "${name/\//.}" "the folder $name.bht has no files of a table, and no definition" 'no such folder'
        return
      fi
      ;;
  esac
  if [ -n "$pair" ]; then
    record files warn "${name/\//.}" "the file $name.$2 has neither a definition nor $name.$pair: left there by somebody, or all that is left of a table" "$name.frm"
  else
    record files fail "${name/\//.}" 'its data is on the disk, but its definition (.frm) is gone' "$name.frm"
  fi
}
