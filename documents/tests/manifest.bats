# The manifest: written on production's host, and what a test does with it.
bats_require_minimum_version 1.5.0
load helper

# Files of some days ago, so that a change after the manifest has a later time.
setup() {
  host
  folder_volume
  find "$DATA" -exec touch -d '2020-01-01' {} +
}

# sign: puts the right sum under an edited manifest
sign() {
  sed -i '/^end\t/d' "$DATA/ib-backup-manifest"
  printf 'end\t%s\n' "$(sha256sum <"$DATA/ib-backup-manifest" | cut -d ' ' -f 1)" >>"$DATA/ib-backup-manifest"
}

@test "manifest: it is on the volume, and a good copy agrees with it" {
  with_manifest
  [[ $said == *"/ib-backup-manifest: "*' files, '* ]]
  mounted_test
  expect 0
  grep -q '^PASS *manifest: .* files: as in the manifest' <<<"$output"
  grep -q '^PASS *fingerprint: shop.visits: 4 columns as in the manifest' <<<"$output"
  no_marks
}

# paused: what the last line says of it, or nothing
paused() { sed -n '$s/.*"paused_seconds":\(-\{0,1\}[0-9]*\)[,}].*/\1/p' <<<"$output"; }

@test "manifest: how long production was paused for the backup" {
  with_manifest
  local began
  began=$(head -n 1 "$DATA/ib-backup-manifest" | cut -f 3)
  SSM_snapshotTime=$(date -u -d "@$((began + 95))" '+%Y-%m-%dT%H:%M:%S.742Z')
  export SSM_snapshotTime
  mounted_test
  expect 0
  [ "$(paused)" = 95 ]
  [ "$(summary manifest)" = True ]
  document release
  # Nobody has given the time, the clocks differ, or the manifest is of the night before.
  for seconds in '' -5 90000; do
    export SSM_runId=run-2$seconds SSM_snapshotTime=''
    [ -z "$seconds" ] || SSM_snapshotTime=$(date -u -d "@$((began + seconds))" '+%Y-%m-%dT%H:%M:%SZ')
    mounted_test
    expect 0
    [ "$(paused)" = '' ]
    case $seconds in
      -5) grep -q '^WARN *manifest: ib-backup-manifest: was begun 5 seconds after the snapshot' <<<"$output" ;;
      90000)
        grep -q '^WARN *manifest: ib-backup-manifest: was begun 25 hours before the snapshot' <<<"$output"
        [ "$(summary manifest)" = False ]
        ;;
      *) if grep -q 'was begun' <<<"$output"; then return 1; fi ;;
    esac
    document release
  done
}

@test "manifest: without one the test says that it had no reference" {
  mounted_test
  expect 0
  grep -q '^SKIP *manifest: .*no reference' <<<"$output"
}

@test "manifest: one bit of a value, which nothing else shows" {
  with_manifest
  flip_bit() {
    python3 - "$1" <<'PYTHON'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[data.index(b"/goods/") + 7] ^= 1
open(sys.argv[1], "wb").write(data)
PYTHON
  }
  as_a_disk_does flip_bit "$DATA/shop/visits.MYD"
  mounted_test
  expect 1 'shop.visits: manifest: shop/visits.MYD has another content'
  grep -q '^FAIL *fingerprint: shop.visits: column page' <<<"$output"
}

@test "manifest: rows of an engine whose files it does not hash" {
  cp "$DATA/shop/orders.ibd" "$W/older"
  sql <<<'DELETE FROM shop.orders WHERE id = 7;'
  find "$DATA" -exec touch -d '2020-01-01' {} +
  with_manifest
  cp "$W/older" "$DATA/shop/orders.ibd"
  mounted_test
  expect 1 'shop.orders: rows: 8000 rows'
}

@test "manifest: a table that is gone without a trace" {
  with_manifest
  rm "$DATA"/shop/visits.*
  mounted_test
  expect 1 shop.visits
}

@test "manifest: a file that is not in it" {
  with_manifest
  touch -d '2020-01-01' "$DATA/shop/visits.MYX"
  mounted_test
  expect 1 'shop.visits: manifest: shop/visits.MYX is not in the manifest'
}

@test "manifest: a table that was changed later is tested as without one" {
  with_manifest
  sql <<<'INSERT INTO shop.visits SELECT id + 100000, page, at, agent FROM shop.visits LIMIT 5;'
  find "$DATA/shop" -name 'visits.MY?' -exec touch -d 'next year' {} +
  mounted_test
  expect 0
  grep -q '^WARN *manifest: shop.visits: .* changed after the manifest' <<<"$output"
}

@test "manifest: one that is cut short is no reference, and not good" {
  with_manifest
  truncate -s 5000 "$DATA/ib-backup-manifest"
  mounted_test
  expect 75 'cut short or damaged'
}

@test "manifest: of a server of another version no fingerprints are compared" {
  with_manifest
  sed -i '1s/\t[^\t]*\(\t[^\t]*\)$/\t5.1.40\1/' "$DATA/ib-backup-manifest"
  sign
  mounted_test
  expect 0
  grep -q '^WARN *fingerprint: server: is version' <<<"$output"
  if grep -q '^PASS *fingerprint' <<<"$output"; then return 1; fi
}

