#!/usr/bin/env bash
# A Cloud Storage in memory, in the foreground, on the given port of this machine: PyPI's gcp-storage-emulator with the
# XML interface that it lacks, see storage.py. It is installed once, into a virtual environment in the cache folder.
#
# Usage: storage.sh PORT
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$here/common.sh"

emulator_version=2026.7.19
crc32c_version=1.9.0

port=${1:-}
[ -n "$port" ] || fail "which port? usage: storage.sh PORT"
home=${XDG_CACHE_HOME:-$HOME/.cache}/crypto-sentinel/tools/gcp-storage-emulator-$emulator_version
python=${PYTHON:-python3}
if [ ! -e "$home/complete" ]; then
  have "$python" || fail "gcp-storage-emulator needs Python 3.10 or newer: install python3, or name it by PYTHON"
  say "installing gcp-storage-emulator $emulator_version to $home"
  mkdir -p "$(dirname "$home")"
  # Its programs know the folder they were made in, so it is made in place; a half-made one has no marker.
  rm -rf "$home"
  "$python" -m venv "$home" || fail "$python makes no virtual environment: install its venv package"
  "$home/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
    "gcp-storage-emulator==$emulator_version" "google-crc32c==$crc32c_version" ||
    fail "gcp-storage-emulator $emulator_version could not be installed from PyPI"
  touch "$home/complete"
fi
exec "$home/bin/python" "$here/emulators/storage.py" "$port"
