output "name" {
  description = "Name of the topic."
  value       = google_pubsub_topic.events.name
}

output "id" {
  description = "Full name of the topic."
  value       = google_pubsub_topic.events.id
}

output "dead_letter_topic" {
  description = "Full name of the topic for what could not be delivered."
  value       = "projects/${var.project_id}/topics/${google_pubsub_topic.dead_letters.name}"
}

output "dead_letter_subscription" {
  description = "Name of the subscription that keeps what could not be delivered."
  value       = google_pubsub_subscription.dead_letters.name
}
