output "name" {
  description = "Name of the trigger."
  value       = google_eventarc_trigger.uploads.name
}

output "service" {
  description = "Cloud Run service that is told."
  value       = google_eventarc_trigger.uploads.destination[0].cloud_run_service[0].service
}
