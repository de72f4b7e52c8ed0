# The statements about Infobright's columns: a plan, then rounds of statements; the answers of a round are judged before the
# next. brighthouse.pl makes the statements; this part judges those that fail.
# shellcheck shell=bash

# The tables of a plan, the packs in it, and those of its whole columns.
PLAN_TABLES=''
# Whether there is a column of texts in it.
PLAN_TEXTS=''
PLANNED=0
PLANNED_WHOLE=0
DAY=''
# The file for the lines of a manifest, while one is written.
MANIFEST_LINES=''

new_plan() {
  : >"$ASK.plan"
  PLAN_TABLES='' PLAN_TEXTS='' PLANNED=0 PLANNED_WHOLE=0
}

# plan_line <field>...: adds a line to the plan, with tabs between fields
plan_line() {
  local IFS=$'\t'
  printf '%s\n' "$*" >>"$ASK.plan"
}

# plan_count <number>: plans to count the table's rows
plan_count() {
  disk_folder "$1"
  plan_line "$1" "${T_KEY[$1]% *}" "${T_KEY[$1]#* }" "$FOLDER.bht" '' '' '' '' 0 0 0
  PLAN_TABLES="$PLAN_TABLES $1"
}

# plan_column <number> <column> <first pack row> <count, or 0 for the whole column>
plan_column() {
  local at=$1 hex=${C_HEX[$2]} print=0 column value count
  local -a values=()
  [ "${C_SQL[$2]}" != NULL ] || return 0
  if ! is_later "$at"; then
    [ -z "${MANIFEST_PRINT["${T_KEY[at]} $hex"]-}" ] || print=1
    while read -r column value count; do
      [ "$column" != "$hex" ] || values+=("$value=$count")
    done <<<"${MANIFEST_VALUES["${T_KEY[at]}"]-}"
  fi
  ! is_text "${C_TYPE[$2]}" || PLAN_TEXTS=yes
  disk_folder "$at"
  plan_line "$at" "${T_KEY[at]% *}" "${T_KEY[at]#* }" "$FOLDER.bht" "$2" "$hex" "${C_TYPE[$2]}" "${C_SET[$2]:--}" "$3" "$4" "$print" \
    ${values[@]+"${values[@]}"}
  stored_in "$at" "$2" 1
  if [ "$4" -gt 0 ]; then
    PLANNED=$((PLANNED + $4))
  else
    PLANNED=$((PLANNED + ${STORED:-0})) PLANNED_WHOLE=$((PLANNED_WHOLE + ${STORED:-0}))
  fi
  case " $PLAN_TABLES " in *" $at "*) ;; *) PLAN_TABLES="$PLAN_TABLES $at" ;; esac
}

# disk_folder <number>: sets FOLDER. A name like a Windows device (nul, con and so on) ends with @@@ on the disk.
disk_folder() {
  local path=${T_PATH[$1]}
  for FOLDER in "$path" "$path@@@" "${path%%/*}@@@/${path#*/}" "${path%%/*}@@@/${path#*/}@@@"; do
    if [ -d "$DATA/$FOLDER.bht" ]; then return; fi
  done
  FOLDER=$path
}

# carry_out: runs the whole plan and records what was found. BAD has the tables with a fault. Infobright decompresses texts one at
# a time in the whole server, so two readers with texts are slower than one.
carry_out() {
  local before='' names='' at
  [ -n "$PLAN_TABLES" ] || return 0
  for at in $PLAN_TABLES; do names="$names${names:+, }${T_NAME[at]}"; done
  if [ "$WORKERS" -eq 1 ] && [ -n "$UNTOUCHED" ]; then
    loads
    before=$LOADS
  fi
  if [ "$WORKERS" -gt 1 ] && [ -n "$PLAN_TEXTS" ]; then
    exec 5>"$WORK/texts"
    flock 5
  fi
  converse "${DAY:-${IB_DAY:-$(($(date +%s) / 86400))}}"
  exec 5>&-
  prove_loads "$before" "$names"
  new_plan
}

# converse <day, or manifest>: sends rounds of statements until there are no more
converse() {
  local meta sql
  local -A DROPPED=()
  rm -f "$ASK.questions"
  : >"$ASK.answers"
  while :; do
    perl_says "$ASK.findings" brighthouse "$DATA" "$ASK.plan" "$ASK.questions" "$ASK.answers" "$ASK.failed" "$1"
    [ "$(tail -n 1 "$ASK.findings")" = end ] || unchecked "the program that judges Infobright's columns did not come to its end"
    take_findings
    METAS=() SQLS=()
    while IFS= read -r -d '' meta && IFS= read -r -d '' sql; do
      METAS+=("$meta")
      SQLS+=("$sql")
    done <"$ASK.questions"
    [ "${#SQLS[@]}" -gt 0 ] || break
    ask_questions
  done
}

