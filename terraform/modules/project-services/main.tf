# The Google APIs that the rest needs. Never turned off again: another environment may live in the same project.
resource "google_project_service" "api" {
  for_each = var.services

  project                    = var.project_id
  service                    = each.key
  disable_on_destroy         = false
  disable_dependent_services = false
}
