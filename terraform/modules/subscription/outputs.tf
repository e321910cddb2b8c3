output "name" {
  description = "Name of the subscription."
  value       = google_pubsub_subscription.push.name
}

output "caller" {
  description = "Account that it calls as; null would mean an unsigned call."
  value       = one(google_pubsub_subscription.push.push_config[0].oidc_token[*].service_account_email)
}

output "dead_letter_topic" {
  description = "Where messages go that could not be delivered."
  value       = google_pubsub_subscription.push.dead_letter_policy[0].dead_letter_topic
}
