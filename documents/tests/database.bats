# Data directories as people have them, by the numbers of their list: what belongs to a backup, and what does not.
bats_require_minimum_version 1.5.0
load helper

setup() {
  host
  folder_volume
}

# an_older_server: one whose InnoDB does not show its own list
an_older_server() {
  cat >"$W/bin/client" <<CLIENT
#!/bin/bash
sed 's/INNODB_SYS_TABLES/NO_SUCH_VIEW/; s/INNODB_TABLES/NO_SUCH_VIEW/' | "$SSM_client" "\$@"
CLIENT
  chmod +x "$W/bin/client"
  export SSM_client=$W/bin/client
}

# log_line <line>...: the server's log has them from its start on
log_line() {
  printf '%s\n' "$@" >"$W/lines"
  cat >"$W/bin/server" <<SERVER
#!/bin/bash
conf=\${1#--defaults-file=}
cat "$W/lines" >>"\$(sed -n 's/^log-error = //p' "\$conf")"
exec $SSM_server "\$@"
SERVER
  chmod +x "$W/bin/server"
  export SSM_server=$W/bin/server
}

@test "case 21: an InnoDB table that is lost with its definition" {
  rm "$DATA"/shop/customers.*
  mounted_test
  expect 1 "shop.customers: InnoDB tables: is lost with its definition"
}

@test "case 21: a whole database of InnoDB tables that is lost" {
  sql <<'SQL'
CREATE DATABASE depot;
CREATE TABLE depot.a (a INT PRIMARY KEY) ENGINE=InnoDB;
CREATE TABLE depot.`b é` (a INT PRIMARY KEY) ENGINE=InnoDB PARTITION BY HASH(a) PARTITIONS 3;
SQL
  rm -r "$DATA/depot"
  mounted_test
  expect 1 'depot: InnoDB tables: the folder of this database is gone' "a, b@0020@0p"
}

@test "case 21: a lost partitioned table, of which the dictionary has only partitions" {
  sql <<<'CREATE TABLE shop.parts (a INT PRIMARY KEY) ENGINE=InnoDB PARTITION BY HASH(a) PARTITIONS 3;'
  rm "$DATA"/shop/parts[.#]*
  mounted_test
  expect 1 'shop.parts: InnoDB tables: is lost with its definition'
}

@test "case 21: on a server without such a list it is found by what it writes to its log" {
  an_older_server
  rm "$DATA"/shop/customers.*
  log_line "InnoDB: Error: table 'shop/customers'" 'InnoDB: in InnoDB data dictionary has tablespace id 5,' \
    'InnoDB: but tablespace with that id or name does not exist. It will be removed from the data dictionary.'
  mounted_test
  expect 1 'shop.customers: InnoDB tables: is lost with its definition'
}

@test "case 21: on a server without such a list nothing is lost in a healthy database" {
  an_older_server
  mounted_test
  expect 0
  no_marks
}

@test "case 23: a table in the shared tablespace that lost its definition" {
  start_production
  "$SSM_client" --no-defaults --socket="$W/s" -e 'SET GLOBAL innodb_file_per_table=0; CREATE TABLE shop.inner_ (a INT PRIMARY KEY) ENGINE=InnoDB'
  stop_production
  rm "$DATA/shop/inner_.frm"
  mounted_test
  expect 1 'shop.inner_: InnoDB tables: is lost with its definition'
}

@test "case 102: what an ALTER TABLE left in the dictionary is no lost table" {
  start_production
  "$SSM_client" --no-defaults --socket="$W/s" -e 'ALTER TABLE shop.orders ADD COLUMN more INT DEFAULT RAND(), ALGORITHM=COPY' &
  local alter=$!
  until compgen -G "$DATA/shop/#sql-*.ibd" >/dev/null; do kill -0 "$alter"; done
  kill -KILL "${STARTED[-1]}"
  wait "$alter" || true
  compgen -G "$DATA/shop/#sql-*.ibd"
  rm "$DATA"/shop/#sql-*.frm
  mounted_test
  expect 0
  if grep 'InnoDB tables: .*#sql' <<<"$output"; then return 1; fi
}

# full_text: a table with an index of this kind, in InnoDB
full_text() {
  sql <<'SQL'
CREATE TABLE shop.docs (id INT PRIMARY KEY, t TEXT, FULLTEXT k (t)) ENGINE=InnoDB;
INSERT INTO shop.docs VALUES (1, 'some words of a text'), (2, 'more words');
SQL
}

@test "case 27: files of InnoDB's full-text index that are lost" {
  full_text
  rm "$DATA"/shop/FTS_*_INDEX_*
  mounted_test
  expect 1 'shop.docs: InnoDB tables: the file shop/FTS_' 'of its full-text index is gone'
}

@test "case 27: one of these files, and one that all indexes of the table share" {
  full_text
  rm "$DATA"/shop/FTS_*_CONFIG.ibd
  mounted_test
  expect 1 'shop.docs: InnoDB tables: the file shop/FTS_'
}

@test "case 27: a full-text index with all its files" {
  full_text
  mounted_test
  expect 0
  no_marks
}

# stale_index: a page of the index `customer` as it was before, with as many entries
stale_index() {
  sql <<'SQL'
CREATE TABLE shop.baskets (id INT PRIMARY KEY, customer INT, note VARCHAR(20), KEY (customer), KEY part (note(3))) ENGINE=InnoDB;
INSERT INTO shop.baskets SELECT id, 100, CONCAT('n', id) FROM shop.orders;
SQL
  cp "$DATA/shop/baskets.ibd" "$W/before"
  # The last entry of the index stays the last; slowly, so that the old one is gone.
  printf '%s\n' 'SET GLOBAL innodb_fast_shutdown = 0;' 'UPDATE shop.baskets SET customer = 101 WHERE id = 8000;' | sql
  older_page "$DATA/shop/baskets.ibd" "${1:-1}" "$W/before"
}

@test "case 25: an older version of a secondary index's page, with the same number of entries" {
  stale_index
  mounted_test
  expect 1 'shop.baskets: index: '
}

@test "case 25: the same if the server does not compare, or the table is large" {
  export IB_EXTENDED_PACKS=0
  stale_index
  mounted_test
  expect 1 'shop.baskets: index: its index `customer` holds other values than its rows'
}

@test "case 25: healthy indexes of all kinds, compared both ways" {
  sql <<'SQL'
CREATE TABLE shop.kinds (a INT, b VARCHAR(20) CHARACTER SET latin1, c CHAR(9), d DOUBLE, e DATE, f INT AS (a + 1) VIRTUAL, g INT AS (a + 2) STORED, h BLOB, i ENUM('x','y'), p POINT NOT NULL, UNIQUE (a, b), KEY (b), KEY (c, d), KEY (e), KEY (f), KEY (g), KEY (h(5)), KEY (i), KEY (d), SPATIAL (p), FULLTEXT (b)) ENGINE=InnoDB;
INSERT INTO shop.kinds (a, b, c, d, e, h, i, p) VALUES (1, 'Søren', 'x  ', 0.1, '2020-01-01', 'blob', 'x', POINT(1, 1)), (2, NULL, NULL, NULL, NULL, NULL, NULL, POINT(2, 2)), (3, '', '', -0.0, '0000-00-00', '', 'y', POINT(1, 2)), (NULL, 'a', 'A', 1e300, '2020-01-01', 'x', 'x', POINT(0, 0));
CREATE TABLE shop.ignored (a INT PRIMARY KEY, b INT, KEY (b) IGNORED) ENGINE=InnoDB;
CREATE TABLE shop.`odd ``name` (a INT, `b ``"` VARCHAR(9), KEY `k ``y` (`b ``"`)) ENGINE=InnoDB;
INSERT INTO shop.`odd ``name` VALUES (1, 'x'), (2, NULL);
SQL
  mounted_test
  expect 0
  no_marks
  document release
  export SSM_runId=run-2 IB_EXTENDED_PACKS=0
  mounted_test
  expect 0
  no_marks
  grep -q '^PASS *index: shop.orders: 2 indexes hold what the rows hold' <<<"$output"
  grep -q '^PASS *index: shop.kinds: 7 indexes' <<<"$output"
}

@test "case 25: without time for it the report says only that" {
  export IB_INDEX_SECONDS=0
  stale_index
  mounted_test
  expect 0
  grep -q '^SKIP *index: mysql: indexes of 0 of 3 InnoDB tables' <<<"$output"
}

@test "case 30: the text of a view that was changed" {
  sed -i 's/1000/1900/g' "$DATA/shop/good_customers.frm"
  mounted_test
  expect 1 'shop.good_customers: view: '
}

@test "case 30: views of every kind agree with their checksums" {
  sql <<'SQL'
CREATE VIEW shop.v1 AS SELECT 'it''s \\ a "b"\n\0 \Z %_' AS x, 'Zoë' AS y;
CREATE TABLE shop.x (a INT);
CREATE VIEW shop.v2 AS SELECT * FROM shop.x WITH CHECK OPTION;
CREATE ALGORITHM=TEMPTABLE DEFINER='nobody'@'nowhere' VIEW shop.v3 AS SELECT * FROM shop.x UNION SELECT id FROM shop.orders;
DROP TABLE shop.x;
SQL
  mounted_test
  expect 0
  grep -q "^PASS *view: .* views: as their checksums say" <<<"$output"
  no_marks
}

@test "case 32: the triggers of a table that are lost" {
  sql <<<"CREATE TRIGGER shop.t BEFORE INSERT ON shop.visits FOR EACH ROW SET NEW.page='x';"
  rm "$DATA/shop/visits.TRG"
  mounted_test
  expect 1 'shop.visits: triggers: its trigger t is on the disk'
}

@test "case 32: the file that names a trigger's table is lost" {
  sql <<<"CREATE TRIGGER shop.\`t é\` BEFORE INSERT ON shop.orders FOR EACH ROW SET NEW.note='x';"
  rm "$DATA"/shop/t@0020*.TRN
  mounted_test
  expect 1 'shop.orders: triggers: the file shop/t@0020@0p.TRN'
}

@test "case 32: an older list of triggers, without the last of them" {
  sql <<<"CREATE TRIGGER shop.t BEFORE INSERT ON shop.visits FOR EACH ROW SET NEW.page='x';"
  cp "$DATA/shop/visits.TRG" "$W/old"
  sql <<<"CREATE TRIGGER shop.u BEFORE UPDATE ON shop.visits FOR EACH ROW SET NEW.page='x';"
  cp "$W/old" "$DATA/shop/visits.TRG"
  mounted_test
  expect 1 'shop.visits: triggers: its trigger u is on the disk'
}

@test "case 118: triggers with odd names, and definers that are gone" {
  sql <<'SQL'
CREATE DATABASE `a-b é`;
CREATE TABLE `a-b é`.`t'x y` (a INT) ENGINE=MyISAM;
CREATE DEFINER='nobody'@'nowhere' TRIGGER `a-b é`.`t "1"` BEFORE INSERT ON `a-b é`.`t'x y` FOR EACH ROW SET NEW.a=1;
CREATE DEFINER='nobody'@'nowhere' TRIGGER `a-b é`.t2 AFTER INSERT ON `a-b é`.`t'x y` FOR EACH ROW SET @a=1;
SQL
  mounted_test
  expect 0
  grep -q '^PASS *triggers: 2 triggers' <<<"$output"
  no_marks
}

@test "case 34: no user at all" {
  sql <<<'DELETE FROM mysql.global_priv;'
  mounted_test
  expect 1 'mysql.global_priv: users: is empty'
}

@test "case 34: no user, in the tables of older servers" {
  rm "$DATA"/mysql/{global_priv,user}.*
  sql <<'SQL'
CREATE TABLE mysql.user (Host CHAR(60), User CHAR(80)) ENGINE=MyISAM;
INSERT INTO mysql.db (Host, Db, User) VALUES ('%', 'shop', 'clerk');
SQL
  mounted_test
  expect 1 'mysql.user: users: is empty'
}

@test "case 35: grant tables that are lost whole" {
  rm "$DATA"/mysql/{db,procs_priv,tables_priv}.*
  mounted_test
  expect 1 "the server's own tables: inventory: without mysql.db mysql.tables_priv mysql.procs_priv"
}

@test "case 36: mysql.proc and mysql.event that are lost whole are named" {
  rm "$DATA"/mysql/{proc,event}.*
  mounted_test
  expect 1 "the server's own tables: inventory: without mysql.proc mysql.event"
}

@test "case 96: a folder that somebody called corrupt-tables or checksum-old" {
  mkdir "$DATA/corrupt-tables" "$DATA/checksum-old" "$DATA/tables marked as crashed"
  mounted_test
  expect 0
}

@test "case 98: a table that is called checksums, with a harmless message in the log" {
  printf '%s\n' 'CREATE TABLE shop.checksums (a INT) ENGINE=MyISAM;' 'CREATE TABLE shop.corrupt (a INT) ENGINE=MyISAM;' | sql
  log_line '2026-01-01  1:00:00 0 [ERROR] InnoDB: Table shop/checksums is fine' \
    "2026-01-01  1:00:00 0 [ERROR] mariadbd: Can't say why of 'shop/corrupt' and \`shop\`.\`corrupt\`"
  mounted_test
  expect 0
}

@test "case 98: a table that is called corrupt, and is" {
  sql <<<'CREATE TABLE shop.corrupt (a INT) ENGINE=MyISAM;'
  log_line "2026-01-01  1:00:00 0 [ERROR] mariadbd: Can't read: table 'shop/corrupt' is corrupt"
  mounted_test
  expect 1 'server: log: '
}

@test "case 99: copies beside the tables, under names that no table can have" {
  cp "$DATA/shop/orders.ibd" "$DATA/shop/orders.20260101.ibd"
  cp "$DATA/shop/visits.MYD" "$DATA/shop/visits.old.MYD"
  cp "$DATA/shop/visits.MYD" "$DATA/shop/visits-copy.MYD"
  cp "$DATA/shop/visits.MYI" "$DATA/shop/visits (1).MYI"
  for suffix in MYD MYI; do cp "$DATA/shop/visits.$suffix" "$DATA/shop/copy .$suffix"; done
  mounted_test
  expect 0
  if grep -E '^(WARN|FAIL|ERROR) *files' <<<"$output"; then return 1; fi
}

@test "case 101: a file with neither definition nor index is a warning" {
  cp "$DATA/shop/visits.MYD" "$DATA/shop/visits_old.MYD"
  cp "$DATA/shop/orders.ibd" "$DATA/shop/orders_old.ibd"
  mounted_test
  expect 0
  grep -q '^WARN *files: shop.visits_old: ' <<<"$output"
  grep -q '^WARN *files: shop.orders_old: InnoDB does not know' <<<"$output"
}

@test "case 101: rows and index without a definition are a table that lost it" {
  rm "$DATA/shop/visits.frm"
  mounted_test
  expect 1 'shop.visits: files: its data is on the disk, but its definition (.frm) is gone'
}

@test "case 104: names of MySQL 5.0, also of a table that lost its definition" {
  for file in "$DATA"/shop/visits.*; do cp "$file" "$DATA/shop/my-table.${file##*.}"; done
  mkdir "$DATA/old-db"
  cp "$DATA"/shop/visits.* "$DATA/old-db"
  mounted_test
  expect 0
  document release
  rm "$DATA/shop/my-table.frm"
  cp "$DATA"/shop/visits.frm "$DATA/shop/other-table.frm"
  cp "$DATA"/shop/visits.MYD "$DATA/shop/other-table.MYD"
  cp "$DATA"/shop/visits.MYI "$DATA/shop/other-table.MYI"
  export SSM_runId=run-2
  mounted_test
  expect 1 'shop.my-table: files: its data is on the disk'
}

@test "case 105: a form feed in brighthouse.ini is text" {
  printf 'CacheFolder = cache\n\f\vServerMainHeapSize = 600\n' >"$DATA/brighthouse.ini"
  mounted_test
  if grep 'settings: brighthouse.ini: holds bytes' <<<"$output"; then return 1; fi
}

@test "case 105: other control bytes in brighthouse.ini are not text" {
  printf 'ServerMainHeapSize = 600\n\001\n' >"$DATA/brighthouse.ini"
  mounted_test
  expect 1 'brighthouse.ini: settings: holds bytes that are no text'
  document release
  # A block that was never written.
  printf 'ServerMainHeapSize = 600\n\0\0\0\0' >"$DATA/brighthouse.ini"
  export SSM_runId=run-2
  mounted_test
  expect 1 'brighthouse.ini: settings: holds bytes that are no text'
}

@test "case 100: the file of a vector index belongs to its table" {
  sql <<<'CREATE TABLE shop.ve (a INT PRIMARY KEY) ENGINE=InnoDB;'
  cp "$DATA/shop/ve.ibd" "$DATA/shop/ve#i#01.ibd"
  mounted_test
  if grep -E '^(WARN|FAIL|ERROR) *files' <<<"$output"; then return 1; fi
}

@test "case 100: a table with a vector index" {
  sql <<'SQL' || skip 'a server without vectors'
CREATE TABLE shop.ve (a INT PRIMARY KEY, v VECTOR(4) NOT NULL, VECTOR INDEX (v)) ENGINE=InnoDB;
INSERT INTO shop.ve VALUES (1, VEC_FromText('[1,2,3,4]')), (2, VEC_FromText('[4,3,2,1]'));
SQL
  [ -e "$DATA/shop/ve#i#01.ibd" ]
  mounted_test
  expect 0
  no_marks
}

@test "case 119: a database, and case 123 a table's rows, that are links by production's path" {
  mv "$DATA/shop" "$W/volume/shop2"
  ln -s /data/shop2 "$DATA/shop"
  mkdir "$W/volume/rows"
  mv "$W/volume/shop2/visits.MYD" "$W/volume/rows"
  ln -s /var/lib/data/rows/visits.MYD "$W/volume/shop2/visits.MYD"
  mounted_test
  expect 0
  grep -q '^PASS *paths: .* links (2 by paths of production)' <<<"$output"
  [ "$rows" -eq 20000 ]
}

@test "case 122: InnoDB's DATA DIRECTORY by production's path" {
  mkdir -m 777 "$W/volume/big"
  printf '%s\n' "CREATE TABLE shop.far (a INT PRIMARY KEY) ENGINE=InnoDB DATA DIRECTORY='$W/volume/big';" 'INSERT INTO shop.far VALUES (1), (2);' | sql
  sed -i "s#$W/volume#/data#" "$DATA/shop/far.isl"
  mounted_test
  expect 0
  [ "$rows" -eq 20002 ]
}

@test "case 119: where a path leads out of the volume no link is changed" {
  mv "$DATA/shop" "$W/volume/shop2"
  ln -s /data/shop2 "$DATA/shop"
  ln -s /somewhere/else "$DATA/other"
  mounted_test
  expect 1 'other: paths: is a link to /somewhere/else'
  [ "$(readlink "$DATA/shop")" = /data/shop2 ]
}
