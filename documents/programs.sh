# Writes the first half of the test's script to the host, where the test reads it: SSM accepts 64 KB for a document, and
# the whole test is larger. documents/build adds the call. To save room, this uses no part of the other scripts.
# shellcheck shell=bash

set -u
umask 077
export LC_ALL=C
# The run is only in the log: all runs of a release have the same programs.
: "${SSM_runId=}" "${SSM_volumeId=}" "${SSM_mountPoint=}" "${SSM_stateDirectory=}"
# A doctor run writes nothing to the host.
[ "${SSM_doctor-}" != true ] || { echo '{"doctor":[]}' && exit; }

# tell <exit code> <true or null> <reason>
tell() {
  printf '{"valid":%s,"checks":1,"tables":0,"rows":0,"seconds":0,"reason":"%s"}\n' "$2" "$3"
  exit "$1"
}

# install_programs <SHA-256>: standard input becomes the file of this checksum, whole or not at all
install_programs() {
  local folder=$SSM_stateDirectory/programs file tool
  local pattern='^/[A-Za-z0-9._/-]+$'
  [[ $SSM_stateDirectory =~ $pattern ]] || tell 75 null 'parameter stateDirectory is missing or no path'
  file=$folder/$1.sh
  for tool in perl gzip sha256sum find mkdir mv; do
    command -v "$tool" >/dev/null || tell 75 null "this host lacks the command $tool"
  done
  mkdir -p "$folder" 2>/dev/null || tell 75 null "cannot make the folder $folder on this host"
  # Others may enter but not list: the test's server runs below this folder as its own user.
  chmod 711 "$SSM_stateDirectory" 2>/dev/null || tell 75 null "cannot write in $SSM_stateDirectory on this host"
  # A unique name, because a duplicate may write the same bytes at the same time.
  { cat >"$file.$$"; } 2>/dev/null || tell 75 null "cannot write $file on this host: is its disk full?"
  sha256sum -c --status <<<"$1  $file.$$" || tell 75 null "what was written to $file is not what the document holds"
  mv -f "$file.$$" "$file" || tell 75 null "cannot write $file on this host"
  # Remove the programs of earlier releases; a run in progress has already read its own.
  find "$folder" -type f -mtime +0 -delete 2>/dev/null || true
  tell 0 true ''
}
