#!/usr/bin/env bash
# Runs a command beside the counterparts of the cloud: starts each of scripts/emulators/*.sh on a free port, says where
# it listens in the variable that Google's own tools read, runs the command, and ends what it started.
#
# Usage: emulators.sh COMMAND…
# EMULATORS="firestore pubsub" starts some of them only; REQUIRE_EMULATORS=1 fails where one cannot be had, and names it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/common.sh"

[ "$#" -gt 0 ] || fail "which command? usage: emulators.sh COMMAND…"
: "${EMULATORS:=firestore pubsub bigquery storage}"
# How long one may take to listen; the first start of local-bigquery installs it.
patience_s=${EMULATORS_PATIENCE_S:-240}
logs=$(mktemp -d)
groups=()

end() {
  local group
  for group in "${groups[@]:-}"; do
    [ -z "$group" ] || kill -TERM -- "-$group" 2>/dev/null || true
  done
  rm -rf "$logs"
}
trap end EXIT
trap 'exit 130' INT TERM

variable_of() {
  case "$1" in
    firestore) echo FIRESTORE_EMULATOR_HOST ;;
    pubsub) echo PUBSUB_EMULATOR_HOST ;;
    bigquery) echo BIGQUERY_EMULATOR_HOST ;;
    storage) echo STORAGE_EMULATOR_HOST ;;
    *) fail "no counterpart is called '$1'; there are: firestore pubsub bigquery storage" ;;
  esac
}

address_of() {
  case "$1" in
    firestore | pubsub) echo "127.0.0.1:$2" ;;
    *) echo "http://127.0.0.1:$2" ;;
  esac
}

# Each counterpart is a process group of its own, so that what it starts ends with it.
start() {
  local name=$1 port=$2
  set -m
  "$here/emulators/$name.sh" "$port" >"$logs/$name" 2>&1 </dev/null &
  set +m
  groups+=("$!")
}

missing() {
  say "$1 cannot be had here: $(grep -v '^[[:space:]]*$' "$logs/$1" | tail -n 1)"
  [ "${REQUIRE_EMULATORS:-0}" != 1 ] || fail "REQUIRE_EMULATORS=1 asks for $1"
}

await() {
  local name=$1 port=$2 group=$3 until=$((SECONDS + patience_s)) variable
  until listens "$port"; do
    if ! kill -0 "$group" 2>/dev/null || [ "$SECONDS" -ge "$until" ]; then
      missing "$name"
      return
    fi
    sleep 0.2
  done
  variable=$(variable_of "$name")
  export "$variable=$(address_of "$name" "$port")"
  say "$name listens: $variable=${!variable}"
}

names=() ports=()
for name in $EMULATORS; do
  variable_of "$name" >/dev/null
  port=$(free_port)
  names+=("$name") ports+=("$port")
  start "$name" "$port"
done
for index in "${!names[@]}"; do
  await "${names[$index]}" "${ports[$index]}" "${groups[$index]}"
done
"$@"
