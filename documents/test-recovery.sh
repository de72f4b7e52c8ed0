# Transactions that were prepared when the snapshot was taken. Production's binary log would decide about them; the test has
# none, and this is a copy, so they are rolled back.
# shellcheck shell=bash

# '', rollback (a start that rolls them back), done (they are).
HEURISTIC=''
PREPARED=''

# forgive_prepared: whether a server that ended is to be started again: MariaDB stops at prepared transactions unless it is
# told what to do with them. Told so, some versions stay, others end once they have done it (MariaDB 11.8, or with a
# second engine that has transactions), and at each start, so that it cannot be in the settings from the beginning.
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
  # The next start is judged by its own words.
  : >"$SCRATCH/error.log"
  : >"$SCRATCH/server.out"
}

tell_recovery() {
  [ -z "$PREPARED" ] || record start pass 'prepared transactions' "$PREPARED, rolled back in the copy: production's binary log would decide about them"
}
