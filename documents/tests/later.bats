# What production changes after the manifest, by the numbers of the list of cases: a warning, whatever the engine. And what
# no change explains: a fault.
bats_require_minimum_version 1.5.0
load helper

# Files of some days ago, so that a change after the manifest has a later time.
setup() {
  host
  folder_volume
}

old_files() { find "$DATA" -exec touch -d '2020-01-01' {} +; }

# production_with_manifest: what comes behind is later
production_with_manifest() {
  old_files
  with_manifest
}

warned() { grep -q "^WARN *manifest: $1" <<<"$output" || { show; return 1; }; }

@test "case 80: a row in InnoDB after the manifest" {
  production_with_manifest
  sql <<<"INSERT INTO shop.customers (id, name) VALUES (999999, 'late');"
  mounted_test
  expect 0
  warned 'shop.customers: was changed in InnoDB after the manifest'
}

@test "case 80: a row that only the redo log has when the snapshot is taken" {
  old_files
  start_production
  manifest
  [ "$code" -eq 0 ]
  "$SSM_client" --no-defaults --socket="$W/s" -e "INSERT INTO shop.customers (id, name) VALUES (999999, 'late')"
  kill -KILL "${STARTED[-1]}"
  wait "${STARTED[-1]}" || true
  old_files
  mounted_test
  expect 0
  warned 'shop.customers: was changed in InnoDB after the manifest'
}

@test "case 81: a value in InnoDB after the manifest, and other tables are compared as before" {
  production_with_manifest
  sql <<<"UPDATE shop.customers SET mail = 'new' WHERE id = 7;"
  mounted_test
  expect 0
  warned 'shop.customers: was changed in InnoDB'
  grep -q '^PASS *fingerprint: shop.orders: 5 columns' <<<"$output"
}

@test "case 81: a value of a partitioned table, and of one in the shared tablespace" {
  start_production
  "$SSM_client" --no-defaults --socket="$W/s" -e 'SET GLOBAL innodb_file_per_table=0;
    CREATE TABLE shop.inner_ (a INT PRIMARY KEY, b INT) ENGINE=InnoDB; INSERT INTO shop.inner_ VALUES (1, 1);
    CREATE TABLE shop.beside (a INT PRIMARY KEY, b INT) ENGINE=InnoDB; INSERT INTO shop.beside VALUES (1, 1);
    SET GLOBAL innodb_file_per_table=1;
    CREATE TABLE shop.parts (a INT PRIMARY KEY, b INT) ENGINE=InnoDB PARTITION BY HASH(a) PARTITIONS 3; INSERT INTO shop.parts VALUES (1, 1), (2, 2)'
  stop_production
  production_with_manifest
  printf '%s\n' 'UPDATE shop.inner_ SET b = 2;' 'UPDATE shop.parts SET b = 3 WHERE a = 2;' | sql
  mounted_test
  expect 0
  warned shop.inner_
  warned shop.parts
  grep -q '^PASS *fingerprint: shop.beside' <<<"$output"
}

@test "case 81: a manifest of format 1 knows only the times of InnoDB's files" {
  production_with_manifest
  sed -i '/^innodb\t/d; /^column\t/d; 1s/^\(ib-backup-manifest\t\)2/\11/; /^end\t/d' "$DATA/ib-backup-manifest"
  printf 'end\t%s\n' "$(sha256sum <"$DATA/ib-backup-manifest" | cut -d ' ' -f 1)" >>"$DATA/ib-backup-manifest"
  sql <<<"INSERT INTO shop.customers (id, name) VALUES (999999, 'late');"
  mounted_test
  expect 0
  warned "shop.customers: InnoDB's file was written after the manifest"
}

@test "case 26: a page of rows that is older than the manifest, whatever its file's time" {
  cp "$DATA/shop/orders.ibd" "$W/before"
  sql <<<'UPDATE shop.orders SET total = total + 1;'
  production_with_manifest
  older_page "$DATA/shop/orders.ibd" 0 "$W/before"
  touch "$DATA/shop/orders.ibd"
  mounted_test
  expect 1 'shop.orders: fingerprint: column total'
}

@test "case 82: a row in MyISAM after the manifest" {
  production_with_manifest
  sql <<<"INSERT INTO shop.visits (id, page) VALUES (999999, 'late');"
  mounted_test
  expect 0
  warned shop.visits
}

@test "case 83: new tables after the manifest, and case 84: a view" {
  production_with_manifest
  sql <<'SQL'
CREATE TABLE shop.new_rows (a INT PRIMARY KEY) ENGINE=InnoDB;
CREATE TABLE shop.new_isam (a INT PRIMARY KEY) ENGINE=MyISAM;
CREATE VIEW shop.new_view AS SELECT 1;
CREATE DATABASE depot;
SQL
  mounted_test
  expect 0
  warned shop.new_isam
}

