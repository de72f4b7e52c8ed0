# Checks of the files before a server may touch them: against the manifest, and the structure of Infobright's tables.
# shellcheck shell=bash

MANIFEST_NAME=ib-backup-manifest
MANIFEST=''
MANIFEST_TIME=''
MANIFEST_SERVER=''
declare -A MANIFEST_ROWS=() MANIFEST_PRINT=() MANIFEST_VALUES=() LATER=()
declare -A FILES_ROWS=() FILES_COLUMNS=() FILES_STORED=()

# findings <check> <file> <subject of a pass>: records the output of the Perl program. FINDINGS_END is its last line.
findings() {
  local kind subject seen expected rest
  FINDINGS_END=''
  while IFS=$'\t' read -r kind subject seen expected rest; do
    case $kind in
      fail | skip | error) record "$1" "$kind" "$subject" "$seen" "$expected" ;;
      unread)
        COMPLAINT=$seen
        judge_complaint "$1" "$subject"
        ;;
      warn)
        record "$1" warn "$subject" "$seen" "$expected"
        # A table whose files are odd is compared with the manifest all the same.
        [ "$1" != manifest ] || LATER[$subject]=1
        ;;
      table)
        { are_counts "$seen" "$expected" && [[ $rest =~ ^[0-9,]*$ ]]; } ||
          unchecked "the check of the files ($1) makes no sense: $subject $seen $expected $rest"
        subject=${subject%.bht}
        subject=${subject//@@@/}
        FILES_ROWS[$subject]=$seen
        FILES_COLUMNS[$subject]=$expected
        FILES_STORED[$subject]=$rest
        ;;
      end)
        FINDINGS_END="$subject $seen $expected $rest"
        [[ $FINDINGS_END =~ ^[0-9]+(\ [0-9]+)*\ *$ ]] || unchecked "the check of the files ($1) makes no sense: $FINDINGS_END"
        ;;
    esac
  done <"$2"
  [ -n "$FINDINGS_END" ] || unchecked "the check of the files ($1) did not come to its end"
}

# perl_says <file> <command...>: runs it in the background, so that a signal does not have to wait
perl_says() {
  local file=$1
  shift
  "$@" >"$file" 5>&- 7>&- 8>&- 9>&- &
  PERL_PID=$!
  wait "$PERL_PID" || true
  PERL_PID=''
}
PERL_PID=''

# stop_perl: runs on exit. In the background there is a shell with the program as its child.
stop_perl() {
  local pid=$PERL_PID stat rest
  [ -n "$pid" ] || return 0
  PERL_PID=''
  for stat in /proc/[0-9]*/stat; do
    { rest=$(<"$stat"); } 2>/dev/null || continue
    rest=${rest##*) }
    rest=${rest#* }
    [ "${rest%% *}" = "$pid" ] || continue
    stat=${stat#/proc/}
    kill -TERM "${stat%/stat}" 2>/dev/null || true
  done
  kill -TERM "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
}

# check_structure: every .bht folder, current files only
check_structure() {
  local before=${#FAULT_LINES[@]} tables columns packs read
  progress_now "walking Infobright's tables in $DATA"
  perl_says "$RUN_DIRECTORY/structure.out" structure "$DATA" "$((BUDGET / 6))"
  findings structure "$RUN_DIRECTORY/structure.out"
  read -r tables columns packs read <<<"$FINDINGS_END"
  [ "$tables" -gt 0 ] || return 0
  [ "${#FAULT_LINES[@]}" -gt "$before" ] ||
    record structure pass "$tables tables" "$columns columns, $packs packs, $read of them with their own header"
}

# check_manifest: compares the files with production's manifest, and reads what it has about the tables
check_manifest() {
  local before=${#FAULT_LINES[@]} files bytes hashed hashed_bytes
  MANIFEST=$DATA/$MANIFEST_NAME
  if [ ! -s "$MANIFEST" ]; then
    MANIFEST='' HAD_MANIFEST=false
    record manifest skip "$SSM_dataDirectory" "has no $MANIFEST_NAME: there is no reference from production for files and contents"
    return
  fi
  progress_now "comparing the files with $MANIFEST"
  IB_AHEAD=${AHEAD:+$RUN_DIRECTORY} perl_says "$RUN_DIRECTORY/files.out" files compare "$DATA" "$MANIFEST" "$((BUDGET / 3))"
  rm -f "$RUN_DIRECTORY"/ahead.order "$RUN_DIRECTORY"/ahead.at
  # An incomplete manifest is no reference, but it is also a damaged file on this volume.
  if grep -q "^error" "$RUN_DIRECTORY/files.out"; then
    record manifest error "$MANIFEST_NAME" 'is cut short or damaged' 'a whole manifest'
    MANIFEST='' HAD_MANIFEST=false
    return
  fi
  HAD_MANIFEST=true
  read_manifest || return 0
  # First, because the pause may explain what follows.
  pause_of_production
  findings manifest "$RUN_DIRECTORY/files.out"
  read -r files bytes hashed hashed_bytes <<<"$FINDINGS_END"
  [ "${#FAULT_LINES[@]}" -gt "$before" ] ||
    record manifest pass "$files files" "as in the manifest; $hashed were read, $hashed_bytes of $bytes bytes"
}

# read_manifest: reads its lines about tables. A table's name is "<hex schema> <hex name>". The checksum is no proof, because
# whoever can write to production's volume can make a manifest. So each line must have a form that this script writes.
read_manifest() {
  local line kind one two three four five
  while IFS= read -r line; do
    is_of_manifest "$line" || {
      record manifest error "$MANIFEST_NAME" "holds a line that this script does not write: ${line:0:80}" 'a manifest of this script'
      HAD_MANIFEST=false MANIFEST='' MANIFEST_TIME='' MANIFEST_SERVER='' MANIFEST_ROWS=() MANIFEST_PRINT=() MANIFEST_VALUES=()
      return 1
    }
    IFS=$'\t' read -r kind one two three four five <<<"$line" # number: each by is_of_manifest
    case $kind in
      ib-backup-manifest) MANIFEST_FORMAT=$one MANIFEST_TIME=$two MANIFEST_SERVER=$three ;;
      innodb) MANIFEST_LSN=$one ;;
      table) MANIFEST_ROWS["$one $two"]=$four ;;
      column) MANIFEST_PRINT["$one $two $three"]=$four ;;
      value) MANIFEST_VALUES["$one $two"]="${MANIFEST_VALUES["$one $two"]-}$three $four $five"$'\n' ;;
    esac
  done < <(grep -av $'^file\t' "$MANIFEST")
  [ -n "$MANIFEST_TIME" ]
}

