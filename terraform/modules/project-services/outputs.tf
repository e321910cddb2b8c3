output "services" {
  description = "APIs that are turned on."
  value       = [for service in google_project_service.api : service.service]
}
