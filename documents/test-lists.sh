# Lists of tables from operators: in a parameter, or for hundreds of tables in a file on the test instance.
# shellcheck shell=bash

readonly REQUIRED_ITEM='[A-Za-z0-9_$-]+\.[A-Za-z0-9_$-]+(:[0-9]{1,15})?'
readonly FRESH_ITEM='[A-Za-z0-9_$-]+\.[A-Za-z0-9_$-]+\.[A-Za-z0-9_$-]+:[0-9]{1,6}'
readonly LIST_FILE='file:/[A-Za-z0-9._/-]+'

# list_parameter <name> <pattern of an item>: items with commas between, or the file that has them, one per line, with #
# before comments. Sets the parameter to the items. A list that cannot be read is not an empty list.
list_parameter() {
  local variable=SSM_$1 file line items='' number=0 pattern="^$2\$"
  parameter "$1" "$LIST_FILE|($2,?)*"
  file=${!variable} # constant: each caller names it, and the value is not evaluated
  case $file in file:*) file=${file#file:} ;; *) return 0 ;; esac
  if [ ! -f "$file" ] || [ ! -r "$file" ]; then unchecked "parameter $1 names $file, which this host has not, or which cannot be read"; fi
  while IFS= read -r line || [ -n "$line" ]; do
    number=$((number + 1))
    line=${line%%#*}
    line=${line//[[:space:]]/}
    [ -n "$line" ] || continue
    line=${line%,}
    [[ $line =~ $pattern ]] || unchecked "line $number of $file (parameter $1) is not of the form $2"
    items="$items${items:+,}$line"
  done <"$file"
  [ -n "$items" ] || unchecked "$file (parameter $1) names no table"
  printf -v "$variable" '%s' "$items" # constant: each caller names it
}
