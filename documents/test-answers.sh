# Sends statements to the server.
# shellcheck shell=bash

# The last line of a complete answer, so that a cut answer is not taken for a short one.
END_OF_ANSWER='end of answer'
ANSWER=''
CLIENT_OPTIONS=(--no-defaults --user=root)
COMPLAINT=''
# The prefix of the files for statements and answers; each reader has its own.
ASK=''

# ask <statements, each with its semicolon>: sets ANSWER, with tabs between columns, or COMPLAINT, the client's message if it
# failed. The client runs in the background, so that a signal to this script does not wait for a long query. The time zone is
# set, because production's is another. NO_BACKSLASH_ESCAPES is set first, on a line of its own: until then MySQL 5.1's client
# reads a backslash inside backticks as an escape, so the quotes shift, and text after them could run as its shell command.
ask() {
  local status=0
  printf "SET sql_mode='NO_BACKSLASH_ESCAPES';\nSET time_zone='+00:00';%s\nSELECT '%s';\n" "$1" "$END_OF_ANSWER" >"$ASK.sql" ||
    unchecked "cannot write $ASK.sql on this host"
  as_user "$CLIENT_USER" "$SSM_client" "${CLIENT_OPTIONS[@]}" --protocol=SOCKET --socket="$SOCKET" --default-character-set=utf8 \
    --no-auto-rehash --connect-timeout=10 --unbuffered --batch --skip-column-names --local-infile=0 \
    <"$ASK.sql" >"$ASK.out" 2>"$ASK.err" 5>&- 7>&- 8>&- 9>&- &
  if [ -n "$GUARD" ]; then
    time_limit
    echo $((SECONDS + LIMIT)) >"$ASK.until"
  fi
  wait $! || status=$?
  [ -z "$GUARD" ] || : >"$ASK.until"
  # Bash drops zero bytes, and newer versions warn each time. If the answer stays in its file, only the last line is read.
  if [ -n "${ANSWER_STAYS-}" ]; then ANSWER=$(tail -n 1 "$ASK.out"); else { ANSWER=$(<"$ASK.out"); } 2>/dev/null; fi
  COMPLAINT=''
  [ ! -s "$ASK.err" ] || COMPLAINT=$({ grep -a '^ERROR' "$ASK.err" || grep -av '^ *$' "$ASK.err"; } | tr '\n' ' ') || COMPLAINT=''
  COMPLAINT=${COMPLAINT% }
  [ "$status" -eq 0 ] || return "$status"
  [ "${ANSWER##*$'\n'}" = "$END_OF_ANSWER" ] || unchecked "the server's answer was cut off: is $RUN_DIRECTORY full?"
  ANSWER=${ANSWER%"$END_OF_ANSWER"}
  ANSWER=${ANSWER%$'\n'}
}
