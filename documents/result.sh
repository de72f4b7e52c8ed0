# The output of a script: the result, a line for each check, progress.
# shellcheck shell=bash

readonly REASON_LENGTH=300

RESULT_CODE=''
RESULT_REASON=''
# Whether this result is stored for a duplicate of this run.
RESULT_STORE=''

CHECKS=0
TABLES=0
ROWS=0
# Set by the test: the percentage of the data that it read; and for how many seconds production was paused for the
# backup, if that is known. Without a value the last line has no such field.
COVERAGE=''
PAUSED=''
# Set by the test: whether it had a manifest from production to compare with, true or false.
HAD_MANIFEST=''
# Set by the test on a canary night: the file that was damaged on purpose.
CANARY=''
FIRST_FAULT=''
FIRST_ERROR=''
FAULT_LINES=()
ERROR_LINES=()
WARNING_LINES=()
SKIP_LINES=()
PASS_LINES=()
PASS_CHECKS=()
declare -A PASS_COUNT=()

# kernel.sh redefines these for scripts that use the volume.
host_is_to_blame() { return 1; }
file_system_damage() { :; }

# conclude <code> <reason>: the only way to end with 0 or 1. Every other end has the code 75.
conclude() {
  local damage
  if [ "$1" != "$FAULT" ] && [ -z "$FIRST_FAULT" ]; then
    damage=$(file_system_damage)
    [ -z "$damage" ] || record 'file system' fail "$SSM_volumeId" "$damage"
    [ -z "$FIRST_FAULT" ] || set -- "$FAULT" "$FIRST_FAULT"
  fi
  RESULT_CODE=$1
  RESULT_REASON=$2
  # A fault without a record was found before the canary was damaged.
  if [ -n "$CANARY" ] && [ "$1" = "$FAULT" ] && [ -z "$FIRST_FAULT" ]; then
    RESULT_CODE=$UNCHECKED
    RESULT_REASON="the copy was bad before anything was damaged on purpose: $2"
  fi
  # On a device that cannot be read, neither a good result nor a fault counts.
  if { [ "$1" = "$FAULT" ] && [ -z "$FIRST_FAULT" ] && host_is_to_blame; } ||
    { [ "$1" = "$GOOD" ] && host_is_to_blame reads; }; then
    RESULT_CODE=$UNCHECKED
    RESULT_REASON="$MARK_DEVICE: $BLAME"
  fi
  exit "$RESULT_CODE"
}

# unchecked <reason>: ends with 75, unless a fault was recorded before
unchecked() {
  # A parallel reader reports to its parent.
  if [ -n "$RECORD_FILE" ]; then
    record host error "$SCRIPT" "$1"
    mv "$RECORD_FILE" "${RECORD_FILE%.part}.done"
    exit "$UNCHECKED"
  fi
  if [ -n "$FIRST_FAULT" ]; then
    record host error "$SCRIPT" "$1"
    conclude_from_records
  fi
  conclude "$UNCHECKED" "$1"
}

