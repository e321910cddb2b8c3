# A private bucket whose objects keep their earlier versions for a while.
resource "google_storage_bucket" "bucket" {
  # checkov:skip=CKV_GCP_62:the audit logs of Cloud Storage say who wrote what; access logs in yet another bucket add nothing
  project                     = var.project_id
  name                        = var.name
  location                    = var.region
  labels                      = var.labels
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false

  versioning {
    enabled = true
  }

  soft_delete_policy {
    retention_duration_seconds = 604800
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      days_since_noncurrent_time = var.old_versions_days
      with_state                 = "ARCHIVED"
    }
  }
}
