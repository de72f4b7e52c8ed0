# The test script, with a real database server on healthy and damaged copies of a real data directory.
bats_require_minimum_version 1.5.0
load helper
setup() { host; }

copy_table() {
  local file
  for file in "$DATA/shop/visits".*; do cp "$file" "$DATA/shop/$1.${file##*.}"; done
}

@test "test: a healthy database is valid, and all its rows were read" {
  folder_volume
  mounted_test
  expect 0
  [ "$tables" -eq 4 ]
  [ "$rows" -eq $((4000 + 8000 + 6000 + 2000)) ]
  [ "$checks" -ge 40 ]
  grep -q '^PASS *read: shop.orders: 8000 rows (InnoDB)' <<<"$output"
  grep -q '^PASS *read: shop.visits: 6000 rows (MyISAM)' <<<"$output"
  grep -q '^PASS *read: shop.stock: 2000 rows (Aria)' <<<"$output"
}

@test "test: one night on a real XFS, with a server user whose number differs from production's" {
  new_image xfs
  needs_server
  getent passwd nobody >/dev/null || skip 'no user nobody'
  mkdir "$W/fill"
  mount -o loop "$W/image" "$W/fill"
  cp -a "$PRODUCTION/data" "$W/fill/mysql"
  chown -R 12345:12345 "$W/fill"
  chmod 700 "$W/fill"
  umount "$W/fill"
  attach_image
  # As on a host: the way to the state directory is open to all.
  state=$(mktemp -d /tmp/ib-state.XXXXXX)
  chmod 755 "$state"
  export SSM_serverUser=nobody SSM_stateDirectory=$state SSM_mountPoint=$state/mnt
  mounted_test
  rows_read=$rows seen=$code
  document release
  expect 0
  rm -rf "$state"
  [ "$seen" -eq 0 ]
  [ "$rows_read" -eq 20000 ]
}

@test "test: nothing stays running, and the scratch folder is gone" {
  folder_volume
  mounted_test
  expect 0
  if grep -l "$W/state" /proc/[0-9]*/cmdline; then return 1; fi
  [ ! -e "$W/state/runs/run-1/scratch" ]
  [ ! -e "$W/state/testing" ]
}

@test "test: an InnoDB page that is in use and damaged names its table" {
  folder_volume
  "$HOST_SCRIPTS/damage.sh" "$W/volume" damaged
  mounted_test
  expect 1 shop.orders
  # The others were read all the same.
  [ "$tables" -eq 3 ]
}

@test "test: an InnoDB data file cut short" {
  folder_volume
  truncate -s 81920 "$DATA/shop/orders.ibd"
  mounted_test
  expect 1 shop.orders
}

@test "test: a damaged InnoDB index is found, though the rows can be read" {
  folder_volume
  # The last index of the table, on `placed`, is not the one that COUNT(*) uses: only CHECK TABLE reads it.
  page=$(python3 - "$DATA/shop/orders.ibd" <<'PYTHON'
import struct, sys
data = open(sys.argv[1], "rb").read()
pages = [data[at:at + 16384] for at in range(0, len(data), 16384)]
index = [(struct.unpack(">Q", page[66:74])[0], number) for number, page in enumerate(pages)
         if page[24:26] == b"\x45\xbf" and page[64:66] == b"\0\0"]
print(max(index)[1])
PYTHON
)
  invert "$DATA/shop/orders.ibd" $((page * 16384 + 8000)) 4
  mounted_test
  expect 1 'shop.orders: check table'
}

