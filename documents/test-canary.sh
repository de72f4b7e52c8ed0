# A canary night: the copy is damaged on purpose, and a test that calls it good is itself not good. A fault that the copy
# had before proves nothing of the test's eyes for the canary: alone, it makes the night undetermined.
# shellcheck shell=bash

CANARY_TABLE=''

# damage_copy: CANARY is the file
damage_copy() {
  [ -n "$CANARY" ] || return 0
  local said how
  said=$(canary "$DATA" 2>&1) || unchecked "the copy could not be damaged: $said"
  IFS=$'\t' read -r CANARY CANARY_TABLE how <<<"$said"
  record canary warn "$CANARY" "$how, on purpose" 'a verdict of invalid'
}

# is_canarys <subject> <seen>: the fault is in the table that was damaged. A subject may be several tables; of one that
# crashes the server, or is found at its stop, the server's own words tell.
is_canarys() {
  local path=${CANARY%.bht/*} name=$CANARY_TABLE at
  path=${path%.*}
  for at in "${!T_PATH[@]}"; do
    [ "${T_PATH[at]}" != "$path" ] || name=${T_NAME[at]}
  done
  case ", $1, " in *", $name, "* | *", $CANARY_TABLE, "* | *", ${path/\//.}, "*) return 0 ;; esac
  [ "$1" = server ] || return 1
  case $2 in *"$path"* | *"$name"* | *"\`${name/./\`.\`}\`"*) return 0 ;; esac
  return 1
}
