# Transactions that were prepared when the snapshot was taken. In production the binary log would decide about them. The test
# has no binary log, and this is a copy, so they are rolled back.
# shellcheck shell=bash

# '', rollback (the next start rolls them back) or done.
HEURISTIC=''
PREPARED=''

# forgive_prepared: whether to start a server again that ended. MariaDB does not start with prepared transactions without the
# option. With it some versions stay up, and others end after the rollback (MariaDB 11.8, or with a second transactional
# engine). They end at each start with the option, so it is set only when needed.
forgive_prepared() {
  local log
  log=$(server_log)
  case $HEURISTIC in
    '')
      matches 'Found [0-9]+ prepared transactions!' "$log" || return 1
      HEURISTIC=rollback
      PREPARED=$(grep -Eo 'Found [0-9]+ prepared transactions' <<<"$log" | head -n 1)
      printf 'loose-tc-heuristic-recover = ROLLBACK\n' >>"$RUN_DIRECTORY/server.cnf"
      ;;
    rollback)
      matches 'tc-heuristic-recover|init tc log|[Hh]euristic crash recovery' "$log" || return 1
      HEURISTIC='done'
      sed -i '/^loose-tc-heuristic-recover/d' "$RUN_DIRECTORY/server.cnf"
      ;;
    *) return 1 ;;
  esac
  wait "$SERVER_PID" || true
  progress_now "rolling back in the copy: $PREPARED"
  # The next start is judged by its own log only.
  : >"$SCRATCH/error.log"
  : >"$SCRATCH/server.out"
}

tell_recovery() {
  [ -z "$PREPARED" ] || record start pass 'prepared transactions' "$PREPARED, rolled back in the copy: production's binary log would decide about them"
}
