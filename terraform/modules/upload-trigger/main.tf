# Tells a function of each file that was written whole into a bucket.
resource "google_eventarc_trigger" "uploads" {
  project         = var.project_id
  location        = var.region
  name            = var.name
  labels          = var.labels
  service_account = var.caller

  matching_criteria {
    attribute = "type"
    value     = "google.cloud.storage.object.v1.finalized"
  }

  matching_criteria {
    attribute = "bucket"
    value     = var.bucket
  }

  destination {
    cloud_run_service {
      service = var.service
      region  = var.region
      path    = "/"
    }
  }

  depends_on = [google_project_iam_member.receives, google_project_iam_member.storage_publishes]
}

resource "google_project_iam_member" "receives" {
  project = var.project_id
  role    = "roles/eventarc.eventReceiver"
  member  = "serviceAccount:${var.caller}"
}

# Cloud Storage itself publishes what happens in its buckets.
resource "google_project_iam_member" "storage_publishes" {
  project = var.project_id
  role    = "roles/pubsub.publisher"
  member  = "serviceAccount:${var.storage_agent}"
}
