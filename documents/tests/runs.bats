# A run's test that is called twice, beside another, is killed or stopped, or whose server is.
bats_require_minimum_version 1.5.0
load helper
setup() { host; }

@test "test: case 42: two at once do the work once and print the same" {
  folder_volume
  counting_server
  pausing_client CRC32
  document mount
  in_background test "$W/one"
  await
  in_background test "$W/two"
  go_on
  finished "${STARTED[0]}" "$W/one"
  expect 0
  finished "${STARTED[1]}" "$W/two"
  expect 0
  cmp "$W/one" "$W/two"
  [ "$(wc -l <"$W/volume/starts")" -eq 1 ]
}

@test "test: a bad result is printed again as it was, without a second test" {
  folder_volume
  counting_server
  rm "$DATA/shop/customers.ibd"
  mounted_test
  expect 1
  first=$output
  document test
  expect 1
  [ "$output" = "$first" ]
  [ "$(wc -l <"$W/volume/starts")" -eq 1 ]
}

@test "test: a second run on the same host is refused, and the first is named" {
  folder_volume
  pausing_client CRC32
  document mount
  in_background test "$W/one"
  await
  export SSM_runId=run-2
  document test
  expect 75 'another test is at work on this host: run run-1'
  export SSM_runId=run-1
  go_on
  finished "${STARTED[0]}" "$W/one"
  expect 0
}

@test "test: case 45: nothing but the script itself holds the agent's pipe" {
  infobright_volume
  pausing_client CRC32
  document mount
  mkfifo "$W/pipe"
  in_background test "$W/pipe"
  exec 5<>"$W/pipe"
  await
  for process in /proc/[0-9]*; do
    [ "${process#/proc/}" != "${STARTED[0]}" ] && [ "${process#/proc/}" != $$ ] && [ "${process#/proc/}" != "$BASHPID" ] || continue
    if find "$process/fd" -lname "$W/pipe" 2>/dev/null | grep -q .; then tr '\0' ' ' <"$process/cmdline"; return 1; fi
  done
  go_on
}

@test "test: killed in the middle it leaves no result, and the next call does the work" {
  folder_volume
  counting_server
  pausing_client CRC32
  document mount
  in_background test "$W/one"
  await
  left=$(server_pid)
  kill -KILL "${STARTED[0]}"
  is_running "$left"
  document test
  expect 0
  if is_running "$left"; then return 1; fi
  [ "$(wc -l <"$W/volume/starts")" -eq 2 ]
  grep -q '^WARN *leftover' <<<"$output"
}

@test "test: told to stop in the middle of a query it stops its server and says so" {
  folder_volume
  pausing_client CRC32
  document mount
  in_background test "$W/one"
  await
  server=$(server_pid)
  kill -TERM "${STARTED[0]}"
  finished "${STARTED[0]}" "$W/one"
  expect 75 SIGTERM
  if is_running "$server"; then return 1; fi
}

@test "test: a server that crashes on a table is a fault that names it, and the rest is tested" {
  folder_volume
  counting_server
  export IB_WORKERS=1
  before_statement 'FROM `shop`.`orders`' "$(kill_server SEGV)"
  mounted_test
  expect 1 shop.orders crashed
  [ "$tables" -eq 3 ]
  [ "$(wc -l <"$W/volume/starts")" -eq 2 ]
}

@test "test: a server that is killed from outside is no fault of the backup" {
  folder_volume
  before_statement 'FROM `shop`.`orders`' "$(kill_server KILL)"
  mounted_test
  expect 75 'shop.orders: read: the server was stopped from outside'
}

@test "test: a server that is told to shut down by somebody is no fault of the backup" {
  folder_volume
  before_statement 'FROM `shop`.`orders`' "$(kill_server TERM)"
  mounted_test
  expect 75 'shop.orders: read: the server was stopped from outside'
}

@test "test: an answer that was cut off does not pass for a short one" {
  folder_volume
  cat >"$W/bin/client" <<CLIENT
#!/bin/bash
sql=\$(cat)
if [[ \$sql == *information_schema.tables* ]]; then $SSM_client "\$@" <<<"\$sql" | head -n 3; else exec $SSM_client "\$@" <<<"\$sql"; fi
CLIENT
  chmod +x "$W/bin/client"
  export SSM_client=$W/bin/client
  mounted_test
  expect 75 'cut off'
}

@test "test: after its release a run is not tested again" {
  folder_volume
  document mount
  document release
  document test
  expect 75 released
}
