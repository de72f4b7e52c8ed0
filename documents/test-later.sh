# What production changed after the manifest was written, and so is compared with nothing. The files' times tell it of most
# engines. InnoDB writes its files when it likes, and numbers each change: the manifest has the number of its time.
# shellcheck shell=bash

MANIFEST_FORMAT=1
MANIFEST_LSN=''
WRITTEN_OUT=''

is_later() { [ -n "${LATER["${T_PATH[$1]/\//.}"]-}" ]; }

# lsn_of_innodb: LSN, its log sequence number; of MySQL 5.1 two halves
lsn_of_innodb() {
  local high low
  LSN=''
  ask 'SHOW ENGINE INNODB STATUS;' || return 1
  [[ $ANSWER =~ Log\ sequence\ number\ +([0-9]{1,19})(\ +([0-9]{1,10}))? ]] || return 1
  high=${BASH_REMATCH[1]} low=${BASH_REMATCH[3]}
  if [ -n "$low" ]; then LSN=$((10#$high * 4294967296 + 10#$low)); else LSN=$high; fi
  is_count "$LSN"
}

# write_out_innodb: what recovery brought back, and is only in memory, into the files
write_out_innodb() {
  local end=$((SECONDS + 30))
  [ -z "$WRITTEN_OUT" ] || return 0
  WRITTEN_OUT=yes
  ask 'SET GLOBAL innodb_max_dirty_pages_pct=0;' || return 0
  while ask "SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_pages_dirty';" && [ "${ANSWER##*$'\t'}" != 0 ]; do
    [ "$SECONDS" -lt "$end" ] || return 0
    sleep 0.1
  done
}

# changed_later <number>: asked where a table differs from the manifest. Notes it, and says so.
changed_later() {
  local at=$1 ids=''
  if is_later "$at"; then return; fi
  [ "${T_ENGINE[at]}" = InnoDB ] && [ -n "$MANIFEST_LSN" ] && lsn_of_innodb || return 1
  write_out_innodb
  set -- "$DATA/${T_PATH[at]}".ibd "$DATA/${T_PATH[at]}"'#'*.ibd
  if [ ! -e "$1" ] && [ ! -e "$2" ]; then
    # In the shared tablespace, with the pages of others.
    ids=$(indexes_of_innodb "$at") || ids=''
    [ -n "$ids" ] || return 1
    set -- "$DATA"/ibdata[0-9]*
  fi
  [ -n "$(pages "$MANIFEST_LSN" "$LSN" "$ids" "$@")" ] || return 1
  LATER[${T_PATH[at]/\//.}]=1
  record manifest warn "${T_NAME[at]}" 'was changed in InnoDB after the manifest was written' 'no change between manifest and snapshot'
}

# indexes_of_innodb <number>: their numbers, commas between. A table in the shared tablespace has no partitions beside it.
indexes_of_innodb() {
  ask "SELECT index_id FROM information_schema.INNODB_SYS_INDEXES JOIN information_schema.INNODB_SYS_TABLES USING (table_id)
    WHERE INNODB_SYS_TABLES.name = '${T_PATH[$1]}';" || return 1
  [[ $ANSWER =~ ^[0-9]+($'\n'[0-9]+)*$ ]] && printf '%s' "${ANSWER//$'\n'/,}"
}
