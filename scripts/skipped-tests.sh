#!/usr/bin/env bash
# Prints which tests of the last run skipped themselves, and why.
#
# A test that cannot run here prints a line `skipped: REASON` to stderr and returns. Runners hide the output of
# passing tests, so the lines are read from nextest's report or from the log of `cargo test -- --show-output`.
#
# Usage: skipped-tests.sh (JUNIT_XML | CARGO_TEST_LOG)
set -euo pipefail

[ -r "$1" ] || exit 0
awk '
  # nextest: the output stands inside the element of its test case.
  match($0, /<testcase name="[^"]*"/) { test = substr($0, RSTART + 16, RLENGTH - 17) }
  # cargo test: the output stands under a heading with the name.
  /^---- .* stdout ----$/ { test = $2 }
  match($0, /(^|>)skipped: /) {
    reason = substr($0, RSTART + RLENGTH); sub(/<\/system-(out|err)>.*/, "", reason)
    gsub(/&quot;/, "\"", reason); gsub(/&apos;/, "\047", reason)
    gsub(/&lt;/, "<", reason); gsub(/&gt;/, ">", reason); gsub(/&amp;/, "\\&", reason)
    if (!count++) print "These tests skipped themselves:"
    printf "  %s: %s\n", test, reason
  }
' "$1"
