# Runs on production's host in the backup window: writes row counts, fingerprints, known values and file hashes to the
# volume, so that they are in the snapshot. It never leaves an incomplete manifest, or one from an earlier day.
# By hand it takes options; as an SSM document, which operators start, it takes parameters.
# shellcheck shell=bash

manifest_usage() {
  cat >&2 <<'USAGE'
usage: ib-backup-manifest --data <data directory> [--socket <socket>] [--client <program>] [--defaults-file <file>]
  [--client-user <user>]
Writes <data directory>/ib-backup-manifest from the running server and the files. The defaults file holds user and
password of somebody who may read all tables and FLUSH; without it the client logs in as root without one.
The client runs as the user nobody of this host, or as the one that is named, and never as root.
USAGE
  exit 2
}

manifest_main() {
  SCRIPT=manifest
  # Variables that the shared parts of the test expect.
  SSM_runId='' SSM_volumeId='' SSM_mountPoint='' SSM_stateDirectory='' SSM_server='' SSM_serverUser='' ENCRYPTED=''
  SSM_client=${SSM_client:-/usr/bin/mysql-ib} SOCKET=${SSM_socket:-/tmp/mysql-ib.sock} CLIENT_USER=${SSM_clientUser:-nobody}
  DATA=${SSM_dataDirectory-} DEFAULTS_FILE=${SSM_defaultsFile-}
  while [ $# -gt 0 ]; do
    [ $# -ge 2 ] || manifest_usage
    case $1 in
      --data) DATA=$2 ;;
      --socket) SOCKET=$2 ;;
      --client) SSM_client=$2 ;;
      --defaults-file) DEFAULTS_FILE=$2 ;;
      --client-user) CLIENT_USER=$2 ;;
      *) manifest_usage ;;
    esac
    shift 2
  done
  [ -n "$DATA" ] || manifest_usage
  DATA=${DATA%/} SSM_dataDirectory=$DATA
  trap 'FAILED_AT="line $LINENO: ${BASH_COMMAND:0:80}"' ERR
  trap manifest_exit EXIT
  trap 'RESULT_REASON="stopped by a signal"; exit 1' HUP INT TERM
  write_manifest
}

