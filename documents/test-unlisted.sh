# A definition on the disk that is not in the server's list: the table is damaged, or the list is incomplete.
# shellcheck shell=bash

UNLISTED=0

# record_unlisted <folder/file without .frm, as on the disk>: the server silently leaves out tables that it cannot open, so each
# of the first twenty is queried by name
record_unlisted() {
  local name=${1/\//.} seen="its definition $1.frm is on the disk, but the server does not list it"
  UNLISTED=$((UNLISTED + 1))
  if tight_limits; then
    record files error "$name" "$seen: $TROUBLE"
  elif [ "$UNLISTED" -gt 20 ]; then
    record files fail "$name" "$seen" 'a table'
  elif ask "SELECT 1 FROM \`#mysql50#${1%%/*}\`.\`#mysql50#${1##*/}\` LIMIT 0;"; then
    record files error "$name" "$seen, though it can open it: the list came back short"
  elif matches 'ERROR 20(02|03|06|13|55) ' "$COMPLAINT"; then
    judge_complaint files "$name"
  elif words_of_host "$COMPLAINT"; then
    record files error "$name" "$seen: $COMPLAINT"
  else
    record files fail "$name" "$seen" 'a table'
  fi
}
