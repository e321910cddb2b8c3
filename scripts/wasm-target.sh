#!/usr/bin/env bash
# Makes sure that the active rustc compiles to wasm32-unknown-unknown, the target of every strategy.
#
# The ways, first that works: it is there already; rustup adds it; on Debian, where rustup may not reach its
# server, the standard library is built from the distribution's own `rust-src` of exactly this rustc.
# The last way needs no root for apt, leaves the machine's package lists alone, and writes to the sysroot only.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/common.sh"

target=wasm32-unknown-unknown
# rustup either answers within seconds or cannot reach its server; Debian has another way and need not wait long.
rustup_seconds_max=60
# Small suites first: the first hit ends the search, and the later indexes are large.
debian_suites_in_order=("trixie-backports" "trixie" "forky" "sid")

work_dir=
placed_source_dir=
partial_target_dir=
remove_leftovers() {
  local leftover
  for leftover in "$work_dir" "$placed_source_dir" "$partial_target_dir"; do
    [ -z "$leftover" ] || rm -rf "$leftover"
  done
  [ -z "$placed_source_dir" ] || rmdir "$(dirname "$placed_source_dir")" 2>/dev/null || true
}

main() {
  have rustc || fail "rustc is not on PATH; install Rust 1.95 or newer first"
  work_dir=$(mktemp -d "${TMPDIR:-/tmp}/wasm-target.XXXXXX")
  trap remove_leftovers EXIT
  # apt fetches as a user of its own, who has to get in.
  chmod 755 "$work_dir"

  if target_works; then return; fi
  add_with_rustup && target_works && return
  if on_debian; then
    build_std_from_debian_source
    target_works || fail "the standard library was built, but a test program for $target still does not compile: $(cat "$work_dir/rustc.log")"
    say "$target is ready"
    return
  fi
  fail "$target is missing and rustup could not add it; run 'rustup target add $target' and see what it says"
}

# A std program that links is the only proof that counts: a leftover of another rustc version has the same file names.
target_works() {
  [ -n "$(find "$(sysroot)/lib/rustlib/$target/lib" -name 'libstd-*.rlib' 2>/dev/null)" ] || return 1
  printf '%s\n' '#[no_mangle] pub extern "C" fn length(n: usize) -> usize { vec![0u8; n].len() }' |
    rustc --edition 2021 --crate-name probe --crate-type cdylib --target "$target" -o "$work_dir/probe.wasm" - \
      >"$work_dir/rustc.log" 2>&1
}

sysroot() {
  rustc --print sysroot
}

add_with_rustup() {
  have rustup || return 1
  say "adding $target with rustup"
  local limit=()
  if on_debian && have timeout; then limit=(timeout "$rustup_seconds_max"); fi
  # An empty array is an unset one for the bash of macOS, hence the guard.
  ${limit[@]+"${limit[@]}"} rustup target add "$target" >"$work_dir/rustup.log" 2>&1 && return
  say "rustup could not: $(grep -m 1 . "$work_dir/rustup.log" || echo "no answer within $rustup_seconds_max s")"
  return 1
}

build_std_from_debian_source() {
  local rustlib
  rustlib="$(sysroot)/lib/rustlib"
  [ -w "$rustlib" ] || fail "$rustlib is not writable; run this script once as its owner, or install the package libstd-rust-dev-wasm32 if rustc came from Debian"
  # Two runs at once would trip over the same folders; the second waits and then finds the work done.
  exec 9<"$rustlib"
  flock 9
  if target_works; then return; fi

  if [ ! -e "$rustlib/src/rust/library/Cargo.lock" ]; then
    download_rust_src
    place_source "$rustlib/src/rust"
  fi
  build_std "$rustlib"
  install_std "$rustlib"
}

# Fetches Debian's rust-src of exactly this rustc and leaves it unpacked in $work_dir/rust-src.
download_rust_src() {
  local tool release suite
  for tool in apt-get dpkg-deb flock; do
    have "$tool" || fail "$tool is missing, so the source of the standard library cannot be fetched; install it, or add $target by other means"
  done
  release=$(rustc -vV | sed -n 's/^release: //p')
  mkdir -p "$work_dir/lists/partial" "$work_dir/cache/archives/partial" "$work_dir/debs"
  chmod -R 755 "$work_dir"
  : >"$work_dir/apt.log"
  for suite in "${debian_suites_in_order[@]}"; do
    say "looking for rust-src $release in Debian's $suite"
    debian_source_for "$suite" >"$work_dir/apt.sources"
    [ -s "$work_dir/apt.sources" ] || fail "no Debian archive found in /etc/apt/sources.list or /etc/apt/sources.list.d; add one with the component main"
    if apt_get update && apt_get download "rust-src=$release*"; then
      mkdir "$work_dir/rust-src"
      # The package holds the whole compiler too; only the library is wanted.
      dpkg-deb --fsys-tarfile "$work_dir"/debs/rust-src_*.deb |
        tar -x -C "$work_dir/rust-src" --wildcards './usr/src/*/library/*'
      return
    fi
  done
  fail "Debian has no rust-src $release within reach; use a rustc that it has, or let rustup through to its server. apt said: $(grep -m 3 '^E:' "$work_dir/apt.log" || tail -n 3 "$work_dir/apt.log")"
}

# apt with lists, cache and sources of its own, so that the machine's stay as they are.
apt_get() {
  (cd "$work_dir/debs" && apt-get -q \
    -o "Dir::Etc::sourcelist=$work_dir/apt.sources" -o Dir::Etc::sourceparts=/dev/null \
    -o "Dir::State::Lists=$work_dir/lists" -o "Dir::Cache=$work_dir/cache" \
    -o APT::Get::List-Cleanup=false -o Acquire::Languages=none "$@") >>"$work_dir/apt.log" 2>&1
}

