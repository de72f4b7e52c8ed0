# lint-outside finds what it says it finds, and the scripts have none of it; broken-checks names tests that are there.
bats_require_minimum_version 1.5.0

# script <line>...: a function of these lines in a file, and whatever stands in `others`
script() {
  { echo 'f() {'; printf '  %s\n' "$@"; echo '}'; } >"$BATS_TEST_TMPDIR/script.sh"
  run "$BATS_TEST_DIRNAME/lint-outside" "$BATS_TEST_TMPDIR"/*.sh
}

# planted <words> <line>...: found in a function of these lines, once
planted() {
  local words=$1
  shift
  script "$@"
  [ "$status" -eq 1 ] || { echo "not found: $*"; return 1; }
  [[ $output == *"script.sh:"*": "*"$words"* ]] || { echo "$output"; return 1; }
  [ "${#lines[@]}" -eq 1 ] || { echo "$output"; return 1; }
}

# clean <line>...
clean() {
  script "$@"
  [ "$status" -eq 0 ] || { echo "$output"; return 1; }
}

@test "lint: each construct that evaluates whatever it is given" {
  planted 'eval' 'eval "$1"'
  planted 'eval' 'true && eval "$x"'
  planted 'an indirect expansion' 'echo "${!name}"'
  planted 'an expansion that evaluates' 'echo "${name@P}"'
  planted 'test -v' '[[ -v $1 ]]'
  planted 'test -v' 'if test -v "$1"; then echo; fi'
  planted 'test -v' '[[ ! -v a[$x] ]]'
  planted 'let' 'let x=1+$y'
  planted '$[ ]' 'echo $[1 + 1]'
  planted 'an integer variable' 'declare -i x'
  planted 'an integer variable' 'local -ri x=$1'
  planted 'a name that is no constant' 'local "$1"'
  planted 'a name that is no constant' 'declare -g "$1=2"'
  planted 'a name that is no constant' 'unset "$1"'
  planted 'a name that is no constant' 'local -n x=$1'
  planted 'a name that is no constant' 'read -r "$1" <file'
  planted 'a name that is no constant' 'while IFS= read -r "$1"; do echo; done'
  planted 'a name that is no constant' 'mapfile -t "$1" <file'
  planted 'printf -v' 'printf -v "$1" %s x'
  planted 'printf -v' 'printf -v a[$1] %s x'
  planted 'a format' 'printf "$1"'
  planted 'a format' 'printf "a $1 %s" x'
  planted 'a pattern' '[[ $1 == $2 ]]'
  planted 'a pattern' '[[ $1 != a$x ]]'
  planted 'a program' 'sed "s/x/$1/" file'
  planted 'a program' 'awk "{ print $1 }"'
  planted 'a program' 'perl -we "print $1"'
  planted 'a program' 'bash -c "$1"'
  planted 'a script' '. "$1"'
  planted 'a trap' 'trap "rm $1" EXIT'
}

# Each is what bash runs a command from.
EXPRESSIONS=('echo $((age / 3600))' 'echo $((${age:-0} / 3600))' 'echo $((10#$age))' '((age > 1))' '[[ $age -gt 5 ]]'
  '[[ -z $y && 5 -le $age ]]' 'echo "${list[age]}"' 'list[$age]=1' 'echo "${x:age:1}"' 'echo "${x:0:$age}"')

@test "lint: text from outside in each kind of expression" {
  local from expression
  for from in 'read -r age _ <file' 'while IFS=, read -r x age; do echo; done <file' 'age=$(sed -n 1p file)' 'age=${ANSWER#ok}' \
    'read -r line <file; age=${line%%,*}' 'read -r line <file; for age in $line; do echo; done' 'age=`cat file`'; do
    for expression in "${EXPRESSIONS[@]}"; do planted 'age, which' "$from" "$expression"; done
  done
  cd "$BATS_TEST_TMPDIR"
  for expression in "${EXPRESSIONS[@]}"; do
    bash -c "y='' x=abc age='0+a[\$(echo >ran)]'; $expression" >/dev/null || true
    [ -e ran ] || { echo "$expression"; return 1; }
    rm ran
  done
}

@test "lint: text from outside that comes by a global variable, or as an argument" {
  printf '%s\n' 'g() {' '  read -r AGE <file' '}' >"$BATS_TEST_TMPDIR/other.sh"
  planted 'AGE, which' 'echo $((AGE + 1))'
  clean 'local AGE=1' 'echo $((AGE + 1))'
  printf '%s\n' 'g() {' '  local age' '  read -r age <file' '  f x "$age"' '}' >"$BATS_TEST_TMPDIR/other.sh"
  clean 'echo $(($1 + 1))'
  script 'echo $(($2 + 1))'
  [ "$status" -eq 1 ]
  [[ $output == *'other.sh:4: "$age", which'*'for an expression of f (script.sh:2)' ]]
  script 'local years=$2' 'echo "${list[years]}"'
  [ "$status" -eq 1 ]
}

@test "lint: matched text is accepted, unless it was matched too late" {
  clean 'read -r age <file' 'is_count "$age" || return' 'echo $((age / 3600))'
  clean 'read -r age two <file' 'are_counts "$two" "$age" || return' 'echo $((age / 3600))'
  clean 'read -r age <file' '[[ $age =~ ^[0-9]+$ ]] || return' 'echo $((age / 3600))'
  clean 'read -r age <file' 'echo $((age / 3600)) # number: written by ourselves'
  clean 'read -r age <file # number: written by ourselves' 'echo $((age / 3600))'
  clean 'local -A count=()' 'read -r age <file' 'count[$age]=$((${count[$age]-0} + 1))'
  clean 'echo "${!array[@]}" $((count + 1))' '[ "$1" -gt 5 ]' 'age=$(date +%s)' 'echo $((age + 1))'
  clean "printf '%s\\n' \"\$1\"" '[[ $1 == "$2" ]]' 'printf "%s" "$1"' '# eval "$1"'
  planted 'age, which' 'read -r age <file' 'echo $((age / 3600))' 'is_count "$age" || return'
  planted 'age, which' 'read -r age <file' 'echo $((age / 3600)) # number:'
}

@test "lint: the scripts of the documents have no such construct" {
  "$BATS_TEST_DIRNAME/lint-outside" "$BATS_TEST_DIRNAME"/../*.sh
}

@test "lint: a variable that parts share is set where documents/README.md says so" {
  "$BATS_TEST_DIRNAME/globals" --check
  # A part that sets another's is seen.
  cp -r "$BATS_TEST_DIRNAME/.." "$BATS_TEST_TMPDIR/documents"
  printf 'careless() {\n  INSIDE=1\n}\n' >>"$BATS_TEST_TMPDIR/documents/test-rows.sh"
  run "$BATS_TEST_TMPDIR/documents/tests/globals" --check
  [ "$status" -eq 1 ]
  [[ $output == *'README.md says something else'* ]]
}

@test "lint: each test that broken-checks wants red is there" {
  python3 - "$BATS_TEST_DIRNAME" <<'PYTHON'
import importlib.machinery, importlib.util, pathlib, re, sys
tests = pathlib.Path(sys.argv[1])
loader = importlib.machinery.SourceFileLoader("broken_checks", str(tests / "broken-checks"))
breaks = importlib.util.module_from_spec(importlib.util.spec_from_loader("broken_checks", loader))
loader.exec_module(breaks)
wanted = [command[1:] for _, _, command in breaks.BREAKS if command[0] == "./run"]
assert wanted, "broken-checks names no test of bats"
titles = {file: re.findall(r'^@test "(.*)" \{', (tests / file).read_text(), re.MULTILINE) for file, _, _ in wanted}
absent = [f"{file}: {words}" for file, _, words in wanted if not any(re.search(words, title) for title in titles[file])]
assert not absent, absent
PYTHON
}
