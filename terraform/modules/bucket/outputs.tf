output "name" {
  description = "Name of the bucket."
  value       = google_storage_bucket.bucket.name
}

output "public_access_prevention" {
  description = "\"enforced\": no grant can make the bucket public."
  value       = google_storage_bucket.bucket.public_access_prevention
}
