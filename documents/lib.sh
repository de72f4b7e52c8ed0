# Shared by the mount, test and release scripts: the result, the locks, the mount table.
# It is put in front of each script in its SSM document (`parts` says how), so it only defines things
# and sets the shell's options. Has to run on the bash 4.1 of old hosts.
# shellcheck shell=bash

set -Eeuo pipefail
umask 077
export LC_ALL=C
PATH="${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# shellcheck disable=SC2034 # the script behind asks for it
IB_LIB=1
IB_DEVICE_DIRECTORY=${IB_DEVICE_DIRECTORY:-/dev}

readonly GOOD=0 FAULT=1 UNCHECKED=75
readonly REASON_LENGTH=300

: "${SSM_runId=}" "${SSM_volumeId=}" "${SSM_mountPoint=}" "${SSM_stateDirectory=}"

SCRIPT=script
RESULT_CODE=''
RESULT_REASON=''
RESULT_STORE=''
FAILED_AT=''
RUN_DIRECTORY=''

CHECKS=0
TABLES=0
ROWS=0
# Set by the test: how much of the data it read, in percent. Others leave it out of their last line.
COVERAGE=''
FIRST_FAULT=''
FIRST_ERROR=''
FAULT_LINES=()
ERROR_LINES=()
WARNING_LINES=()
SKIP_LINES=()
PASS_LINES=()
PASS_CHECKS=()
declare -A PASS_COUNT=()

# --- the result -----------------------------------------------------------------------------------

# conclude <code> <reason>: the only way to say 0 or 1. Whatever else ends a script ends it with 75.
conclude() {
  RESULT_CODE=$1
  RESULT_REASON=$2
  exit "$1"
}

