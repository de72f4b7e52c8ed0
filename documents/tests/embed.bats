#!/usr/bin/env bats
# documents/embed, on a template and scripts of this test's own.

setup() {
  ROOT=$BATS_TEST_TMPDIR
  mkdir "$ROOT/documents"
  echo 'mount: lib.sh mount.sh' >"$ROOT/documents/parts"
  printf 'set -eu\n' >"$ROOT/documents/lib.sh"
  printf '#!/bin/sh\necho hello\n' >"$ROOT/documents/mount.sh"
  cat >"$ROOT/template.yaml" <<'END'
Resources:
  MountCommand:
    Properties:
      Content:
        parameters:
          runId:
            type: String
            interpolationType: ENV_VAR
          executionTimeout:
            type: String
        mainSteps:
          - inputs:
              runCommand:
                # begin mount: written by documents/embed
                # end mount
Outputs: {}
END
}

embed() {
  "$BATS_TEST_DIRNAME/../embed" --root "$ROOT" "$@"
}

# What stands between the markers, without the template's own indentation.
embedded() {
  sed -n '/^ *# begin mount/,/^ \{16\}# end mount/p' "$ROOT/template.yaml" | sed '1,2d;$d;s/^ \{18\}//'
}

@test "a line for each variable, then the files in their order" {
  embed
  diff <(embedded) - <<'END'
#!/bin/bash
# Agents older than 3.3.2746.0 set no variables; they paste the values in here.
if [ -z "${SSM_runId+x}" ]; then export SSM_runId='{{ runId }}'; fi
set -eu
echo hello
END
  [ "$(tail -n 1 "$ROOT/template.yaml")" = 'Outputs: {}' ]
}

@test "the line for a variable takes the value that an old agent pastes, and only then" {
  embed
  echo 'echo "$SSM_runId"' >"$ROOT/documents/mount.sh"
  embed
  embedded | sed "s/{{ runId }}/pasted/" >"$ROOT/script"
  [ "$(env -u SSM_runId bash "$ROOT/script")" = pasted ]
  [ "$(SSM_runId=set bash "$ROOT/script")" = set ]
  [ "$(SSM_runId='' bash "$ROOT/script")" = '' ]
}

@test "writing twice changes nothing, and --check agrees" {
  run embed --check
  [ "$status" -eq 1 ]
  embed
  cp "$ROOT/template.yaml" "$ROOT/once"
  embed
  cmp "$ROOT/once" "$ROOT/template.yaml"
  run embed --check
  [ "$status" -eq 0 ]
  [ -z "$output" ]
}

@test "--check shows a script that changed, and writes nothing" {
  embed
  cp "$ROOT/template.yaml" "$ROOT/before"
  echo 'echo more' >>"$ROOT/documents/mount.sh"
  run embed --check
  [ "$status" -eq 1 ]
  [[ $output == *'+                  echo more'* ]]
  cmp "$ROOT/before" "$ROOT/template.yaml"
}

@test "--check shows an edit in the template" {
  embed
  sed -i 's/echo hello/echo tampered/' "$ROOT/template.yaml"
  run embed --check
  [ "$status" -eq 1 ]
  [[ $output == *'-                  echo tampered'* ]]
}

@test "a script's own shape survives: blank lines, tabs, quotes, dollars, marker-like lines" {
  printf '%s\n' 'a' '' '   ' $'\tb  ' "'\"\${x}\$(y)\\" '# end mount' '                # end mount' \
    '# begin mount' 'k: v' '- |' '%TAG' '---' >"$ROOT/documents/mount.sh"
  embed
  embed
  embedded | tail -n 12 | diff - "$ROOT/documents/mount.sh"
  run embed --check
  [ "$status" -eq 0 ]
}

@test "refused: what SSM or YAML would read as more than text" {
  for bad in 'echo {{ runId }}' $'caf\xc3\xa9' $'a\r' $'a\x01b' $'\xff'; do
    printf 'ok\n%s\n' "$bad" >"$ROOT/documents/mount.sh"
    cp "$ROOT/template.yaml" "$ROOT/before"
    run embed
    [ "$status" -eq 1 ]
    [[ $output == *mount.sh* ]]
    cmp "$ROOT/before" "$ROOT/template.yaml"
  done
}

# large <bytes>: a script that hardly compresses
large() {
  python3 -c 'import random, sys
random.seed(1)
print(": " + "".join(random.choices("abcdefghijklmnop", k=int(sys.argv[1]))))
print("""echo "ran with $# arguments, $SSM_runId" """)' "$1" >"$ROOT/documents/mount.sh"
}

@test "a document that is too large for SSM as it is unpacks itself, and runs alike" {
  large 70000
  embed
  if grep -q 'ran with' "$ROOT/template.yaml"; then return 1; fi
  embedded | grep -q 'embed --print mount'
  embedded | sed 's/{{ runId }}/pasted/' >"$ROOT/script"
  [ "$(env -u SSM_runId bash "$ROOT/script" one two)" = 'ran with 2 arguments, pasted' ]
  run embed --check
  [ "$status" -eq 0 ]
  diff <(embed --print mount) <(printf '#!/bin/bash\n'; cat "$ROOT"/documents/{lib,mount}.sh)
}

@test "packed bytes of another release of the library do, if they hold the script" {
  large 70000
  embed
  python3 - "$ROOT/template.yaml" <<'PYTHON'
import base64, gzip, re, sys, textwrap
text = open(sys.argv[1]).read()
old = re.search(r"gzip -dc\n(.*?)\n +PACKED", text, re.S).group(1)
content = gzip.decompress(base64.b64decode(old))
new = textwrap.wrap(base64.b64encode(gzip.compress(content, 1, mtime=0)).decode(), 116)
open(sys.argv[1], "w").write(text.replace(old, "\n".join(" " * 18 + line for line in new)))
PYTHON
  run embed --check
  [ "$status" -eq 0 ]
  echo 'echo more' >>"$ROOT/documents/mount.sh"
  run embed --check
  [ "$status" -eq 1 ]
}

@test "a host that cannot unpack it could not check, and says why" {
  large 70000
  embed
  embedded | sed 's/| gzip/| no-such-gzip/' >"$ROOT/script"
  run bash "$ROOT/script"
  [ "$status" -eq 75 ]
  [[ ${lines[-1]} == '{"valid":null,'*'lacks base64 or gzip"}' ]]
}

@test "a Perl program is a function of the name of its file" {
  echo 'mount: lib.sh words.pl mount.sh' >"$ROOT/documents/parts"
  printf '#!/usr/bin/perl\nprint "$_\\n" for @ARGV;\n' >"$ROOT/documents/words.pl"
  echo "words one 'two three'" >"$ROOT/documents/mount.sh"
  embed
  embedded | sed 's/{{ runId }}/pasted/' >"$ROOT/script"
  [ "$(bash "$ROOT/script")" = $'one\ntwo three' ]
}

@test "refused: a document that is too large for SSM, however it is packed" {
  large 100000
  run embed
  [ "$status" -eq 1 ]
  [[ $output == *'document mount'*'bytes of 61440'* ]]
}

@test "refused: a file that is not there, a document that the template lacks" {
  rm "$ROOT/documents/mount.sh"
  run embed
  [ "$status" -eq 1 ]
  [[ $output == *'mount.sh: No such file'* ]]
  echo 'other: lib.sh' >"$ROOT/documents/parts"
  run embed
  [ "$status" -eq 1 ]
  [[ $output == *"# begin other"* ]]
}
