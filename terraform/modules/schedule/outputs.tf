output "name" {
  description = "Name of the schedule."
  value       = google_cloud_scheduler_job.schedule.name
}

output "cron" {
  description = "When it fires."
  value       = google_cloud_scheduler_job.schedule.schedule
}

output "time_zone" {
  description = "Zone that the cron line is read in."
  value       = google_cloud_scheduler_job.schedule.time_zone
}
