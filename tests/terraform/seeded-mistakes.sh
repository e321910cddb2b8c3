#!/usr/bin/env bash
# Shows that scripts/terraform-check.sh finds what it promises to find: each mistake is made in a copy of terraform/, and
# the check has to fail and to name it.
#
#     seeded-mistakes.sh [NAME…]     all of them, or those named
#
# A seed keeps only the tests that are to find it, so that all of them take minutes and not a quarter of an hour.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
copy=$work/terraform
failures=0
seeds=0

main() {
  local wanted=" $* "
  while IFS='|' read -r name tests expected; do
    [ "$wanted" = "  " ] || [[ $wanted == *" $name "* ]] || continue
    seeds=$((seeds + 1))
    try "$name" "$tests" "$expected"
  done < <(list)
  [ "$seeds" -gt 0 ] || { echo "seeded-mistakes: no such mistake: $*" >&2; exit 2; }
  echo "$((seeds - failures)) of $seeds seeded mistakes were found"
  [ "$failures" -eq 0 ]
}

# Name | file of tests that stays, if any | what the check has to say.
list() {
  cat <<'LIST'
unformatted_file||files are not formatted
unknown_argument||An argument named "cron" is not expected here
unknown_reference||exported attribute named "mail"
public_invoker_beside_the_module||everybody is granted something
public_invoker_as_caller|functions|A caller is one serviceAccount:, user: or group:
public_invoker_without_check|functions|A function does not ask for run.invoker
open_ingress|functions|takes calls from the internet
one_instance_for_all_shards|functions|A service may have another number of instances than functions.json allows
requests_that_share_an_instance|functions|An instance takes two requests at once
unpartitioned_table|stores|A table is not partitioned by ds
table_read_without_days|stores|A table can be read without naming its days
table_missing|stores|The tables are not those of schema/
schedule_not_in_utc|functions|A schedule is not in UTC
schedule_changed|functions|The schedules are not those of functions.json
function_missing|functions|functions.json names others
function_twice|functions|Two different items produced the key
function_without_access|functions|access.tf and functions.json name different functions: expire-signals
event_without_topic|functions|access.tf names no topic for sentinel.positions.due.v1
table_without_clustering|stores|The given key does not identify an element in this collection value
shared_account|functions|Two functions share an account
role_on_the_project|functions|A function has a role on the whole project
key_for_strangers_code|functions|The broker's keys are for those who speak to the broker
operator_with_too_much|operators|An operator may do more or less than the commands of --target cloud need
operator_of_every_database|operators|An operator of PROD may touch documents of another database
operator_calls_services|operators|A person may call a function
large_field_indexed|stores|The fields without an index are not those of firestore-indexes.json
queried_field_not_indexed|stores|A field that queries ask by has no index
alert_for_nobody|functions|An alert tells nobody
dead_letters_unwatched|functions|An alert is missing
budget_tells_too_late|functions|The budget tells at
key_in_a_plan||a key would stand in plans and in the state
variable_for_a_key||a key would stand in plans and in the state
key_in_plain_text|functions|The broker's keys are secrets: they come by reference
index_missing|stores|The composite indexes are not those of firestore-indexes.json
finding_ignored_without_reason||a finding is ignored without a reason
finding_of_checkov||CKV_GCP_29
LIST
}

try() {
  local name=$1 tests=$2 expected=$3 log=$work/$1.log status=0
  rm -rf "$copy"
  cp -R "$root/terraform" "$copy"
  keep_tests "$tests"
  "seed_$name"
  if diff -rq "$root/terraform" "$copy" --exclude=tests >/dev/null; then
    echo "BROKEN  $name: the seed changed nothing"
    failures=$((failures + 1))
    return
  fi
  TERRAFORM_SCHEMA_ONLY=${TERRAFORM_SCHEMA_TOOL:+1} "$root/scripts/terraform-check.sh" "$copy" >"$log" 2>&1 || status=$?
  # Terraform breaks its messages into lines.
  if [ "$status" -ne 0 ] && tr '\n' ' ' <"$log" | sed 's/│//g' | tr -s ' ' | grep -qF "$expected"; then
    echo "found   $name"
  else
    echo "MISSED  $name: exit status $status, without \"$expected\""
    tail -n 25 "$log" | sed 's/^/        /'
    failures=$((failures + 1))
  fi
}

