#!/usr/bin/env bash
# The counterpart of BigQuery: local-bigquery, in the foreground, with a store of its own that goes with it.
#
#     bigquery.sh PORT       listens on 127.0.0.1:PORT
#     bigquery.sh --python   prints the Python it is installed with, which has zetasql too, Google's own analyser
#
# It is installed from PyPI the first time, into the cache folder. PYTHON313 names a Python 3.13 that is not on PATH.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../common.sh"

duckdb=1.5.5
# What local-bigquery loads into DuckDB; from PyPI too, as DuckDB's own downloads may be out of reach.
extensions=(ducklake icu spatial)
packages=(local-bigquery==0.3.2 zetasql==0.1.5 "duckdb==$duckdb" "duckdb-extensions==$duckdb")
for extension in "${extensions[@]}"; do packages+=("duckdb-extension-$extension==$duckdb"); done
tools=${XDG_CACHE_HOME:-$HOME/.cache}/crypto-sentinel/tools

main() {
  [ "$#" -eq 1 ] || fail "which port? usage: bigquery.sh PORT"
  local home
  home=$tools/bigquery-$(cksum <<<"${packages[*]}" | cut -d' ' -f1)
  installed "$home"
  if [ "$1" = --python ]; then
    printf '%s\n' "$home/bin/python"
    return
  fi
  # Beside the rows, which are gone when it ends: a folder of the system's, cleared by it.
  local data
  data=$(mktemp -d "${TMPDIR:-/tmp}/local-bigquery.XXXXXX")
  cd "$data"
  exec "$home/bin/python" "$here/bigquery.py" "$1" "$data"
}

# Its programs know the folder they were made in, so it is made in place; a half-made one has no marker. Whoever comes
# while another installs waits for it.
installed() {
  local home=$1 python waited=0
  [ ! -e "$home/complete" ] || return 0
  python=$(python313)
  mkdir -p "$tools"
  while ! mkdir "$home.lock" 2>/dev/null; do
    [ "$waited" -lt 300 ] || fail "$home.lock stays: another installation was cut short; remove that folder"
    sleep 1
    waited=$((waited + 1))
    [ ! -e "$home/complete" ] || return 0
  done
  # shellcheck disable=SC2064 # now, as the name is local
  trap "rmdir '$home.lock' 2>/dev/null || true" EXIT
  say "installing local-bigquery and zetasql to $home"
  rm -rf "$home"
  "$python" -m venv "$home" >&2
  "$home/bin/python" -m pip install --quiet --disable-pip-version-check "${packages[@]}" >&2 ||
    fail "local-bigquery could not be installed from PyPI"
  touch "$home/complete"
  rmdir "$home.lock"
  trap - EXIT
}

# Prints a Python 3.13, the one that DuckDB's and zetasql's packages are made for.
python313() {
  local candidate
  for candidate in "${PYTHON313:-}" python3.13 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.13*/bin/python3.13 python3; do
    if [ -n "$candidate" ] && have "$candidate" &&
      [ "$("$candidate" -c 'import sys; print(*sys.version_info[:2])' 2>/dev/null)" = "3 13" ]; then
      command -v "$candidate"
      return
    fi
  done
  fail "local-bigquery needs Python 3.13: install python3.13, or name it by PYTHON313"
}

main "$@"
