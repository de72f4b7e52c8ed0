# What operators ask of tables, in parameters and files; and how old the newest rows are.
bats_require_minimum_version 1.5.0
load helper

setup() {
  host
  folder_volume
}

@test "lists: required tables from a file of the host, five hundred of them" {
  printf '# all of them\n\nshop.orders:8000\n  shop.customers  # no floor\r\nshop.visits:6000,\n' >"$W/required"
  for ((at = 0; at < 500; at++)); do echo "shop.lost_$at"; done >>"$W/required"
  export SSM_requiredTables=file:$W/required
  mounted_test
  expect 1 'shop.lost_0: inventory: is not in the backup (and 499 more)'
  document release
  sed -i '/lost_/d; s/:8000/:8001/' "$W/required"
  export SSM_runId=run-2
  mounted_test
  expect 1 'shop.orders: rows: 8000 rows'
  document release
  sed -i 's/:8001/:8000/' "$W/required"
  export SSM_runId=run-3
  mounted_test
  expect 0
  grep -q '^PASS *inventory: required tables: all are there' <<<"$output"
}

@test "lists: a list that cannot be read is no empty list" {
  export SSM_requiredTables=file:$W/required
  mounted_test
  expect 75 "parameter requiredTables names $W/required, which this host has not"
  document release
  echo '# nothing yet' >"$W/required"
  export SSM_runId=run-2
  mounted_test
  expect 75 'names no table'
  document release
  printf 'shop.orders\nshop.orders; DROP\n' >"$W/required"
  export SSM_runId=run-3
  mounted_test
  expect 75 "line 2 of $W/required (parameter requiredTables)"
}

@test "lists: a path with .., and other paths that are not one absolute path" {
  for value in "file:$W/../x" "file:/a,file:/b" 'file:a' 'file:/a b'; do
    export SSM_requiredTables=$value
    document test
    expect 75 'parameter requiredTables'
  done
}

@test "lists: columns with times from a file" {
  echo 'shop.visits.at:1' >"$W/fresh"
  export SSM_freshTables=file:$W/fresh SSM_snapshotTime=2024-01-01T00:00:00Z
  mounted_test
  expect 1 'shop.visits: freshness: at ends'
}

# last_good <rows>: what the last good run had of shop.stock, which has 2,000 now
last_good() {
  mkdir -p "$W/state"
  printf '%s\tshop.stock\n' "$1" >"$W/state/last-good"
}

@test "lists: a table with a tenth of its rows is a warning, and a fault where it is required" {
  last_good 20000
  mounted_test
  expect 0
  grep -q '^WARN *rows: shop.stock: 2000 rows, fewer than half' <<<"$output"
  document release
  last_good 20000
  export SSM_runId=run-2 SSM_requiredTables=shop.stock
  mounted_test
  expect 1 'shop.stock: rows: 2000 rows, a tenth of last time or less'
  document release
  last_good 19999
  export SSM_runId=run-3
  mounted_test
  expect 0
  document release
  last_good 20000
  # A number of its own decides alone.
  export SSM_runId=run-4 SSM_requiredTables=shop.stock:2000
  mounted_test
  expect 0
}

@test "case 91: one row with a date in 2099 hides how old the others are" {
  sql <<<"INSERT INTO shop.visits (id, at) VALUES (999999, '2099-01-01');"
  export SSM_freshTables=shop.visits.at:26 SSM_snapshotTime=2027-01-01T00:00:00Z
  mounted_test
  expect 0
  grep -q '^WARN *freshness: shop.visits: at ends 631152 hours after the snapshot, the newest before it is 35062 hours older' <<<"$output"
}

@test "case 91: times that are ahead by a time zone are not in the future" {
  export SSM_freshTables=shop.visits.at:26 SSM_snapshotTime=2023-01-01T00:00:00Z
  mounted_test
  expect 0
  grep -q '^PASS *freshness: shop.visits' <<<"$output"
}
