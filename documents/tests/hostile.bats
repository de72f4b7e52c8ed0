# Whoever can write one file into production's data directory decides what is on the volume. Nothing of it runs, is
# written through, or is read for the backup's own. S0 and so on are the cases that were played on the real scripts.
bats_require_minimum_version 1.5.0
load helper
setup() { host; }

# client_of_5_1: the real client behind one that reads as that of MySQL 5.1 does
client_of_5_1() {
  export IB_CLIENT_BEHIND=$SSM_client SSM_client=$BATS_TEST_DIRNAME/infobright/client
}

# sign: puts the right sum under a forged manifest
sign() {
  sed -i '/^end\t/d' "$DATA/ib-backup-manifest"
  printf 'end\t%s\n' "$(sha256sum <"$DATA/ib-backup-manifest" | cut -d ' ' -f 1)" >>"$DATA/ib-backup-manifest"
}

# forged_manifest <time> [line...]: with a right sum
forged_manifest() {
  local line
  printf 'ib-backup-manifest\t1\t%s\t10.11.19-MariaDB\t2023-02-08T00:00:00Z\n' "$1" >"$DATA/ib-backup-manifest"
  shift
  for line in "$@"; do printf '%b\n' "$line" >>"$DATA/ib-backup-manifest"; done
  sign
}

hex() { printf '%s' "$1" | od -An -v -t x1 | tr -d ' \n' | tr a-f A-F; }

# ran: whether something of the volume was run
ran() { [ -e "$W/state/ran" ]; }

