provider "google" {
  project = var.project_id
  region  = var.region

  # Budgets are an API without a project of their own; calls with a person's credentials need one to be counted to.
  billing_project       = var.project_id
  user_project_override = true
}
