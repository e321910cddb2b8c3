#!/usr/bin/env bash
# Checks terraform/, or another copy of it, without a project and without credentials:
#
#     terraform-check.sh [DIR]
#
# Format, validation and tests run with the provider from the registry. Where that cannot be had, they run with the
# stand-in for it that TERRAFORM_SCHEMA_TOOL names: a folder with a program `check`, which takes DIR. checkov runs from a
# virtual environment in the cache folder; it is installed there the first time.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/common.sh"

checkov_version=3.3.30
tools=${XDG_CACHE_HOME:-$HOME/.cache}/crypto-sentinel/tools
dir=$(cd "${1:-$here/../terraform}" && pwd)

main() {
  have terraform || fail "terraform is not installed: https://developer.hashicorp.com/terraform/install"
  check_members
  check_skips
  check_keys
  terraform -chdir="$dir" fmt -check -recursive -diff ||
    fail "files are not formatted: terraform fmt -recursive terraform"
  check_findings
  check_configuration
  say "all good"
}

# Tests see the grants they know of; this sees one that somebody adds beside them.
check_members() {
  local found
  found=$(grep -rnE --include='*.tf' 'allUsers|allAuthenticatedUsers' "$dir" | grep -vE '(error_message|description) += ' || true)
  [ -z "$found" ] || fail "everybody is granted something; name who it is for:
$found"
}

# What is left unfound has its reason beside it.
check_skips() {
  local found
  found=$(grep -rnE --include='*.tf' 'checkov:skip=' "$dir" | grep -vE 'checkov:skip=[A-Z0-9_]+:.{20,}' || true)
  [ -z "$found" ] || fail "a finding is ignored without a reason; write it behind the finding's name:
$found"
  [ ! -e "$dir/.checkov.yaml" ] || fail "findings are ignored one by one, with their reason, not in .checkov.yaml"
}

# A key that Terraform is given stands in its plans and in its state; people put keys into Secret Manager themselves.
check_keys() {
  local found
  found=$(grep -rnEi --include='*.tf' \
    'google_secret_manager_secret_version|secret_data|^variable "[a-z_]*(secret|password|token|api_?key|key_id)[a-z_]*"' "$dir" |
    grep -vE '^[^:]*modules/(function|identity|trade-updates)/variables.tf:[0-9]+:variable "secrets"' || true)
  [ -z "$found" ] || fail "a key would stand in plans and in the state; keep it in Secret Manager and refer to it:
$found"
}

check_findings() {
  say "checkov $checkov_version"
  "$(checkov_program)" --directory "$dir" --framework terraform --quiet --compact --skip-download 2>&1 ||
    fail "checkov found what is listed above; mend it, or write # checkov:skip=ID:REASON into the resource"
}

# Prints the program's path.
checkov_program() {
  local home=$tools/checkov-$checkov_version python=${PYTHON:-python3}
  if [ ! -e "$home/complete" ]; then
    have "$python" || fail "checkov needs Python 3.9 or newer: install python3, or name it by PYTHON"
    say "installing checkov $checkov_version to $home"
    mkdir -p "$tools"
    # Its programs know the folder they were made in, so it is made in place; a half-made one has no marker.
    rm -rf "$home"
    "$python" -m venv "$home" >&2
    "$home/bin/python" -m pip install --quiet --disable-pip-version-check "checkov==$checkov_version" >&2 ||
      fail "checkov could not be installed from PyPI"
    touch "$home/complete"
  fi
  printf '%s\n' "$home/bin/checkov"
}

check_configuration() {
  local work
  work=$(mktemp -d)
  # shellcheck disable=SC2064 # now, as the name is local
  trap "rm -rf '$work'" EXIT
  # Terraform writes where it runs, so it runs in a copy.
  cp -R "$dir/." "$work"
  rm -rf "$work/.terraform"
  if [ -z "${TERRAFORM_SCHEMA_ONLY:-}" ] && install_provider "$work"; then
    say "terraform validate, test: the provider from the registry"
    terraform -chdir="$work" validate && terraform -chdir="$work" test || fail "Terraform's own checks failed"
  else
    local tool=${TERRAFORM_SCHEMA_TOOL:-}
    [ -x "$tool/check" ] || fail "the provider could not be downloaded, and TERRAFORM_SCHEMA_TOOL${tool:+=$tool} names no" \
      "folder with a program \`check\`: go online, or name the stand-in's folder"
    say "terraform validate, test: the stand-in $tool"
    "$tool/check" "$dir" || fail "Terraform's own checks failed"
  fi
}

install_provider() {
  export TF_IN_AUTOMATION=1 TF_INPUT=0 CHECKPOINT_DISABLE=1 TF_PLUGIN_CACHE_DIR=$tools/terraform-providers
  mkdir -p "$TF_PLUGIN_CACHE_DIR"
  # Modules and tests name no other provider, so a failure here is one of the way to the registry, or of versions.tf.
  terraform -chdir="$1" init -backend=false >"$1/init.log" 2>&1 || {
    grep -qE 'could not connect|Failed to (query|install|retrieve)|registry service|no such host' "$1/init.log" && return 1
    cat "$1/init.log"
    fail "terraform init failed"
  }
}

main
