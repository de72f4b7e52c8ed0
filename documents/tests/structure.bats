# documents/structure.pl by itself, on golden: each thing that it says, and what it must not say anything of.
bats_require_minimum_version 1.5.0

setup() {
  D=$BATS_TEST_TMPDIR/data
  cp -a "$GOLDEN" "$D"
  events=$D/shop/events.bht
}

# walk: sets said, of which `table` and `end` lines are left out
walk() {
  perl -w "$STRUCTURE" "$D" "${1-100}" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
  [ ! -s "$BATS_TEST_TMPDIR/err" ]
  tail -n 1 "$BATS_TEST_TMPDIR/out" | grep -q '^end'
  said=$(grep -v '^table\|^end' "$BATS_TEST_TMPDIR/out" | tr '\t' '|') || said=''
}

# poke <file> <offset> <bytes in hex>
poke() {
  python3 -c 'import sys
with open(sys.argv[1], "r+b") as file:
    file.seek(int(sys.argv[2]))
    file.write(bytes.fromhex(sys.argv[3]))' "$@"
}

# silent: nothing is said of it
silent() {
  walk
  [ -z "$said" ] || { echo "$said"; return 1; }
}

# told <fail|warn|skip> <table> <words>
told() {
  walk
  grep -qE "^$1\|$2\|.*$3" <<<"$said" || { echo "not said: $1 $2 $3, but: $said"; return 1; }
}

@test "structure: golden is clean, and its packs are counted as the server counts them" {
  silent
  diff - "$BATS_TEST_TMPDIR/out" <<'END'
table	shop/constants.bht	140000	3	3,0,0
table	shop/customers.bht	70000	4	2,2,2,2
table	shop/daily_totals.bht	3000	3	1,1,1
table	shop/empty_table.bht	0	3	0,0,0
table	shop/events.bht	200000	7	4,4,4,4,4,4,4
table	shop/loaded_twice.bht	22000	4	1,1,1,1
end	6	24	52	46
END
}

@test "structure: outdated files may hold anything" {
  rm "$events/TB00000.ctb"
  poke "$events/TB00001.ctb" 0 00000000
  # Slot 0 is not the current version of the last pack, and slot 1 is not in loaded_twice.
  poke "$events/TA00000DPN.ctb" 0 "$(printf 'ff%.0s' {1..37})"
  poke "$D/shop/loaded_twice.bht/TA00000DPN.ctb" 37 "$(printf 'ff%.0s' {1..37})"
  rm "$D/shop/loaded_twice.bht/TA00000000000001.ctb"
  : >"$D/shop/loaded_twice.bht/TA00003000000001.ctb"
  # A load that was not committed, and what one that was rolled back left behind.
  printf junk >"$events/TS00000.ctb"
  head -c 37 /dev/zero >>"$events/TA00001DPN.ctb"
  head -c 5000 /dev/urandom >>"$events/TA00001000000001.ctb"
  silent
}

@test "structure: an older outdated set with more rows is not judged" {
  touch -d '2010-01-01' "$D/shop/loaded_twice.bht"/TB*
  rm "$D/shop/loaded_twice.bht/ab_switch"
  walk
  [[ $said != *ab_switch* ]]
}

@test "structure: ab_switch is lost, or stray" {
  rm "$D/shop/loaded_twice.bht/ab_switch"
  : >"$events/ab_switch"
  told fail shop.loaded_twice 'set B, which is not older, has 22000: ab_switch is lost'
  told fail shop.events 'set A, which is not older, has 200000: ab_switch is stray'
}

@test "structure: the definition of a table" {
  for change in '0 53' '25 08' '25 ffffffff' '29 31' '48 0b'; do
    cp "$GOLDEN/shop/events.bht/Table.ctb" "$events/Table.ctb"
    poke "$events/Table.ctb" $change
    told fail shop.events 'Table.ctb|headers|TA00007.ctb is missing'
  done
  truncate -s 30 "$events/Table.ctb"
  told fail shop.events 'Table.ctb is 30 bytes'
  rm "$events/Table.ctb"
  told fail shop.events 'Table.ctb cannot be opened'
}

@test "structure: the header of a column" {
  told_of() {
    cp "$GOLDEN/shop/events.bht/"TA*.ctb "$events"
    poke "$events/$1" "$2" "$3"
    told fail shop.events "$4"
  }
  told_of TA00001.ctb 0 00 'TA00001.ctb is 117 bytes and begins with 00533130'
  told_of TA00001.ctb 30 00 'TA00001.ctb has 0 packs for 200000 rows'
  told_of TA00001.ctb 9 41 'TA00001.ctb has 200001 rows.*200000, as the other columns'
  told_of TA00001.ctb 17 41420f 'has 1000001 NULLs in 200000 rows'
  told_of TA00001.ctb 17 01 'has 1 NULLs.*0, as its packs have'
  told_of TA00005.ctb 28 22 'is a decimal\(10,34\)'
  told_of TA00001.ctb 42 4b 'ends too early'
  told_of TA00002.ctb 68 08 'has 8 words, the highest code is 8'
  told_of TA00002.ctb 100 07 'has words of 38 letters'
  rm "$events/TA00003.ctb"
  told fail shop.events 'TA00003.ctb is missing'
}

