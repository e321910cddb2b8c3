#!/usr/bin/env bash
# Runs all tests of the workspace with cargo-nextest where it is installed, with plain `cargo test` elsewhere, then
# the examples in the documentation, and ends with the tests that skipped themselves.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/common.sh"
cd "$here/.."

: "${CARGO_TARGET_DIR:?run this through \'make test\', which sets it}"
failed=0

if cargo nextest --version >/dev/null 2>&1; then
  record="$CARGO_TARGET_DIR/nextest/default/junit.xml"
  rm -f "$record"
  cargo nextest run --release --workspace || failed=1
else
  say "cargo-nextest is not installed; running plain 'cargo test', which is slower and gives the same verdict"
  record="$CARGO_TARGET_DIR/test.log"
  # --tests leaves out the examples in the documentation, which run below for both runners.
  cargo test --release --workspace --tests --no-fail-fast -- --show-output 2>&1 | tee "$record" || failed=1
fi
cargo test --release --workspace --doc --no-fail-fast || failed=1

"$here/skipped-tests.sh" "$record"
[ "$failed" -eq 0 ] || fail "tests failed; their names stand above"
