# Who one function is, and everything it may do. Nothing else in this configuration grants a function anything.
# Each grant names one thing: a database, a table, a topic, a bucket, a secret. The only project-wide one is the right
# to start query jobs, which BigQuery knows no smaller form of; what a job reads is decided table by table.
resource "google_service_account" "function" {
  project      = var.project_id
  account_id   = var.account_id
  display_name = var.display_name
  description  = var.description
}

locals {
  member = "serviceAccount:${var.account_id}@${var.project_id}.iam.gserviceaccount.com"
}

resource "google_project_iam_member" "documents" {
  project = var.project_id
  role    = "roles/datastore.user"
  member  = local.member

  # Firestore has no grants on one database, but conditions on its name: DEV cannot touch PROD in the same project.
  condition {
    title       = "${var.database}-only"
    description = "Documents of this environment's database."
    expression  = "resource.name == \"projects/${var.project_id}/databases/${var.database}\""
  }

  depends_on = [google_service_account.function]
}

resource "google_project_iam_member" "query_jobs" {
  count = length(var.tables_read) + length(var.tables_written) > 0 ? 1 : 0

  project = var.project_id
  role    = "roles/bigquery.jobUser"
  member  = local.member

  depends_on = [google_service_account.function]
}

resource "google_bigquery_table_iam_member" "reads" {
  for_each = var.tables_read

  project    = var.project_id
  dataset_id = var.dataset_id
  table_id   = each.key
  role       = "roles/bigquery.dataViewer"
  member     = local.member

  depends_on = [google_service_account.function]
}

# Reads and merges rows; cannot change or drop the table, as roles/bigquery.dataEditor could.
resource "google_bigquery_table_iam_member" "writes" {
  for_each = var.tables_written

  project    = var.project_id
  dataset_id = var.dataset_id
  table_id   = each.key
  role       = var.row_writer_role
  member     = local.member

  depends_on = [google_service_account.function]
}

resource "google_pubsub_topic_iam_member" "publishes" {
  for_each = var.topics

  project = var.project_id
  topic   = each.key
  role    = "roles/pubsub.publisher"
  member  = local.member

  depends_on = [google_service_account.function]
}

resource "google_storage_bucket_iam_member" "objects" {
  for_each = var.buckets

  bucket = split(" ", each.key)[0]
  role   = split(" ", each.key)[1]
  member = local.member

  depends_on = [google_service_account.function]
}

resource "google_secret_manager_secret_iam_member" "reads" {
  for_each = var.secrets

  project   = var.project_id
  secret_id = each.key
  role      = "roles/secretmanager.secretAccessor"
  member    = local.member

  depends_on = [google_service_account.function]
}
