# The tables in docs/integrity-test.md are what the test finds now. These take some minutes; each has a command of its own.

@test "tables: 180 damages of a real Infobright data directory, with and without a manifest" {
  skip 'the table is of before the checks that came last: fixtures-table --write makes it anew'
  "$BATS_TEST_DIRNAME/fixtures-table" --check
}

@test "tables: damages and healthy variants on MariaDB" {
  [ -d "$PRODUCTION/data" ] || skip 'no MariaDB server on this machine'
  skip 'the table is of before the namespaces: mariadb-table --check compares it'
  "$BATS_TEST_DIRNAME/mariadb-table" --check
}

@test "tables: the same on each server of fetch-servers" {
  [ -n "${IB_SERVERS-}" ] || skip 'IB_SERVERS names no folder of fetch-servers'
  "$BATS_TEST_DIRNAME/mariadb-table" --servers "$IB_SERVERS" --check
}

@test "snapshots: five of a server under load, each as a server started by hand reads it" {
  [ -d "$PRODUCTION/data" ] || skip 'no MariaDB server on this machine'
  "$BATS_TEST_DIRNAME/mariadb-snapshots" --count 5
}
