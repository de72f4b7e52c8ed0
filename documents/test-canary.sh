# A canary night: the copy is damaged on purpose, and a test that passes it is broken. A fault that the copy had before does
# not prove that the test finds the canary: without the canary's fault it makes the night undetermined.
# shellcheck shell=bash

CANARY_TABLE=''

# damage_copy: damages the copy, and sets CANARY to the damaged file
damage_copy() {
  [ -n "$CANARY" ] || return 0
  local said how
  said=$(canary "$DATA" 2>&1) || unchecked "the copy could not be damaged: $said"
  IFS=$'\t' read -r CANARY CANARY_TABLE how <<<"$said"
  record canary warn "$CANARY" "$how, on purpose" 'a verdict of invalid'
}

# is_canarys <subject> <seen>: whether the fault is in the damaged table. The subject may be several tables. If it is the
# server (a crash, or its log at the stop), the server's own message has to name the table.
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