# unchecked <reason>: but a fault that was seen before does not go away
unchecked() {
  # One of several readers tells its parent.
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

# clock: NOW, hundredths of a second since the host started. Without a process of its own, and on bash 4.1.
clock() {
  local up
  read -r up _ </proc/uptime
  up=${up/./}
  NOW=$((10#$up))
}
clock
LAST_RECORD=$NOW
RECORD_FILE=''

# record <check> <pass|fail|warn|skip|error> <subject> <seen> [expected]
# A fault in the backup is `fail`; what kept us from looking is `error`. Both leave the test running.
# It took as long as it is since the record before. One of several workers has its parent record it.
record() {
  local took seen=${4//[[:cntrl:]]/ } expected=${5-}
  expected=${expected//[[:cntrl:]]/ }
  clock
  took=$(((NOW - LAST_RECORD) * 10))
  LAST_RECORD=$NOW
  if [ -n "$RECORD_FILE" ]; then
    # Not empty, since read takes two tabs for one.
    printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "${3//[[:cntrl:]]/ }" "${seen:- }" "${expected:- }" "$took" >>"$RECORD_FILE"
    return
  fi
  note "$1" "$2" "${3//[[:cntrl:]]/ }" "$seen" "$expected" "$took"
}

# note <check> <status> <subject> <seen> <expected> <ms>
note() {
  local line="$1: $3: $4" tail=" ($6 ms)"
  # What was expected goes without saying where it was seen; and the time is cut off last.
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

# conclude_from_records: the verdict of all that was recorded.
# One fault decides, whatever else could not be checked: a fault that was seen does not go away.
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

# One line of input to one line that is safe on a terminal and in JSON: no control characters, no invalid UTF-8.
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
  local valid=null reason=${RESULT_REASON//[[:cntrl:]]/ }
  case $RESULT_CODE in
    "$GOOD") valid=true ;;
    "$FAULT") valid=false ;;
  esac
  reason=$(printf '%s\n' "${reason:0:REASON_LENGTH}" | clean | sed 's/\\/\\\\/g; s/"/\\"/g') || reason='(lost)'
  printf '{"valid":%s,"checks":%d,"tables":%d,"rows":%d,"seconds":%d,"reason":"%s"%s}\n' \
    "$valid" "$CHECKS" "$TABLES" "$ROWS" "$SECONDS" "$reason" "${COVERAGE:+,\"coverage\":$COVERAGE}"
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

# What the script has to say, under 23,000 characters whatever it saw: SSM keeps the first 24,000,
# and the last line has to be among them.
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

# Progress goes to stderr, of which SSM keeps 8,000 characters: often at first, then rarely.
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

# --- beginning and end ----------------------------------------------------------------------------

# A script may define a function of its own that clears up on each way out, before the result is printed.
AT_END=:

on_exit() {
  local status=$?
  trap '' HUP INT TERM
  trap - ERR
  set +e
  [ -n "$RESULT_CODE" ] || cut_short "the $SCRIPT script itself failed (status $status${FAILED_AT:+, $FAILED_AT})"
  $AT_END
  print_result
  exit "$RESULT_CODE"
}

# The result is stored before it is printed, whole or not at all, so that a twin says the very same.
print_result() {
  local text file
  text=$(report_text)
  if [ -n "$RESULT_STORE" ]; then
    file=$RUN_DIRECTORY/$SCRIPT.result
    { printf '%s %s\n%s\n' "$RESULT_CODE" "$SSM_volumeId" "$text" >"$file.new" && mv -f "$file.new" "$file"; } \
      2>/dev/null || rm -f "$file.new"
  fi
  printf '%s\n' "$text"
}

on_signal() {
  [ -n "$RESULT_CODE" ] || cut_short "the $SCRIPT script was stopped by SIG$1"
  exit "$RESULT_CODE"
}

# cut_short <reason>: no result to be told again, but for a fault that was seen
cut_short() {
  if [ -n "$FIRST_FAULT" ]; then
    ERROR_LINES+=("host: $SCRIPT: $1")
    RESULT_CODE=$FAULT
    RESULT_REASON=$FIRST_FAULT
  else
    RESULT_CODE=$UNCHECKED
    RESULT_REASON=$1
    RESULT_STORE=''
  fi
}

# begin <name of the script>
begin() {
  SCRIPT=$1
  trap 'FAILED_AT="line $LINENO: ${BASH_COMMAND:0:80}"' ERR
  trap on_exit EXIT
  trap 'on_signal HUP' HUP
  trap 'on_signal INT' INT
  trap 'on_signal TERM' TERM
  parameter runId '[A-Za-z0-9][A-Za-z0-9._-]{0,99}'
  parameter volumeId 'vol-[0-9A-Za-z]{1,60}'
  parameter mountPoint '/[A-Za-z0-9._/-]+'
  parameter stateDirectory '/[A-Za-z0-9._/-]+'
  # shellcheck disable=SC2034 # the scripts use it
  MOUNT_POINT=$(canonical "$SSM_mountPoint")
  RUN_DIRECTORY=$SSM_stateDirectory/runs/$SSM_runId
}

# parameter <name> <pattern>: what SSM hands over is checked again here. A path never climbs.
parameter() {
  local name=SSM_$1 value pattern="^($2)\$"
  value=${!name-}
  [[ $value =~ $pattern ]] || unchecked "parameter $1 is missing or not of the form $2"
  case /$value/ in */../*) unchecked "parameter $1 must not contain .." ;; esac
}

need() {
  local tool
  for tool in "$@"; do
    command -v "$tool" >/dev/null || unchecked "this host lacks the command $tool"
  done
}

# The mount table names a mount point by its resolved path. The last part stays as it is:
# it may be what is mounted.
canonical() {
  local path parent
  path=$(printf '%s' "$1" | tr -s /)
  path=${path%/}
  parent=$(readlink -f "${path%/*}/") || parent=${path%/*}
  printf '%s/%s' "${parent%/}" "${path##*/}"
}

prepare_state() {
  # Others may pass through but not look: the database server runs as a user of its own in here.
  mkdir -p "$RUN_DIRECTORY" 2>/dev/null || unchecked "cannot make the folder $RUN_DIRECTORY on this host"
  chmod 711 "$SSM_stateDirectory" "$SSM_stateDirectory/runs" "$RUN_DIRECTORY" 2>/dev/null ||
    unchecked "cannot write in $SSM_stateDirectory on this host"
}

# lock <fd> <seconds>: in the background, since a trap only runs once the command in front has ended.
lock() {
  flock -w "$2" "$1" &
  wait $!
}

# lock_run: one script of one kind works for a run at a time, its twin waits here.
lock_run() {
  exec 8>"$RUN_DIRECTORY/$SCRIPT.lock"
  lock 8 "${IB_LOCK_WAIT:-14400}" || unchecked "another $SCRIPT of run $SSM_runId is still at work"
}

lock_mounting() {
  exec 9>"$SSM_stateDirectory/mounting.lock"
  lock 9 "${IB_MOUNTING_WAIT:-120}" || unchecked "another run is still mounting or unmounting on this host"
}

# replay: says again what an earlier call of this run found, if there is such a result.
replay() {
  local file=$RUN_DIRECTORY/$SCRIPT.result code volume
  [ -s "$file" ] || return 0
  read -r code volume <"$file"
  [ "$volume" = "$SSM_volumeId" ] || unchecked "run $SSM_runId was for volume $volume, not $SSM_volumeId"
  case $code in
    "$GOOD" | "$FAULT" | "$UNCHECKED") ;;
    *) return 0 ;;
  esac
  trap - EXIT
  tail -n +2 "$file"
  exit "$code"
}

# A run that was given back stays given back: a late second delivery must not mount its volume again.
refuse_if_released() {
  [ ! -e "$RUN_DIRECTORY/released" ] || unchecked "run $SSM_runId has already been released on this host"
}

# --- devices, mounts, processes -------------------------------------------------------------------

# In a rehearsal without loop devices another file stands for the mount table, and a folder for a device.
is_device() { [ -b "$1" ] || { [ -n "${IB_MOUNTINFO-}" ] && [ -e "$1" ]; }; }

mount_table() {
  if [ -z "${IB_MOUNTINFO-}" ]; then
    cat /proc/self/mountinfo
  elif [ -e "$IB_MOUNTINFO" ]; then
    cat "$IB_MOUNTINFO"
  fi
}

# mount_at <folder>: "<major:minor> <source> <type> <options>" of what is mounted there, or nothing
mount_at() {
  mount_table | awk -v want="$1" '
    $5 == want { for (i = 7; $i != "-"; i++); found = $3 " " $(i + 2) " " $(i + 1) " " $6 "," $(i + 3) }
    END { if (found) print found }'
}

# mounts_of <device>: where it is mounted, one a line
mounts_of() {
  mount_table | awk -v number="$(device_number "$1")" -v device="$1" '
    { for (i = 7; $i != "-"; i++); if ($3 == number || $(i + 2) == device) print $5 }'
}

device_number() {
  local pair
  [ -b "$1" ] || { echo none; return; }
  pair=$(stat -L -c '%t %T' "$1")
  printf '%d:%d' "0x${pair% *}" "0x${pair#* }"
}

# find_device [attachment name]: the volume's device by its id, else by the name of its attachment.
# Never a guess: an NVMe device that says it is another volume is not taken.
# shellcheck disable=SC2120 # the release has no attachment name
find_device() {
  local id=${SSM_volumeId/-/} name=${1-} candidate serial
  name=${name##*/}
  for candidate in "disk/by-id/nvme-Amazon_Elastic_Block_Store_$id" "$name" "${name/#sd/xvd}"; do
    [ -n "$candidate" ] || continue
    candidate=$(readlink -f "$IB_DEVICE_DIRECTORY/$candidate") || continue
    is_device "$candidate" || continue
    serial=$(tr -d ' ' 2>/dev/null <"/sys/class/block/${candidate##*/}/device/serial") || serial=''
    case $serial in
      vol*) [ "$serial" = "$id" ] || continue ;;
    esac
    printf '%s' "$candidate"
    return
  done
  return 1
}

# The marker says which run mounted what: "<run> <volume> <device> <major:minor> <mount point>".
read_marker() {
  MARK_RUN='' MARK_VOLUME='' MARK_DEVICE='' MARK_NUMBER='' MARK_POINT=''
  [ -s "$SSM_stateDirectory/mounted" ] || return 1
  # shellcheck disable=SC2034
  read -r MARK_RUN MARK_VOLUME MARK_DEVICE MARK_NUMBER MARK_POINT <"$SSM_stateDirectory/mounted"
  [ -n "$MARK_POINT" ]
}

# is_marked_mount <folder>: what is mounted there is what the marker says
is_marked_mount() {
  local found number source
  found=$(mount_at "$1")
  [ -n "$found" ] || return 1
  number=${found%% *}
  source=${found#* }
  source=${source%% *}
  [ "$source" = "$MARK_DEVICE" ] || [ "$number" = "$MARK_NUMBER" ]
}

# start_of <pid>: when it started, in clock ticks; tells a process from a later one with the same number
start_of() {
  local stat fields
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  # The name in brackets may hold anything; what follows the last bracket does not.
  read -r -a fields <<<"${stat##*) }"
  [ "${fields[0]}" != Z ] || return 1
  printf '%s' "${fields[19]}"
}

# alive <pid> <start>
alive() { [ -n "${1-}" ] && [ -n "${2-}" ] && [ "$(start_of "$1")" = "$2" ]; }

# servers_of_run: the database servers that were started for this run, one pid a line. They are known
# by their defaults file, so that no pid file has to be believed.
servers_of_run() {
  local file pid
  for file in /proc/[0-9]*/cmdline; do
    pid=${file#/proc/}
    pid=${pid%/cmdline}
    if { tr '\000' '\n' <"$file"; } 2>/dev/null | grep -Fxq -e "--defaults-file=$RUN_DIRECTORY/server.cnf"; then
      [ -z "$(start_of "$pid")" ] || printf '%s\n' "$pid"
    fi
  done
}

# stop_process <pid> <seconds>: TERM, then KILL. 0 if it went of its own accord.
stop_process() {
  local start end=$((SECONDS + $2))
  start=$(start_of "$1") || return 0
  kill -TERM "$1" 2>/dev/null || true
  while alive "$1" "$start"; do
    if [ "$SECONDS" -ge "$end" ]; then
      kill -KILL "$1" 2>/dev/null || true
      while alive "$1" "$start" && [ "$SECONDS" -lt $((end + 30)) ]; do sleep 0.1; done
      return 1
    fi
    sleep 0.1
  done
}
