#!/usr/bin/env bash
# Google's emulator of Firestore on 127.0.0.1, in the foreground, one process: started from its jar, because
# `gcloud emulators firestore start` leaves a child behind when it is ended. It keeps nothing and enforces no indexes.
#
# Usage: firestore.sh PORT
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$here/common.sh"

[ "$#" -eq 1 ] || fail "which port? usage: firestore.sh PORT"
have gcloud || fail "gcloud is missing: install the Google Cloud CLI, then: gcloud components install cloud-firestore-emulator"
have java || fail "java is missing: install a Java runtime (17 or newer), which the emulator of Firestore needs"
root=$(gcloud info --format='value(installation.sdk_root)') || fail "gcloud does not say where it is installed"
jar=$root/platform/cloud-firestore-emulator/cloud-firestore-emulator.jar
[ -r "$jar" ] || fail "gcloud's component is missing: gcloud components install cloud-firestore-emulator"

# Its messages are known in English; without a bound the JVM takes a quarter of the machine's memory.
exec java -Xmx512m -Duser.language=en -cp "$jar" com.google.cloud.datastore.emulator.firestore.CloudFirestore start \
  --host=127.0.0.1 --port="$1"