# is_of_manifest <line>: whether it has such a form. files.pl reads the lines about files.
is_of_manifest() {
  # A distribution's version may have more than a number: 11.8.9-MariaDB-0+deb13u1 from Debian.
  local tab=$'\t' text='[ -~]{1,100}' hex='([0-9A-Fa-f]{2})+' count='(0|[1-9][0-9]{0,17})'
  case $1 in
    ib-backup-manifest*) [[ $1 =~ ^[a-z-]+${tab}[12]${tab}[1-9][0-9]{8,10}${tab}$text${tab}[0-9TZ:-]{1,30}$ ]] ;;
    table*) [[ $1 =~ ^table${tab}$hex${tab}$hex${tab}[A-Za-z0-9_-]+${tab}$count$ ]] ;;
    column*) [[ $1 =~ ^column${tab}$hex${tab}$hex${tab}$hex${tab}[A-Za-z0-9.:+-]{1,100}$ ]] ;;
    value*) [[ $1 =~ ^value${tab}$hex${tab}$hex${tab}$hex${tab}$hex${tab}$count$ ]] ;;
    innodb*) [[ $1 =~ ^innodb${tab}$count$ ]] ;;
    end*) [[ $1 =~ ^end${tab}[0-9a-f]{64}$ ]] ;;
    *) return 1 ;;
  esac
}

# pause_of_production: sets PAUSED, the time from the start of the manifest to the start of the snapshot. It is not known from
# a manifest of another night, or if a clock is wrong.
pause_of_production() {
  local seconds
  [ -n "$TAKEN" ] || return 0
  seconds=$((TAKEN - MANIFEST_TIME))
  if [ "$seconds" -lt 0 ]; then
    record manifest warn "$MANIFEST_NAME" "was begun $((-seconds)) seconds after the snapshot, by the clock of production's host" 'before it'
  elif [ "$seconds" -ge 43200 ]; then
    # It is compared all the same, but what the metric counts is one of the same night.
    HAD_MANIFEST=false
    record manifest warn "$MANIFEST_NAME" "was begun $((seconds / 3600)) hours before the snapshot" 'one of the same night'
  else
    PAUSED=$seconds
  fi
}

# version_of <text>: sets VERSION to number and family. The rest of the text names the build and the logs (-log, -debug, a
# distribution's name), which do not change the server's answers.
version_of() {
  VERSION=${1%%-*}
  case $1 in *MariaDB*) VERSION=$VERSION-MariaDB ;; esac
}

# check_versions: a fingerprint is made of a server's answers, and another version may answer in another form
check_versions() {
  local here
  [ -n "$MANIFEST" ] || return 0
  ask 'SELECT VERSION();' || ANSWER=''
  version_of "$ANSWER"
  here=$VERSION
  version_of "$MANIFEST_SERVER"
  [ "$here" != "$VERSION" ] || return 0
  record fingerprint warn server "is version $ANSWER: fingerprints are not compared" "$MANIFEST_SERVER, as production"
  MANIFEST_PRINT=()
}
