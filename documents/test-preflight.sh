# Checks what the test needs of its host before it reads the backup. What is missing here is never a fault of the backup.
# shellcheck shell=bash

check_programs() {
  local program
  for program in "$SSM_server" "$SSM_client"; do
    if [ ! -f "$program" ] || [ ! -x "$program" ]; then unchecked "this host has no program $program"; fi
  done
  perl -MDigest::SHA -e 'use 5.010; unpack "q<", "\0" x 8' 2>/dev/null ||
    unchecked "this host's perl is older than 5.10, has no 64-bit numbers or lacks its module Digest::SHA (package perl-Digest-SHA)"
  record preflight pass programs "$SSM_server, $SSM_client, perl"
}

# check_space: at its start the server writes to the restored volume; its scratch files are on this host's disk.
check_space() {
  local folder need free
  if is_read_only "$MOUNT_POINT"; then
    unchecked "the volume at $MOUNT_POINT is mounted read-only, and the test server writes on its copy: what does the kernel's log say of the device?"
  fi
  for folder in "$RUN_DIRECTORY" "$DATA"; do
    if [ "$folder" = "$DATA" ]; then need=${IB_DATA_KB:-16384}; else need=${IB_SCRATCH_KB:-65536}; fi
    free=$(free_kb "$folder")
    [ "${free:-0}" -ge "$need" ] ||
      unchecked "too little space in $folder: ${free:-0} KiB are free, the test server needs $need"
  done
  record preflight pass space "${free} KiB free on the volume"
}

# check_memory: sets MEMORY_KB to the available memory, which limits Infobright's heaps
check_memory() {
  local need=${IB_MEMORY_KB:-262144}
  MEMORY_KB=$(memory_kb) # number: the kernel's
  [ "${MEMORY_KB:-0}" -ge "$need" ] ||
    unchecked "too little memory on this host: ${MEMORY_KB:-0} KiB are available, the test server needs $need"
  record preflight pass memory "$MEMORY_KB KiB available"
}

# looks_like_data <folder>: whether it has files of a server's data directory
looks_like_data() {
  [ -n "$(find "$1/mysql/" -maxdepth 1 -type f -print 2>/dev/null | head -n 1)" ] || [ -f "$1/ibdata1" ] || [ -f "$1/brighthouse.ini" ] ||
    [ -n "$(find "$1/" -mindepth 2 -maxdepth 2 -name '*.frm' -print 2>/dev/null | head -n 1)" ]
}

check_mount() {
  local found
  found=$(mount_at "$MOUNT_POINT")
  [ -n "$found" ] || unchecked "nothing is mounted at $MOUNT_POINT"
  read_marker || unchecked "what is mounted at $MOUNT_POINT was not mounted by our mount script"
  [ "$MARK_RUN $MARK_VOLUME" = "$SSM_runId $SSM_volumeId" ] ||
    unchecked "run $MARK_RUN has its volume $MARK_VOLUME mounted at $MOUNT_POINT, not this run"
  is_marked_mount "$MOUNT_POINT" || unchecked "$MARK_DEVICE of this run is not what is mounted at $MOUNT_POINT"
  record mount pass "$MOUNT_POINT" "$SSM_volumeId of this run"
}

# check_data_directory: a backup without data is bad, but a setting with the wrong folder is not a fault of the backup
check_data_directory() {
  local folder root said
  root=$(readlink -f "$MOUNT_POINT")
  said=$(find "$root/" -maxdepth 2 2>&1 >/dev/null) || {
    case $said in
      *'needs cleaning'*) conclude "$FAULT" "the file system of $SSM_volumeId is damaged: $said" ;;
      *) unchecked "the volume at $MOUNT_POINT cannot be read: $said" ;;
    esac
  }
  DATA=$MOUNT_POINT
  [ "$SSM_dataDirectory" = . ] || DATA=$MOUNT_POINT/$SSM_dataDirectory
  case $(readlink -m "$DATA")/ in
    "$root"/*) ;;
    *) unchecked "the data directory $SSM_dataDirectory leads out of the volume" ;;
  esac
  if [ -d "$DATA" ] && looks_like_data "$DATA"; then
    record 'data directory' pass "$SSM_dataDirectory" 'is one of a database server'
    # check_paths checks where a link leads.
    [ -d "$DATA/mysql" ] || [ -L "$DATA/mysql" ] || record 'data directory' fail "$SSM_dataDirectory" \
      "the folder mysql with the server's own tables is missing"
    return
  fi
  while read -r folder; do
    ! looks_like_data "$folder" ||
      unchecked "no data in $SSM_dataDirectory, but in ${folder#"$root"}: the setting is wrong"
  done < <(find "$root/" -maxdepth 3 -type d 2>/dev/null)
  # On the volume of a whole host it may be further down.
  folder=$(find "$root/" -mindepth 4 -type f \( -name ibdata1 -o -name brighthouse.ini -o -name '*.frm' \) -print -quit 2>/dev/null) || true
  [ -z "$folder" ] || unchecked "no data in $SSM_dataDirectory, but ${folder#"$root"}: the setting is wrong"
  conclude "$FAULT" "no database in $SSM_dataDirectory of volume $SSM_volumeId: it was looked for mysql/, ibdata1, \
brighthouse.ini and .frm files, and the volume holds $(find "$root/" -mindepth 1 -maxdepth 2 2>/dev/null | wc -l) entries"
}