# printable <text>: sets PRINTABLE, safe for a terminal
printable() {
  PRINTABLE=${1//[^ -~]/?}
}

# manifest_exit: runs on every exit
manifest_exit() {
  local status=$?
  trap - ERR
  [ -z "${SCRATCH-}" ] || rm -rf "$SCRATCH"
  [ "$status" -ne 0 ] || return 0
  printable "${RESULT_REASON:-the script itself failed (status $status, $FAILED_AT)}"
  echo "no manifest was written: $PRINTABLE" >&2
  exit 1
}

refuse() {
  RESULT_REASON=$1
  exit 1
}

write_manifest() {
  local new last=$DATA/$MANIFEST_NAME.last began
  need perl flock sed tr od mktemp readlink id
  looks_like_data "$DATA" || refuse "$DATA is not the data directory of a database server"
  # The folder itself is the lock. A lock file would not be safe: the database's user can create links in this folder, and
  # root might write through a link to a file of the host.
  exec 7<"$DATA" || refuse "cannot read $DATA"
  flock -n 7 || refuse "another manifest of $DATA is being written"
  # Yesterday's manifest must not be in tonight's snapshot.
  if [ -e "$DATA/$MANIFEST_NAME" ] || [ -L "$DATA/$MANIFEST_NAME" ]; then mv -f "$DATA/$MANIFEST_NAME" "$last"; fi
  if [ -L "$last" ] || { [ -e "$last" ] && [ ! -f "$last" ]; }; then rm -f "$last"; fi
  SCRATCH=$(mktemp -d) || refuse 'cannot make a scratch folder'
  ASK=$SCRATCH/ask new=$SCRATCH/manifest
  choose_client_user
  ask_whether_it_is_ours
  began=$(date +%s)
  files list "$DATA" >"$SCRATCH/before" || refuse "the files in $DATA cannot be listed"
  printf 'ib-backup-manifest\t2\t%s\t%s\t%s\n' "$began" "$MANIFEST_SERVER" "$(date -u '+%Y-%m-%dT%H:%M:%SZ')" >"$new" ||
    refuse "cannot write $new"
  # Without the right to query it there is no log sequence number; then file times show later changes.
  if lsn_of_innodb; then printf 'innodb\t%s\n' "$LSN" >>"$new"; fi
  describe_tables "$new" "$last"
  files write "$DATA" "$last" >"$SCRATCH/files" || refuse 'a file changed, or could not be read: is a load at work?'
  # If a file changed between listing and hashing, rows and hashes are of different states.
  perl -F'\t' -lane 'print join "\t", @F[0 .. 4, 6]' "$SCRATCH/files" | grep -v $'\tBH_RSI_Repository/' >"$SCRATCH/after" || true
  cmp -s "$SCRATCH/before" "$SCRATCH/after" ||
    refuse "files changed while the tables were read, such as $(diff "$SCRATCH/before" "$SCRATCH/after" | sed -n 's/^[<>].*\t//p' | head -n 1)"
  cat "$SCRATCH/files" >>"$new" || refuse "cannot write $new"
  finish_manifest "$new"
  echo "$DATA/$MANIFEST_NAME: ${#T_KEY[@]} tables and views, $(wc -l <"$SCRATCH/files") files, $SECONDS seconds"
}

# choose_client_user: the client, which reads text from the database, never runs as root
choose_client_user() {
  [ "$EUID" -eq 0 ] || return 0
  id "$CLIENT_USER" >/dev/null 2>&1 || refuse "this host has no user $CLIENT_USER for the client: --client-user names another"
  [ "$(id -u "$CLIENT_USER")" -ne 0 ] || refuse 'the client does not run as root: --client-user names another'
  [ -n "$DEFAULTS_FILE" ] || return 0
  # A copy that only this user may read.
  { cp "$DEFAULTS_FILE" "$SCRATCH/client.cnf" && chown "$CLIENT_USER" "$SCRATCH/client.cnf" &&
    chmod 400 "$SCRATCH/client.cnf" && chmod 711 "$SCRATCH"; } || refuse "cannot copy $DEFAULTS_FILE for $CLIENT_USER"
  DEFAULTS_FILE=$SCRATCH/client.cnf
}

# finish_manifest <file>: adds a checksum, syncs the file to the disk and only then renames it. The file is created under a
# new name and not opened again, so that nothing is written through a link.
finish_manifest() {
  perl -MDigest::SHA -MIO::Handle -MFcntl -e '
    my ($from, $to) = @ARGV;
    open(my $text, "<", $from) or die "$!\n";
    my $sum = Digest::SHA->new(256)->addfile($from)->hexdigest;
    unlink "$to.new";
    sysopen(my $file, "$to.new", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600) or die "$to.new: $!\n";
    my $bytes;
    while (read $text, $bytes, 1 << 20) { print $file $bytes or die "$to.new: $!\n" }
    print $file "end\t$sum\n" and $file->flush and $file->sync and close $file or die "$to.new: $!\n";
    rename "$to.new", $to or die "$to: $!\n"' "$1" "$DATA/$MANIFEST_NAME" || {
    rm -f "$DATA/$MANIFEST_NAME.new"
    refuse "cannot write $DATA/$MANIFEST_NAME"
  }
}

ask_whether_it_is_ours() {
  [ -z "$DEFAULTS_FILE" ] || CLIENT_OPTIONS=("--defaults-file=$DEFAULTS_FILE")
  ask "SELECT 'ok',VERSION(),@@datadir;" || refuse "the server does not answer ${CLIENT_USER:-} at $SOCKET: $COMPLAINT"
  local _ok directory
  IFS=$'\t' read -r _ok MANIFEST_SERVER directory <<<"$ANSWER"
  [ "$(readlink -f "$directory")" = "$(readlink -f "$DATA")" ] || refuse "the server at $SOCKET has the data directory $directory, not $DATA"
  # Writes what the server has in memory to the files.
  ask 'FLUSH TABLES;' || refuse "FLUSH TABLES: $COMPLAINT"
}

