# Checks what a night needs of this host, and changes nothing. If its parameter doctor is true, the release script does
# only this; among the scripts its document has the most room.
# shellcheck shell=bash

LOOKED=''

# looked <need> <met, not_met or not_known> <what was seen>: adds a finding
looked() {
  local saw
  saw=$(printf '%s' "$3" | tr -c 'A-Za-z0-9 ./,:()%_+=-' ' ' | cut -c 1-240)
  LOOKED=$LOOKED${LOOKED:+,}$(printf '{"need":"%s","stands":"%s","saw":"%s"}' "$1" "$2" "$saw")
}

# The commands that the scripts require with `need`.
look_for_commands() {
  local tool missing=''
  for tool in awk blkid chown date dd df find flock getconf grep gzip id mkdir mktemp mount mv nohup od perl readlink sed \
    setsid sha256sum stat tr umount; do
    command -v "$tool" >/dev/null || missing="$missing $tool"
  done
  if [ -n "$missing" ]; then
    looked host_commands not_met "this host lacks$missing"
  else
    looked host_commands met "all that the scripts call"
  fi
}

look_at_mount_point() {
  local place found
  place=$(canonical "$SSM_mountPoint")
  found=$(mount_at "$place")
  if [ -n "$found" ]; then
    if read_marker && [ "$MARK_POINT" = "$place" ]; then
      looked mount_point met "$place: run $MARK_RUN has $MARK_VOLUME mounted there"
    else
      looked mount_point not_met "$place is in use: ${found#* } is mounted there, by none of our runs"
    fi
  elif [ -e "$place" ] && [ ! -d "$place" ]; then
    looked mount_point not_met "$place is not a folder"
  elif [ -n "$(ls -A "$place" 2>/dev/null)" ]; then
    looked mount_point not_met "$place has files in it"
  else
    looked mount_point met "$place is free"
  fi
}

# parent_of <path>: the path itself, or the nearest parent folder that exists
parent_of() {
  local path=$1
  while [ ! -e "$path" ] && [ -n "$path" ]; do path=${path%/*}; done
  printf '%s' "${path:-/}"
}

look_at_state_directory() {
  local folder free need=${IB_SCRATCH_KB:-65536}
  folder=$(parent_of "$SSM_stateDirectory")
  if [ ! -d "$folder" ] || [ ! -w "$folder" ]; then
    looked state_directory not_met "$SSM_stateDirectory: $folder cannot be written"
  else
    looked state_directory met "$SSM_stateDirectory can be written"
  fi
  free=$(free_kb "$folder")
  if [ "${free:-0}" -lt "$need" ]; then
    looked disk_space not_met "${free:-0} KiB are free at $folder, and the test server needs $need"
  else
    looked disk_space met "$free KiB are free at $folder"
  fi
}

# look_at_program <need> <path>: starts the program, because only that shows a missing library
look_at_program() {
  local said
  if [ ! -f "$2" ] || [ ! -x "$2" ]; then
    looked "$1" not_met "this host has no program $2"
  elif said=$(timeout 30 "$2" --no-defaults --version </dev/null 2>&1); then
    looked "$1" met "$(printf '%s\n' "$said" | tail -n 1)"
  else
    looked "$1" not_met "$2 does not start: $(printf '%s\n' "$said" | tail -n 1)"
  fi
}

look_at_user() {
  if id -u "$SSM_serverUser" >/dev/null 2>&1; then
    looked server_user met "$SSM_serverUser"
  else
    looked server_user not_met "this host has no user $SSM_serverUser"
  fi
}

look_at_perl() {
  if perl -MDigest::SHA -e 'use 5.010; unpack "q<", "\0" x 8' 2>/dev/null; then
    # shellcheck disable=SC2016 # Perl's variables
    looked perl met "$(perl -MDigest::SHA -e 'printf "%vd, Digest::SHA %s", $^V, $Digest::SHA::VERSION')"
  else
    looked perl not_met "perl is older than 5.10, has no 64-bit numbers or lacks its module Digest::SHA"
  fi
}

look_at_memory() {
  local need=${IB_MEMORY_KB:-262144} free
  free=$(memory_kb)
  if [ -z "$free" ]; then
    looked memory not_known "this host lacks perl"
  elif [ "$free" -lt "$need" ]; then
    looked memory not_met "$free KiB are available, and the test server needs $need"
  else
    looked memory met "$free KiB are available"
  fi
}

look_at_host() {
  set +eu
  trap - ERR
  look_for_commands
  look_at_mount_point
  look_at_state_directory
  look_at_program database_server "$SSM_server"
  look_at_program database_client "$SSM_client"
  look_at_user
  look_at_perl
  look_at_memory
  printf '{"doctor":[%s]}\n' "$LOOKED"
  exit 0
}
