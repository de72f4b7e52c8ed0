# Asking the server.
# shellcheck shell=bash

# An answer that was cut off must not pass for a short one.
END_OF_ANSWER='end of answer'
ANSWER=''
CLIENT_OPTIONS=(--no-defaults --user=root)
COMPLAINT=''
# The files of a question; each of several readers has its own.
ASK=''

# ask <statements, each with its semicolon>: ANSWER is what came back, tabs between columns; COMPLAINT what the client said if it failed.
# In the background: a signal to this script must not wait for a long query. The zone, since production's is another.
# NO_BACKSLASH_ESCAPES on a line of its own before all others: MySQL 5.1's client takes a backslash inside backticks for an
# escape until the server has said so, and what stands behind the quotes that then shift may be its command for the shell.
ask() {
  local status=0
  printf "SET sql_mode='NO_BACKSLASH_ESCAPES';\nSET time_zone='+00:00';%s\nSELECT '%s';\n" "$1" "$END_OF_ANSWER" >"$ASK.sql" ||
    unchecked "cannot write $ASK.sql on this host"
  as_user "$CLIENT_USER" "$SSM_client" "${CLIENT_OPTIONS[@]}" --protocol=SOCKET --socket="$SOCKET" --default-character-set=utf8 \
    --no-auto-rehash --connect-timeout=10 --unbuffered --batch --skip-column-names --local-infile=0 \
    <"$ASK.sql" >"$ASK.out" 2>"$ASK.err" 7>&- 8>&- 9>&- &
  if [ -n "$GUARD" ]; then
    time_limit
    echo $((SECONDS + LIMIT)) >"$ASK.until"
  fi
  wait $! || status=$?
  [ -z "$GUARD" ] || : >"$ASK.until"
  # Bash drops zero bytes, and later ones say so each time. Where the answer stays in its file only the end is wanted.
  if [ -n "${ANSWER_STAYS-}" ]; then ANSWER=$(tail -n 1 "$ASK.out"); else { ANSWER=$(<"$ASK.out"); } 2>/dev/null; fi
  COMPLAINT=''
  [ ! -s "$ASK.err" ] || COMPLAINT=$({ grep -a '^ERROR' "$ASK.err" || grep -av '^ *$' "$ASK.err"; } | tr '\n' ' ') || COMPLAINT=''
  COMPLAINT=${COMPLAINT% }
  [ "$status" -eq 0 ] || return "$status"
  [ "${ANSWER##*$'\n'}" = "$END_OF_ANSWER" ] || unchecked "the server's answer was cut off: is $RUN_DIRECTORY full?"
  ANSWER=${ANSWER%"$END_OF_ANSWER"}
  ANSWER=${ANSWER%$'\n'}
}