# describe_tables <file> <previous manifest>: takes over the lines of tables whose files have not changed
describe_tables() {
  local at key kind schema name rest
  local -A same=() last=()
  list_tables
  [ -z "$FIRST_FAULT$FIRST_ERROR" ] || refuse "$FIRST_FAULT$FIRST_ERROR"
  # A manifest of another format has other fingerprints.
  if [ -s "$2" ] && [[ $(head -c 40 "$2" 2>/dev/null | tr -d '\000') == $'ib-backup-manifest\t2\t'* ]]; then
    while IFS= read -r key; do same[$key]=1; done < <(files unchanged "$DATA" "$2")
    while IFS=$'\t' read -r kind schema name rest; do
      is_of_manifest "$kind"$'\t'"$schema"$'\t'"$name"$'\t'"$rest" || continue
      case $kind in
        table | column | value) last["$schema $name"]="${last["$schema $name"]-}$kind"$'\t'"$schema"$'\t'"$name"$'\t'"$rest"$'\n' ;;
      esac
    done <"$2"
  fi
  for at in "${!T_KEY[@]}"; do
    [ "${T_TYPE[at]}" != VIEW ] || continue
    ! is_system_schema "${T_SCHEMA[at]}" || continue
    [ -z "${T_UNASKABLE[at]-}" ] || continue
    progress "$((at + 1)) of ${#T_KEY[@]}: ${T_NAME[at]}"
    case ${T_ENGINE[at]} in FEDERATED | CONNECT | SPIDER | SPHINX | S3 | OQGRAPH | BLACKHOLE | -) continue ;; esac
    key=${T_KEY[at]}
    if is_in_its_files "${T_ENGINE[at]}" && [ -n "${same[${T_PATH[at]/\//.}]-}" ] && [ -n "${last[$key]-}" ]; then
      printf '%s' "${last[$key]}" >>"$1"
    else
      describe_table "$at" "$1"
    fi
  done
}

# is_in_its_files <engine>: its rows cannot change without a change of the files in the manifest
is_in_its_files() { case $1 in BRIGHTHOUSE | MyISAM | Aria | CSV | ARCHIVE) ;; *) return 1 ;; esac; }

# describe_table <number> <file>
describe_table() {
  local at=$1 key=${T_KEY[$1]/ /$'\t'} chunk value column
  local -a values
  columns_of "$at" || refuse "${T_NAME[at]}: $COMPLAINT"
  if [ "${T_ENGINE[at]}" = BRIGHTHOUSE ]; then
    describe_brighthouse "$at" "$2"
    return
  fi
  ask "SELECT 'ok',COUNT(*) FROM ${T_SQL[at]};" || refuse "${T_NAME[at]}: $COMPLAINT"
  COUNTED=${ANSWER#ok$'\t'}
  is_count "$COUNTED" || refuse "${T_NAME[at]}: the server's answer makes no sense: ${ANSWER:0:80}"
  printf 'table\t%s\t%s\t%s\n' "$key" "${T_ENGINE[at]}" "$COUNTED" >>"$2"
  sums_of 20 2
  for chunk in "${!LISTS[@]}"; do
    ask "SELECT 'ok'${LISTS[chunk]} FROM ${T_SQL[at]} USE INDEX ();" || refuse "${T_NAME[at]}: $COMPLAINT"
    IFS=$'\t' read -r -a values <<<"${ANSWER#ok$'\t'}"
    column=${LIST_FROM[chunk]}
    for value in "${values[@]}"; do
      printf 'column\t%s\t%s\t%s\n' "$key" "${C_HEX[column]}" "$value" >>"$2"
      column=$((column + 1))
    done
  done
}

# describe_brighthouse <number> <file>: also known values of each column and their counts. The test that compares values and
# fingerprints uses the same program and the same statements.
describe_brighthouse() {
  local at=$1 column
  MANIFEST_LINES=$2
  new_plan
  plan_count "$at"
  for column in "${!C_SQL[@]}"; do plan_column "$at" "$column" 0 0; done
  converse manifest
  [ -z "$FIRST_FAULT$FIRST_ERROR" ] || refuse "$FIRST_FAULT$FIRST_ERROR"
}

# manifest_line <kind> <number> <field>...: a line about the table with this number
manifest_line() {
  local IFS=$'\t' kind=$1 key=${T_KEY[$2]/ /$'\t'}
  shift 2
  printf '%s\t%s\t%s\n' "$kind" "$key" "$*" >>"$MANIFEST_LINES"
}

manifest_main "$@"
