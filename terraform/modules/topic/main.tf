# A topic, and beside it the topic that takes what could not be delivered, with a subscription that keeps it for people.
resource "google_pubsub_topic" "events" {
  # checkov:skip=CKV_GCP_83:events name rows and carry no secret; a key of one's own would be one more thing to lose
  project                    = var.project_id
  name                       = var.name
  labels                     = var.labels
  message_retention_duration = "604800s"

  message_storage_policy {
    allowed_persistence_regions = [var.region]
  }
}

resource "google_pubsub_topic" "dead_letters" {
  # checkov:skip=CKV_GCP_83:holds the very messages of the topic beside it
  project = var.project_id
  name    = "${var.name}-dead-letters"
  labels  = var.labels

  message_storage_policy {
    allowed_persistence_regions = [var.region]
  }
}

resource "google_pubsub_subscription" "dead_letters" {
  project                    = var.project_id
  name                       = "${var.name}-dead-letters"
  topic                      = google_pubsub_topic.dead_letters.name
  labels                     = var.labels
  message_retention_duration = "2678400s"
  ack_deadline_seconds       = 60

  # Without this a subscription that nobody reads from for a month is deleted, and with it what it keeps.
  expiration_policy {
    ttl = ""
  }
}

# Pub/Sub itself moves the messages.
resource "google_pubsub_topic_iam_member" "moves" {
  project = var.project_id
  topic   = google_pubsub_topic.dead_letters.name
  role    = "roles/pubsub.publisher"
  member  = "serviceAccount:${var.pubsub_agent}"
}
