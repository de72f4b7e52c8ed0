# Infobright's data directories of the second set, where a check needs more of one than that it is healthy: that is in
# fixtures-table.
bats_require_minimum_version 1.5.0
load helper
setup() { host; }

# variant <name>: it is the run's volume
variant() {
  GOLDEN=$(python3 -c 'import sys; sys.path.insert(0, sys.argv[1]); import damage; print(damage.unpack(*sys.argv[2:]))' \
    "$BATS_TEST_DIRNAME/infobright" "$1" "$W")
  infobright_volume "$1"
}

@test "variants: databases and tables with the names of devices are read, and compared with their files" {
  variant d06_database_nul
  mounted_test
  expect 0
  grep -q '^PASS *sums: nul.t: 2 sums agree' <<<"$output"
  grep -q '^PASS *sums: v.nul: 2 sums agree' <<<"$output"
  document release
  export SSM_runId=run-2 IB_SAYS=$'COUNT.* FROM .nul.[.].t.$\t7'
  mounted_test
  expect 1 'nul.t: rows: 7 rows in the server'
  grep -q 'expected 50, as its files say' <<<"$output"
}
