# The cold store: every table of the exported schema, partitioned by ds, and the views over them. Tables are kept for
# ever; the staging dataset beside them forgets by itself.
resource "google_bigquery_dataset" "warehouse" {
  # checkov:skip=CKV_GCP_81:encrypted with Google's keys; a key of one's own would be one more thing to lose
  project                    = var.project_id
  dataset_id                 = var.dataset_id
  location                   = var.location
  description                = "Crypto Sentinel: what was decided, traded and left, for ever."
  labels                     = var.labels
  max_time_travel_hours      = "168"
  delete_contents_on_destroy = false
}

resource "google_bigquery_dataset" "staging" {
  # checkov:skip=CKV_GCP_81:encrypted with Google's keys; a key of one's own would be one more thing to lose
  project                         = var.project_id
  dataset_id                      = "${var.dataset_id}_staging"
  location                        = var.location
  description                     = "Crypto Sentinel: room for loads and trials; what lies here is deleted by itself."
  labels                          = var.labels
  default_partition_expiration_ms = var.staging_days * 86400000
  default_table_expiration_ms     = var.staging_days * 86400000
  delete_contents_on_destroy      = true
}

resource "google_bigquery_table" "table" {
  # checkov:skip=CKV_GCP_80:encrypted with Google's keys; a key of one's own would be one more thing to lose
  for_each = var.tables

  project                  = var.project_id
  dataset_id               = google_bigquery_dataset.warehouse.dataset_id
  table_id                 = "${each.key}${var.suffix}"
  labels                   = var.labels
  schema                   = each.value.schema
  clustering               = each.value.clustering
  require_partition_filter = true
  deletion_protection      = var.deletion_protection

  time_partitioning {
    type  = "DAY"
    field = "ds"
  }
}

locals {
  names = { for name in keys(var.tables) : name => "`${var.project_id}.${var.dataset_id}.${name}${var.suffix}`" }
  # A view promises nothing about partitions, so the filter that each table asks for stands inside it: all days.
  all_days = { for name, table in local.names : name => "(SELECT * FROM ${table} WHERE ds >= DATE '2000-01-01')" }

  # `{fact_trades}` in a query stands where that table belongs.
  parts = { for name, query in merge(var.views, var.materialized_views) : name => regexall("\\{[a-z_]+\\}|[^{]+", query) }
}

resource "google_bigquery_table" "view" {
  # checkov:skip=CKV_GCP_80:a view holds no data
  for_each = var.views

  project             = var.project_id
  dataset_id          = google_bigquery_dataset.warehouse.dataset_id
  table_id            = "${each.key}${var.suffix}"
  labels              = var.labels
  deletion_protection = var.deletion_protection

  view {
    query          = join("", [for part in local.parts[each.key] : startswith(part, "{") ? local.all_days[trim(part, "{}")] : part])
    use_legacy_sql = false
  }

  depends_on = [google_bigquery_table.table]
}

resource "google_bigquery_table" "materialized" {
  # checkov:skip=CKV_GCP_80:holds sums of a table that is encrypted with Google's keys
  for_each = var.materialized_views

  project             = var.project_id
  dataset_id          = google_bigquery_dataset.warehouse.dataset_id
  table_id            = "${each.key}${var.suffix}"
  labels              = var.labels
  deletion_protection = var.deletion_protection

  materialized_view {
    query               = join("", [for part in local.parts[each.key] : startswith(part, "{") ? local.names[trim(part, "{}")] : part])
    enable_refresh      = true
    refresh_interval_ms = 1800000
  }

  time_partitioning {
    type  = "DAY"
    field = "ds"
  }

  depends_on = [google_bigquery_table.table]
}

# What jobs need to merge rows into a table, and nothing that could change or drop it.
resource "google_project_iam_custom_role" "row_writer" {
  project     = var.project_id
  role_id     = "sentinelRowWriter${title(var.role_suffix)}"
  title       = "Crypto Sentinel row writer (${var.role_suffix})"
  description = "Reads and merges the rows of a table."
  permissions = ["bigquery.tables.get", "bigquery.tables.getData", "bigquery.tables.updateData"]
}
