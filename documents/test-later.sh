# Finds what production changed after the manifest was written, which cannot be compared. For most engines file times show
# that. InnoDB writes its files at any time, but numbers each change, and the manifest has the number at that time.
# shellcheck shell=bash

MANIFEST_FORMAT=1
MANIFEST_LSN=''
WRITTEN_OUT=''

is_later() { [ -n "${LATER["${T_PATH[$1]/\//.}"]-}" ]; }

# lsn_of_innodb: sets LSN, the log sequence number; MySQL 5.1 prints it in two halves
lsn_of_innodb() {
  local high low
  LSN=''
  ask 'SHOW ENGINE INNODB STATUS;' || return 1
  [[ $ANSWER =~ Log\ sequence\ number\ +([0-9]{1,19})(\ +([0-9]{1,10}))? ]] || return 1
  high=${BASH_REMATCH[1]} low=${BASH_REMATCH[3]}
  if [ -n "$low" ]; then LSN=$((10#$high * 4294967296 + 10#$low)); else LSN=$high; fi
  is_count "$LSN"
}

# write_out_innodb: has InnoDB write recovered pages, which are only in memory, to the files
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

# changed_later <number>: for a table that differs from the manifest, whether it was changed later. If so, records that.
changed_later() {
  local at=$1 ids=''
  if is_later "$at"; then return; fi
  [ "${T_ENGINE[at]}" = InnoDB ] && [ -n "$MANIFEST_LSN" ] && lsn_of_innodb || return 1
  write_out_innodb
  set -- "$DATA/${T_PATH[at]}".ibd "$DATA/${T_PATH[at]}"'#'*.ibd
  if [ ! -e "$1" ] && [ ! -e "$2" ]; then
    # The table is in the shared tablespace, with pages of other tables.
    ids=$(indexes_of_innodb "$at") || ids=''
    [ -n "$ids" ] || return 1
    set -- "$DATA"/ibdata[0-9]*
  fi
  [ -n "$(pages "$MANIFEST_LSN" "$LSN" "$ids" "$@")" ] || return 1
  LATER[${T_PATH[at]/\//.}]=1
  record manifest warn "${T_NAME[at]}" 'was changed in InnoDB after the manifest was written' 'no change between manifest and snapshot'
}

# indexes_of_innodb <number>: the table's index ids, with commas between. In the shared tablespace it has no partition files.
indexes_of_innodb() {
  ask "SELECT index_id FROM information_schema.INNODB_SYS_INDEXES JOIN information_schema.INNODB_SYS_TABLES USING (table_id)
    WHERE INNODB_SYS_TABLES.name = '${T_PATH[$1]}';" || return 1
  [[ $ANSWER =~ ^[0-9]+($'\n'[0-9]+)*$ ]] && printf '%s' "${ANSWER//$'\n'/,}"
}
