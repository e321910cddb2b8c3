# shellcheck shell=bash
# What the scripts of this folder share; sourced, never run. Works with the bash 3.2 of macOS.

# Prints one line on what is being done; stdout stays free for results.
say() {
  printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2
}

# Ends the script with a sentence that says what failed and what to do.
fail() {
  say "error: $*"
  exit 1
}

have() {
  command -v "$1" >/dev/null 2>&1
}

on_debian() {
  [ -r /etc/os-release ] && grep -qE '^ID="?debian"?$' /etc/os-release
}

# Prints a port that nobody listens on now, and that no connection going out is given.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    listens "$port" || break
  done
  echo "$port"
}

# Says whether anybody listens on a port of this machine.
listens() {
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}
