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

@test "refused: a document that is too large for SSM" {
  head -c 62000 /dev/zero | tr '\0' a >"$ROOT/documents/mount.sh"
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
