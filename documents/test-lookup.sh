# Looking up values that are there. A damaged Knowledge Grid hides rows with no error.
# shellcheck shell=bash

# look_up <number> <all|some>: values that are there have to be found.
# The manifest's values with their counts; else those of some rows of the copy itself.
look_up() {
  local at=$1 known line column hex count at_column found=0 questions=()
  local -A position=()
  for column in "${!C_HEX[@]}"; do position[${C_HEX[column]}]=$column; done
  known=${MANIFEST_VALUES["${T_KEY[at]}"]-}
  ! is_later "$at" || known=''
  if [ -z "$known" ]; then
    sample_rows "$at" "$2" || return 1
    known=$SAMPLES
  fi
  while read -r hex line count; do
    at_column=${position[${hex:-none}]-}
    [ -n "$at_column" ] || continue
    [ "${C_SQL[at_column]}" != NULL ] || continue
    text_of "$line"
    if is_plain "$TEXT"; then questions+=("$at_column $line $count"); fi
  done <<<"$known"
  ask_values "$at" ${questions[@]+"${questions[@]}"} || return 1
  [ "$2" = some ] || look_around "$at" ${questions[@]+"${questions[@]}"} || return 1
  [ "${#questions[@]}" -eq 0 ] || [ "$found" -gt 0 ] ||
    record 'look-up' pass "${T_NAME[at]}" "${#questions[@]} values found"
}

# ask_values <number> <"column, value in hex, expected count or +">...
ask_values() {
  local at=$1 question column value count line sql=''
  shift
  [ $# -gt 0 ] || return 0
  for question in "$@"; do
    read -r column value count <<<"$question"
    text_of "$value"
    sql="${sql}SELECT 'ok',COUNT(*) FROM ${T_SQL[at]} WHERE ${C_SQL[column]}='$TEXT';"
  done
  ask "$sql" || {
    judge_complaint 'look-up' "${T_NAME[at]}"
    return 1
  }
  while read -r _ line; do
    is_count "$line" || break
    read -r column value count <<<"$1"
    shift
    [ "$line" != "$count" ] || continue
    if [ "$count" = + ] && [ "$line" -gt 0 ]; then continue; fi
    text_of "${C_HEX[column]}"
    # Not the value: what is in the data has no place in a log.
    record 'look-up' fail "${T_NAME[at]}" "$line rows with a value of $TEXT that is there" "${count/+/1 at least}"
    found=1
  done <<<"$ANSWER"
  [ $# -eq 0 ] || no_sense 'look-up' "$at"
}

# look_around <number> <questions>...: a range of each number column, with the Knowledge Grid and around it
look_around() {
  local at=$1 question column value sql='' asked=() index=0 with around low high
  local -A lows=() highs=()
  shift
  for question in "$@"; do
    read -r column value _ <<<"$question"
    case ${C_TYPE[column]} in tinyint | smallint | mediumint | int | bigint) ;; *) continue ;; esac
    text_of "$value"
    is_count "${TEXT#-}" || continue
    low=${lows[$column]:-$TEXT} high=${highs[$column]:-$TEXT}
    if [ "$TEXT" -lt "$low" ]; then low=$TEXT; fi
    if [ "$TEXT" -gt "$high" ]; then high=$TEXT; fi
    lows[$column]=$low highs[$column]=$high
  done
  for column in "${!C_SQL[@]}"; do
    [ -n "${lows[$column]-}" ] || continue
    value="BETWEEN ${lows[$column]} AND ${highs[$column]}"
    sql="${sql}SELECT 'ok',COUNT(*) FROM ${T_SQL[at]} WHERE ${C_SQL[column]} $value;"
    sql="${sql}SELECT 'ok',COUNT(*) FROM ${T_SQL[at]} WHERE ${C_SQL[column]}+0 $value;"
    asked+=("$column")
  done
  [ -n "$sql" ] || return 0
  ask "$sql" || {
    judge_complaint 'look-up' "${T_NAME[at]}"
    return 1
  }
  while read -r _ with && read -r _ around; do
    column=${asked[index]}
    index=$((index + 1))
    [ "$with" != "$around" ] || continue
    text_of "${C_HEX[column]}"
    record 'look-up' fail "${T_NAME[at]}" "$with rows with $TEXT in a range" "$around, as without the Knowledge Grid"
    found=1
  done <<<"$ANSWER"
  [ "$index" -eq "${#asked[@]}" ] || no_sense 'look-up' "$at"
}

# sample_rows <number> <all|some>: SAMPLES, lines of "<hex column> <hex value> +", from the first, a middle and the last pack row
sample_rows() {
  local at=$1 column list='' taken=() row value values last sql=''
  local -A seen=()
  SAMPLES=''
  for column in "${!C_SQL[@]}"; do
    [ "${C_SQL[column]}" != NULL ] || continue
    case $2:${C_TYPE[column]} in
      *:tinyint | *:smallint | *:mediumint | *:int | *:bigint | *:date | *:datetime | all:decimal | all:char | all:varchar) ;;
      *) continue ;;
    esac
    [ "${#taken[@]}" -lt 30 ] || break
    list="$list,${C_SQL[column]}"
    taken+=("$column")
  done
  [ -n "$list" ] && [ "$COUNTED" -gt 0 ] || return 0
  last=$(((COUNTED - 1) / PACK_ROWS))
  # shellcheck disable=SC2017 # the beginning of a pack row
  for row in 0 $((last / 2 * PACK_ROWS)) $((last * PACK_ROWS)); do
    [ -z "${seen[$row]-}" ] || continue
    seen[$row]=1
    sql="${sql}SELECT 'ok'$list FROM ${T_SQL[at]} LIMIT $row,1;"
  done
  ask "$sql" || {
    judge_complaint 'look-up' "${T_NAME[at]}"
    return 1
  }
  while IFS=$'\t' read -r -a values; do
    for column in "${!taken[@]}"; do
      value=${values[column + 1]-NULL}
      if [ "$value" = NULL ] || ! is_plain "$value"; then continue; fi
      hex_of "$value"
      SAMPLES="$SAMPLES${C_HEX[taken[column]]} $HEX +"$'\n'
    done
  done <<<"$ANSWER"
}

# hex_of <text>: HEX, without a process
hex_of() {
  local at digits
  HEX=''
  for ((at = 0; at < ${#1}; at++)); do
    printf -v digits '%02x' "'${1:at:1}"
    HEX=$HEX$digits
  done
}
