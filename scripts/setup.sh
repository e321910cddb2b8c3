#!/usr/bin/env bash
# Installs what `make demo` and `make test` need beyond Rust itself: make, a C compiler, pkg-config, the wasm target
# and a prebuilt libduckdb.
#
# Safe to run at any time; where all is there it only looks, which takes a fraction of a second.
# Packages are installed on Debian alone; elsewhere a missing one is named together with the command that brings it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/common.sh"

main() {
  check_rust
  install_native_tools
  "$here/wasm-target.sh"
  "$here/libduckdb.sh"
}

check_rust() {
  local needed found
  needed=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$here/../Cargo.toml")
  { have cargo && have rustc; } || fail "Rust is not on PATH; install Rust $needed or newer with rustup and open a new shell"
  found=$(rustc --version | cut -d ' ' -f 2)
  is_at_least "$found" "$needed" || fail "rustc is $found, but $needed or newer is needed; run 'rustup update'"
}

# Whether version $1 is $2 or newer, by major and minor number: `sort -V` is missing on older macOS.
is_at_least() {
  local found_major found_minor needed_major needed_minor _
  IFS=. read -r found_major found_minor _ <<<"$1"
  IFS=. read -r needed_major needed_minor _ <<<"$2"
  [ "$found_major" -gt "$needed_major" ] ||
    { [ "$found_major" -eq "$needed_major" ] && [ "$found_minor" -ge "$needed_minor" ]; }
}

install_native_tools() {
  if [ "$(uname -s)" = Darwin ]; then
    # /usr/bin/cc exists on every Mac; without the tools behind it, it only opens a dialog.
    xcode-select -p >/dev/null 2>&1 || fail "the C compiler is missing; run 'xcode-select --install' and try again"
    return
  fi
  local missing=()
  have cc || missing+=(gcc libc6-dev)
  have pkg-config || missing+=(pkg-config)
  have make || missing+=(make)
  # Fetches libduckdb; not needed where that is there already.
  have npm || [ -n "${DUCKDB_LIB_DIR:-}" ] || [ -d "${XDG_CACHE_HOME:-$HOME/.cache}/crypto-sentinel/tools/libduckdb-1.5.6" ] || missing+=(npm)
  [ "${#missing[@]}" -gt 0 ] || return 0
  on_debian || fail "missing here: ${missing[*]} (Debian's names); install them with this system's package manager and try again"
  install_debian_packages "${missing[@]}"
}

install_debian_packages() {
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    { have sudo && sudo -n true 2>/dev/null; } ||
      fail "these packages are missing and only root can install them; run 'sudo apt-get install $*' and try again"
    as_root=(sudo)
  fi
  say "installing $*"
  local log
  log=$(mktemp)
  {
    "${as_root[@]}" apt-get -q update &&
      "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "$@"
  } >"$log" 2>&1 || fail "apt-get could not install $*: $(grep -m 3 '^E:' "$log" || tail -n 3 "$log")"
  rm -f "$log"
}

main "$@"