@test "structure: the nodes of a column's packs" {
  told_of() {
    cp "$GOLDEN/shop/events.bht/"TA*.ctb "$events"
    poke "$events/TA00004DPN.ctb" "$1" "$2"
    told fail shop.events "$3"
  }
  told_of 74 f8ffffff 'pack 1: pack file -8'
  told_of 74 07000000 'TA00004000000007.ctb is missing'
  told_of 106 feff 'pack 1: 65535 rows.*65536'
  told_of 69 3e0d 'pack 4: 3391 rows.*3392'
  told_of 82 0200 'pack 1: values from 2 to 4859.*within 3 to 4859'
  told_of 90 ff7f 'pack 1: values from 3 to 32767'
  told_of 98 ffffff7f 'the sum of 63011 values is 2147483647'
  told_of 98 00000000 'the sum of 63011 values is 0.*from 189033'
  told_of 108 de09 'TA00004.ctb has 7945 NULLs.*7946, as its packs have'
  truncate -s 100 "$events/TA00004DPN.ctb"
  told fail shop.events 'TA00004DPN.ctb has 100 bytes.*185 for 4 packs'
  rm "$events/TA00004DPN.ctb"
  told fail shop.events 'TA00004DPN.ctb is missing'
}

@test "structure: the last pack in the slot that is not named is a warning, and is read there" {
  # The byte of the header that names the slot.
  poke "$D/shop/loaded_twice.bht/TB00000.ctb" 96 01
  told warn shop.loaded_twice 'the last pack is in the slot that is not named'
  if grep -q '^fail' <<<"$said"; then return 1; fi
}

@test "structure: the packs in their files" {
  told_of() {
    cp "$GOLDEN/shop/events.bht/"TA*.ctb "$events"
    poke "$events/$1" "$2" "$3"
    told fail shop.events "$4"
  }
  # Addresses: beyond the end, and into another pack.
  told_of TA00000DPN.ctb 78 ffff7f00 'pack 1: begins at 8388607'
  told_of TA00000DPN.ctb 115 51 'pack 1: from 0 on 11348 bytes.*an end by 11345'
  # The pack's own words: its length, rows, NULLs, span.
  told_of TA00000000000001.ctb 0 552c 'pack 1: from 0 on 11349 bytes'
  told_of TA00000000000001.ctb 5 feff 'pack 1: 65535 rows, 0 NULLs.*65536 rows, 0 NULLs'
  told_of TA00000000000001.ctb 7 01 'pack 1: 65536 rows, 1 NULLs'
  told_of TA00000000000001.ctb 9 1f 'pack 1: a span of .*, as its node says'
  truncate -s 34000 "$events/TA00000000000001.ctb"
  told fail shop.events 'pack 4: from 33962 on 744 bytes.*an end by 34000'
  rm "$events/TA00000000000001.ctb"
  told fail shop.events 'TA00000000000001.ctb is missing.*the file of 4 packs'
}

@test "structure: without time no pack headers are read, but addresses are compared" {
  poke "$events/TA00000000000001.ctb" 5 feff
  walk -1
  [ -z "$said" ]
  grep -q $'^end\t6\t24\t52\t0$' "$BATS_TEST_TMPDIR/out"
  poke "$events/TA00000DPN.ctb" 78 ffff7f00
  walk -1
  grep -q 'begins at 8388607' <<<"$said"
}

@test "structure: a wholly damaged table has only a few lines" {
  for file in "$events"/TA*DPN.ctb; do poke "$file" 74 "$(printf 'ff%.0s' {1..100})"; done
  walk
  [ "$(wc -l <<<"$said")" -le 6 ]
  grep -q '^fail|shop.events|and .* more faults' <<<"$said"
}

@test "structure: columns in an older format are left to the server" {
  for file in "$D/shop/daily_totals.bht"/TA?????.ctb; do poke "$file" 0 52536338; done
  told skip shop.daily_totals 'format'
  if grep -q '^fail' <<<"$said"; then return 1; fi
}

@test "structure: names of tables as people write them" {
  mv "$D/shop/daily_totals.bht" "$D/shop/a@0020b@00e9.bht"
  mv "$D/shop/constants.bht" "$D/shop/nul@@@.bht"
  rm "$D/shop/a@0020b@00e9.bht/TA00000.ctb" "$D/shop/nul@@@.bht/TA00000.ctb"
  told fail 'shop.a bé' 'TA00000.ctb is missing'
  told fail shop.nul 'TA00000.ctb is missing'
}