# names_that_run: columns, a table and a database whose names are a command for the shell to the client of MySQL 5.1
names_that_run() {
  # A name has 64 characters at most, and a table's ends up in a file's.
  S0=/tmp/ib-s$$
  ln -sfn "$W/state" "$S0"
  local run="\\! id>$S0/ran;#"
  sql <<SQL
CREATE TABLE shop.columns (\`c\\\` INT, \`$run\` INT, plain INT) ENGINE=MyISAM;
INSERT INTO shop.columns VALUES (1, 2, 3);
CREATE TABLE shop.\`t\\\` (a INT) ENGINE=MyISAM;
CREATE TABLE shop.\`$run\` (a INT) ENGINE=InnoDB;
CREATE DATABASE \`d\\\`;
CREATE TABLE \`d\\\`.\`$run\` (a INT) ENGINE=MyISAM;
SQL
}

@test "S0: names that are the client's command for the shell" {
  folder_volume
  names_that_run
  client_of_5_1
  mounted_test
  rm -f "$S0"
  ! ran || { cat "$W/state/ran"; return 1; }
  expect 0
  grep -q '^WARN *read: shop.columns: a column is not read: its name has a backslash' <<<"$output"
  [ "$(grep -c '^WARN *inventory: .*is not read: its name has a backslash' <<<"$output")" -eq 3 ]
  # What can be read of the table with such columns was.
  grep -q '^PASS *read: shop.columns: 1 rows' <<<"$output"
  [ "$tables" -eq 5 ]
}

@test "S0: names that are the client's command for the shell, where production writes a manifest" {
  folder_volume
  names_that_run
  start_production
  client_of_5_1
  # The client is nobody, and what it was made to run could write here.
  chmod 777 "$W/state"
  manifest
  rm -f "$S0"
  ! ran || { cat "$W/state/ran"; return 1; }
  [ "$code" -eq 0 ] || { echo "$said"; return 1; }
  stop_production
  mounted_test
  expect 0
  ! ran
}

@test "S0: MySQL 5.1's client runs its shell command unless the server has reported NO_BACKSLASH_ESCAPES" {
  export IB_CLIENT_BEHIND=/bin/cat
  printf 'SELECT `c\\`, `\\! id >%s/ran;#`;\n' "$W/state" | "$BATS_TEST_DIRNAME/infobright/client"
  ran
  rm "$W/state/ran"
  printf "SET sql_mode='NO_BACKSLASH_ESCAPES';\nSELECT \`c\\\\\`, \`\\\\! id >%s/ran;#\`;\n" "$W/state" | "$BATS_TEST_DIRNAME/infobright/client"
  ! ran
  printf 'system id >%s/ran\n' "$W/state" | "$BATS_TEST_DIRNAME/infobright/client"
  ran
  rm "$W/state/ran"
  printf 'system id >%s/ran\n' "$W/state" >"$W/commands"
  for source in '\.' source; do
    rm -f "$W/state/ran"
    printf 'SELECT 1;\n%s %s/commands\n' "$source" "$W" | "$BATS_TEST_DIRNAME/infobright/client"
    ran
  done
}

@test "S0: neither client nor server runs as root if the script does" {
  [ "$(id -u)" -eq 0 ] || skip 'not root'
  folder_volume
  cat >"$W/bin/client" <<CLIENT
#!/bin/bash
grep -h '^[UG]' /proc/\$\$/status >>"$W/state/users/client"
grep -h '^[UG]' /proc/\$(cat "$W/state/runs/run-1/scratch/pid")/status >>"$W/state/users/server"
exec $SSM_client "\$@"
CLIENT
  chmod +x "$W/bin/client"
  mkdir -m 777 "$W/state/users"
  SSM_client=$W/bin/client SSM_serverUser=nobody mounted_test
  expect 0
  if grep -E '\b0\b' "$W/state/users/client"; then return 1; fi
  grep -q "^Uid:.$(id -u nobody).$(id -u nobody).$(id -u nobody).$(id -u nobody)$" "$W/state/users/client"
  tail -n 3 "$W/state/users/server" | grep -q "^Uid:.$(id -u nobody).$(id -u nobody).$(id -u nobody).$(id -u nobody)$"
}

@test "S0: the client of a manifest does not run as root either, and gets its password" {
  [ "$(id -u)" -eq 0 ] || skip 'not root'
  folder_volume
  start_production
  cat >"$W/bin/client" <<CLIENT
#!/bin/bash
{ grep -h '^[UG]id' /proc/\$\$/status; cat "\${1#--defaults-file=}"; } >>"$W/state/users/client"
exec $SSM_client "\$@"
CLIENT
  chmod +x "$W/bin/client"
  mkdir -m 777 "$W/state/users"
  printf '[client]\nuser=root\npassword=secret\n' >"$W/secret.cnf"
  chmod 600 "$W/secret.cnf"
  SSM_client=$W/bin/client manifest --defaults-file "$W/secret.cnf"
  [ "$code" -eq 0 ] || { echo "$said"; return 1; }
  if grep -E '^[UG]id.*\b0\b' "$W/state/users/client"; then return 1; fi
  grep -q password=secret "$W/state/users/client"
  [ -z "$(find /tmp -maxdepth 2 -name client.cnf 2>/dev/null)" ]
  manifest --client-user root
  [ "$code" -eq 1 ]
  [[ $said == *'does not run as root'* ]]
}

@test "S0b: values of a forged manifest are neither SQL nor a command" {
  infobright_volume
  local value at=0
  for value in "x'; \\! id >$W/state/ran" $'x\n\\! id >'"$W/state/ran"$'\n' $'x\';\nsystem id >'"$W/state/ran"$'\n' "' OR '1'='1"; do
    forged_manifest 1675814400 "table\t$(hex shop)\t$(hex events)\tBRIGHTHOUSE\t200000" \
      "value\t$(hex shop)\t$(hex events)\t$(hex id)\t$(hex "$value")\t1"
    export SSM_runId=run-$((at += 1))
    cat >"$W/bin/client" <<CLIENT
#!/bin/bash
tee -a "$W/state/asked" | exec $BATS_TEST_DIRNAME/infobright/client "\$@"
CLIENT
    chmod +x "$W/bin/client"
    SSM_client=$W/bin/client mounted_test
    ! ran || { cat "$W/state/ran"; return 1; }
    if grep -aF -e '\!' -e "' OR '" -e 'system id' "$W/state/asked"; then return 1; fi
    [ -s "$W/state/asked" ]
    document release
  done
}

@test "S1: a forged manifest runs nothing" {
  folder_volume
  export SSM_snapshotTime=2023-02-08T01:00:00Z
  local forged line at=0
  for forged in 'PPID[$(id>ran)]' 'MANIFEST_ROWS[$(id>ran)]' '$(id>ran)' '`id>ran`' 'a[$(id>ran)]+1' '08' '-5' '1e9' '0x10' \
    '99999999999999999999' '1 1' ''; do
    forged=${forged//ran/$W/state/ran}
    forged_manifest "$forged"
    export SSM_runId=run-$((at += 1))
    mounted_test
    ! ran || { echo "$forged"; return 1; }
    expect 75 'a line that this script does not write'
    document release
  done
  # Each other number of a manifest.
  for line in "table\t73686f70\t766973697473\tMyISAM\tPPID[\$(id>$W/state/ran)]" "column\t73686f70\t766973697473\t6964\tPPID[\$(id>$W/state/ran)]" \
    "value\t73686f70\t766973697473\t6964\t31\tPPID[\$(id>$W/state/ran)]" "table\t\$(id>$W/state/ran)\tx\tMyISAM\t1" 'other\t1'; do
    forged_manifest 1675814400 "$line"
    export SSM_runId=run-$((at += 1))
    mounted_test
    ! ran || { echo "$line"; return 1; }
    expect 75
    document release
  done
}

@test "S1: a table's name adds no line to a reader's records" {
  folder_volume
  # Tabs and line ends are what its fields and lines are made of.
  sql <<SQL
SET @name = CONCAT('x', CHAR(10), '=', CHAR(9), 'PPID[\$(id>/tmp/ib-s1)]', CHAR(9), '1', CHAR(9), '1', CHAR(9), '1', CHAR(9), '1');
SET @name = LEFT(@name, 64);
SET @create = CONCAT('CREATE TABLE shop.\`', @name, '\` (a INT) ENGINE=MyISAM');
PREPARE made FROM @create;
EXECUTE made;
SQL
  ln -sfn "$W/state/ran" /tmp/ib-s1
  IB_WORKERS=3 IB_PACKS_TOGETHER=1 mounted_test
  rm -f /tmp/ib-s1
  ! ran
  expect 0
}

@test "S2: on production's host nothing is written through a link either" {
  folder_volume
  start_production
  local name
  for name in ib-backup-manifest ib-backup-manifest.new ib-backup-manifest.last ib-backup-manifest.lock; do
    echo precious >"$W/$name"
    ln -sf "$W/$name" "$DATA/$name"
  done
  manifest
  [ "$code" -eq 0 ] || { echo "$said"; return 1; }
  for name in ib-backup-manifest ib-backup-manifest.new ib-backup-manifest.last ib-backup-manifest.lock; do
    [ "$(cat "$W/$name")" = precious ] || { echo "$name"; return 1; }
  done
  [ -f "$DATA/ib-backup-manifest" ]
  [ ! -L "$DATA/ib-backup-manifest" ]
  rm -f "$DATA/ib-backup-manifest.last"
  mkfifo "$DATA/ib-backup-manifest.last"
  mv "$DATA/ib-backup-manifest" "$W/aside"
  manifest
  [ "$code" -eq 0 ] || { echo "$said"; return 1; }
}

@test "S5c: a file system that asks for panic on errors is mounted without that" {
  new_image ext4
  tune2fs -e panic "$W/image" >/dev/null
  attach_image
  document mount
  expect 0
  grep " $W/mnt " /proc/self/mountinfo
  grep " $W/mnt " /proc/self/mountinfo | grep -q 'errors=remount-ro'
  document release
}

@test "S5c: a file system of another type is not mounted" {
  for type in vfat btrfs iso9660 squashfs nfs; do
    export SSM_runId=run-$type
    rm -rf "$W/dev/disk/by-id/"*
    mkdir -p "$W/volume"
    export IB_MOUNTINFO=$W/mountinfo PATH=$HOST_SCRIPTS/shims:$PATH
    echo "$type" >"$W/volume.type"
    link_device "$W/volume"
    document mount
    expect 75 "holds $type: only ext2 to ext4 and XFS are mounted"
  done
}

# leads_out <words...>: the verdict of a volume on which a path leads out of it: invalid, and no server was started on it
leads_out() {
  [ "$SSM_server" = "$W/bin/server" ] || counting_server
  mounted_test
  expect 1 "$@"
  [ ! -e "$W/volume/starts" ]
  document release
}

@test "S2: brighthouse.ini is a link to a file of the host" {
  infobright_volume
  cp "$DATA/brighthouse.ini" "$W/precious"
  ln -sf "$W/precious" "$DATA/brighthouse.ini"
  before=$(sha256sum "$W/precious")
  leads_out brighthouse.ini 'which is not on this volume'
  [ "$(sha256sum "$W/precious")" = "$before" ]
}

@test "S3: a canary night damages nothing through a link" {
  folder_volume
  for file in orders.ibd visits.MYD stock.MAD; do
    mv "$DATA/shop/$file" "$W/$file"
    ln -s "$W/$file" "$DATA/shop/$file"
  done
  before=$(cat "$W/orders.ibd" "$W/visits.MYD" "$W/stock.MAD" | sha256sum)
  SSM_canary=true mounted_test
  expect 75 'not on this volume'
  [ "$(cat "$W/orders.ibd" "$W/visits.MYD" "$W/stock.MAD" | sha256sum)" = "$before" ]
}

@test "S4: links to files of the host's own database" {
  folder_volume
  mkdir "$W/own"
  local file
  for file in ibdata1 ib_logfile0 aria_log_control shop/visits.MYI shop/orders.frm mysql/proc.MAD shop/db.opt; do
    export SSM_runId=run-${file//[^a-zA-Z0-9]/-}
    cp -a "$DATA/$file" "$W/own/${file##*/}"
    mv "$DATA/$file" "$W/aside"
    ln -s "$W/own/${file##*/}" "$DATA/$file"
    before=$(sha256sum "$W/own/${file##*/}")
    leads_out "$file" 'which is not on this volume'
    [ "$(sha256sum "$W/own/${file##*/}")" = "$before" ]
    mv -f "$W/aside" "$DATA/$file"
  done
  # What a server makes where it is missing, and files of replication that it opens.
  for file in tc.log ddl_recovery.log master.info relay-log.info host-relay-bin.000001 newdb; do
    export SSM_runId=run-$file
    ln -s "$W/own/$file" "$DATA/$file"
    leads_out "$file" 'which is not on this volume'
    rm "$DATA/$file"
  done
}

@test "S4: links out of the volume, of each kind" {
  folder_volume
  local target at=0
  mv "$DATA/shop/visits.MYD" "$W/visits.MYD"
  ln -s "$W/visits.MYD" "$W/chain"
  for target in "$W/visits.MYD" "$W/chain" ../../../visits.MYD ../../../../../../../../../../../../etc/passwd /etc/passwd \
    /proc/self/root/etc/passwd missing /no/such/file visits.MYD "$W/mnt/../visits.MYD"; do
    export SSM_runId=run-$((at += 1))
    ln -sfn "$target" "$DATA/shop/visits.MYD"
    leads_out shop/visits.MYD 'which is not on this volume'
  done
  rm "$DATA/shop/visits.MYD"
  mv "$DATA/shop" "$W/shop"
  ln -s "$W/shop" "$DATA/shop"
  SSM_runId=run-folder leads_out shop 'which is not on this volume'
}

@test "S5: a FIFO or a device in place of a file hangs nothing" {
  infobright_volume
  local file at=0
  for file in shop/events.bht/Table.ctb shop/events.bht/TA00001.ctb shop/events.frm brighthouse.ini ib_data_version; do
    export SSM_runId=run-$((at += 1))
    mv "$DATA/$file" "$W/aside"
    mkfifo "$DATA/$file"
    leads_out "$file" 'is a FIFO'
    rm "$DATA/$file"
    if [ "$(id -u)" -eq 0 ]; then
      SSM_runId=run-device-$at
      mknod "$DATA/$file" c 1 5
      leads_out "$file" 'is a device'
      rm "$DATA/$file"
    fi
    mv "$W/aside" "$DATA/$file"
  done
}

@test "S5b: a tablespace that a text file places elsewhere, and a link deep in a table's folder" {
  folder_volume
  mkdir -p "$W/elsewhere/shop"
  sql <<SQL
CREATE TABLE shop.far (a INT PRIMARY KEY) ENGINE=InnoDB DATA DIRECTORY='$W/elsewhere';
INSERT INTO shop.far VALUES (1),(2);
SQL
  [ -e "$DATA/shop/far.isl" ]
  before=$(sha256sum "$W/elsewhere/shop/far.ibd")
  leads_out shop/far.isl 'which is not on this volume'
  [ "$(sha256sum "$W/elsewhere/shop/far.ibd")" = "$before" ]
  rm "$DATA/shop/far."*
  mkdir -p "$DATA/shop/t.bht/a/b/c"
  ln -s /etc/passwd "$DATA/shop/t.bht/a/b/c/TA00001.ctb"
  SSM_runId=run-deep leads_out shop/t.bht/a/b/c/TA00001.ctb 'which is not on this volume'
}

@test "S6: a file of a terabyte is not read" {
  infobright_volume
  local file at=0
  for file in shop/events.bht/Table.ctb shop/events.bht/TA00000.ctb shop/events.bht/TB00001.ctb shop/events.bht/TA00000DPN.ctb \
    brighthouse.ini ib_data_version ib-backup-manifest shop/db.opt; do
    export SSM_runId=run-$((at += 1))
    [ ! -e "$DATA/$file" ] || cp "$DATA/$file" "$W/aside"
    truncate -s 1T "$DATA/$file"
    leads_out "$file" 'has 1099511627776 bytes'
    rm "$DATA/$file"
    [ ! -e "$W/aside" ] || mv "$W/aside" "$DATA/$file"
  done
}

@test "S4: data behind legitimate links is read" {
  folder_volume
  # Files of another user there, and links of production's host that nothing opens.
  mkdir "$W/volume/big"
  mv "$DATA/shop/visits.MYD" "$W/volume/big/v.MYD"
  ln -s ../../big/v.MYD "$DATA/shop/visits.MYD"
  mv "$DATA/shop" "$W/volume/shop"
  chmod 700 "$W/volume/shop" "$W/volume/big"
  rm "$W/volume/shop/visits.MYD"
  ln -s ../big/v.MYD "$W/volume/shop/visits.MYD"
  ln -s ../shop "$DATA/shop"
  ln -s /var/run/mysqld/mysqld.sock "$DATA/mysql.sock"
  ln -s /var/log/mysql/error.log "$DATA/host.err"
  ln -s /etc/my.cnf "$DATA/my.cnf"
  if [ "$(id -u)" -eq 0 ]; then
    chown -R 12345:12345 "$W/volume"
    export SSM_serverUser=nobody
  fi
  mounted_test
  expect 0
  [ "$rows" -eq 20000 ]
}

@test "S4: case 124, the folder of an Infobright table, linked by production's path" {
  infobright_volume
  mkdir "$W/volume/big"
  mv "$DATA/shop/events.bht" "$W/volume/big"
  ln -s /data/big/events.bht "$DATA/shop/events.bht"
  mounted_test
  expect 0
  [ "$(readlink "$DATA/shop/events.bht")" != /data/big/events.bht ]
}