@test "case 83: a new file whose time is before the manifest is no change" {
  production_with_manifest
  cp "$DATA/shop/visits.frm" "$DATA/shop/visits.MYX"
  touch -d '2020-01-01' "$DATA/shop/visits.MYX"
  mounted_test
  expect 1 'shop.visits: manifest: shop/visits.MYX is not in the manifest'
}

@test "case 85: the binary log was rotated, and case 86: under another name" {
  old_files
  for name in binlog mysql_bin relay-3; do
    printf './%s.000001\n' "$name" >"$DATA/$name.index"
    printf '\xfebin' >"$DATA/$name.000001"
  done
  with_manifest
  for name in binlog mysql_bin relay-3; do
    printf './%s.000002\n./%s.000003\n' "$name" "$name" >"$DATA/$name.index"
    rm "$DATA/$name.000001"
    for number in 2 3; do printf '\xfebin' >"$DATA/$name.00000$number"; done
    echo x >"$DATA/$name.state"
  done
  mounted_test
  expect 0
  if grep -E '^(WARN|FAIL) *manifest: ([a-z_]*bin|relay)' <<<"$output"; then return 1; fi
}

@test "case 87: what a clean stop writes, and case 88: a core file and a log of another name" {
  production_with_manifest
  echo x >"$DATA/mysql-bin.state"
  echo x >"$DATA/core.4711"
  echo x >"$DATA/slow.txt"
  mounted_test
  expect 0
  warned 'slow.txt: 1 files were changed after the manifest'
}

@test "case 89: a table that was dropped after the manifest is missing" {
  production_with_manifest
  sql <<<'DROP TABLE shop.visits;'
  mounted_test
  expect 1 shop.visits
}

@test "case 90: nothing changed, and there is no warning" {
  production_with_manifest
  mounted_test
  expect 0
  no_marks
  [ "$(head -n 1 "$DATA/ib-backup-manifest" | cut -f 2)" = 2 ]
}

@test "case 90: rows of InnoDB between two manifests are in the second" {
  start_production
  # A file that was written in this very second is not taken over.
  while [ "$(date +%s)" -le "$(stat -c %Z "$DATA/shop/visits.MYD")" ]; do :; done
  manifest
  [ "$code" -eq 0 ]
  "$SSM_client" --no-defaults --socket="$W/s" -e "INSERT INTO shop.customers (id, name) VALUES (999999, 'late')"
  manifest
  [ "$code" -eq 0 ]
  stop_production
  mounted_test
  expect 0
  no_marks
}

# as_no_server_does <statements>: they leave no later number in InnoDB than the manifest has, as where a disk changed the rows
as_no_server_does() {
  sql
  sed -i "s/^innodb\t.*/innodb\t999999999999/; /^end\t/d" "$DATA/ib-backup-manifest"
  printf 'end\t%s\n' "$(sha256sum <"$DATA/ib-backup-manifest" | cut -d ' ' -f 1)" >>"$DATA/ib-backup-manifest"
}

@test "case 94: all NULLs of a column became empty texts" {
  production_with_manifest
  as_no_server_does <<<"UPDATE shop.orders SET note = '' WHERE note IS NULL;"
  mounted_test
  expect 1 'shop.orders: fingerprint: column note'
}

@test "case 95: two rows exchanged their values" {
  production_with_manifest
  as_no_server_does <<<'UPDATE shop.orders a JOIN shop.orders b ON b.id = 23 - a.id SET a.total = b.total WHERE a.id IN (11, 12);'
  mounted_test
  expect 1 'shop.orders: fingerprint: column total'
}

@test "case 95: the same in a table without a primary key" {
  printf '%s\n' 'CREATE TABLE shop.plain (a INT, b VARCHAR(9), c INT) ENGINE=InnoDB;' \
    "INSERT INTO shop.plain VALUES (1, 'x', 5), (2, 'y', NULL), (3, NULL, 7);" | sql
  production_with_manifest
  as_no_server_does <<<"UPDATE shop.plain SET b = IF(a = 1, 'y', 'x') WHERE a < 3;"
  mounted_test
  expect 1 'shop.plain: fingerprint: column'
}

@test "case 90: a server whose version has blanks, as Debian 13's" {
  production_with_manifest
  sed -i '1s/\(-MariaDB[^\t]*\)\t/\1 from Debian (x)\t/; /^end\t/d' "$DATA/ib-backup-manifest"
  grep -q 'from Debian (x)' "$DATA/ib-backup-manifest"
  printf 'end\t%s\n' "$(sha256sum <"$DATA/ib-backup-manifest" | cut -d ' ' -f 1)" >>"$DATA/ib-backup-manifest"
  mounted_test
  expect 0
  grep -q '^PASS *fingerprint: shop.orders' <<<"$output"
}
