# Hostile data directories from a seed, and each guard against them taken away once.
bats_require_minimum_version 1.5.0
setup() { [ "$(id -u)" -eq 0 ] || skip 'not root'; }

# found <number of the directory> <guard>
found() { "$BATS_TEST_DIRNAME/hostile-volumes" --first "$1" --count $(($1 + 1)) --seconds 20 --without "$2"; }

@test "volumes: a hundred hostile directories do no harm" {
  unshare --mount --net true || skip 'no namespaces here: a server could follow what is in its dictionary'
  run "$BATS_TEST_DIRNAME/hostile-volumes" --count 100 --seed ci
  [ "$status" -eq 0 ] || { echo "$output"; return 1; }
  # Some have to come as far as a server.
  [[ $output =~ 'a server was started on '[1-9] ]]
}

@test "volumes: without one guard a directory does harm" {
  found 0 walk
  found 0 pointers
  found 68 isl
  found 142 manifest
  found 30 limits
  found 13 kinds
  found 7 namespaces
}
