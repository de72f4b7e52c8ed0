# --manifest, on production's host, in its backup window: rows, fingerprints, known values and file hashes, written onto
# the volume so that they travel in the snapshot. Half a manifest is never left, and none from an earlier day.
# shellcheck shell=bash

MANIFEST_NAME=ib-backup-manifest
MANIFEST_SERVER=''
CLIENT_OPTIONS=(--no-defaults --user=root)

manifest_usage() {
  cat >&2 <<'USAGE'
usage: --manifest --data <data directory> [--socket <socket>] [--client <program>] [--defaults-file <file>]
Writes <data directory>/ib-backup-manifest from the running server and the files. The defaults file holds user and
password of somebody who may read all tables and FLUSH; without it the client logs in as root without one.
USAGE
  exit 2
}

manifest_main() {
  SCRIPT=manifest
  DATA='' SSM_client=/usr/bin/mysql-ib SOCKET=/tmp/mysql-ib.sock
  while [ $# -gt 0 ]; do
    [ $# -ge 2 ] || manifest_usage
    case $1 in
      --data) DATA=${2%/} ;;
      --socket) SOCKET=$2 ;;
      --client) SSM_client=$2 ;;
      --defaults-file) CLIENT_OPTIONS=("--defaults-file=$2") ;;
      *) manifest_usage ;;
    esac
    shift 2
  done
  [ -n "$DATA" ] || manifest_usage
  trap 'FAILED_AT="line $LINENO: ${BASH_COMMAND:0:80}"' ERR
  trap manifest_exit EXIT
  trap 'RESULT_REASON="stopped by a signal"; exit 1' HUP INT TERM
  write_manifest
}

# manifest_exit: on every way out
manifest_exit() {
  local status=$?
  trap - ERR
  [ -z "${SCRATCH-}" ] || rm -rf "$SCRATCH"
  [ "$status" -ne 0 ] || return 0
  rm -f "$DATA/$MANIFEST_NAME.new"
  echo "no manifest was written: ${RESULT_REASON:-the script itself failed (status $status, $FAILED_AT)}" >&2
  exit 1
}

refuse() {
  RESULT_REASON=$1
  exit 1
}

write_manifest() {
  local new=$DATA/$MANIFEST_NAME.new last=$DATA/$MANIFEST_NAME.last began
  need perl flock sed tr od mktemp readlink
  looks_like_data "$DATA" || refuse "$DATA is not the data directory of a database server"
  exec 7>"$DATA/$MANIFEST_NAME.lock" || refuse "cannot write in $DATA"
  flock -n 7 || refuse "another manifest of $DATA is being written"
  # Yesterday's must not travel in tonight's snapshot.
  [ ! -e "$DATA/$MANIFEST_NAME" ] || mv -f "$DATA/$MANIFEST_NAME" "$last"
  SCRATCH=$(mktemp -d) || refuse 'cannot make a scratch folder'
  ASK=$SCRATCH/ask
  ask_whether_it_is_ours
  began=$(date +%s)
  files list "$DATA" >"$SCRATCH/before" || refuse "the files in $DATA cannot be listed"
  printf 'ib-backup-manifest\t1\t%s\t%s\t%s\n' "$began" "$MANIFEST_SERVER" "$(date -u '+%Y-%m-%dT%H:%M:%SZ')" >"$new" ||
    refuse "cannot write $new"
  describe_tables "$new" "$last"
  files write "$DATA" "$last" >"$SCRATCH/files" || refuse 'a file changed, or could not be read: is a load at work?'
  # Between the first look and the hashes nobody may have changed anything, else rows and hashes are of two states.
  perl -F'\t' -lane 'print join "\t", @F[0 .. 4, 6]' "$SCRATCH/files" | grep -v $'\tBH_RSI_Repository/' >"$SCRATCH/after" || true
  cmp -s "$SCRATCH/before" "$SCRATCH/after" ||
    refuse "files changed while the tables were read, such as $(diff "$SCRATCH/before" "$SCRATCH/after" | sed -n 's/^[<>].*\t//p' | head -n 1)"
  cat "$SCRATCH/files" >>"$new" || refuse "cannot write $new"
  finish_manifest "$new"
  echo "$DATA/$MANIFEST_NAME: ${#T_KEY[@]} tables and views, $(wc -l <"$SCRATCH/files") files, $SECONDS seconds"
}

