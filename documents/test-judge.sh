# What it means when the server does not answer, or complains: a fault of the data, or trouble of the host.
# shellcheck shell=bash

SERVER_STATUS=0
SERVER_CRASHES=0

# What a server or client says when the host, and not the backup, is to blame. Doubt belongs here:
# a fault that is taken for host trouble is looked into by a person, and never becomes a good verdict.
HOST_TROUBLE='No space left on device|[Ee]rr(no|code): (12|13|24|28)([^0-9]|$)|Permission denied|Too many open files'
HOST_TROUBLE="$HOST_TROUBLE|Out of memory|out of memory|[Cc]annot allocate|Can.t create a new thread|Disk full"
START_TROUBLE="$HOST_TROUBLE|unknown (option|variable)|defaults-file|error while loading shared libraries"
START_TROUBLE="$START_TROUBLE|Exec format error|cannot execute|GLIBC|error-?message file|messagefile"
START_TROUBLE="$START_TROUBLE|Can.t (lock|change to run as)|Unable to lock|already (locked|have another)|Can.t start server"
START_TROUBLE="$START_TROUBLE|Upgrade after a crash is not supported|[Dd]owngrade|run mysqld as root|time zone"
START_TROUBLE="$START_TROUBLE|is of different size"

matches() { grep -Eq -e "$1" <<<"$2"; }

# device_has_read_errors <text>: it speaks of input/output errors and the kernel has seen them on the device.
device_has_read_errors() {
  matches 'Input/output error|[Ee]rr(no|code): 5([^0-9]|$)' "$1" || return 1
  { dmesg 2>/dev/null || true; } | tail -n 200 |
    awk -v device="${MARK_DEVICE##*/}" 'index($0, device) && /I\/O error/ { seen = 1 } END { exit !seen }'
}

server_log() { cat "$SCRATCH/error.log" "$SCRATCH/server.out" 2>/dev/null || true; }

# The lines of the log that tell why, without those that only follow from them.
telling_lines() {
  local log=$1 found
  found=$(grep -E '\[ERROR\]|InnoDB: (Error|Database page)|[Bb]righthouse|Fatal|got signal' <<<"$log" |
    grep -Ev 'Aborting|init function returned error|registration as a STORAGE ENGINE|Failed to initialize plugins' |
    sed -n 1,2p) || found=''
  [ -n "$found" ] || found=$(grep -v '^ *$' <<<"$log" | tail -n 2) || found=''
  tr '\n' ' ' <<<"${found:-it wrote nothing to its log}" | sed -E 's/[0-9]{4}-[0-9]{2}-[0-9]{2} +[0-9:]+ +[0-9]+ //g'
}

judge_failed_start() {
  local log status=0 seen
  wait "$SERVER_PID" || status=$?
  log=$(server_log | grep -Ev '\[(Note|Warning)\]') || log=''
  seen="does not start (status $status): $(telling_lines "$log")"
  if [ "$status" -eq 137 ] || [ "$status" -eq 143 ]; then
    record start error server "was stopped from outside while it started (status $status)"
  elif [ "$status" -eq 126 ] || [ "$status" -eq 127 ] || matches "$START_TROUBLE" "$log" ||
    device_has_read_errors "$log"; then
    record start error server "$seen"
  else
    record start fail server "$seen"
  fi
}

# no_sense <check> <number of the table>: an answer that is none is no proof of anything
no_sense() { record "$1" error "${T_NAME[$2]}" "the server's answer makes no sense: ${ANSWER:0:80}"; }

# judge_complaint <check> <subject>: what a failed statement means, from COMPLAINT
judge_complaint() {
  local said=$COMPLAINT
  case $said in
    *'ERROR 2013'* | *'ERROR 2006'* | *'ERROR 2002'* | *'ERROR 2003'* | *'ERROR 2055'*)
      judge_lost_server "$1" "$2" "$said"
      return
      ;;
    '')
      # The client itself was killed, or it died of the server's end.
      if alive "$SERVER_PID" "$SERVER_START"; then
        record "$1" error "$2" 'the client failed and said nothing'
      else
        judge_lost_server "$1" "$2" 'the client failed and said nothing'
      fi
      return
      ;;
  esac
  if matches 'not supported by the Infobright Optimizer|ERROR 1064 |ERROR 1305 ' "$said"; then
    record "$1" error "$2" "our own statement is wrong: $said"
  elif matches 'Unknown storage engine|nknown table engine|storage engine .* (is )?not supported|has been disabled' "$said"; then
    record "$1" error "$2" "the server of this host lacks its engine: $said"
  elif matches "$HOST_TROUBLE" "$said" || device_has_read_errors "$said"; then
    record "$1" error "$2" "$said"
  else
    record "$1" fail "$2" "$said"
  fi
}

# judge_lost_server <check> <subject> <said>: it crashed on the data, or somebody stopped it.
judge_lost_server() {
  [ -z "$RECORD_FILE" ] || leave_unit "$2"
  if ! server_is_lost "$2"; then
    record "$1" error "$2" "the connection was lost, but the server lives: $3"
    return
  fi
  record "$1" fail "$2" "the server crashed while reading (status $SERVER_STATUS): $CRASH_WORDS" 'a server that lives'
}

# server_is_lost <what was read>: with SERVER_STATUS and CRASH_WORDS. It is started again, three times at most, so that the
# other tables are read too.
server_is_lost() {
  local end=$((SECONDS + 60))
  SERVER_STATUS=0
  # A crashing server writes its stack first.
  while alive "$SERVER_PID" "$SERVER_START"; do
    if ask 'SELECT 1;'; then return 1; fi
    [ "$SECONDS" -lt "$end" ] || unchecked "the server hangs while reading $1"
    sleep 0.1
  done
  wait "$SERVER_PID" || SERVER_STATUS=$?
  SERVER_PID=''
  if [ "$SERVER_STATUS" -eq 137 ] || [ "$SERVER_STATUS" -eq 143 ] || [ "$SERVER_STATUS" -eq 0 ]; then
    record read error "$1" "the server was stopped from outside (status $SERVER_STATUS) while reading"
    conclude_from_records
  fi
  CRASH_WORDS=$(telling_lines "$(server_log | tail -n 200)")
  SERVER_CRASHES=$((SERVER_CRASHES + 1))
  if [ "$SERVER_CRASHES" -gt 3 ]; then
    record read fail "$1" "the server crashed for the fourth time (status $SERVER_STATUS): $CRASH_WORDS"
    conclude_from_records
  fi
  # What the crash wrote is known now; the new server's own words are judged alone.
  : >"$SCRATCH/error.log"
  if ! start_server; then
    record read fail "$1" "the server crashed while reading (status $SERVER_STATUS): $CRASH_WORDS"
    conclude_from_records
  fi
}

# check_log: what the server wrote about damage while it looked
check_log() {
  local found
  found=$(server_log | grep -E \
    '\[ERROR\].*([Cc]orrupt|checksum|marked as crashed|Incorrect (key file|information in file))|Database page corruption') || found=''
  if [ -z "$found" ]; then
    record log pass server 'its log tells of no damage'
  elif [ -n "$FIRST_FAULT" ]; then
    # The tables have told it already.
    record log warn server "$(head -n 1 <<<"$found")"
  else
    record log fail server "$(head -n 1 <<<"$found")"
  fi
}
