# Engines that production has as plugins. The test's server does not read mysql.plugin, because it runs without grant tables,
# and the content is untrusted. Only an engine that a table needs is loaded, only by a name in the list PLUGINS, and only from
# the folder of this host's server.
# shellcheck shell=bash

# load_engines: if a table has an engine that the server lacks and this host has, starts the server again with it
load_engines() {
  local engine folder library
  local -A lacking=() library_of=()
  local -a load=()
  engines_that_lack
  [ "${#lacking[@]}" -gt 0 ] || return 0
  ask "SELECT 'ok',@@plugin_dir;" || ANSWER=''
  folder=$(readlink -f "${ANSWER#ok$'\t'}") || folder=''
  libraries_of_engines
  for engine in "${!lacking[@]}"; do
    library=${library_of[$engine]-ha_$(tr '[:upper:]' '[:lower:]' <<<"$engine")}
    library=${library%.so}
    if ! matches "^($PLUGINS)\$" "$library"; then
      record engine error "${lacking[$engine]}" "the server of this host lacks the engine $engine, and the test loads none of that name" "a server that has it"
    elif [ -z "$folder" ] || [ ! -f "$folder/$library.so" ] || is_below "$folder" "$MOUNT_POINT"; then
      record engine error "${lacking[$engine]}" "the server of this host lacks the engine $engine" "$library.so in ${folder:-its plugin folder}: install the package that brings it"
    else
      load+=("$library")
    fi
  done
  [ "${#load[@]}" -gt 0 ] || return 0
  for library in ${load[@]+"${load[@]}"}; do
    printf 'plugin_load_add = %s\n' "$library" >>"$RUN_DIRECTORY/server.cnf" || unchecked "cannot write $RUN_DIRECTORY/server.cnf"
  done
  start_again
  record engine pass "${load[*]}" "loaded from $folder"
}

is_below() { case $(readlink -f "$1")/ in "$(readlink -f "$2")"/*) return 0 ;; esac; return 1; }

# engines_that_lack: sets lacking, the missing engines, each with a table that needs it
engines_that_lack() {
  local at engine
  local -A have=()
  ask "SELECT engine FROM information_schema.engines WHERE support IN ('YES', 'DEFAULT');" || return 0
  while read -r engine; do have[${engine:-none}]=1; done <<<"$ANSWER"
  for at in "${!T_KEY[@]}"; do
    if [ "${T_TYPE[at]}" = VIEW ] || ! keeps_rows "${T_ENGINE[at]}"; then continue; fi
    engine=${T_ENGINE[at]}
    [ -n "${have[$engine]-}" ] || lacking[$engine]=${lacking[$engine]-${T_NAME[at]}}
  done
}

# libraries_of_engines: sets library_of, from production's own list
libraries_of_engines() {
  local name library
  if [ -z "${NUMBER_OF[mysql.plugin]-}" ]; then return; fi
  ask 'SELECT HEX(name), HEX(dl) FROM mysql.plugin;' || return 0
  while read -r name library; do
    if ! is_hex "$name" || ! is_hex "$library"; then continue; fi
    text_of "$library" && library=$TEXT
    text_of "$name"
    ! [[ $library =~ ^ha_[a-z0-9_]+(\.so)?$ ]] || library_of[$TEXT]=$library
  done <<<"$ANSWER"
}

# start_again: restarts the server with the added settings, and lists the tables again
start_again() {
  local status=0
  stop_process "$SERVER_PID" "${IB_STOP_WAIT:-300}" || unchecked 'the server did not stop to be started with its engines'
  wait "$SERVER_PID" || status=$?
  SERVER_PID=''
  start_server || conclude_from_records
  check_isolation
  T_KEY=() T_SCHEMA=() T_NAME=() T_SQL=() T_PATH=() T_TYPE=() T_ENGINE=() T_PACKS=() NUMBER_OF=() T_UNASKABLE=()
  list_tables
}
