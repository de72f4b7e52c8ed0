# No statement without an end, on Infobright's files with the stand-in for its server.
bats_require_minimum_version 1.5.0
load helper
setup() { host; }

@test "guard: a statement that never ends is ended with its server, and is no fault of the data" {
  infobright_volume
  export IB_HANGS='^SELECT .id. FROM .shop...events. LIMIT' IB_STATEMENT_WAIT=2
  mounted_test
  expect 75 'shop.events: look-up: no answer within 2 seconds'
  if grep '^FAIL' <<<"$output"; then return 1; fi
  # The other tables were read all the same.
  grep -q '^PASS *read: shop.customers' <<<"$output"
}

@test "guard: a server that hangs in its own crash handler has crashed" {
  infobright_volume
  export IB_HANGS='^SELECT .id. FROM .shop...customers. LIMIT' IB_HANDLER=$'261126 17:31:27 - mysqld got signal 11 ;\n' IB_CRASH_WAIT=1
  mounted_test
  expect 1 'shop.customers: look-up: the server crashed while reading (status 6): 261126 17:31:27 - mysqld got signal 11'
}

# A name can be any text, and the server writes names to its log.
@test "guard: a name that reads like a crash is no crash" {
  infobright_volume
  export IB_HANGS='^SELECT .id. FROM .shop...customers. LIMIT' IB_STATEMENT_WAIT=4 IB_CRASH_WAIT=1
  export IB_HANDLER=$'261126 17:31:27 [Warning] Table \'./shop/mysqld got signal 11 ;\' was not closed\n'
  mounted_test
  expect 75 'shop.customers: look-up: no answer within 4 seconds'
  if grep '^FAIL' <<<"$output"; then return 1; fi
}

@test "guard: the crash handlers' messages, and what only contains their words" {
  sed '/^main$/,$d' "$SCRIPTS/test" >"$W/functions"
  bash -c '
    . "$1"
    while IFS= read -r line; do
      if grep -Eq -e "$CRASH_LINE" <<<"$line"; then echo yes; else echo no; fi
      # crashed_at_work has it from the environment.
      CRASH=$CRASH_LINE awk "\$0 ~ ENVIRON[\"CRASH\"] { seen = 1 } END { print seen ? \"yes\" : \"no\" }" <<<"$line"
    done' forms "$W/functions" >"$W/is" <<'LINES'
261126 17:31:27 - mysqld got signal 6 ;
261126  7:31:27 - mysqld got signal 11 ;
261126 17:31:27 [ERROR] mysqld got signal 11 ;
261126 17:31:27 [ERROR] /usr/sbin/mariadbd got signal 11 ;
17:31:27 UTC - mysqld got signal 11 ;
mysqld got signal 11;
261126 17:31:27 [Warning] mysqld got signal 11 ;
261126 17:31:27 [ERROR] mysqld: Table './shop/x got signal 11 ;' is marked as crashed
261126 17:31:27 [ERROR] mysqld: cannot open a got signal 11 ;
261126 17:31:27 - the client got signal 11 ;
261126 17:31:27 - mysqld got signal 11 ; and went on
LINES
  diff "$W/is" <(printf 'yes\n%.0s' {1..12}; printf 'no\n%.0s' {1..10})
}
