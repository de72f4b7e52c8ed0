# Checks of what a database has besides rows: views, triggers, the server's own tables, users.
# shellcheck shell=bash

# check_views: compares each view with its checksum. MySQL's CHECK TABLE ignores it, MariaDB's also names views that never worked.
check_views() {
  local before=${#FAULT_LINES[@]} count
  perl_says "$RUN_DIRECTORY/views.out" views "$DATA"
  findings view "$RUN_DIRECTORY/views.out"
  read -r count _ <<<"$FINDINGS_END"
  if [ "$count" -eq 0 ] || [ "${#FAULT_LINES[@]}" -gt "$before" ]; then return; fi
  record view pass "$count views" 'as their checksums say'
}

# check_triggers: <table>.TRG has the texts of a table's triggers, and each <trigger>.TRN the name of its table
check_triggers() {
  local file key table name folder before=${#FAULT_LINES[@]} at
  local -A table_of=() listed=() schema_of=()
  while read -r file; do
    table=''
    while IFS='=' read -r key name || [ -n "$key" ]; do
      [ "$key" != trigger_table ] || table=$name
    done <"$DATA/$file"
    table_of[${file%.TRN}]=$table
  done < <(find "$DATA/" -mindepth 2 -maxdepth 2 -type f -name '*.TRN' -printf '%P\n')
  [ "${#table_of[@]}" -gt 0 ] || [ -n "$(find "$DATA/" -mindepth 2 -maxdepth 2 -name '*.TRG' -print | head -n 1)" ] || return 0
  ask "SELECT HEX(CONVERT(trigger_schema USING filename)), HEX(CONVERT(trigger_name USING filename)),
      HEX(event_object_table) FROM information_schema.triggers;" || {
    judge_complaint triggers 'the list of triggers'
    return
  }
  while read -r folder name table; do
    [ -n "$folder" ] || continue
    text_of "$folder" && folder=$TEXT
    text_of "$name" && name=$TEXT
    text_of "$table" && listed[$folder/$name]=$TEXT
  done <<<"$ANSWER"
  for at in "${!T_KEY[@]}"; do schema_of[${T_PATH[at]%%/*}]=${T_SCHEMA[at]}; done
  for file in "${!table_of[@]}"; do
    if [ -n "${listed[$file]+x}" ]; then
      name=${listed[$file]}
      [ -n "${table_of[$file]}" ] || record triggers fail "${schema_of[${file%%/*}]-${file%%/*}}.$name" "the file $file.TRN of its trigger names no table" "$name"
      continue
    fi
    table=${schema_of[${file%%/*}]-${file%%/*}}.${table_of[$file]:-?}
    at=${NUMBER_OF[$table]-}
    # A server without the table's engine does not list its triggers; they are not lost.
    if [ -n "$at" ] && [ "${T_ENGINE[at]}" = - ] && [ -s "$DATA/${T_PATH[at]}.TRG" ]; then continue; fi
    record triggers fail "$table" "its trigger ${file#*/} is on the disk ($file.TRN), but the server does not list it" 'its definition in the .TRG file'
  done
  for file in "${!listed[@]}"; do
    [ -z "${table_of[$file]+x}" ] || continue
    record triggers fail "${schema_of[${file%%/*}]-${file%%/*}}.${listed[$file]}" "the file $file.TRN of its trigger is gone" 'one for each trigger'
  done
  [ "${#FAULT_LINES[@]}" -gt "$before" ] || record triggers pass "${#listed[@]} triggers" 'each has its files'
}

# check_own_tables: the server's own tables, of which no data file may be left. Runs before the check of the files: a server
# without mysql.proc does not list the views of the schema sys either, although these are not lost.
check_own_tables() {
  local version table missing=''
  [ -n "${NUMBER_OF[mysql.user]-}${NUMBER_OF[mysql.global_priv]-}" ] || missing='mysql.user'
  # MySQL from 8.0 on has all of them in one file.
  if [ -n "$(find "$DATA/mysql/" -maxdepth 1 -name '*.frm' -print 2>/dev/null | head -n 1)" ]; then
    # MariaDB has all tables of the second line since 10.4, which also has global_priv.
    for table in db tables_priv columns_priv procs_priv proc func \
      ${NUMBER_OF[mysql.global_priv]:+roles_mapping proxies_priv plugin servers column_stats index_stats table_stats gtid_slave_pos}; do
      [ -n "${NUMBER_OF[mysql.$table]-}" ] || missing="$missing mysql.$table"
    done
    # MySQL 5.1 introduced these three together.
    [ -n "${NUMBER_OF[mysql.event]-}" ] || [ -z "${NUMBER_OF[mysql.plugin]-}${NUMBER_OF[mysql.servers]-}" ] ||
      missing="$missing mysql.event"
  fi
  version=$(sed -n 2p "$DATA/ib_data_version" 2>/dev/null) || version=''
  case $version in
    4.*)
      for table in columns decomposition_dictionary; do
        [ -n "${NUMBER_OF[sys_infobright.$table]-}" ] || missing="$missing sys_infobright.$table"
      done
      ;;
  esac
  if [ -n "$missing" ]; then
    record inventory fail "the server's own tables" "without ${missing# }" 'those of each installation'
  else
    record inventory pass "the server's own tables" 'are there'
  fi
}

# check_users: if nobody can log in, the backup is of no use. MariaDB keeps users in global_priv from 10.4 on, and creates some
# with it. Older servers may have run without any users (skip-grant-tables), but then nobody has rights either.
check_users() {
  local table=user rights
  [ -z "${NUMBER_OF[mysql.global_priv]-}" ] || table=global_priv
  # Faults of the table itself have been recorded before.
  if [ -z "${NUMBER_OF[mysql.$table]-}" ] || [ -z "${NUMBER_OF[mysql.db]-}" ]; then return; fi
  ask "SELECT 'ok',COUNT(*) FROM \`mysql\`.\`$table\`;SELECT 'ok',COUNT(*) FROM \`mysql\`.\`db\`;" || return 0
  rights=${ANSWER##*ok$'\t'}
  ANSWER=${ANSWER%%$'\n'*}
  case $table:${ANSWER#ok$'\t'}:$rights in
    user:0:0) record users skip mysql.user 'is empty, and so is mysql.db: a server without users' ;;
    *:0:*) record users fail "mysql.$table" 'is empty: nobody can log in' 'users' ;;
    *:[1-9]*:*) record users pass "mysql.$table" "${ANSWER#ok$'\t'} users" ;;
  esac
}