# finish_manifest <file>: closed with a sum of itself, forced to the disk, and only then in its place
finish_manifest() {
  perl -MDigest::SHA -MIO::Handle -e '
    my $sum = Digest::SHA->new(256)->addfile($ARGV[0])->hexdigest;
    open(my $file, ">>", $ARGV[0]) or die "$!\n";
    print $file "end\t$sum\n" and $file->flush and $file->sync and close $file or die "$!\n";
    rename $ARGV[0], $ARGV[1] or die "$!\n"' "$1" "$DATA/$MANIFEST_NAME" || refuse "cannot finish $1"
}

ask_whether_it_is_ours() {
  ask "SELECT 'ok',VERSION(),@@datadir;" || refuse "the server does not answer at $SOCKET: $COMPLAINT"
  local _ok directory
  IFS=$'\t' read -r _ok MANIFEST_SERVER directory <<<"$ANSWER"
  [ "$(readlink -f "$directory")" = "$(readlink -f "$DATA")" ] || refuse "the server at $SOCKET has the data directory $directory, not $DATA"
  # So that what the server holds in memory is in the files.
  ask 'FLUSH TABLES;' || refuse "FLUSH TABLES: $COMPLAINT"
}

# describe_tables <file> <last manifest>: a table whose files are as they were is taken over from the last one
describe_tables() {
  local at key kind schema name rest
  local -A same=() last=()
  list_tables
  [ -z "$FIRST_FAULT$FIRST_ERROR" ] || refuse "$FIRST_FAULT$FIRST_ERROR"
  if [ -s "$2" ]; then
    while IFS= read -r key; do same[$key]=1; done < <(files unchanged "$DATA" "$2")
    while IFS=$'\t' read -r kind schema name rest; do
      case $kind in
        table | column | value) last["$schema $name"]="${last["$schema $name"]-}$kind"$'\t'"$schema"$'\t'"$name"$'\t'"$rest"$'\n' ;;
      esac
    done <"$2"
  fi
  for at in "${!T_KEY[@]}"; do
    [ "${T_TYPE[at]}" != VIEW ] || continue
    ! is_system_schema "${T_SCHEMA[at]}" || continue
    progress "$((at + 1)) of ${#T_KEY[@]}: ${T_NAME[at]}"
    case ${T_ENGINE[at]} in FEDERATED | CONNECT | SPIDER | SPHINX | S3 | OQGRAPH | BLACKHOLE | -) continue ;; esac
    key=${T_KEY[at]}
    if [ -n "${same[${T_PATH[at]/\//.}]-}" ] && [ -n "${last[$key]-}" ]; then
      printf '%s' "${last[$key]}" >>"$1"
    else
      describe_table "$at" "$1"
    fi
  done
}

# describe_table <number> <file>
describe_table() {
  local at=$1 key=${T_KEY[$1]/ /$'\t'} chunk value column count index=''
  local -a values
  columns_of "$at" || refuse "${T_NAME[at]}: $COMPLAINT"
  [ "${T_ENGINE[at]}" = BRIGHTHOUSE ] || index=' USE INDEX ()'
  ask "SELECT 'ok',COUNT(*) FROM ${T_SQL[at]};" || refuse "${T_NAME[at]}: $COMPLAINT"
  COUNTED=${ANSWER#ok$'\t'}
  printf 'table\t%s\t%s\t%s\n' "$key" "${T_ENGINE[at]}" "$COUNTED" >>"$2"
  sums_of 20
  for chunk in "${!LISTS[@]}"; do
    ask "SELECT 'ok'${LISTS[chunk]} FROM ${T_SQL[at]}$index;" || refuse "${T_NAME[at]}: $COMPLAINT"
    IFS=$'\t' read -r -a values <<<"${ANSWER#ok$'\t'}"
    column=${LIST_FROM[chunk]}
    for value in "${values[@]}"; do
      printf 'column\t%s\t%s\t%s\n' "$key" "${C_HEX[column]}" "$value" >>"$2"
      column=$((column + 1))
    done
  done
  [ "${T_ENGINE[at]}" = BRIGHTHOUSE ] || return 0
  sample_rows "$at" all || refuse "$FIRST_FAULT$FIRST_ERROR"
  while read -r column value _; do
    [ -n "$column" ] || continue
    text_of "$column"
    quoted "$TEXT"
    text_of "$value"
    ask "SELECT 'ok',COUNT(*) FROM ${T_SQL[at]} WHERE $QUOTED='$TEXT';" || refuse "${T_NAME[at]}: $COMPLAINT"
    count=${ANSWER#ok$'\t'}
    printf 'value\t%s\t%s\t%s\t%s\n' "$key" "$column" "$value" "$count" >>"$2"
  done <<<"$SAMPLES"
}
