#!/bin/bash
# production.sh <folder> [rows]: makes <folder>/data, the data directory of a small shop's database server,
# stopped cleanly. As root or as anybody; nothing listens on a TCP port. Some 100,000 rows unless told.
set -euo pipefail

folder=${1:?usage: production.sh <folder> [rows]}
rows=${2:-40000}
case $rows in '' | *[!0-9]*) echo "rows must be a number: $rows" >&2; exit 2 ;; esac

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
data=$folder/data
# A socket's path may have 107 bytes, so it does not go under the folder.
scratch=$(mktemp -d "${TMPDIR:-/tmp}"/production.XXXXXX)
# A server that starts removes the temporary tables of all that share its folder for them.
export TMPDIR=$scratch
server=$(command -v mariadbd || echo /usr/sbin/mariadbd)
pid=''
trap 'if [ -n "$pid" ]; then kill "$pid" 2>/dev/null || true; wait "$pid" || true; fi; rm -rf "$scratch"' EXIT

start_server() {
  "$server" --no-defaults --user="$(id -un)" --datadir="$data" --socket="$scratch/s" --pid-file="$scratch/pid" \
    --log-error="$scratch/log" --skip-networking --skip-grant-tables --innodb-log-file-size=4M \
    --innodb-flush-log-at-trx-commit=0 --innodb-doublewrite=OFF --innodb-buffer-pool-dump-at-shutdown=OFF \
    --performance-schema=OFF </dev/null >/dev/null 2>&1 &
  pid=$!
  until client --execute 'SELECT 1' >/dev/null 2>&1; do
    kill -0 "$pid" 2>/dev/null || { cat "$scratch/log" >&2; exit 1; }
    sleep 0.1
  done
}

client() {
  mariadb --no-defaults --socket="$scratch/s" --user=root --default-character-set=utf8mb4 --batch "$@"
}

# orders hold most of the rows; the other tables have the engines that a server of this age mixes.
fill() {
  client <<SQL
CREATE DATABASE shop CHARACTER SET utf8mb4;
USE shop;
CREATE TABLE customers (id INT PRIMARY KEY, name VARCHAR(80) NOT NULL, mail VARCHAR(120), since DATE, KEY (since)) ENGINE=InnoDB;
INSERT INTO customers SELECT seq, CONCAT(ELT(1 + seq % 5, 'Ada', 'Grace', 'Zoë', 'Linus', 'Søren'), ' ', HEX(seq * 7919)),
  IF(seq % 11, CONCAT('c', seq, '@shop.example'), NULL), '2015-01-01' + INTERVAL seq % 3000 DAY FROM seq_1_to_$((rows / 2));
CREATE TABLE orders (id INT PRIMARY KEY, customer INT NOT NULL, placed DATETIME NOT NULL, total DECIMAL(10,2), note VARCHAR(200),
  KEY (customer), KEY (placed)) ENGINE=InnoDB;
INSERT INTO orders SELECT seq, 1 + seq * 31 % $((rows / 2)), '2022-01-01' + INTERVAL seq * 97 MINUTE, seq % 9000 / 7,
  IF(seq % 3, MD5(seq), NULL) FROM seq_1_to_$rows;
CREATE TABLE visits (id INT PRIMARY KEY, page VARCHAR(60), at DATETIME, agent CHAR(32), KEY (page)) ENGINE=MyISAM;
INSERT INTO visits SELECT seq, CONCAT('/goods/', seq % 500), '2023-01-01' + INTERVAL seq SECOND, MD5(seq) FROM seq_1_to_$((rows * 3 / 4));
CREATE TABLE stock (article INT PRIMARY KEY, place VARCHAR(40), pieces INT, counted DATE) ENGINE=Aria;
INSERT INTO stock SELECT seq, CONCAT('shelf ', seq % 700), seq % 43, '2024-01-01' + INTERVAL seq % 365 DAY FROM seq_1_to_$((rows / 4));
CREATE VIEW good_customers AS SELECT customer, SUM(total) AS total FROM orders GROUP BY customer HAVING total > 1000;
FLUSH TABLES;
SQL
}

if [ -e "$data" ]; then
  echo "$data is there already" >&2
  exit 1
fi
echo "making the data directory $data"
mariadb-install-db --no-defaults --force --skip-name-resolve --skip-test-db --user="$(id -un)" --datadir="$data" \
  --auth-root-authentication-method=normal --innodb-log-file-size=4M >"$scratch/install.log" 2>&1 ||
  { cat "$scratch/install.log" >&2; exit 1; }
echo 'starting the production server'
start_server
echo "filling the database shop, $rows orders"
fill
for table in customers orders visits stock; do
  echo "  $table: $(client --skip-column-names --execute "SELECT COUNT(*) FROM shop.$table") rows"
done
echo 'stopping it cleanly'
kill "$pid"
wait "$pid"
pid=''
echo "$data is ready, $(du -sm "$data" | cut -f 1) MiB"
