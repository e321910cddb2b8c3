#!/usr/bin/env bash
# Google's emulator of Pub/Sub in the foreground, on the given port of this machine: the jar of gcloud's component, run
# by java itself, so that there is one process to end.
#
# Usage: pubsub.sh PORT
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$here/common.sh"

port=${1:-}
[ -n "$port" ] || fail "which port? usage: pubsub.sh PORT"
have gcloud || fail "Google's emulator of Pub/Sub is part of the gcloud CLI: https://cloud.google.com/sdk/docs/install"
have java || fail "Google's emulator of Pub/Sub needs Java 11 or newer: install a JRE"
sdk=$(gcloud info --format='value(installation.sdk_root)' 2>/dev/null)
for jar in "$sdk"/platform/pubsub-emulator/lib/cloud-pubsub-emulator-*-all.jar; do
  [ -e "$jar" ] || fail "gcloud lacks the emulator: gcloud components install pubsub-emulator"
done
exec java -Xmx256m -jar "$jar" --host=127.0.0.1 --port="$port"
