# The worker that listens to the broker and tells sync-positions when it has news. One instance that always runs, which
# nobody can call: it has no port. It may read the broker's keys and publish to one topic, and nothing else.
resource "google_service_account" "worker" {
  project      = var.project_id
  account_id   = var.name
  display_name = var.display_name
  description  = "Listens to the broker's updates and makes positions due."
}

resource "google_secret_manager_secret_iam_member" "reads" {
  for_each = toset(values(var.secrets))

  project   = var.project_id
  secret_id = each.key
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.worker.member
}

resource "google_pubsub_topic_iam_member" "publishes" {
  project = var.project_id
  topic   = var.topic
  role    = "roles/pubsub.publisher"
  member  = google_service_account.worker.member
}

resource "google_cloud_run_v2_worker_pool" "worker" {
  project             = var.project_id
  location            = var.region
  name                = var.name
  description         = "Listens to the broker's updates and makes positions due."
  labels              = var.labels
  launch_stage        = "BETA"
  deletion_protection = var.deletion_protection

  # Two would say the same twice; none would hear nothing.
  scaling {
    scaling_mode          = "MANUAL"
    manual_instance_count = 1
  }

  template {
    service_account = google_service_account.worker.email
    labels          = var.labels

    containers {
      image = var.image

      resources {
        limits = {
          cpu    = "1"
          memory = "512Mi"
        }
      }

      dynamic "env" {
        for_each = merge(var.environment, { SENTINEL_FUNCTION = "trade-updates" })
        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = var.secrets
        content {
          name = env.key
          value_source {
            secret_key_ref {
              secret  = env.value
              version = "latest"
            }
          }
        }
      }
    }
  }

  # It starts with the keys, so it may read them first.
  depends_on = [google_secret_manager_secret_iam_member.reads, google_pubsub_topic_iam_member.publishes]
}
