#!/usr/bin/env bash
# Makes sure that a prebuilt libduckdb is at hand, and tells cargo where: compiling DuckDB takes the better part of an hour.
#
# The library is the one that npm's package of DuckDB carries for this platform, fetched by npm, checked by its
# SHA-256, and unpacked once to the cache folder, which all clones share. Cargo learns of it from .cargo/config.toml,
# which is written here and not committed, so that `cargo build` by hand and `make` build the same.
#
# DUCKDB_LIB_DIR, when set, names a library to use instead; `--features sentinel-embedded/bundled` compiles DuckDB.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/common.sh"

# The version that the crate `duckdb` 1.10506 in Cargo.toml is made for.
version=1.5.6
release=1.5.6-r.1
tools_dir=${XDG_CACHE_HOME:-$HOME/.cache}/crypto-sentinel/tools
library_dir=$tools_dir/libduckdb-$version
config=$here/../.cargo/config.toml
mark="# Written by scripts/libduckdb.sh; delete it to have it written again."

partial_dir=
remove_leftovers() {
  [ -z "$partial_dir" ] || rm -rf "$partial_dir"
}

main() {
  if [ -n "${DUCKDB_LIB_DIR:-}" ] && [ "$DUCKDB_LIB_DIR" != "$library_dir" ]; then
    [ -e "$DUCKDB_LIB_DIR/$(library)" ] || fail "DUCKDB_LIB_DIR is $DUCKDB_LIB_DIR, but there is no $(library) in it; unset it, or name a folder that holds libduckdb $version"
    return
  fi
  [ -e "$library_dir/$(library)" ] || fetch
  tell_cargo
}

library() {
  if [ "$(uname -s)" = Darwin ]; then echo libduckdb.dylib; else echo libduckdb.so; fi
}

# Prints what npm calls this platform.
platform() {
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) echo linux-x64 ;;
    Linux-aarch64) echo linux-arm64 ;;
    Darwin-x86_64) echo darwin-x64 ;;
    Darwin-arm64) echo darwin-arm64 ;;
    *) fail "there is no prebuilt libduckdb for $(uname -sm); set DUCKDB_LIB_DIR to a folder with libduckdb $version, or build with --features sentinel-embedded/bundled" ;;
  esac
}

# Prints the SHA-256 of a platform's archive, where it is known here; npm checks every archive against its registry.
expected_sha256() {
  case "$1" in
    linux-x64) echo 1b9f82478539bb9a1d1df44bd103121a12ae52142c07158dc52b97d2ec1d69ff ;;
  esac
}

fetch() {
  local platform archive expected found
  have npm || fail "npm is missing, which fetches libduckdb; install npm, or set DUCKDB_LIB_DIR to a folder with libduckdb $version, or build with --features sentinel-embedded/bundled"
  platform=$(platform)
  say "fetching libduckdb $version for $platform"
  mkdir -p "$tools_dir"
  partial_dir=$(mktemp -d "$tools_dir/libduckdb.XXXXXX")
  trap remove_leftovers EXIT
  (cd "$partial_dir" && npm pack --silent "@duckdb/node-bindings-$platform@$release") >"$partial_dir/npm.log" 2>&1 ||
    fail "npm could not fetch @duckdb/node-bindings-$platform $release: $(tail -n 3 "$partial_dir/npm.log")"
  archive=$(echo "$partial_dir"/*.tgz)
  expected=$(expected_sha256 "$platform")
  found=$(sha256_of "$archive")
  if [ -z "$expected" ]; then
    say "no SHA-256 is known here for $platform; npm's own check of the archive has to do ($found)"
  elif [ "$found" != "$expected" ]; then
    fail "the archive of libduckdb has the SHA-256 $found, expected $expected: it is not what was tested; try again, or set DUCKDB_LIB_DIR to a library you trust"
  fi
  mkdir "$partial_dir/unpacked"
  tar -xzf "$archive" -C "$partial_dir/unpacked" --strip-components 1 "package/$(library)" package/LICENSE
  # The folder gets its name when it is complete. Of two runs at once, one finds the other's there.
  mv "$partial_dir/unpacked" "$library_dir" 2>/dev/null || [ -e "$library_dir/$(library)" ] ||
    fail "cannot create $library_dir"
}

sha256_of() {
  if have sha256sum; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

tell_cargo() {
  local wanted
  wanted=$(printf '%s\n[env]\nDUCKDB_LIB_DIR = "%s"\n' "$mark" "$library_dir")
  [ "$(cat "$config" 2>/dev/null)" != "$wanted" ] || return 0
  if [ -e "$config" ] && ! grep -qF "$mark" "$config"; then
    grep -q DUCKDB_LIB_DIR "$config" ||
      fail ".cargo/config.toml is not this script's; add DUCKDB_LIB_DIR = \"$library_dir\" to its [env] and try again"
    return 0
  fi
  mkdir -p "$(dirname "$config")"
  # Beside it first, then in its place: cargo may be reading it.
  printf '%s\n' "$wanted" >"$config.$$"
  mv "$config.$$" "$config"
}

main "$@"
