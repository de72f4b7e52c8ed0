# The tables in docs/integrity-test.md are what the test finds now. These take some minutes; each has a command of its own.

@test "tables: 180 damages of a real Infobright data directory, with and without a manifest" {
  "$BATS_TEST_DIRNAME/fixtures-table" --check
}

@test "tables: damages and healthy variants on MariaDB" {
  [ -d "$PRODUCTION/data" ] || skip 'no MariaDB server on this machine'
  "$BATS_TEST_DIRNAME/mariadb-table" --check
}
