# Pushes the events of one type to one function.
resource "google_pubsub_subscription" "push" {
  project                 = var.project_id
  name                    = var.name
  topic                   = var.topic
  labels                  = var.labels
  filter                  = "attributes.\"ce-type\" = \"${var.event_type}\""
  enable_message_ordering = true
  # Until then a run that goes on is not delivered a second time.
  ack_deadline_seconds       = min(600, max(10, var.timeout_seconds))
  message_retention_duration = "604800s"

  push_config {
    push_endpoint = "${var.uri}/"
    oidc_token {
      service_account_email = var.caller
      audience              = var.audience
    }
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  dead_letter_policy {
    dead_letter_topic     = var.dead_letter_topic
    max_delivery_attempts = var.delivery_attempts_max
  }

  expiration_policy {
    ttl = ""
  }
}

# Pub/Sub takes a message off the subscription when it moves it to the dead letters.
resource "google_pubsub_subscription_iam_member" "moves" {
  project      = var.project_id
  subscription = google_pubsub_subscription.push.name
  role         = "roles/pubsub.subscriber"
  member       = "serviceAccount:${var.pubsub_agent}"
}
