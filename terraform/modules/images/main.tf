# Where the functions' container image is. A tag never moves, so a roll-back finds what it named.
resource "google_artifact_registry_repository" "images" {
  # checkov:skip=CKV_GCP_84:encrypted with Google's keys; the images hold no secret
  project       = var.project_id
  location      = var.region
  repository_id = var.name
  format        = "DOCKER"
  description   = "Crypto Sentinel: one image, which serves every function."
  labels        = var.labels

  docker_config {
    immutable_tags = true
  }

  cleanup_policies {
    id     = "keep-the-newest"
    action = "KEEP"
    most_recent_versions {
      keep_count = var.keep_count
    }
  }

  cleanup_policies {
    id     = "delete-the-untagged"
    action = "DELETE"
    condition {
      tag_state  = "UNTAGGED"
      older_than = "2592000s"
    }
  }
}
