# Engines that production has as plugins: from the folder of this host's server, and from no other.
bats_require_minimum_version 1.5.0
load helper

# with_plugins <options>: a server with the plugins of IB_TEST_PLUGINS, or of its own folder
with_plugins() {
  cat >"$W/bin/server$#" <<SERVER
#!/bin/bash
for option in "\$@"; do case \$option in --defaults-file=*) first=\$option ;; --no-defaults) first=\$option ;; esac; done
for option in "\$@"; do [ "\$option" = "\$first" ] || rest+=("\$option"); done
exec $REAL_SERVER "\$first" --plugin-dir="$W/plugins" $* "\${rest[@]}"
SERVER
  chmod +x "$W/bin/server$#"
  export SSM_server=$W/bin/server$#
}

setup() {
  host
  folder_volume
  REAL_SERVER=$SSM_server
  local folder=${IB_TEST_PLUGINS:-/usr/lib/mysql/plugin}
  [ -e "$folder/ha_archive.so" ] || skip "no ha_archive.so in $folder"
  mkdir "$W/plugins"
  cp "$folder"/ha_archive.so "$folder"/ha_blackhole.so "$W/plugins/"
  chmod -R a+rX "$W/plugins"
  with_plugins --plugin-load-add=ha_archive --plugin-load-add=ha_blackhole
  start_production
  "$SSM_client" --no-defaults --socket="$W/s" -e "CREATE TABLE shop.old (a INT, b TEXT) ENGINE=ARCHIVE;
    INSERT INTO shop.old SELECT id, MD5(id) FROM shop.orders; CREATE TABLE shop.hole (a INT) ENGINE=BLACKHOLE;
    INSERT INTO mysql.plugin VALUES ('ARCHIVE', 'ha_archive.so'), ('BLACKHOLE', 'ha_blackhole.so')"
  stop_production
  with_plugins
}

@test "case 114: an ARCHIVE table, and the host has the plugin" {
  mounted_test
  expect 0
  grep -q '^PASS *engine: ha_archive: loaded from' <<<"$output"
  grep -q '^PASS *read: shop.old: 8000 rows (ARCHIVE)' <<<"$output"
  [ "$tables" -eq 5 ]
}

@test "case 114: the same table damaged" {
  invert "$DATA/shop/old.ARZ" 20000 200
  mounted_test
  expect 1 shop.old
}

@test "case 113: the host has no such plugin" {
  rm "$W/plugins/ha_archive.so"
  mounted_test
  expect 75 'shop.old: engine: the server of this host lacks the engine ARCHIVE'
  grep -q '^ERROR .*ha_archive.so in .*: install the package' <<<"$output"
}

@test "case 114: a plugin in production's list is loaded by no other name, and not from the volume" {
  sql <<<"UPDATE mysql.plugin SET dl = CONCAT(REPEAT('../', 20), '$DATA/ha_archive.so') WHERE name = 'ARCHIVE';"
  mv "$W/plugins/ha_archive.so" "$DATA/"
  mounted_test
  expect 75 'lacks the engine ARCHIVE'
  document release
  sql <<<"UPDATE mysql.plugin SET dl = 'ha_blackhole.so' WHERE name = 'ARCHIVE';"
  export SSM_runId=run-2
  mounted_test
  [ "$code" -eq 75 ]
}

@test "case 115: a table without rows, of an engine that is a plugin" {
  sql <<<'DROP TABLE IF EXISTS shop.none;'
  rm "$DATA"/shop/old.*
  mounted_test
  expect 0
  grep -q '^SKIP *read: shop.hole' <<<"$output"
}
