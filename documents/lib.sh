# Shared by the mount, test and release scripts: shell options, the beginning and end of a script, locks.
# `parts` puts this file, result.sh and host.sh in front of each script in its SSM document, so they only define
# things. They have to run on the bash 4.1 of old hosts.
# shellcheck shell=bash

set -Eeuo pipefail
umask 077
export LC_ALL=C
PATH="${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# shellcheck disable=SC2034 # the script after it uses it
IB_LIB=1
IB_DEVICE_DIRECTORY=${IB_DEVICE_DIRECTORY:-/dev}

readonly GOOD=0 FAULT=1 UNCHECKED=75

: "${SSM_runId=}" "${SSM_volumeId=}" "${SSM_mountPoint=}" "${SSM_stateDirectory=}"

SCRIPT=script
FAILED_AT=''
RUN_DIRECTORY=''

# A script may set a function that cleans up on every exit, before the result is printed.
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

# The result is stored before it is printed, whole or not at all, so that a duplicate prints the same.
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

# cut_short <reason>: end without storing a result, unless a fault was already recorded
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

# parameter <name> <pattern>: checks again what SSM passed. A path must not contain "..".
parameter() {
  local name=SSM_$1 value pattern="^($2)\$"
  value=${!name-} # constant: each caller names it, and the value is not evaluated
  [[ $value =~ $pattern ]] || unchecked "parameter $1 is missing or not of the form $2"
  case /$value/ in */../*) unchecked "parameter $1 must not contain .." ;; esac
}

need() {
  local tool
  for tool in "$@"; do
    command -v "$tool" >/dev/null || unchecked "this host lacks the command $tool"
  done
}

# The mount table has the resolved path of a mount point. The last part is not resolved, because it may be
# the mount itself.
canonical() {
  local path parent
  path=$(printf '%s' "$1" | tr -s /)
  path=${path%/}
  parent=$(readlink -f "${path%/*}/") || parent=${path%/*}
  printf '%s/%s' "${parent%/}" "${path##*/}"
}

prepare_state() {
  # Others may enter but not list: the database server runs here as its own user.
  mkdir -p "$RUN_DIRECTORY" 2>/dev/null || unchecked "cannot make the folder $RUN_DIRECTORY on this host"
  chmod 711 "$SSM_stateDirectory" "$SSM_stateDirectory/runs" "$RUN_DIRECTORY" 2>/dev/null ||
    unchecked "cannot write in $SSM_stateDirectory on this host"
}

# lock <fd> <seconds>: in the background, because bash runs a trap only after a foreground command has ended
lock() {
  flock -w "$2" "$1" &
  wait $!
}

# lock_run: only one script of a kind runs for a run at a time; a duplicate waits here
lock_run() {
  exec 8>"$RUN_DIRECTORY/$SCRIPT.lock"
  lock 8 "${IB_LOCK_WAIT:-14400}" || unchecked "another $SCRIPT of run $SSM_runId is still at work"
}

lock_mounting() {
  exec 9>"$SSM_stateDirectory/mounting.lock"
  lock 9 "${IB_MOUNTING_WAIT:-120}" || unchecked "another run is still mounting or unmounting on this host"
}

# replay: prints the result of an earlier call of this run, if there is one
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

# After its release a run stays released: a late duplicate must not mount its volume again.
refuse_if_released() {
  [ ! -e "$RUN_DIRECTORY/released" ] || unchecked "run $SSM_runId has already been released on this host"
}
