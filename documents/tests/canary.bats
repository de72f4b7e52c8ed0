# A canary night: a damage on purpose, which the test has to find.
bats_require_minimum_version 1.5.0
load helper
setup() { host; }

@test "test: a canary night damages the copy, and finds it" {
  folder_volume
  export SSM_canary=true
  mounted_test
  expect 1 shop.orders
  grep -q '^WARN *canary: shop/orders.ibd: 64 bytes at .* inverted, on purpose' <<<"$output"
}

@test "test: a canary in a table with an odd name is recognized" {
  folder_volume
  # So that no other file is large enough.
  sql <<'SQL'
CREATE DATABASE `café` CHARACTER SET utf8mb4;
CREATE TABLE `café`.`a b` ENGINE=InnoDB SELECT * FROM shop.orders;
DROP DATABASE shop;
SQL
  export SSM_canary=true
  mounted_test
  expect 1 '.a b: '
}

@test "test: on a canary night a fault of another table is not the canary's" {
  needs_server
  # Each is found by another check: reading, CHECK TABLE, the files, the start, the first look.
  for name in truncated definition system tablespace empty; do
    host "$BATS_TEST_TMPDIR/$name"
    folder_volume
    "$HOST_SCRIPTS/damage.sh" "$W/volume" "$name"
    export SSM_canary=true
    document mount
    document test
    case $name in
      truncated | definition | system) expect 1 'shop.orders: ' ;;
      *) expect 75 'the copy was bad before' ;;
    esac
    # What was bad before is said too.
    [ "$name" = empty ] || grep -q '^ERROR ' <<<"$output"
  done
}

@test "test: a canary that is missed in a copy with an older fault is not caught by that fault" {
  folder_volume
  "$HOST_SCRIPTS/damage.sh" "$W/volume" truncated
  # A canary that does nothing.
  mkdir "$W/scripts"
  cp "$SCRIPTS"/* "$W/scripts"
  sed -i 's/print $file ~$bytes/print $file $bytes/' "$W/scripts/test"
  export SCRIPTS=$W/scripts SSM_canary=true
  mounted_test
  expect 75 'the copy was bad before shop/orders.ibd was damaged on purpose: shop.visits: read:'
  document release
  # And in a good copy it is missed.
  export SSM_runId=run-2
  "$HOST_SCRIPTS/image.sh" "$PRODUCTION/data" "$W/good" directory >/dev/null
  rm -r "$W/volume"
  mv "$W/good" "$W/volume"
  mounted_test
  expect 0
}
