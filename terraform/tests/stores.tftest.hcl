# What is kept, how, and for how long.

mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
  mock_data "google_storage_project_service_account" {
    defaults = { email_address = "service-123456789012@gs-project-accounts.iam.gserviceaccount.com" }
  }
}

variables {
  project_id   = "sentinel-example"
  environment  = "PROD"
  alert_emails = ["somebody@example.com"]
}

run "every_table_is_partitioned" {
  command = plan

  assert {
    condition     = sort(keys(output.tables)) == sort([for file in fileset("schema", "*.json") : trimsuffix(file, ".json")]) && length(output.tables) > 0
    error_message = "The tables are not those of schema/."
  }
  assert {
    condition     = alltrue([for table in output.tables : table.partitioned_by == "ds" && table.partition_type == "DAY"])
    error_message = "A table is not partitioned by ds."
  }
  assert {
    condition     = alltrue([for table in output.tables : table.require_partition_filter == true])
    error_message = "A table can be read without naming its days."
  }
  assert {
    condition     = alltrue([for table in output.tables : length(table.clustering) >= 1])
    error_message = "A table is not clustered."
  }
  assert {
    condition     = alltrue([for table in output.tables : table.deletion_protection])
    error_message = "A table of PROD can be deleted."
  }
  assert {
    condition     = module.warehouse.staging_expiration_ms == 604800000 && module.warehouse.staging_dataset_id != module.warehouse.dataset_id
    error_message = "Staging does not forget, or is where facts are."
  }
}

run "views_read_tables_of_this_environment" {
  command = plan

  assert {
    condition     = sort(keys(module.warehouse.views)) == tolist(["agg_strategy_daily", "agg_strategy_daily_sums"])
    error_message = "The views are ${join(", ", keys(module.warehouse.views))}."
  }
  assert {
    condition     = alltrue([for query in module.warehouse.views : can(regex("`sentinel-example\\.crypto_analytics\\.fact_trades`\\s+WHERE ds >= DATE", query)) && !strcontains(query, "{")])
    error_message = "A view does not name its table, or reads it without the filter that the table asks for."
  }
  assert {
    condition     = !strcontains(module.warehouse.views["agg_strategy_daily_sums"], "SELECT *") && length(regexall("\\(\\s*SELECT", module.warehouse.views["agg_strategy_daily_sums"])) == 0
    error_message = "BigQuery keeps a materialised view up to date only over the table itself."
  }
}

run "documents_have_indexes_expiry_and_backups" {
  command = plan

  assert {
    condition = sort(values({ for key, fields in module.documents.composite_indexes : key => key })) == sort(flatten([
      for declared in jsondecode(file("firestore-indexes.json")) : [for fields in declared.indexes : "${declared.collection}/${join(",", fields)}" if length(fields) > 1]
    ]))
    error_message = "The composite indexes are not those of firestore-indexes.json."
  }
  assert {
    condition     = alltrue([for key, fields in module.documents.composite_indexes : join(",", fields) == split("/", key)[1]])
    error_message = "An index lists its fields in another order."
  }
  assert {
    condition = module.documents.unindexed_fields == sort(flatten([
      for declared in jsondecode(file("firestore-indexes.json")) : [
        for field in concat(declared.unindexed, ["_commit"], declared.expires ? ["expire_at"] : []) : "${declared.collection}/${field}"
      ]
    ]))
    error_message = "The fields without an index are not those of firestore-indexes.json."
  }
  assert {
    condition = alltrue([
      for field in ["accounts/lanes", "candles/columns", "decisions/decided", "dim_strategies/config", "outbox/event", "quarantine/row"] :
      contains(module.documents.unindexed_fields, field)
    ])
    error_message = "A large field is indexed: each write pays for entries that nobody reads, up to 40,000 a document."
  }
  assert {
    condition     = length(setintersection(module.documents.expiring_collections, ["accounts", "dim_strategies", "job_locks", "outbox"])) == 0 && contains(module.documents.expiring_collections, "live_positions")
    error_message = "Money, active strategies, leases and waiting messages never expire; archived positions do."
  }
  assert {
    condition     = module.documents.backup_retentions == ["604800s", "4838400s"] && module.documents.point_in_time_recovery == "POINT_IN_TIME_RECOVERY_ENABLED"
    error_message = "There are no daily and weekly backups, or no recovery to a minute."
  }
}

run "rehearsals_share_no_name_with_production" {
  command = plan

  variables {
    environment = "DEV"
    image_tag   = "0123abc"
  }

  assert {
    condition     = alltrue([for name, table in output.tables : table.table_id == "${name}_test"]) && module.warehouse.dataset_id == "crypto_analytics_dev"
    error_message = "DEV names a table of PROD."
  }
  assert {
    condition     = alltrue([for key, fields in module.documents.composite_indexes : startswith(key, "test_")]) && module.documents.database == "sentinel-dev"
    error_message = "DEV names a collection of PROD."
  }
  assert {
    condition     = alltrue([for function in output.functions : startswith(function.name, "dev-") && startswith(function.service_account, "dev-")])
    error_message = "DEV names a function of PROD."
  }
  assert {
    condition     = length([for grant in flatten(values(output.grants)) : grant if strcontains(grant, "prod")]) == 0
    error_message = "A function of DEV may touch PROD."
  }
  assert {
    condition     = output.strategies_bucket == "sentinel-example-dev-strategies" && alltrue([for secret in output.secrets : startswith(secret, "dev-")])
    error_message = "DEV shares a bucket or a secret with PROD."
  }
}

run "without_images_everything_but_functions_is_made" {
  command = plan

  assert {
    condition     = length(output.functions) == 0 && length(output.schedules) == 0 && length(module.subscription) == 0 && length(module.upload_trigger) == 0
    error_message = "A function is deployed without an image."
  }
  assert {
    condition     = length(output.tables) > 0 && length(output.grants) == length(jsondecode(file("functions.json")))
    error_message = "Stores and accounts wait for images, which they need not."
  }
  assert {
    condition     = strcontains(output.next_steps, "gcloud secrets versions add prod-alpaca-key-id") && strcontains(output.next_steps, "image_tag=TAG")
    error_message = "The output does not say what to do next."
  }
}

run "a_restored_database_takes_the_place_of_the_own" {
  command = plan

  variables {
    restored_database = "sentinel-prod-restored"
    operators         = ["user:somebody@example.com"]
  }

  assert {
    condition     = strcontains(output.cloud_toml, "SENTINEL_FIRESTORE_DATABASE = \"sentinel-prod-restored\"") && module.documents.database == "sentinel-prod"
    error_message = "Functions are not pointed at the restored database, or the own one is to be replaced."
  }
  assert {
    condition     = alltrue([for grants in concat(values(output.grants), values(output.operators)) : !contains(grants, "roles/datastore.user on database sentinel-prod")]) && contains(output.grants["expire-signals"], "roles/datastore.user on database sentinel-prod-restored")
    error_message = "Somebody may still touch the database that was left."
  }
}

run "a_restored_database_is_named" {
  command         = plan
  expect_failures = [var.restored_database]

  variables {
    restored_database = "Restored Database"
  }
}