@test "test: a damaged page that holds only part of a long value" {
  folder_volume
  sql <<'SQL'
CREATE TABLE shop.pictures (id INT PRIMARY KEY, picture LONGBLOB) ENGINE=InnoDB;
INSERT INTO shop.pictures SELECT seq, REPEAT(MD5(seq), 4000) FROM shop.pictures RIGHT JOIN (SELECT 1 AS seq UNION SELECT 2) AS two ON TRUE;
SQL
  # Pages of type 10 hold long values; neither COUNT(*) nor CHECK TABLE looks at them. This server answers the forced
  # read with a shorter value and no error: it only tells its log.
  page=$(python3 - "$DATA/shop/pictures.ibd" <<'PYTHON'
import sys
data = open(sys.argv[1], "rb").read()
print([at // 16384 for at in range(0, len(data), 16384) if data[at + 24:at + 26] == b"\0\x0a"][1])
PYTHON
)
  invert "$DATA/shop/pictures.ibd" $((page * 16384 + 8000)) 4
  mounted_test
  expect 1 shop/pictures.ibd
}

@test "test: a MyISAM data file cut short" {
  folder_volume
  truncate -s 100000 "$DATA/shop/visits.MYD"
  mounted_test
  expect 1 shop.visits read
}

@test "test: a MyISAM index that is damaged" {
  folder_volume
  invert "$DATA/shop/visits.MYI" 20000 64
  mounted_test
  expect 1 shop.visits
}

@test "test: an Aria table that is damaged" {
  folder_volume
  invert "$DATA/shop/stock.MAD" 40000 4
  mounted_test
  expect 1 shop.stock read
}

@test "test: a table's data file is missing" {
  folder_volume
  rm "$DATA/shop/customers.ibd"
  mounted_test
  expect 1 shop.customers
}

@test "test: a table's definition is missing" {
  folder_volume
  rm "$DATA/shop/visits.frm"
  mounted_test
  expect 1 shop.visits definition
}

@test "test: a table's definition is empty" {
  folder_volume
  : >"$DATA/shop/visits.frm"
  mounted_test
  expect 1 shop.visits
}

@test "test: a damaged table of the server's own" {
  folder_volume
  invert "$DATA/mysql/proc.MAD" 8200 64
  mounted_test
  expect 1 mysql.proc
}

@test "test: the folder of the server's own tables is missing" {
  folder_volume
  rm -r "$DATA/mysql"
  mounted_test
  expect 1 "server's own tables"
}

@test "test: a damaged system tablespace: the server does not start" {
  folder_volume
  invert "$DATA/ibdata1" $((5 * 16384 + 100)) 64
  invert "$DATA/ibdata1" $((7 * 16384 + 100)) 64
  mounted_test
  expect 1 'does not start' InnoDB
}

@test "test: an emptied redo log: the server does not start" {
  folder_volume
  : >"$DATA/ib_logfile0"
  mounted_test
  expect 1 'redo log of InnoDB is cut'
  grep -q '^FAIL  start: server: does not start' <<<"$output"
}

@test "test: several damages are counted, and the first is named" {
  folder_volume
  rm "$DATA/shop/customers.ibd"
  truncate -s 100000 "$DATA/shop/visits.MYD"
  mounted_test
  expect 1 shop.customers more
  grep -q '^FAIL .*shop.visits' <<<"$output"
}

@test "test: a link that leads out of the volume" {
  folder_volume
  mv "$DATA/shop/visits.MYD" "$W/visits.MYD"
  ln -s "$W/visits.MYD" "$DATA/shop/visits.MYD"
  mounted_test
  expect 1 'not on this volume'
}

@test "test: an empty volume is a fault" {
  folder_volume
  rm -r "$DATA"
  mounted_test
  expect 1 'no database'
}

@test "test: an empty data directory is a fault" {
  folder_volume
  rm -r "${DATA:?}"/*
  mounted_test
  expect 1 'no database'
}

@test "test: a setting with the wrong folder is not the backup's fault" {
  folder_volume
  mv "$DATA" "$W/volume/elsewhere"
  mounted_test
  expect 75 elsewhere
  document release
  mkdir -p "$W/volume/usr/local/infobright"
  mv "$W/volume/elsewhere" "$W/volume/usr/local/infobright/data"
  export SSM_runId=run-2
  mounted_test
  expect 75 'but /usr/local/infobright/data/'
}

@test "test: a server without user tables proves nothing" {
  folder_volume
  sql <<<'DROP DATABASE shop;'
  mounted_test
  expect 1 'no tables'
}

@test "test: the data directory may be the top of the volume" {
  folder_volume
  mv "$DATA" "$W/data"
  rm -r "$W/volume"
  mv "$W/data" "$W/volume"
  export SSM_dataDirectory=.
  mounted_test
  expect 0
  [ "$rows" -eq 20000 ]
}

@test "test: odd names of tables and columns" {
  folder_volume
  sql <<'SQL'
CREATE DATABASE `a"b;c`;
CREATE TABLE `a"b;c`.`t``ick {x} $(touch "pwned") é` (`c``ol"'; DROP` INT, `ü` GEOMETRY, `select` BIT(3)) ENGINE=MyISAM;
INSERT INTO `a"b;c`.`t``ick {x} $(touch "pwned") é` VALUES (1, POINT(1, 2), 3), (NULL, NULL, NULL);
CREATE TABLE shop.nul (a INT) ENGINE=Aria;
CREATE TABLE shop.`two  spaces` (a JSON, v INT AS (1 + 1)) ENGINE=InnoDB;
CREATE TABLE shop.parts (a INT PRIMARY KEY) ENGINE=InnoDB PARTITION BY HASH(a) PARTITIONS 3;
INSERT INTO shop.parts VALUES (1),(2),(3);
CREATE SEQUENCE shop.numbers;
CREATE TABLE shop.listed (a INT NOT NULL) ENGINE=CSV;
CREATE TABLE shop.kept (a INT) ENGINE=MEMORY;
SQL
  mounted_test
  expect 0
  [ "$tables" -eq 11 ]
}

@test "test: a damaged table with an odd name is named, in JSON that parses" {
  folder_volume
  sql <<'SQL'
CREATE TABLE shop.`q"uo'te;é` (a INT) ENGINE=MyISAM;
INSERT INTO shop.`q"uo'te;é` VALUES (1),(2),(3);
SQL
  : >"$(echo "$DATA"/shop/q*.MYD)"
  mounted_test
  expect 1 'shop.q"uo'\''te;é'
}

@test "test: 300 damaged tables still fit into what SSM keeps, and so does progress" {
  folder_volume
  for ((n = 100; n < 400; n++)); do
    copy_table "a_table_with_a_rather_long_name_of_which_there_are_many_$n"
    truncate -s 1000 "$DATA/shop/a_table_with_a_rather_long_name_of_which_there_are_many_$n.MYD"
  done
  mounted_test
  expect 1 a_table_with_a_rather_long_name 'and 599 more'
  grep -q '^FAIL  and [0-9]* more' <<<"$output"
  [ "$tables" -eq 4 ]
}

@test "test: each damage of the rehearsal's menu is found" {
  needs_server
  while read -r name _; do
    [ "$name" != filesystem ] || continue
    # What the paper says of it, as far as it does not depend on how many rows there are.
    named=$(sed -n "s/^| \`$name\` | invalid | \`\([^:…]*\)[:…].*/\1/p" "$BATS_TEST_DIRNAME/../../docs/integrity-test.md")
    [ -n "$named" ]
    host "$BATS_TEST_TMPDIR/$name"
    folder_volume
    "$HOST_SCRIPTS/damage.sh" "$W/volume" "$name"
    mounted_test
    expect 1 "$named"
  done < <("$HOST_SCRIPTS/damage.sh" list)
}

@test "test: a damage that is not on the menu is refused, with the menu" {
  run "$HOST_SCRIPTS/damage.sh" "$W" nonsense
  [ "$status" -eq 2 ]
  [[ $output == *'unknown damage nonsense'*filesystem* ]]
}
