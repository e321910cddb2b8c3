#!/usr/bin/env bash
# Checks everything that a machine can check without running the code. `lint.sh code` stops after format and clippy.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/common.sh"
cd "$here/.."

# A minimal toolchain comes without these two.
cargo fmt --version >/dev/null 2>&1 || rustup component add rustfmt
cargo clippy --version >/dev/null 2>&1 || rustup component add clippy

cargo fmt --all --check
cargo clippy --release --workspace --all-targets -- -D warnings
[ "${1:-all}" = all ] || exit 0

RUSTDOCFLAGS="-D warnings" cargo doc --release --workspace --no-deps
if cargo deny --version >/dev/null 2>&1; then
  cargo deny check bans licenses sources
  # The list of advisories lives on a server; without it the rest of the verdict still stands.
  if cargo deny fetch db >/dev/null 2>&1; then
    cargo deny check advisories
  else
    say "skipped: advisories, as their list could not be fetched"
  fi
else
  say "skipped: licences and advisories, as cargo-deny is not installed (cargo install cargo-deny --locked)"
fi
