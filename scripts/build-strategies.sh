#!/usr/bin/env bash
# Builds each shipped Rust strategy named on the command line to $CARGO_TARGET_DIR/release/strategies/NAME.wasm.
#
# A component is rebuilt when the content of what it is made from changed, not when a file is newer: a target folder
# may be shared by several clones, and then times say nothing.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/common.sh"
cd "$here/.."

: "${CARGO_TARGET_DIR:?run this through \'make build\', which sets it}"
sentinel="$CARGO_TARGET_DIR/release/sentinel"
out_dir="$CARGO_TARGET_DIR/release/strategies"

main() {
  mkdir -p "$out_dir"
  local shared name inputs component
  shared=$(rustc -vV; content_of "$sentinel" Cargo.toml Cargo.lock wit strategies/kit)
  for name in "$@"; do
    component="$out_dir/$name.wasm"
    inputs=$(printf '%s\n' "$shared" "$(content_of "strategies/$name")")
    if [ -e "$component" ] && [ "$inputs" = "$(cat "$component.inputs" 2>/dev/null)" ]; then continue; fi
    say "building $name"
    rm -f "$component.inputs"
    "$sentinel" strategy build "strategies/$name" -o "$component" >/dev/null ||
      fail "strategy $name did not build; the message above says why"
    printf '%s\n' "$inputs" >"$component.inputs"
  done
}

# Prints a checksum of each file under the given paths, in a fixed order.
content_of() {
  find "$@" -type d -name target -prune -o -type f -print | LC_ALL=C sort | tr '\n' '\0' | xargs -0 cksum
}

main "$@"