# Prints the machine's own Debian archive as a deb822 source of another suite: same address, same key.
debian_source_for() {
  local file
  for file in /etc/apt/sources.list.d/*.sources; do
    [ -r "$file" ] && deb822_source_for "$1" "$file"
  done
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ -r "$file" ] && one_line_source_for "$1" "$file"
  done
  return 0
}

# Keeps a stanza that serves this release's own suite, with Suites, Types and Components replaced.
deb822_source_for() {
  awk -v suite="$1" -v release="$(debian_codename)" '
    function end_stanza() {
      if (kept != "" && serves && !disabled)
        printf "Types: deb\nSuites: %s\nComponents: main\n%s\n", suite, kept
      kept = ""; serves = 0; disabled = 0; dropping = 0
    }
    /^#/ { next }
    /^[ \t]*$/ { end_stanza(); next }
    /^[^ \t]/ {
      split($0, field, ":"); name = tolower(field[1])
      dropping = (name == "types" || name == "suites" || name == "components" || name == "enabled")
      if (name == "enabled" && tolower($2) ~ /^(no|false|0)$/) disabled = 1
    }
    name == "suites" { for (i = 1; i <= NF; i++) if ($i == release) serves = 1 }
    !dropping { kept = kept $0 "\n" }
    END { end_stanza() }
  ' "$2"
}

# The same for a line such as `deb [signed-by=KEY] ADDRESS SUITE main`.
one_line_source_for() {
  awk -v suite="$1" -v release="$(debian_codename)" '
    $1 != "deb" { next }
    {
      options = ""
      if (match($0, /\[[^]]*\]/)) {
        options = substr($0, RSTART + 1, RLENGTH - 2)
        $0 = substr($0, 1, RSTART - 1) " " substr($0, RSTART + RLENGTH)
      }
      if ($3 != release) next
      printf "Types: deb\nURIs: %s\nSuites: %s\nComponents: main\n", $2, suite
      count = split(options, option, /[ \t]+/)
      for (i = 1; i <= count; i++) {
        if (sub(/^signed-by=/, "", option[i])) { gsub(/,/, " ", option[i]); printf "Signed-By: %s\n", option[i] }
        if (option[i] == "trusted=yes") print "Trusted: yes"
      }
      print ""
    }
  ' "$2"
}

debian_codename() {
  sed -n 's/^VERSION_CODENAME="\{0,1\}\([a-z]*\)"\{0,1\}$/\1/p' /etc/os-release
}

# Puts the unpacked library where cargo looks for it, for the time of the build only: a source left in the sysroot
# would collide with a later `rustup component add rust-src`.
place_source() {
  local lockfile
  lockfile=$(find "$work_dir/rust-src" -maxdepth 5 -path '*/library/Cargo.lock' | head -n 1)
  [ -n "$lockfile" ] || fail "the package rust-src holds no library/Cargo.lock; it is laid out in a way this script does not know"
  placed_source_dir=$1
  mkdir -p "$1"
  cp -a "$(dirname "$lockfile")" "$1/library.partial"
  mv "$1/library.partial" "$1/library"
}

# Builds std for the target as the official one is built: optimised, bitcode kept for link-time optimisation, and the
# virtual source paths of the official build, so that a component's bytes do not tell where the sysroot lies.
build_std() {
  local commit
  commit=$(rustc -vV | sed -n 's/^commit-hash: //p')
  mkdir -p "$work_dir/crate/src"
  : >"$work_dir/crate/src/lib.rs"
  cat >"$work_dir/crate/Cargo.toml" <<'MANIFEST'
[package]
name = "std-probe"
version = "0.0.0"
edition = "2021"
[workspace]
[profile.release]
opt-level = 3
codegen-units = 1
debug = 0
MANIFEST
  say "building the standard library for $target (about half a minute)"
  (
    cd "$work_dir/crate"
    unset RUSTFLAGS CARGO_BUILD_TARGET CARGO_BUILD_RUSTFLAGS RUSTC_WRAPPER
    export CARGO_TARGET_DIR="$work_dir/target" RUSTC_BOOTSTRAP=1
    vendored=()
    if [ -d "$1/src/rust/library/vendor" ]; then
      vendored=(--config 'source.crates-io.replace-with="vendor"'
        --config "source.vendor.directory=\"$1/src/rust/library/vendor\"")
    fi
    CARGO_ENCODED_RUSTFLAGS=$(printf '%s\037%s\037%s' -Cembed-bitcode=yes \
      "--remap-path-prefix=$1/src/rust=/rustc/$commit" \
      "--remap-path-prefix=$1/src/rust/library/vendor=/rust/deps")
    export CARGO_ENCODED_RUSTFLAGS
    cargo build --release -Zbuild-std=std,panic_abort --target "$target" "${vendored[@]}"
  ) >"$work_dir/build.log" 2>&1 ||
    fail "building the standard library for $target failed: $(grep -m 1 -A 4 '^error' "$work_dir/build.log" || tail -n 5 "$work_dir/build.log")"
}

# Copies all of std, and nothing of the empty crate, in one step that another process cannot see half done.
install_std() {
  partial_target_dir="$1/$target.partial.$$"
  mkdir -p "$partial_target_dir/lib"
  find "$work_dir/target/$target/release/deps" -name '*.rlib' ! -name 'libstd_probe-*' \
    -exec cp {} "$partial_target_dir/lib/" \;
  chmod 644 "$partial_target_dir"/lib/*.rlib
  rm -rf "${1:?}/$target"
  mv "$partial_target_dir" "$1/$target"
}

main "$@"
