# Puts the first half of the test's script on the host, where the test reads it: SSM takes 64 KB of a document, and the
# whole test is more than that. documents/build adds the call. Without the parts that the other scripts share, for room.
# shellcheck shell=bash

set -u
umask 077
export LC_ALL=C
# Whose programs they are stands in the log alone: they are the same for each run of a release.
: "${SSM_runId=}" "${SSM_volumeId=}" "${SSM_mountPoint=}" "${SSM_stateDirectory=}"
# A doctor run puts nothing on the host.
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
  # Those who pass through may not look; the test's server runs as a user of its own below.
  chmod 711 "$SSM_stateDirectory" 2>/dev/null || tell 75 null "cannot write in $SSM_stateDirectory on this host"
  # Under a name of its own: a second delivery writes the same bytes at the same time.
  { cat >"$file.$$"; } 2>/dev/null || tell 75 null "cannot write $file on this host: is its disk full?"
  sha256sum -c --status <<<"$1  $file.$$" || tell 75 null "what was written to $file is not what the document holds"
  mv -f "$file.$$" "$file" || tell 75 null "cannot write $file on this host"
  # Those of earlier releases; a run that is at work has read its own already.
  find "$folder" -type f -mtime +0 -delete 2>/dev/null || true
  tell 0 true ''
}