keep_tests() {
  local file
  for file in "$copy"/tests/*.tftest.hcl; do
    [ "$(basename "$file" .tftest.hcl)" = "$1" ] || rm "$file"
  done
}

# Changes one line of a file: edit FILE SED-EXPRESSION
edit() {
  sed -i.old "$2" "$copy/$1"
  rm "$copy/$1.old"
}

seed_unformatted_file() { edit modules/topic/main.tf 's/  project  *= var.project_id/ project=var.project_id/'; }
seed_unknown_argument() { edit modules/schedule/main.tf 's/^  schedule         = var.cron/  schedule         = var.cron\n  cron             = var.cron/'; }
seed_unknown_reference() { edit modules/identity/outputs.tf 's/google_service_account.function.account_id/google_service_account.function.mail/'; }
seed_public_invoker_beside_the_module() {
  cat >"$copy/public.tf" <<'HCL'
resource "google_cloud_run_v2_service_iam_member" "everybody" {
  location = var.region
  name     = "prod-execute-signals"
  role     = "roles/run.invoker"
  member   = "allUsers"
}
HCL
}
# Put together, so that no search for the word finds it.
seed_public_invoker_as_caller() { edit main.tf 's/^  callers = merge($/  callers = merge({ everybody = join("", ["all", "Users"]) },/'; }
seed_public_invoker_without_check() { edit modules/function/main.tf 's/invoker_iam_disabled = false/invoker_iam_disabled = true/'; }
seed_open_ingress() { edit main.tf 's/"INGRESS_TRAFFIC_INTERNAL_ONLY"/"INGRESS_TRAFFIC_ALL"/'; }
seed_one_instance_for_all_shards() { edit modules/function/main.tf 's/max_instance_count = var.concurrency/max_instance_count = 1/'; }
seed_requests_that_share_an_instance() { edit modules/function/main.tf 's/max_instance_request_concurrency = 1/max_instance_request_concurrency = 2/'; }
seed_unpartitioned_table() { edit modules/warehouse/main.tf '/^resource "google_bigquery_table" "table"/,/^}/{/^  time_partitioning {/,/^  }/d;}' && terraform fmt "$copy/modules/warehouse" >/dev/null; }
seed_table_read_without_days() { edit modules/warehouse/main.tf 's/require_partition_filter = true/require_partition_filter = false/'; }
seed_table_missing() { edit locals.tf 's|fileset("${path.module}/schema", "\*.json")|fileset("${path.module}/schema", "fact_*.json")|' && edit main.tf 's/module.warehouse.tables\[table\].table_id/table/'; }
seed_schedule_not_in_utc() { edit modules/schedule/main.tf 's|"Etc/UTC"|"Europe/Berlin"|'; }
seed_schedule_changed() { edit main.tf 's/cron            = each.value.cron/cron            = replace(each.value.cron, "5 0 ", "5 1 ")/'; }
seed_function_missing() { edit locals.tf 's/if contains(keys(local.images), name) }/if contains(keys(local.images), name) \&\& name != "expire-signals" }/'; }
seed_function_twice() { edit functions.json 's/"name": "archive-decisions"/"name": "archive-trades"/'; }
seed_function_without_access() { edit access.tf '/^    expire-signals/d'; }
seed_event_without_topic() { edit access.tf '/"sentinel.positions.due.v1"/d'; }
seed_table_without_clustering() { edit access.tf '/^    candles  *= \[/d'; }
seed_shared_account() { edit main.tf 's/module.identity\[each.key\].email/module.identity["expire-signals"].email/'; }
seed_role_on_the_project() { edit modules/identity/main.tf 's|"roles/bigquery.jobUser"|"roles/bigquery.dataViewer"|'; }
seed_key_for_strangers_code() { edit access.tf 's/^    evaluate-strategies = {/    evaluate-strategies = {\n      broker     = true/'; }
seed_operator_with_too_much() { edit modules/operator/main.tf 's|"roles/storage.objectViewer"|"roles/storage.objectUser"|'; }
seed_operator_of_every_database() { edit modules/operator/main.tf 's|databases/${var.database}|databases/*|'; }
seed_operator_calls_services() { edit main.tf 's/^  callers = merge($/  callers = merge({ for operator in var.operators : operator => operator },/'; }
seed_large_field_indexed() { edit modules/documents/main.tf 's/for field in collection.unindexed :/for field in setsubtract(collection.unindexed, ["columns"]) :/'; }
seed_queried_field_not_indexed() { edit firestore-indexes.json 's/"unindexed": \["columns", /"unindexed": ["session_open", "columns", /'; }
seed_alert_for_nobody() { edit modules/monitoring/main.tf '/^resource "google_monitoring_alert_policy" "stale_candles"/,/^}/s/= local.channels/= []/'; }
seed_dead_letters_unwatched() { edit main.tf 's/for topic in module.topic : topic.dead_letter_subscription\]$/for name, topic in module.topic : topic.dead_letter_subscription if name != "closes"]/'; }
seed_budget_tells_too_late() { edit modules/monitoring/main.tf 's/for_each = \[0.5, 0.9, 1.0\]/for_each = [1.0]/'; }
seed_key_in_a_plan() {
  cat >"$copy/keys.tf" <<'HCL'
resource "google_secret_manager_secret_version" "key" {
  secret      = "prod-alpaca-secret-key"
  secret_data = var.account
}
HCL
}
seed_variable_for_a_key() {
  cat >"$copy/keys.tf" <<'HCL'
variable "alpaca_secret_key" {
  description = "The broker's key."
  type        = string
  default     = null
}
HCL
}
seed_key_in_plain_text() { edit main.tf 's/  environment = merge(local.deployment, /  environment = merge(local.deployment, { APCA_API_SECRET_KEY = "x" }, /'; }
seed_index_missing() { edit modules/documents/main.tf 's/if length(fields) > 1/if length(fields) > 2/'; }
seed_finding_ignored_without_reason() { edit modules/images/main.tf 's/checkov:skip=CKV_GCP_84:.*/checkov:skip=CKV_GCP_84/'; }
seed_finding_of_checkov() { edit modules/bucket/main.tf 's/uniform_bucket_level_access = true/uniform_bucket_level_access = false/'; }

main "$@"
