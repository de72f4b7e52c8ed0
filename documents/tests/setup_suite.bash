# Made once for all tests: the documents as the host gets them, and a production data directory to copy.

setup_suite() {
  local here document
  here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
  export HOST_SCRIPTS=$here/../../crates/rehearsal/host
  export SCRIPTS=$BATS_SUITE_TMPDIR/documents
  export PRODUCTION=$BATS_SUITE_TMPDIR/production
  mkdir "$SCRIPTS"
  for document in mount test release manifest; do
    "$here/assemble" "$document" >"$SCRIPTS/$document"
    chmod +x "$SCRIPTS/$document"
  done
  # broken-checks breaks one thing, and wants to see red.
  export STRUCTURE=$BATS_SUITE_TMPDIR/structure.pl
  cp "$here/../structure.pl" "$STRUCTURE"
  [ -z "${IB_BREAK-}" ] || perl -0777 -pi -e "$IB_BREAK" "$SCRIPTS"/* "$STRUCTURE"
  GOLDEN=$(python3 -c "import sys; sys.path.insert(0, '$here/infobright'); import damage; print(damage.unpack_golden('$BATS_SUITE_TMPDIR'))")
  export GOLDEN
  if command -v mariadbd >/dev/null && command -v mariadb-install-db >/dev/null; then
    "$HOST_SCRIPTS/production.sh" "$PRODUCTION" 8000 >/dev/null
  fi
}
