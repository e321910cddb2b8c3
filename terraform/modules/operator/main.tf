# One person, or group of them, who asks and steers a deployment with `sentinel --target cloud`, and everything that they
# may do. Nothing else in this configuration grants a person anything. They reach no secret, publish no event, write no
# row of the warehouse and no compiled code, and call no service: a service is started by its schedule.
resource "google_project_iam_member" "documents" {
  project = var.project_id
  role    = "roles/datastore.user"
  member  = var.member

  # As with functions: Firestore has no grants on one database, but conditions on its name.
  condition {
    title       = "${var.database}-only"
    description = "Documents of this environment's database."
    expression  = "resource.name == \"projects/${var.project_id}/databases/${var.database}\""
  }
}

resource "google_project_iam_member" "query_jobs" {
  project = var.project_id
  role    = "roles/bigquery.jobUser"
  member  = var.member
}

resource "google_bigquery_dataset_iam_member" "rows" {
  project    = var.project_id
  dataset_id = var.dataset_id
  role       = "roles/bigquery.dataViewer"
  member     = var.member
}

# Uploads replace each other under one name, which asks for deleting as well.
resource "google_storage_bucket_iam_member" "uploads" {
  bucket = var.strategies_bucket
  role   = "roles/storage.objectUser"
  member = var.member
}

resource "google_storage_bucket_iam_member" "components" {
  bucket = var.components_bucket
  role   = "roles/storage.objectViewer"
  member = var.member
}

# Cloud Scheduler has no grants on single schedules and no conditions: the right to start one now is the project's.
resource "google_project_iam_member" "schedules" {
  project = var.project_id
  role    = "roles/cloudscheduler.jobRunner"
  member  = var.member
}

resource "google_cloud_run_v2_job_iam_member" "jobs" {
  for_each = var.jobs

  project  = var.project_id
  location = var.region
  name     = each.value
  role     = "roles/run.invoker"
  member   = var.member
}

# The APIs count a person's calls to the project of their credentials.
resource "google_project_iam_member" "quota" {
  project = var.project_id
  role    = "roles/serviceusage.serviceUsageConsumer"
  member  = var.member
}
