#!/usr/bin/env bash
# Prints which tests of the last run skipped themselves, and why.
#
# A test that cannot run here prints a line `SKIPPED NAME: REASON` to stderr and returns. Runners hide the output of
# passing tests, so the lines are read from nextest's report or from the log of `cargo test -- --show-output`.
#
# Usage: skipped-tests.sh (JUNIT_XML | CARGO_TEST_LOG)
set -euo pipefail

[ -r "$1" ] || exit 0
skipped=$(
  sed -n -e 's|</system-[a-z]*>.*||' \
    -e 's/&quot;/"/g; s/&apos;/'"'"'/g; s/&lt;/</g; s/&gt;/>/g; s/&amp;/\&/g' \
    -e 's/^\(.*>\)\{0,1\}SKIPPED \(.*: .*\)$/  \2/p' "$1" | LC_ALL=C sort -u
)
[ -z "$skipped" ] || printf 'These tests skipped themselves:\n%s\n' "$skipped"
