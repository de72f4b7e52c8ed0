# Queries about the host: devices, mounts, processes.
# shellcheck shell=bash

# In a rehearsal without loop devices a file replaces the mount table, and a folder a device.
is_device() { [ -b "$1" ] || { [ -n "${IB_MOUNTINFO-}" ] && [ -e "$1" ]; }; }

mount_table() {
  if [ -z "${IB_MOUNTINFO-}" ]; then
    cat /proc/self/mountinfo
  elif [ -e "$IB_MOUNTINFO" ]; then
    cat "$IB_MOUNTINFO"
  fi
}

# mount_at <folder>: "<major:minor> <source> <type> <options>" of the mount there, or nothing
mount_at() {
  mount_table | awk -v want="$1" '
    $5 == want { for (i = 7; $i != "-"; i++); found = $3 " " $(i + 2) " " $(i + 1) " " $6 "," $(i + 3) }
    END { if (found) print found }'
}

# mounts_of <device>: its mount points, one per line
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

# The marker records which run has mounted what: "<run> <volume> <device> <major:minor> <mount point>".
read_marker() {
  MARK_RUN='' MARK_VOLUME='' MARK_DEVICE='' MARK_NUMBER='' MARK_POINT=''
  [ -s "$SSM_stateDirectory/mounted" ] || return 1
  # shellcheck disable=SC2034
  read -r MARK_RUN MARK_VOLUME MARK_DEVICE MARK_NUMBER MARK_POINT <"$SSM_stateDirectory/mounted"
  [ -n "$MARK_POINT" ]
}

# is_marked_mount <folder>: whether the mount there is the one in the marker
is_marked_mount() {
  local found number source
  found=$(mount_at "$1")
  [ -n "$found" ] || return 1
  number=${found%% *}
  source=${found#* }
  source=${source%% *}
  [ "$source" = "$MARK_DEVICE" ] || [ "$number" = "$MARK_NUMBER" ]
}

# start_of <pid>: its start in clock ticks, which distinguishes it from a later process with the same pid
start_of() {
  local stat fields
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  # The name in brackets may contain anything, so only the text after the last bracket is parsed.
  read -r -a fields <<<"${stat##*) }"
  [ "${fields[0]}" != Z ] || return 1
  printf '%s' "${fields[19]}"
}

# alive <pid> <start>
alive() { [ -n "${1-}" ] && [ -n "${2-}" ] && [ "$(start_of "$1")" = "$2" ]; }

# servers_of_run: the pids of the database servers of this run, one per line. Their defaults file
# identifies them, so that no pid file has to be trusted.
servers_of_run() {
  local file pid
  # One grep for all processes; zero bytes separate the arguments.
  { grep -lzFx -e "--defaults-file=$RUN_DIRECTORY/server.cnf" /proc/[0-9]*/cmdline 2>/dev/null || true; } |
    while read -r file; do
      pid=${file#/proc/}
      pid=${pid%/cmdline}
      [ -z "$(start_of "$pid")" ] || printf '%s\n' "$pid"
    done
}

# stop_process <pid> <seconds>: TERM, then KILL. Returns 0 if TERM was enough.
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
