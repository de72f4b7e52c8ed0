# Production's settings, its logs, and the words of servers: one test for each mechanism. All the cases that people have
# reported are in mariadb/production.py and mariadb/trouble.py, which tables.bats runs.

load helper

setup() { host; }

# saying <words>: a server that writes this and ends; its version is the real one's
saying() {
  REAL_SERVER=${REAL_SERVER:-$SSM_server}
  printf '%s\n' "$1" >"$W/words"
  printf '#!/bin/bash\ncase $* in *--version*) exec %s "$@" ;; esac\ncat %s >&2\nexit %s\n' "$REAL_SERVER" "$W/words" "${2:-1}" >"$W/bin/server"
  chmod +x "$W/bin/server"
  export SSM_server=$W/bin/server
}

@test "settings: a redo log that is not on the volume is neither damage nor good" {
  folder_volume
  rm "$DATA/ib_logfile0"
  mounted_test
  expect 75 'redo log of InnoDB' 'not on the volume' ServerOptions
}

@test "settings: a redo log in another folder of the volume is found" {
  folder_volume
  mkdir -p "$W/volume/logs/redo"
  mv "$DATA/ib_logfile0" "$W/volume/logs/redo/"
  mounted_test
  expect 0
}

@test "settings: of redo logs in two folders none is chosen" {
  folder_volume
  mkdir "$W/volume/one" "$W/volume/two"
  cp "$DATA/ib_logfile0" "$W/volume/one/"
  mv "$DATA/ib_logfile0" "$W/volume/two/"
  mounted_test
  expect 75 'more than one redo log'
}

@test "settings: Aria's log that is not on the volume" {
  folder_volume
  rm "$DATA"/aria_log.*
  mounted_test
  expect 75 'log of Aria'
}

@test "settings: no system file although tables are InnoDB's" {
  folder_volume
  rm "$DATA/ibdata1"
  mounted_test
  expect 75 ibdata1 'not on the volume'
}

@test "settings: a system file in another folder is found, and one of another data directory is not taken" {
  folder_volume
  mkdir -p "$W/volume/home" "$W/volume/other/mysql"
  cp "$DATA/ibdata1" "$W/volume/other/"
  mv "$DATA/ibdata1" "$W/volume/home/"
  mounted_test
  expect 0
}

@test "settings: a system file that is shorter than its own header says" {
  folder_volume
  truncate -s 2M "$DATA/ibdata1"
  mounted_test
  expect 1 'system file of InnoDB is cut'
}

@test "settings: an option that is not about files is refused before anything starts" {
  folder_volume
  counting_server
  for SSM_serverOptions in bind_address=0.0.0.0 skip_networking=0 general_log_file=/etc/x plugin_load_add=handlersocket \
    innodb_data_file_path=/tmp/x:12M innodb_undo_directory=/etc file_key_management_filename=/no/such/file; do
    export SSM_serverOptions SSM_runId=${SSM_serverOptions//[^a-z]/}
    "$SCRIPTS/mount" >/dev/null || true
    document test
    expect 75 serverOptions
    "$SCRIPTS/release" >/dev/null
  done
  [ ! -e "$W/starts" ]
}

@test "settings: an unknown message is no fault" {
  folder_volume
  saying '110101  1:02:03 [ERROR] Frobnicator: cannot fold the napkins'
  mounted_test
  expect 75 napkins 'names no damage'
}

@test "settings: words of damage are a fault, but words of the host win over them" {
  folder_volume
  saying '110101  1:02:03 [ERROR] InnoDB: Database page corruption on disk or a failed read of page 7'
  mounted_test
  expect 1 'page 7'
  document release
  export SSM_runId=run-2
  saying '110101  1:02:03 [ERROR] InnoDB: Database page corruption on disk or a failed read of page 7: Cannot allocate memory'
  mounted_test
  expect 75 'Cannot allocate memory'
}

@test "settings: a redo log with only zeros in its header" {
  folder_volume
  dd if=/dev/zero of="$DATA/ib_logfile0" bs=4096 count=1 conv=notrunc status=none
  mounted_test
  expect 1 'nothing but zeros'
}

@test "settings: the stack of a crash does not count as words of the host, though a thread begins in pthread_create" {
  folder_volume
  saying $'110101  1:02:03 [ERROR] InnoDB: Database page corruption on disk or a failed read of page 7\nnptl/pthread_create.c:442(start_thread)[0x7f72bbea71f5]'
  mounted_test
  expect 1 'page 7'
}

@test "settings: an error number of the host wins over words of damage" {
  folder_volume
  saying '110101  1:02:03 [ERROR] InnoDB: Table is corrupt, OS error: 24'
  mounted_test
  expect 75 'error: 24'
}

@test "settings: a table or folder called corrupt does not count as a word of damage" {
  folder_volume
  saying "110101  1:02:03 [ERROR] Invalid (old?) table or database name 'corrupt-tables'"
  mounted_test
  expect 75 'names no damage'
}

@test "settings: a newer server's data is not tested by an older one" {
  folder_volume
  printf '99.1.2-MariaDB' >"$DATA/mysql_upgrade_info"
  mounted_test
  expect 75 'the data is of MariaDB 99.1'
}