# clock: sets NOW, hundredths of a second since the host started. Starts no process, works on bash 4.1.
clock() {
  local up
  read -r up _ </proc/uptime
  up=${up/./}
  NOW=$((10#$up)) # number: the kernel's
}
clock
LAST_RECORD=$NOW
RECORD_FILE=''
# How many faults and errors this process has recorded; a worker's are in its file.
WRONG=0

# record <check> <pass|fail|warn|skip|error> <subject> <seen> [expected]
# `fail` is a fault in the backup, `error` a check that could not be done. The test goes on after both.
# The time of a check is that since the previous record. A worker's records are made by its parent.
record() {
  local took status=$2 seen=${4//[[:cntrl:]]/ } expected=${5-}
  expected=${expected//[[:cntrl:]]/ }
  clock
  took=$(((NOW - LAST_RECORD) * 10))
  LAST_RECORD=$NOW
  case $2 in
    fail | error)
      WRONG=$((WRONG + 1))
      # If this host could not read the device, no check proves damage.
      if host_is_to_blame; then
        status=error
        tell_blame
      fi
      ;;
  esac
  if [ -n "$RECORD_FILE" ]; then
    # Never an empty field, because `read` treats two tabs as one.
    printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$status" "${3//[[:cntrl:]]/ }" "${seen:- }" "${expected:- }" "$took" >>"$RECORD_FILE"
    return
  fi
  note "$1" "$status" "${3//[[:cntrl:]]/ }" "$seen" "$expected" "$took"
}

# note <check> <status> <subject> <seen> <expected> <ms>
note() {
  if [ "$2" = fail ] && [ -n "$CANARY" ] && ! is_canarys "$3" "$4"; then
    [ -n "$FIRST_ERROR" ] || FIRST_ERROR="the copy was bad before $CANARY was damaged on purpose: $3: $1: $4"
    set -- "$1" error "$3" "$4" "$5" "$6"
  fi
  local line="$1: $3: $4" tail=" ($6 ms)"
  # A passed check does not show what was expected. A long line is shortened before the time.
  case $2 in fail | error | warn) [ -z "$5" ] || tail="; expected ${5:0:80} ($6 ms)" ;; esac
  if [ "$2" = pass ]; then line=${line:0:$((130 - ${#tail}))}$tail; else line=${line:0:$((210 - ${#tail}))}$tail; fi
  [ "$2" = skip ] || CHECKS=$((CHECKS + 1))
  case $2 in
    pass)
      [ -n "${PASS_COUNT[$1]-}" ] || PASS_CHECKS+=("$1")
      PASS_COUNT[$1]=$((${PASS_COUNT[$1]-0} + 1))
      [ "${PASS_COUNT[$1]}" -gt 12 ] || PASS_LINES+=("$line")
      ;;
    fail)
      [ -n "$FIRST_FAULT" ] || FIRST_FAULT="$3: $1: $4"
      FAULT_LINES+=("$line")
      progress_now "FAULT $line"
      ;;
    error)
      [ -n "$FIRST_ERROR" ] || FIRST_ERROR="$3: $1: $4"
      ERROR_LINES+=("$line")
      progress_now "ERROR $line"
      ;;
    warn) WARNING_LINES+=("$line") ;;
    *) SKIP_LINES+=("$line") ;;
  esac
}

# conclude_from_records: ends with the verdict of all records. One fault decides, whatever else could not be checked.
conclude_from_records() {
  local more
  if [ -n "$FIRST_FAULT" ]; then
    more=$((${#FAULT_LINES[@]} - 1))
    [ "$more" -eq 0 ] || FIRST_FAULT="${FIRST_FAULT:0:240} (and $more more)"
    conclude "$FAULT" "$FIRST_FAULT"
  fi
  if [ -n "$FIRST_ERROR" ]; then
    more=$((${#ERROR_LINES[@]} - 1))
    [ "$more" -eq 0 ] || FIRST_ERROR="${FIRST_ERROR:0:240} (and $more more)"
    unchecked "$FIRST_ERROR"
  fi
  conclude "$GOOD" ''
}

# clean: makes each line safe for a terminal and JSON: no control characters, no invalid UTF-8
clean() {
  tr -d '\000' | awk '
    function clean(s,   out, n) {
      gsub(/[\001-\037\177]/, " ", s)
      out = ""
      while (match(s, /[\200-\377]/)) {
        out = out substr(s, 1, RSTART - 1)
        s = substr(s, RSTART)
        n = 0
        if (s ~ /^[\302-\337][\200-\277]/) n = 2
        else if (s ~ /^\340[\240-\277][\200-\277]/) n = 3
        else if (s ~ /^[\341-\354\356\357][\200-\277][\200-\277]/) n = 3
        else if (s ~ /^\355[\200-\237][\200-\277]/) n = 3
        else if (s ~ /^\360[\220-\277][\200-\277][\200-\277]/) n = 4
        else if (s ~ /^[\361-\363][\200-\277][\200-\277][\200-\277]/) n = 4
        else if (s ~ /^\364[\200-\217][\200-\277][\200-\277]/) n = 4
        out = out (n ? substr(s, 1, n) : "?")
        s = substr(s, n ? n + 1 : 2)
      }
      return out s
    }
    { print clean($0) }'
}

json_line() {
  local valid=null version=${ib_version-} reason=${RESULT_REASON//[[:cntrl:]]/ }
  case $RESULT_CODE in
    "$GOOD") valid=true ;;
    "$FAULT") valid=false ;;
  esac
  reason=$(printf '%s\n' "${reason:0:REASON_LENGTH}" | clean | sed 's/\\/\\\\/g; s/"/\\"/g') || reason='(lost)'
  printf '{"valid":%s,"checks":%d,"tables":%d,"rows":%d,"seconds":%d,"reason":"%s"%s%s%s%s}\n' \
    "$valid" "$CHECKS" "$TABLES" "$ROWS" "$SECONDS" "$reason" "${COVERAGE:+,\"coverage\":$COVERAGE}" \
    "${PAUSED:+,\"paused_seconds\":$PAUSED}" "${HAD_MANIFEST:+,\"manifest\":$HAD_MANIFEST}" \
    "${version:+,\"script\":\"$version\"}"
}

# lines <label> <at most> <cut to> <line>...
lines() {
  local label=$1 most=$2 cut=$3 shown=0 line
  shift 3
  for line in "$@"; do
    if [ "$shown" -ge "$most" ]; then
      printf '%-5s and %d more\n' "$label" $(($# - shown))
      return
    fi
    shown=$((shown + 1))
    printf '%-5s %s\n' "$label" "${line:0:cut}"
  done
}

# The report, always under 23,000 characters: SSM keeps the first 24,000, and they must include the last line.
report_text() {
  local check few=()
  for check in ${PASS_LINES[@]+"${PASS_LINES[@]}"}; do
    [ "${PASS_COUNT[${check%%:*}]}" -gt 12 ] || few+=("$check")
  done
  {
    lines FAIL 35 220 ${FAULT_LINES[@]+"${FAULT_LINES[@]}"}
    lines ERROR 15 220 ${ERROR_LINES[@]+"${ERROR_LINES[@]}"}
    lines WARN 10 220 ${WARNING_LINES[@]+"${WARNING_LINES[@]}"}
    lines SKIP 10 150 ${SKIP_LINES[@]+"${SKIP_LINES[@]}"}
    for check in ${PASS_CHECKS[@]+"${PASS_CHECKS[@]}"}; do
      [ "${PASS_COUNT[$check]}" -le 12 ] || printf '%-5s %s: %d times\n' PASS "$check" "${PASS_COUNT[$check]}"
    done
    lines PASS 50 130 ${few[@]+"${few[@]}"}
  } | clean
  json_line
}

# Progress goes to stderr, of which SSM keeps 8,000 characters: frequent at first, later rare.
PROGRESS_NEXT=0
PROGRESS_LEFT=60
progress() {
  [ "$SECONDS" -ge "$PROGRESS_NEXT" ] || return 0
  PROGRESS_NEXT=$((SECONDS + 2 + SECONDS / 8))
  progress_now "$1"
}

progress_now() {
  local line=${1//[[:cntrl:]]/ }
  [ "$PROGRESS_LEFT" -gt 0 ] || return 0
  PROGRESS_LEFT=$((PROGRESS_LEFT - 1))
  printf '%5ds %s\n' "$SECONDS" "${line:0:100}" >&2 || true
}
