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
  export IB_HANGS='^SELECT .id. FROM .shop...customers. LIMIT' IB_HANDLER=$'mysqld got signal 11 ;\n' IB_CRASH_WAIT=1
  mounted_test
  expect 1 'shop.customers: look-up: the server crashed while reading (status 6): mysqld got signal 11'
}
