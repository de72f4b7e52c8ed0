#!/usr/bin/env bats
# documents/build, on scripts of this test's own.

setup() {
  FOLDER=$BATS_TEST_TMPDIR
  echo 'mount: lib.sh mount.sh' >"$FOLDER/parts"
  printf 'set -eu\n' >"$FOLDER/lib.sh"
  printf '#!/bin/sh\nparameter runId x\n' >"$FOLDER/mount.sh"
}

build() {
  "$BATS_TEST_DIRNAME/../build" --folder "$FOLDER" "$@"
}

# What the document runs.
built() {
  python3 -c 'import json, sys; (script,) = json.load(open(sys.argv[1]))["runCommand"]; print(script, end="")' \
    "$FOLDER/mount.json"
}

@test "a line for each variable, then the files in their order" {
  echo 'echo "$SSM_device"' >>"$FOLDER/mount.sh"
  build
  sum=$(build --print mount | sha256sum)
  diff <(built | sed "s/=${sum:0:16}\$/=the sum of what --print prints/") - <<'END'
#!/bin/bash
# Agents older than 3.3.2746.0 set no variables; they paste the values in here.
if [ -z "${SSM_runId+x}" ]; then export SSM_runId='{{ runId }}'; fi
if [ -z "${SSM_device+x}" ]; then export SSM_device='{{ device }}'; fi
ib_version=the sum of what --print prints
set -eu
parameter runId x
echo "$SSM_device"
END
}

@test "the line for a variable sets it to the value that an old agent inserts, and only if it is not set" {
  echo 'echo "$SSM_runId"' >"$FOLDER/mount.sh"
  build
  built | sed "s/{{ runId }}/pasted/" >"$FOLDER/script"
  [ "$(env -u SSM_runId bash "$FOLDER/script")" = pasted ]
  [ "$(SSM_runId=set bash "$FOLDER/script")" = set ]
  [ "$(SSM_runId='' bash "$FOLDER/script")" = '' ]
}

@test "building twice gives the same bytes" {
  large 70000
  build
  cp "$FOLDER/mount.json" "$FOLDER/once"
  build
  cmp "$FOLDER/once" "$FOLDER/mount.json"
}

@test "a script that fits keeps its shape: comments, blank lines, tabs, quotes, dollars" {
  printf '%s\n' 'a' '' '   ' $'\tb  ' "'\"\${x}\$(y)\\" '# a comment' 'k: v' '- |' '---' >"$FOLDER/mount.sh"
  build
  built | tail -n 9 | diff - "$FOLDER/mount.sh"
}

@test "refused: what SSM or YAML would read as more than text" {
  for bad in 'echo {{ runId }}' $'caf\xc3\xa9' $'a\r' $'a\x01b' $'\xff'; do
    printf 'ok\n%s\n' "$bad" >"$FOLDER/mount.sh"
    run build
    [ "$status" -eq 1 ]
    [[ $output == *mount.sh* ]]
    [ ! -e "$FOLDER/mount.json" ]
  done
}

# large <bytes>: a script that hardly compresses
large() {
  python3 -c 'import random, sys
random.seed(1)
print("# a comment\nif true; then\n  : " + "".join(random.choices("abcdefghijklmnop", k=int(sys.argv[1]))) + "\nfi")
print("""echo "ran with $# arguments, $SSM_runId" """)' "$1" >"$FOLDER/mount.sh"
}

# what the packed script unpacks
unpacked() {
  built | sed -n "/<<'PACKED'/,/^PACKED/p" | sed '1d;$d' | letters | gzip -dc | spelt_out
}

# spelt_out: a byte beyond ASCII is one of the words of the first line
spelt_out() {
  python3 -c 'import re, sys
words, _, text = sys.stdin.buffer.read().partition(b"\n")
words = words.split(b" ")
sys.stdout.buffer.write(re.sub(rb"[\x80-\xff]", lambda found: words[found[0][0] - 128], text))'
}

