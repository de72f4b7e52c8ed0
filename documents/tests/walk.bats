# Paths that no walk over the volume sees, and links that it takes as they are.
bats_require_minimum_version 1.5.0
load helper
setup() { host; }

# dictionary_has <path>: InnoDB's dictionary has a table there too. Which servers follow it, and from which of their files,
# differs: MariaDB 10.11 believes its .isl alone.
dictionary_has() {
  cat >"$W/bin/client" <<CLIENT
#!/bin/bash
sql=\$(cat)
"$REAL_CLIENT" "\$@" <<<"\$sql" | SQL=\$sql WHERE=$(printf '%s' "$1" | od -An -v -t x1 | tr -d ' \n') perl -pe '
  print "\$ENV{WHERE}\n" if \$ENV{SQL} =~ /innodb_sys_tablespaces/ and !\$said++'
exit "\${PIPESTATUS[0]}"
CLIENT
  chmod +x "$W/bin/client"
  export SSM_client=$W/bin/client
}

@test "paths: a table that is off the volume only in InnoDB's dictionary" {
  folder_volume
  REAL_CLIENT=$SSM_client
  dictionary_has ./shop/orders.ibd
  mounted_test
  expect 0
  document release
  export SSM_runId=run-2
  dictionary_has /mnt/elsewhere/shop/far.ibd
  mounted_test
  expect 1 "paths: is where InnoDB's dictionary has a table"
}

@test "case 125: the folder of an Infobright table, linked relatively" {
  infobright_volume
  mkdir "$W/volume/big"
  mv "$DATA/shop/events.bht" "$W/volume/big"
  ln -s ../../big/events.bht "$DATA/shop/events.bht"
  mounted_test
  expect 0
  [ "$rows" -eq 435000 ]
  # It leads there on this host as well, so nothing was changed.
  [ "$(readlink "$DATA/shop/events.bht")" = ../../big/events.bht ]
}
