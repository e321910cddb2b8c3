# A secret without a value. The value is put in by a person (docs/deploy.md), so that it is in no file and no state.
resource "google_secret_manager_secret" "secret" {
  project   = var.project_id
  secret_id = var.name
  labels    = var.labels

  # A replaced value can be taken back for a day.
  version_destroy_ttl = "86400s"

  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }
}