# letters: two of them for 13 bits
letters() {
  python3 -c 'import sys
letters = [chr(code) for code in range(33, 127) if code not in (34, 92, 123)]
text = sys.stdin.read().replace("\n", "")
numbers = (letters.index(text[at]) * 91 + letters.index(text[at + 1]) for at in range(0, len(text), 2))
bits = "".join(f"{number:013b}" for number in numbers)
sys.stdout.buffer.write(bytes(int(bits[at : at + 8].ljust(8, "0"), 2) for at in range(0, len(bits), 8)))'
}

@test "a document that is too large for SSM unpacks itself, and runs the same" {
  large 70000
  build
  if built | grep -q 'ran with'; then return 1; fi
  built | grep -q 'build --print mount'
  built | sed 's/{{ runId }}/pasted/' >"$FOLDER/script"
  [ "$(env -u SSM_runId bash "$FOLDER/script" one two)" = 'ran with 2 arguments, pasted' ]
  diff <(build --print mount) <(printf '#!/bin/bash\n'; cat "$FOLDER"/{lib,mount}.sh)
}

@test "the packed script has no comments and indentation, and parses the same" {
  large 70000
  build
  unpacked >"$FOLDER/packed"
  run grep -c -e '^ *#' -e '^ ' "$FOLDER/packed"
  [ "$output" = 0 ]
  diff <(cat "$FOLDER"/{lib,mount}.sh | shfmt -ln bash -mn) "$FOLDER/packed"
  diff <(cat "$FOLDER"/{lib,mount}.sh | bash_words) <(bash_words <"$FOLDER/packed")
}

# the script as bash itself understood it
bash_words() {
  bash -c "whole() { $(cat)
}; declare -f whole"
}

@test "a host that cannot unpack it is undetermined, and says why" {
  large 70000
  build
  built | sed 's/| gzip/| no-such-gzip/' >"$FOLDER/script"
  run bash "$FOLDER/script"
  [ "$status" -eq 75 ]
  [[ ${lines[-1]} == '{"valid":null,'*'lacks perl or gzip"}' ]]
}

@test "a Perl program is a function with the name of its file, packed or not" {
  echo 'mount: lib.sh words.pl mount.sh' >"$FOLDER/parts"
  printf '#!/usr/bin/perl\nfor (@ARGV) {\n  # one a line\n  print "$_\\n";\n}\n' >"$FOLDER/words.pl"
  echo "words one 'two three'" >"$FOLDER/mount.sh"
  build
  [ "$(built | bash)" = $'one\ntwo three' ]
  large 70000
  echo "words one 'two three'" >>"$FOLDER/mount.sh"
  build
  unpacked >"$FOLDER/packed"
  run grep -c 'one a line' "$FOLDER/packed"
  [ "$output" = 0 ]
  [ "$(SSM_runId=x bash "$FOLDER/packed" | tail -n 2)" = $'one\ntwo three' ]
}

# a program as perl understood it; blanks at the beginning of a line are left of a regular expression with /x
deparsed() { PERL_HASH_SEED=0 perl -MO=Deparse "$1" 2>/dev/null | sed 's/^ *//'; }

