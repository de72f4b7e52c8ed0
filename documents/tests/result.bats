# How a result is put into words: the functions of result.sh on their own.
bats_require_minimum_version 1.5.0
load helper
setup() { host; }

# said <code> <reason>: the JSON line for it
said() {
  output=$(bash -c '. "$1/lib.sh"; . "$1/result.sh"; RESULT_CODE=$2 RESULT_REASON=$3; json_line' said "$BATS_TEST_DIRNAME/.." "$1" "$2")
  : >"$W/stderr"
  read_result
}

@test "result: quotes, backslashes and control characters" {
  said 1 $'a "quoted" \\ name\twith\nall\001of\177it'
  [ "$reason" = 'a "quoted" \ name with all of it' ]
  [ "$valid" = false ]
}

@test "result: the last line has the script's version, if the document sets it" {
  said 0 ''
  [[ $output != *'"script"'* ]]
  ib_version=0123456789abcdef said 0 ''
  export -n ib_version
  [[ $output == *',"script":"0123456789abcdef"}' ]]
}

@test "result: invalid UTF-8 is made harmless, valid UTF-8 stays" {
  said 75 $'é \xff\xfe ü \xc3 \xe2\x82 € \xed\xa0\x80 \xf4\x90\x80\x80 😀 \xc0\xaf'
  [ "$reason" = 'é ?? ü ? ?? € ??? ???? 😀 ??' ]
  [ "$valid" = null ]
}

@test "result: a long reason is cut, also in the middle of a character" {
  said 1 "$(printf 'é%.0s' {1..400})"
  [ "${#reason}" -le 300 ]
  said 1 "x$(printf 'é%.0s' {1..400})"
  [[ $reason == *'?' ]]
}

@test "result: a script that fails by itself is neither good nor bad" {
  for broken in 'false' 'echo "$no_such_variable"' 'no-such-command' 'exit 0' 'exit 1' 'kill -TERM $$; sleep 5'; do
    code=0
    output=$(bash -c '. "$1/lib.sh"; . "$1/result.sh"; begin broken; RUN_DIRECTORY=$2; eval "$3"' x "$BATS_TEST_DIRNAME/.." "$W" "$broken" \
      2>"$W/stderr") || code=$?
    read_result
    expect 75
  done
}

@test "result: a fault that was seen stays, whatever cannot be checked later" {
  code=0
  output=$(bash -c '. "$1/lib.sh"; . "$1/result.sh"; begin x; record read fail shop.t broken; unchecked "no more space"' x "$BATS_TEST_DIRNAME/.." \
    2>"$W/stderr") || code=$?
  read_result
  expect 1 shop.t
}

@test "documents: nothing in them that SSM would replace" {
  if grep -F '{''{' "$SCRIPTS/mount" "$SCRIPTS/test" "$SCRIPTS/release" "$SCRIPTS/manifest"; then return 1; fi
}

# Of SSM's 64 KB the test and the manifest leave a third free and the programs three tenths, with the 4 KB of the test's
# parameters and the 2 KB of the others'.
@test "documents: each fits into SSM's 64 KB, and those that are packed with room to spare" {
  local name size seen=0
  "$BATS_TEST_DIRNAME/../build" >"$W/sizes"
  while IFS=': ' read -r name size _; do
    seen=$((seen + 1))
    [ "$size" -gt 1000 ]
    case $name in
      */test.json) [ "$size" -le $((65536 * 2 / 3 - 4096)) ] || { echo "$name $size"; return 1; } ;;
      */programs.json) [ "$size" -le $((65536 * 7 / 10 - 2048)) ] || { echo "$name $size"; return 1; } ;;
      */manifest.json) [ "$size" -le $((65536 * 2 / 3 - 2048)) ] || { echo "$name $size"; return 1; } ;;
    esac
  done <"$W/sizes"
  [ "$seen" -eq 5 ]
}

@test "documents: shellcheck finds nothing" {
  command -v shellcheck >/dev/null || skip 'no shellcheck on this machine'
  # 2317: what a trap calls looks unreachable to it. 1091: the parts are in the document already.
  shellcheck -e SC2317,SC1091 "$SCRIPTS"/*
}

@test "documents: the files run by themselves too" {
  for document in mount test release; do
    code=0
    output=$(bash "$BATS_TEST_DIRNAME/../$document.sh" 2>"$W/stderr") || code=$?
    read_result
    case $document in
      mount) expect 75 'no device' ;;
      test) expect 75 'nothing is mounted' ;;
      release) expect 0 ;;
    esac
  done
}

# Bash 4.1 itself is in no distribution any more; this looks for what later ones brought, and for empty arrays, which
# are unset to it.
@test "documents: nothing that bash 4.1 lacks" {
  lacks() { ! grep -nE "$1" "$BATS_TEST_DIRNAME"/../*.sh; }
  lacks '(declare|local|typeset) +-[a-zA-Z]*[gnI]'
  lacks 'printf +.*%\(([^)]*)\)T'
  lacks '(\[\[|\[|test) +-v '
  lacks 'wait +-[nfp]'
  lacks '(mapfile|readarray) +-d'
  lacks '\$\{[^}]*@[A-Za-z]\}'
  lacks '\$\{[^}]*:[^}:]*:-[0-9]'
  lacks '[A-Za-z_]\[-[0-9]'
  lacks 'EPOCH(SECONDS|REALTIME)|SRANDOM|BASH_ARGV0|inherit_errexit|lastpipe|\$\{ '
  lacks "\\\\u[0-9a-fA-F]|\\\\U[0-9a-fA-F]"
  lacks '\{[a-z_]+\}[<>]&?-'
  # Never empty where they are expanded: each stands behind a look at their number, or has at least one element.
  never_empty='named|values|own|READERS|again|all|CLIENT_OPTIONS'
  ! grep -nE '"\$\{[A-Za-z_]+\[@\](:[^}]*)?\}"' "$BATS_TEST_DIRNAME"/../*.sh | grep -vE '\[@\]\+"' |
    grep -vE "\"\\$\{($never_empty)\[@\]"
}

@test "documents: the Perl programs compile without a warning, and use nothing later than 5.10" {
  for program in "$BATS_TEST_DIRNAME"/../*.pl; do
    perl -wc "$program" 2>&1 | grep -Fxq "$program syntax OK"
    # s///r and say-less strings came with 5.14, `package NAME {`, `...` and unicode_strings with 5.12.
    if grep -nE '(^|[^a-z/])s/[^/]*/[^/]*/[a-z]*r|use (v?5\.1[2-9]|feature)|keys \$|push \$|each \$|\bsay ' "$program"; then return 1; fi
  done
}
