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

@test "variants: a manifest of damaged dates is none, and asks nothing that would never end" {
  variant d05_dates
  # Case d05_dates:15: a datetime of which each form that prints it hangs.
  invert_bit() { python3 -c 'import sys; name, at = sys.argv[1], int(sys.argv[2]); data = bytearray(open(name, "rb").read()); data[at] ^= 1; open(name, "wb").write(data)' "$@"; }
  invert_bit "$DATA/v/t.bht/TA00001000000001.ctb" 87773
  export IB_CASE=d05_dates:15
  printf 'datadir = %s\nsocket = %s/s\npid-file = %s/pid\nlog-error = %s/log\n' "$DATA" "$W" "$W" "$W" >"$W/defaults"
  "$SSM_server" --defaults-file="$W/defaults" 3>&- &
  STARTED+=($!)
  while [ ! -S "$W/s" ]; do kill -0 "${STARTED[0]}"; done
  code=0
  said=$(timeout 60 "$SCRIPTS/manifest" --data "$DATA" --socket "$W/s" --client "$SSM_client" 2>&1 3>&-) || code=$?
  [ "$code" -eq 1 ]
  [[ $said == *'no manifest was written: v.t: sums: column b: the sum of its values is '* ]]
}