@test "stripping the project's Perl programs does not change how perl parses them" {
  local program
  for program in "$BATS_TEST_DIRNAME"/../*.pl; do
    python3 - "$BATS_TEST_DIRNAME/../build" "$program" >"$FOLDER/stripped.pl" <<'PYTHON'
import importlib.machinery, importlib.util, pathlib, sys
loader = importlib.machinery.SourceFileLoader("build", sys.argv[1])
module = importlib.util.module_from_spec(importlib.util.spec_from_loader("build", loader))
sys.dont_write_bytecode = True
loader.exec_module(module)
path = pathlib.Path(sys.argv[2])
print("\n".join(module.stripped_perl(path, module.script(path))))
PYTHON
    diff <(deparsed "$program") <(deparsed "$FOLDER/stripped.pl")
  done
}

@test "refused: Perl with lines that stripping would change" {
  echo 'mount: lib.sh words.pl mount.sh' >"$FOLDER/parts"
  large 70000
  for bad in 'print <<"END";' '=pod' '__END__'; do
    printf 'print 1;\n%s\n' "$bad" >"$FOLDER/words.pl"
    run build
    [ "$status" -eq 1 ]
    [[ $output == *'words.pl:2:'* ]]
  done
}

@test "refused: a document that is too large for SSM, however it is packed" {
  large 100000
  run build
  [ "$status" -eq 1 ]
  [[ $output == *'document mount'*'bytes of 61440'* ]]
}

# half: the test's script is cut in two, and what the two documents run
half() {
  printf 'test: lib.sh first.sh | second.sh\nprograms: programs.sh\n' >"$FOLDER/parts"
  cp "$BATS_TEST_DIRNAME/../programs.sh" "$FOLDER/programs.sh"
  echo 'first() { echo "first of $SSM_runId"; }' >"$FOLDER/first.sh"
  echo 'first' >"$FOLDER/second.sh"
  build
  for document in programs test; do
    python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["runCommand"][0], end="")' \
      "$FOLDER/$document.json" >"$FOLDER/$document"
  done
  export SSM_runId=run-1 SSM_volumeId=vol-1 SSM_mountPoint=/mnt SSM_stateDirectory=$FOLDER/state
}

@test "the document programs writes the files before the | to the host, and the test reads them there" {
  half
  run grep -c 'first of' "$FOLDER/test"
  [ "$output" = 0 ]
  run bash "$FOLDER/programs"
  [ "$status" -eq 0 ]
  [[ $output == '{"valid":true,'* ]]
  [ "$(bash "$FOLDER/test")" = 'first of run-1' ]
}

@test "without the programs, or with others, the test is undetermined and says why" {
  half
  run bash "$FOLDER/test"
  [ "$status" -eq 75 ]
  [[ $output == '{"valid":null,'*'not on this host'* ]]
  bash "$FOLDER/programs"
  echo 'first() { echo forged; }' >"$(echo "$FOLDER"/state/programs/*.sh)"
  run bash "$FOLDER/test"
  [ "$status" -eq 75 ]
  [[ $output == '{"valid":null,'*'not on this host'* ]]
}

@test "a host that cannot store the programs says why" {
  half
  : >"$FOLDER/state"
  run bash "$FOLDER/programs"
  [ "$status" -eq 75 ]
  [[ $output == '{"valid":null,'*'cannot make the folder'* ]]
}

@test "two documents that share a file each get only the functions that they call" {
  printf 'mount: lib.sh mount.sh\nrelease: lib.sh release.sh\n' >"$FOLDER/parts"
  printf '%s\n' 'set -u' '' '# outer: by way of inner' 'outer() {' '  inner' '}' '' 'inner() { echo inner; }' '' \
    '# other: of the release alone' 'other() (' '  echo other' ')' '' 'nobody() { echo nobody; }' >"$FOLDER/lib.sh"
  echo "trap outer EXIT" >"$FOLDER/mount.sh"
  echo other >"$FOLDER/release.sh"
  build
  diff <(build --print mount) - <<'END'
#!/bin/bash
# shellcheck disable=SC2034,SC2153
set -u

# outer: by way of inner
outer() {
  inner
}

inner() { echo inner; }


trap outer EXIT
END
  [ "$(built | bash)" = inner ]
  [ "$(build --print release | bash)" = other ]
}

@test "a variable that a script itself empties is no parameter of its document" {
  printf '%s\n' "SSM_server=''" 'local SSM_runId=$1' 'echo "$SSM_server $SSM_runId"' >"$FOLDER/mount.sh"
  build
  run built
  [[ $output == *'{{ runId }}'* ]]
  [[ $output != *'{{ server }}'* ]]
}

@test "refused: a file that is not there" {
  rm "$FOLDER/mount.sh"
  run build
  [ "$status" -eq 1 ]
  [[ $output == *'mount.sh: No such file'* ]]
}

@test "refused: a host without a program that packs, which is named with what installs it" {
  large 70000
  mkdir "$FOLDER/bin"
  for missing in shfmt zopfli; do
    run env PATH="$FOLDER/bin" "$(python3 -c 'import sys; print(sys.executable)')" "$BATS_TEST_DIRNAME/../build" --folder "$FOLDER"
    [ "$status" -eq 1 ]
    [[ $output == *"$missing is not installed; .ci/need $missing installs it"* ]]
    [ ! -e "$FOLDER/mount.json" ]
    ln -s "$(command -v "$missing")" "$FOLDER/bin/$missing"
  done
}
