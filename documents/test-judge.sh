# Judges a server that does not start, does not answer or reports an error: a fault of the data, or "could not be checked". A
# fault needs words or numbers from test-phrases.sh, or a crash on the data while the host has no trouble.
# shellcheck shell=bash

SERVER_STATUS=0
SERVER_CRASHES=0
CRASH_WORDS=''
# Why the host may be to blame for the crash, or nothing.
CRASH_TROUBLE=''

matches() { grep -Eq -e "$1" <<<"$2"; }

# device_has_read_errors <text>: whether it contains errno 5, or the kernel has logged such errors since the mount. That is never
# a fault of the data: damaged data can be read.
device_has_read_errors() {
  matches 'Input/output error|([Ee]rr(or|no|code)|code|number)[: ]+5([^0-9]|$)' "$1" || host_is_to_blame
}

server_log() { cat "$SCRATCH/error.log" "$SCRATCH/server.out" 2>/dev/null || true; }

# complaints_of <log>: without lines that the server marks as harmless, and without its stack, whose function names may look
# like trouble of the host: each thread begins in pthread_create
complaints_of() { grep -Ev '\[(Note|Warning|System)\]|^ *$|\[0x[0-9a-f]+\]$' <<<"$1" || true; }

# lines_of_damage <log>: its lines about damage. A name can be any text, so quoted text and paths do not count. Servers up to
# MySQL 5.6 do not mark lines as errors or information.
lines_of_damage() {
  WORDS=$DAMAGE_WORDS ADVICE=$ADVICE_WORDS INFOBRIGHT=$INFOBRIGHT_DAMAGE_WORDS awk '
    /\[(Note|Warning|System)\]/ { next }
    $0 ~ ENVIRON["INFOBRIGHT"] { print; next }
    {
      said = $0
      gsub(/\047[^\047]*\047|`[^`]*`|"[^"]*"/, "", said)
      gsub(/[^ ]*\/[^ ]*/, "", said)
      if (said ~ ENVIRON["ADVICE"] || said !~ ENVIRON["WORDS"]) next
      if (/\[(ERROR|FATAL)\]|InnoDB: |^ERROR/) print
    }' <<<"$1"
}

# The lines of the log that give the cause, without lines that only follow from it.
telling_lines() {
  local log=$1 found
  found=$(lines_of_damage "$log" | sed -n 1,2p)
  [ -n "$found" ] || found=$(grep -E '\[ERROR\]|InnoDB: (Error|Database page)|[Bb]righthouse|Fatal|got signal' <<<"$log" |
    grep -Ev 'Aborting|init function returned error|registration as a STORAGE ENGINE|Failed to initialize plugins' |
    sed -n 1,2p) || found=''
  [ -n "$found" ] || found=$(grep -v '^ *$' <<<"$log" | tail -n 2) || found=''
  tr '\n' ' ' <<<"${found:-it wrote nothing to its log}" | sed -E 's/[0-9]{4}-[0-9]{2}-[0-9]{2} +[0-9:]+ +[0-9]+ //g'
}

# words_of_host <text>: whether it is about the host, a setting, or a key that this host does not have
words_of_host() {
  if matches "$SURE_DAMAGE_WORDS" "$1"; then return 1; fi
  if matches "$HOST_WORDS" "$1" || device_has_read_errors "$1"; then return 0; fi
  [ -n "$ENCRYPTED" ] && matches "$KEY_WORDS" "$1"
}

# is_damage <error of a statement>: by the error number, otherwise by its words
is_damage() {
  local number='' inner=''
  [[ ! $1 =~ ERROR\ ([0-9]+) ]] || number=${BASH_REMATCH[1]}
  case $number in
    29 | 1016 | 1017 | 1024 | 1030)
      [[ ! $1 =~ (errno:|[Ee]rrcode:|[Ee]rror:?)\ ([0-9]+) ]] || inner=${BASH_REMATCH[2]}
      if matches "^($DAMAGE_NUMBERS)\$" "$inner"; then return 0; fi
      ;;
    # Some servers print the engine's own number.
    1[2-9][0-9]) if matches "^($DAMAGE_NUMBERS)\$" "$number"; then return 0; fi ;;
    ?*) if matches "^($DAMAGE_ERRORS)\$" "$number"; then return 0; fi ;;
  esac
  [ -n "$(lines_of_damage "ERROR $1")" ]
}

# crashed_at_work <status>: whether it crashed by a signal of its own (SIGABRT, SIGFPE, SIGSEGV), with a message of its crash
# handler, after InnoDB had opened the data. Before that, the host may have refused it something.
crashed_at_work() {
  case $1 in 134 | 136 | 139) ;; *) return 1 ;; esac
  server_log | CRASH=$CRASH_LINE awk '
    /([Ss]tarted; |InnoDB: )log sequence number [0-9]/ { open = 1 } open && $0 ~ ENVIRON["CRASH"] { seen = 1 } END { exit !seen }'
}

judge_failed_start() {
  local log status=0 seen version
  wait "$SERVER_PID" || status=$?
  [ "$(ended_by_guard)" != crash ] || status=6
  log=$(complaints_of "$(server_log)")
  seen="does not start (status $status): $(telling_lines "$log")"
  if [ "$status" -eq 137 ] || [ "$status" -eq 143 ]; then
    record start error server "was stopped from outside while it started (status $status)"
  elif version=$("$SSM_server" --no-defaults --version 2>/dev/null </dev/null) && other_version "${version##* Ver }"; then
    record start error server "$OTHER: it $seen"
  elif words_of_host "$log" || host_in_trouble "$status"; then
    record start error server "$seen${TROUBLE:+ ($TROUBLE)}"
  elif [ -n "$(lines_of_damage "$log")" ] || matches "$SURE_DAMAGE_WORDS" "$log" || crashed_at_work "$status"; then
    record start fail server "$seen"
  else
    # The cause is not known: another kind of server, a missing setting or a fault. Somebody who knows production has to look.
    record start error server "$seen; that names no damage: start it by hand as production does, and set ServerOptions"
  fi
}

# no_sense <check> <number of the table>: a malformed answer proves nothing
no_sense() { record "$1" error "${T_NAME[$2]}" "the server's answer makes no sense: ${ANSWER:0:80}"; }

# judge_complaint <check> <subject> [checked]: judges a failed statement by COMPLAINT. With `checked`, for CHECK TABLE, it is about
# the data unless its words name the host.
judge_complaint() {
  local said=$COMPLAINT
  case $said in
    *'ERROR 2013'* | *'ERROR 2006'* | *'ERROR 2002'* | *'ERROR 2003'* | *'ERROR 2055'*)
      judge_lost_server "$1" "$2" "$said"
      return
      ;;
    '')
      # The client was killed, or the server ended.
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
  elif words_of_host "$said" || host_in_trouble 0; then
    record "$1" error "$2" "$said${TROUBLE:+ ($TROUBLE)}"
  elif is_damage "$said" || { [ "${3-}" = checked ] && ! matches "$UNSURE_CHECKS" "$said"; }; then
    record "$1" fail "$2" "$said"
  else
    record "$1" error "$2" "$said: not known to mean damage"
  fi
}

# judge_lost_server <check> <subject> <message>: the server crashed on the data, or the host ended it
judge_lost_server() {
  local lost=0
  [ -z "$RECORD_FILE" ] || leave_unit "$2"
  server_is_lost "$2" || lost=$?
  if [ "$lost" -eq 1 ]; then
    record "$1" error "$2" "the connection was lost, but the server lives: $3"
    return
  elif [ "$lost" -eq 2 ]; then
    record "$1" error "$2" "no answer within $LIMIT seconds; the server was ended and started again"
    return
  fi
  judge_crash "$1" "$2" "the server crashed while reading (status $SERVER_STATUS): $CRASH_WORDS"
}

# judge_crash <check> <subject> <seen>
judge_crash() {
  if [ -n "$CRASH_TROUBLE" ]; then
    record "$1" error "$2" "$3 ($CRASH_TROUBLE)"
  else
    record "$1" fail "$2" "$3" 'a server that lives'
  fi
}

# server_is_lost <what was read> [together]: sets SERVER_STATUS, CRASH_WORDS and CRASH_TROUBLE; returns 1 if the server lives, 2 if
# the statement's time was over. Starts the server again, three times at most, so that the other tables are read too. If several
# readers were at work together, a crash proves nothing about the data unless the log names damage.
server_is_lost() {
  local end=$((SECONDS + 60)) log ended
  SERVER_STATUS=0
  # A crashing server first writes its stack.
  while alive "$SERVER_PID" "$SERVER_START"; do
    if ask 'SELECT 1;'; then return 1; fi
    [ "$SECONDS" -lt "$end" ] || unchecked "the server hangs while reading $1"
    sleep 0.1
  done
  wait "$SERVER_PID" || SERVER_STATUS=$?
  SERVER_PID=''
  ended=$(ended_by_guard)
  [ "$ended" != crash ] || SERVER_STATUS=6
  [ "$ended" != time ] || SERVER_STATUS=9
  if [ "$SERVER_STATUS" -eq 137 ] || [ "$SERVER_STATUS" -eq 143 ] || [ "$SERVER_STATUS" -eq 0 ]; then
    record read error "$1" "the server was stopped from outside (status $SERVER_STATUS) while reading"
    conclude_from_records
  fi
  log=$(complaints_of "$(server_log | tail -n 200)")
  CRASH_WORDS=$(telling_lines "$log")
  CRASH_TROUBLE=''
  if words_of_host "$log"; then
    CRASH_TROUBLE='its log speaks of the host'
  elif host_in_trouble "$SERVER_STATUS"; then
    CRASH_TROUBLE=$TROUBLE
  elif [ -z "$(lines_of_damage "$log")" ]; then
    # Its own crash is one by SIGABRT, SIGFPE or SIGSEGV. What it ended by otherwise may be anything.
    case $SERVER_STATUS in
      6 | 134 | 136 | 139) [ "${2-}" != together ] || CRASH_TROUBLE='its log names no damage' ;;
      *) CRASH_TROUBLE='it ended by itself, and names no damage' ;;
    esac
  fi
  SERVER_CRASHES=$((SERVER_CRASHES + 1))
  if [ "$SERVER_CRASHES" -gt 3 ] && [ "$ended" = time ]; then
    record read error "$1" "no answer within $LIMIT seconds, for the fourth time"
    conclude_from_records
  elif [ "$SERVER_CRASHES" -gt 3 ]; then
    judge_crash read "$1" "the server crashed for the fourth time (status $SERVER_STATUS): $CRASH_WORDS"
    conclude_from_records
  fi
  # The crash's messages have been read; the new server is judged by its own messages only.
  : >"$SCRATCH/error.log"
  : >"$SCRATCH/server.out"
  if ! start_server; then
    [ "$ended" != time ] || conclude_from_records
    judge_crash read "$1" "the server crashed while reading (status $SERVER_STATUS): $CRASH_WORDS"
    conclude_from_records
  fi
  [ "$ended" != time ] || return 2
}

# judge_stop <status>: a clean stop is part of the test, but a crash after everything was read is a fault only if the log names
# damage
judge_stop() {
  local log
  log=$(complaints_of "$(server_log | tail -n 100)")
  case $1 in
    0) record stop pass server 'stopped cleanly' ;;
    137) record stop error server 'was killed from outside while it stopped' ;;
    *)
      if [ -n "$(lines_of_damage "$log")" ] && ! words_of_host "$log"; then
        record stop fail server "crashed while it stopped (status $1): $(telling_lines "$log")"
      else
        record stop error server "crashed while it stopped (status $1), after all was read: $(telling_lines "$log")"
      fi
      ;;
  esac
}

# check_log: what the server logged about damage during the test
check_log() {
  local found line
  found=$(lines_of_damage "$(server_log)")
  if [ -z "$found" ]; then
    record log pass server 'its log tells of no damage'
    return
  fi
  while IFS= read -r line; do
    # The checks of the tables have already recorded this fault.
    if [ -n "$FIRST_FAULT" ]; then
      record log warn server "$line"
      return
    elif ! words_of_host "$line"; then
      record log fail server "$line"
      return
    fi
  done <<<"$found"
  record log error server "$(head -n 1 <<<"$found")"
}
