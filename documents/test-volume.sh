# Checks every path on the volume before anything on it is written and before a server starts. If a path leads out of the
# volume, it is named and no server is started, because the server would read and write files outside of the backup.
# shellcheck shell=bash

# The targets of links within the volume.
INSIDE=()

# check_paths: checks all in one walk. Ends the test if a path leads out of the volume, or a server must not open it.
check_paths() {
  local kind one two three root entries=0 links mended='' before=$((${#FAULT_LINES[@]} + ${#ERROR_LINES[@]})) ended=''
  root=$(readlink -f "$MOUNT_POINT")
  progress_now "walking the paths in $DATA"
  perl_says "$RUN_DIRECTORY/walk.out" walk "$root" "$(readlink -f "$DATA")" "$MOUNT_POINT"
  while IFS=$'\t' read -r kind one two three; do
    case $kind in
      fail | error | warn | skip) record paths "$kind" "$one" "$two" "$three" ;;
      inside) INSIDE+=("$one") ;;
      mended) mended=$((mended + 1)) ;;
      end) ended=yes entries=$one links=$two ;;
    esac
  done <"$RUN_DIRECTORY/walk.out"
  [ $((${#FAULT_LINES[@]} + ${#ERROR_LINES[@]})) -eq "$before" ] || conclude_from_records
  [ -n "$ended" ] || unchecked 'the walk over the paths of the volume did not come to its end'
  record paths pass "$SSM_dataDirectory" "$entries files and folders, $links links${mended:+ ($mended by paths of production)}: all are on this volume"
}

# check_datafiles: checks the paths in InnoDB's dictionary, which the walk does not see
check_datafiles() {
  local query root name
  for query in 'HEX(path) FROM information_schema.innodb_sys_datafiles' \
    'HEX(filename) FROM information_schema.innodb_sys_tablespaces' 'HEX(path) FROM information_schema.innodb_datafiles'; do
    ask "SELECT $query;" || continue
    [ -n "$ANSWER" ] || continue
    while read -r name; do
      text_of "$name"
      if is_askable "$TEXT" && [ -n "$TEXT" ]; then printf '%s\n' "$TEXT"; fi
    done <<<"$ANSWER" >"$RUN_DIRECTORY/datafiles.out"
    root=$(readlink -f "$MOUNT_POINT")
    perl_says "$RUN_DIRECTORY/walk.out" walk "$root" "$(readlink -f "$DATA")" "$MOUNT_POINT" "$RUN_DIRECTORY/datafiles.out"
    while IFS=$'\t' read -r name query; do
      case $name:$query in
        outside:/* | outside:../*) record paths fail "$query" "is where InnoDB's dictionary has a table, and not on this volume" 'data on the volume' ;;
      esac
    done <"$RUN_DIRECTORY/walk.out"
    return 0
  done
}
