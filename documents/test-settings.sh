# The settings of the test server.
# shellcheck shell=bash

# `loose-` stands before what some servers between MySQL 5.1 and MariaDB 10.11 do not know.
write_config() {
  local base=${SSM_server%/*/*} redo
  {
    cat <<CONFIG
[mysqld]
datadir = $DATA
socket = $SCRATCH/s
pid-file = $SCRATCH/pid
log-error = $SCRATCH/error.log
tmpdir = $SCRATCH/tmp
server-id = $((4000000000 + RANDOM))
skip-networking
skip-grant-tables
skip-slave-start
read_only = 1
loose-skip-log-bin
loose-event-scheduler = OFF
loose-wsrep-on = OFF
loose-persisted-globals-load = OFF
loose-aria-recover-options = OFF
loose-myisam-recover-options = OFF
loose-performance-schema = OFF
loose-innodb-buffer-pool-dump-at-shutdown = OFF
loose-innodb-buffer-pool-load-at-startup = OFF
CONFIG
    [ "$(id -u)" -ne 0 ] || printf 'user = %s\n' "$SSM_serverUser"
    if [ -d "$base/share/mysql" ] || [ -d "$base/share/mariadb" ] || [ -d "$base/share/english" ]; then
      printf 'basedir = %s\n' "$base"
    fi
    # InnoDB of before 5.6 refuses a redo log that has another size than it was told.
    redo=$(stat -c %s "$DATA/ib_logfile0" 2>/dev/null) || redo=0
    [ "$redo" -lt 1048576 ] || printf 'loose-innodb-log-file-size = %s\n' "$redo"
  } >"$RUN_DIRECTORY/server.cnf"
}
