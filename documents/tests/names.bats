# Forty names that somebody chose, in every check and every message: the report and its last line stay what they are, and none is run.
bats_require_minimum_version 1.5.0
load helper
setup() { host; }

# One a line, as printf's %b has it. RAN is a short path to a file that no name may make.
NAMES='a"b
a'"'"'b
a`b
"; DROP TABLE shop.orders; --
'"'"' OR '"'"'1'"'"'='"'"'1
`; DROP DATABASE shop; #
x;SELECT SLEEP(9);
/* comment
-- comment
# comment
a\\nb
a\\\\0b
c\\\\
\\\\! id >RAN;#
\\\\. RAN
\\\\g
line\\nend
\\nsystem id >RAN
carriage\\rreturn
tab\\tfield
=\\tPPID[$(id >RAN)]
\\033[2J\\033[31mred
\\033]0;title\\007
\\b\\b\\bback
\\177delete
$(id >RAN)
`id >RAN`
; id >RAN;
| id >RAN
&& id >RAN
a[$(id >RAN)]
${IFS}$PATH
*?[a-z]
%s%n%d
-rf
nul
con.
\\303\\251t\\303\\251 \\342\\202\\254
\\342\\200\\256right to left
xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'

# tables_of_names: a table, and a column of it, of each name
tables_of_names() {
  local name
  RAN=/tmp/ib-n$$
  ln -sfn "$W/state/ran" "$RAN"
  while IFS= read -r name; do
    name=$(printf '%b.' "${name//\\\\/\\}" | sed "s#RAN#$RAN#" | od -An -v -t x1 | tr -d ' \n')
    name=${name%2e}
    cat <<SQL
SET @name = CONCAT(CHAR(96), REPLACE(CONVERT(UNHEX('$name') USING utf8mb4), CHAR(96), REPEAT(CHAR(96), 2)), CHAR(96));
SET @create = CONCAT('CREATE TABLE shop.', @name, ' (first INT, ', @name, ' INT) ENGINE=MyISAM');
PREPARE made FROM @create;
EXECUTE made;
SET @create = CONCAT('INSERT INTO shop.', @name, ' VALUES (1, 2)');
PREPARE made FROM @create;
EXECUTE made;
SQL
  done <<<"$NAMES" | sql
  [ "$(ls "$DATA/shop" | grep -c '\.MYD$')" -eq 41 ]
}

# well_formed: no control character in what SSM keeps, and nothing was run
well_formed() {
  rm -f "$RAN"
  [ ! -e "$W/state/ran" ] || { cat "$W/state/ran"; return 1; }
  if LC_ALL=C grep -a $'[\001-\011\013-\037\177]' <<<"$output"; then return 1; fi
  if LC_ALL=C grep -a $'[\001-\011\013-\037\177]' "$W/stderr"; then return 1; fi
}

# client_of_5_1: it reads as that of MySQL 5.1 does, which Infobright's is; the real one is behind it
client_of_5_1() { export IB_CLIENT_BEHIND=$SSM_client SSM_client=$BATS_TEST_DIRNAME/infobright/client; }

healthy() {
  mounted_test
  well_formed
  expect 0
  grep '^WARN *inventory: .*is not read: its name has a backslash' <<<"$output"
  # Those that can be asked about were, beside the five that are always there.
  [ "$tables" -ge 25 ]
}

damaged() {
  local file
  for file in "$DATA"/shop/*.MYD; do printf x >"$file"; done
  for file in "$DATA"/shop/*.MYI; do invert "$file" 0 4; done
  mounted_test
  well_formed
  expect 1
  [ "$(grep -c '^FAIL' <<<"$output")" -ge 25 ]
}

@test "names: forty tables and columns with odd names are read, or named if they cannot be" {
  folder_volume
  tables_of_names
  healthy
}

@test "names: the same with a client like Infobright's" {
  folder_volume
  tables_of_names
  client_of_5_1
  healthy
}

@test "names: forty tables with odd names, each damaged" {
  folder_volume
  tables_of_names
  damaged
}

@test "names: the same with a client like Infobright's, each damaged" {
  folder_volume
  tables_of_names
  client_of_5_1
  damaged
}