# ask_questions: sends SQLS and writes METAS and answers to the file of answers. A client ends at the first statement that
# fails; the statements after that one are sent again.
ask_questions() {
  local at=0 status sql answered column
  local -a sent
  : >"$ASK.answers"
  : >"$ASK.failed"
  while [ "$at" -lt "${#SQLS[@]}" ]; do
    sql='' sent=()
    for (( ; at < ${#SQLS[@]} && ${#sent[@]} < 300; at++)); do
      column_of "${METAS[at]}"
      if [ -n "${DROPPED["${COLUMN% *}"]-}${DROPPED[$COLUMN]-}" ]; then
        echo "$at left" >>"$ASK.failed"
      elif [ -z "${SQLS[at]}" ]; then
        printf '#-\n#%d\n' "$at" >>"$ASK.answers"
      else
        sql="$sql${SQLS[at]}SELECT '#$at';"
        sent+=("$at")
      fi
    done
    [ "${#sent[@]}" -gt 0 ] || continue
    status=0
    ANSWER_STAYS=yes ask "$sql" || status=$?
    { echo '#-' && cat "$ASK.out"; } >>"$ASK.answers" || unchecked "cannot write $ASK.answers on this host"
    [ "$status" -ne 0 ] || continue
    answered=$(grep -ac '^#[0-9]*$' "$ASK.out") || true
    is_count "$answered" || answered=0
    # All were answered and the client failed after them: the last statement is sent again.
    [ "$answered" -lt "${#sent[@]}" ] || answered=$((${#sent[@]} - 1))
    at=${sent[answered]}
    judge_question "$at"
    at=$((at + 1))
  done
}

# column_of <meta>: sets COLUMN, "<table> <column>", and CHECK
column_of() {
  local rest=${1#*$'\t'}
  COLUMN="${1%%$'\t'*} ${rest%%$'\t'*}"
  rest=${rest#*$'\t'}
  CHECK=${rest%%$'\t'*}
}

# judge_question <number of the statement>: judges one that failed. If the server does not accept it, that proves nothing about
# the data.
judge_question() {
  local at
  column_of "${METAS[$1]}"
  at=${COLUMN% *}
  if is_about_our_statement; then
    echo "$1 ours" >>"$ASK.failed"
    record "$CHECK" skip "${T_NAME[at]}" "column $((${COLUMN#* } + 1)): this server does not take the statement: ${COMPLAINT:0:60}"
    return
  fi
  echo "$1 damage" >>"$ASK.failed"
  # Most columns are read by their sums, so a failed sum is recorded as `read`.
  [ "$CHECK" != sums ] || CHECK='read'
  judge_complaint "$CHECK" "${T_NAME[at]}"
  BAD[$at]=$((${BAD[$at]-0} + 1))
  DROPPED[$COLUMN]=yes
  # A few lines are enough for a table with many faults.
  [ "${BAD[$at]}" -lt 3 ] || DROPPED[$at]=yes
}

# is_about_our_statement: whether COMPLAINT is. "ERROR 5" alone is not enough: a file that cannot be read has the same number.
is_about_our_statement() {
  matches 'not supported by the Infobright Optimizer|result of an expression is too large|ERROR (1054|1064|1267|1305|1582) ' "$COMPLAINT"
}

# take_findings: records what brighthouse.pl found
take_findings() {
  local kind at one two three
  while IFS=$'\t' read -r kind at one two three; do
    [ "$kind" != end ] || return 0
    is_count "$at" || unchecked "the program that judges Infobright's columns makes no sense: $kind $at $one"
    case $kind in
      fail | error)
        record "$one" "$kind" "${T_NAME[at]}" "$two" "$three"
        BAD[$at]=$((${BAD[$at]-0} + 1))
        ;;
      done) AGREED["$at $one"]=$((${AGREED["$at $one"]-0} + 1)) ;;
      count | print | value)
        [ "$kind" != count ] || is_count "$one" || unchecked "the program that judges Infobright's columns makes no sense: $kind $at $one"
        if [ -n "$MANIFEST_LINES" ]; then
          case $kind in
            count) manifest_line table "$at" BRIGHTHOUSE "$one" ;;
            print) manifest_line column "$at" "$one" "$two" ;;
            value) manifest_line value "$at" "$one" "$two" "$three" ;;
          esac
        elif [ "$kind" = count ]; then
          take_count "$at" "$one"
        elif [ "$kind" = print ]; then
          take_print "$at" "$one" "$two"
        fi
        ;;
    esac
  done <"$ASK.findings"
}

# take_count <number> <rows>: takes the row count, and compares the definition with the files
take_count() {
  local at=$1 wrong=$WRONG columns=${FILES_COLUMNS["${T_PATH[$1]}"]-} lines
  ROWS_OF[$at]=$2
  ROWS=$((ROWS + $2))
  lines=${LINES_OF[at]-}
  lines=${lines//[!$'\n']/}
  [ -z "$columns" ] || [ "$columns" -eq "${#lines}" ] ||
    record columns fail "${T_NAME[at]}" "${#lines} columns in its definition" "$columns, as its files say"
  found_rows "${T_NAME[at]}" "$2"
  check_rows "$at" "$2"
  [ "$wrong" -eq "$WRONG" ] || BAD[$at]=$((${BAD[$at]-0} + 1))
}

# take_print <number> <hex of the column> <fingerprint>
take_print() {
  local recorded=${MANIFEST_PRINT["${T_KEY[$1]} $2"]-}
  if [ -z "$recorded" ] || is_later "$1"; then return; fi
  if [ "$recorded" != "$3" ]; then
    text_of "$2"
    record fingerprint fail "${T_NAME[$1]}" "column $TEXT: $3" "$recorded, as in the manifest"
    BAD[$1]=$((${BAD[$1]-0} + 1))
  else
    AGREED["$1 fingerprint"]=$((${AGREED["$1 fingerprint"]-0} + 1))
  fi
}

