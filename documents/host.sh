# What the host has: devices, what is mounted where, processes.
# shellcheck shell=bash

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
  # One process for all; zero bytes separate the arguments.
  { grep -lzFx -e "--defaults-file=$RUN_DIRECTORY/server.cnf" /proc/[0-9]*/cmdline 2>/dev/null || true; } |
    while read -r file; do
      pid=${file#/proc/}
      pid=${pid%/cmdline}
      [ -z "$(start_of "$pid")" ] || printf '%s\n' "$pid"
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
