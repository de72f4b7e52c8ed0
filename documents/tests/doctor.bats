# The scripts in the mode of a doctor run: they look at the host, and change nothing of it.
bats_require_minimum_version 1.5.0
load helper
setup() {
  host
  export SSM_doctor=true SSM_runId=doctor-1 SSM_volumeId=vol-doctor
}

# look <document>: sets code and output; LACKS is what is not met, FOUND how many needs were looked at
look() {
  code=0
  output=$("$SCRIPTS/$1" 2>"$W/stderr" 3>&-) || code=$?
  read -r FOUND LACKS < <(tail -n 1 <<<"$output" | python3 -c '
import json, sys
looked = json.load(sys.stdin)["doctor"]
assert all(list(of) == ["need", "stands", "saw"] and of["saw"] for of in looked), looked
print(len(looked), *[of["need"] for of in looked if of["stands"] != "met"])')
}

# everything: names, sizes and times of what is on the host
everything() { find "$W" ! -name stderr ! -path "$W" -printf '%p %s %T@ %m\n' | sort; }

# lacks <needs> [words]: those and nothing else are missing, and the last look says so of the first in these words
lacks() {
  look release
  if [ "$code" != 0 ] || [ "$LACKS" != "$1" ]; then
    echo "exit code $code, missing: $LACKS, not $1: $output"
    return 1
  fi
  case $output in
    *"\"need\":\"${1%% *}\",\"stands\":\"not_met\",\"saw\":\""*"${2-}"*) ;;
    *) echo "not said: $2: $output"; return 1 ;;
  esac
}

@test "doctor: a host that has everything, and nothing on it has changed" {
  needs_server
  before=$(everything)
  for document in mount release; do
    look "$document"
    [ "$code" -eq 0 ]
    [ "$LACKS" = '' ]
  done
  [ "$FOUND" -eq 9 ]
  [ "$(everything)" = "$before" ]
  [ ! -e "$W/mnt" ]
}

@test "doctor: each document as SSM sends it only checks, even without the programs" {
  "$BATS_TEST_DIRNAME/../build" >/dev/null
  for document in mount test release programs; do
    python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["runCommand"][0], end="")' \
      "$BATS_TEST_DIRNAME/../$document.json" >"$W/sent-$document"
  done
  before=$(everything)
  for document in mount test release programs; do
    run bash "$W/sent-$document"
    [ "$status" -eq 0 ]
    [[ ${lines[-1]} == '{"doctor":['* ]]
  done
  [ "$(everything)" = "$before" ]
}

@test "doctor: each need that is taken from the host is named, and no other" {
  needs_server
  SSM_server=$W/none lacks database_server "no program $W/none"
  SSM_client=$W/none lacks database_client "no program $W/none"
  printf '#!/bin/sh\necho "cannot open libmysql.so" >&2\nexit 127\n' >"$W/bin/server"
  chmod +x "$W/bin/server"
  SSM_server=$W/bin/server lacks database_server 'does not start: cannot open libmysql.so'
  SSM_serverUser=nobody-of-here lacks server_user 'no user nobody-of-here'
  IB_SCRATCH_KB=999999999999 lacks disk_space 'needs 999999999999'
  IB_MEMORY_KB=999999999999 lacks memory 'needs 999999999999'
  : >"$W/file"
  SSM_stateDirectory=$W/file lacks state_directory 'cannot be written'
  mkdir "$W/full"
  : >"$W/full/data"
  SSM_mountPoint=$W/full lacks mount_point 'has files in it'
  SSM_mountPoint=$W/file lacks mount_point 'is not a folder'
  SSM_mountPoint=/proc lacks mount_point 'is mounted there'
  # Without Perl it is not known how much memory the control group has left.
  PERL5OPT=-Mnone_such_module lacks 'perl memory' 'Digest::SHA'
}

@test "doctor: a command that the host lacks" {
  mkdir "$W/tools"
  for tool in bash tr awk sed cat cut df ls tail timeout perl readlink printf id; do ln -s "$(command -v "$tool")" "$W/tools/$tool"; done
  sed 's|:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"|"|' "$SCRIPTS/release" >"$W/bin/release"
  output=$(PATH=$W/tools "$W/tools/bash" "$W/bin/release")
  [[ $output == *'"need":"host_commands","stands":"not_met","saw":"this host lacks blkid chown '* ]]
}

@test "doctor: the commands that it looks for are those that the scripts ask for" {
  looks_for=$(sed -n '/for tool in/,/; do/p' "$BATS_TEST_DIRNAME/../doctor.sh" | sed 's/.*for tool in//; s/; do//; s/\\$//' | tr -s ' ' '\n' | sed '/^$/d' | sort)
  asked_for=$(sed -nE 's/^  need ([a-z0-9 ]+)$/\1/p' "$BATS_TEST_DIRNAME"/../{mount,test,release}.sh | tr ' ' '\n' | sort -u)
  [ -n "$asked_for" ]
  missing=$(comm -13 <(echo "$looks_for") <(echo "$asked_for"))
  echo "$missing"
  [ -z "$missing" ]
}

@test "doctor: a run in progress is not touched" {
  unset SSM_doctor
  SSM_runId=run-1 SSM_volumeId=vol-0rehearsal1
  new_image xfs
  attach_image
  document mount
  expect 0
  before=$(everything)
  export SSM_doctor=true SSM_runId=doctor-1 SSM_volumeId=vol-doctor
  look release
  [ "$code" -eq 0 ]
  [[ $output == *'"need":"mount_point","stands":"met","saw":"'*'run run-1 has '* ]]
  [ "$(everything)" = "$before" ]
  grep -q " $W/mnt " /proc/self/mountinfo
  unset SSM_doctor
  SSM_runId=run-1 SSM_volumeId=vol-0rehearsal1
  document release
  expect 0
}