@test "manifest: a change while tables are read is named, and no manifest is left" {
  start_production
  manifest
  [ "$code" -eq 0 ]
  cat >"$W/bin/client" <<CLIENT
#!/bin/bash
sql=\$(cat)
[[ \$sql != *CRC32* ]] || echo more >>"$DATA/shop/db.opt"
exec $SSM_client "\$@" <<<"\$sql"
CLIENT
  chmod +x "$W/bin/client"
  # The client is not root.
  chmod -R o+rwX "$W/volume"
  rm "$DATA/ib-backup-manifest"
  SSM_client=$W/bin/client manifest
  [ "$code" -eq 1 ]
  [[ $said == *'no manifest was written: files changed while the tables were read, such as shop/db.opt'* ]]
  [ ! -e "$DATA/ib-backup-manifest" ]
}

@test "manifest: a change while files are hashed is named, and no manifest is left" {
  start_production
  manifest
  [ "$code" -eq 0 ]
  cat >"$W/Meddler.pm" <<'PERL'
package Meddler;
use Digest::SHA;
my $hash = \&Digest::SHA::addfile;
my $done = 0;
no warnings 'redefine';
*Digest::SHA::addfile = sub {
  my $self = $hash->(@_);
  if (!$done++) { my $file = $ENV{MEDDLE}; open my $more, '>>', $file; print $more 'more'; close $more }
  return $self;
};
1;
PERL
  echo changed >>"$DATA/shop/db.opt"
  MEDDLE=$DATA/shop/db.opt PERL5OPT="-I$W -MMeddler" manifest
  [ "$code" -eq 1 ]
  [[ $said == *'shop/db.opt'*'changed while'* || $said == *'changed while'*'shop/db.opt'* ]]
  # Yesterday's would pass for tonight's.
  [ ! -e "$DATA/ib-backup-manifest" ]
  [ ! -e "$DATA/ib-backup-manifest.new" ]
}

@test "manifest: unchanged files and tables are taken over from the last one" {
  start_production
  # A file that was written in this very second is not taken over.
  while [ "$(date +%s)" -le "$(stat -c %Z "$DATA/shop/visits.MYD")" ]; do :; done
  manifest
  [ "$code" -eq 0 ]
  cp "$DATA/ib-backup-manifest" "$W/first"
  sed -i 's/^\(column\t[0-9A-F]*\t\)\(766973697473\t[0-9A-F]*\t\).*/\1\2taken-over/I' "$DATA/ib-backup-manifest"
  sign
  manifest
  [ "$code" -eq 0 ]
  [[ $said =~ ([0-9]+)' files, of which '([0-9]+)' are as they were' ]]
  [ "${BASH_REMATCH[1]}" -eq "${BASH_REMATCH[2]}" ]
  grep -q 'taken-over' "$DATA/ib-backup-manifest"
  "$SSM_client" --no-defaults --socket="$W/s" -e "INSERT INTO shop.visits VALUES (900000, '/x', NOW(), 'y')"
  manifest
  [ "$code" -eq 0 ]
  if grep -q 'taken-over' "$DATA/ib-backup-manifest"; then return 1; fi
}

@test "manifest: Infobright's cache folder is not in it, even in the data directory" {
  printf 'CacheFolder = /production/data/cache\nKNFolder = BH_RSI_Repository\nServerMainHeapSize = 600\n' >"$DATA/brighthouse.ini"
  mkdir "$DATA/cache"
  echo x >"$DATA/cache/x"
  touch -d '2020-01-01' "$DATA/brighthouse.ini"
  with_manifest
  rm "$DATA/cache/x"
  echo y >"$DATA/cache/y"
  mounted_test
  expect 0
}

# manifest_document: as the SSM agent runs it, packed, with the parameters as variables
manifest_document() {
  python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["runCommand"][0], end="")' \
    "$BATS_TEST_DIRNAME/../manifest.json" >"$W/manifest"
  code=0
  said=$(env -u SSM_runId -u SSM_volumeId -u SSM_mountPoint -u SSM_stateDirectory -u SSM_server -u SSM_serverUser \
    SSM_dataDirectory="$DATA/" SSM_socket="$W/s" SSM_clientUser=nobody SSM_defaultsFile='' bash "$W/manifest" 2>&1 3>&-) || code=$?
}

@test "manifest: its SSM document writes what the script writes" {
  "$BATS_TEST_DIRNAME/../build" >/dev/null
  start_production
  manifest
  [ "$code" -eq 0 ]
  grep -v -e '^ib-backup-manifest' -e '^innodb' -e '^end' "$DATA/ib-backup-manifest" >"$W/by-hand"
  rm "$DATA/ib-backup-manifest"
  manifest_document
  [ "$code" -eq 0 ]
  [[ $said == *"$DATA/ib-backup-manifest: "*' files, '* ]]
  grep -v -e '^ib-backup-manifest' -e '^innodb' -e '^end' "$DATA/ib-backup-manifest" | diff "$W/by-hand" -
  # What it is not told it does not guess.
  DATA=$W/nothing manifest_document
  [ "$code" -eq 1 ]
  [[ $said == *"no manifest was written: $W/nothing is not the data directory"* ]]
  stop_production
  mounted_test
  expect 0
  grep -q '^PASS *manifest: ' <<<"$output"
}

@test "manifest: a server that has another data directory is not asked" {
  start_production
  mkdir -p "$W/elsewhere"
  cp -a "$DATA/mysql" "$W/elsewhere"
  DATA=$W/elsewhere manifest
  [ "$code" -eq 1 ]
  [[ $said == *"has the data directory $DATA"* ]]
}

@test "manifest: no server, no data directory, no such option" {
  manifest
  [ "$code" -eq 1 ]
  [[ $said == *'the server does not answer'* ]]
  DATA=$W/nothing manifest
  [ "$code" -eq 1 ]
  [[ $said == *'is not the data directory'* ]]
  manifest --no-such-option x
  [ "$code" -eq 2 ]
  [[ $said == *usage* ]]
}
