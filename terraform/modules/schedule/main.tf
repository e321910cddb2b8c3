# One cron line of the manifest. All of them are in UTC: logical dates are, and candles close by it.
resource "google_cloud_scheduler_job" "schedule" {
  project          = var.project_id
  region           = var.region
  name             = var.name
  description      = var.description
  schedule         = var.cron
  time_zone        = "Etc/UTC"
  attempt_deadline = "${var.attempt_seconds}s"
  paused           = var.paused

  # A run that comes before the jobs it waits for is answered with 409, and asked again.
  retry_config {
    retry_count          = var.retries
    min_backoff_duration = "30s"
    max_backoff_duration = "600s"
    max_doublings        = 4
  }

  http_target {
    http_method = "POST"
    uri         = var.uri

    dynamic "oidc_token" {
      for_each = var.kind == "service" ? [var.audience] : []
      content {
        service_account_email = var.caller
        audience              = oidc_token.value
      }
    }

    # Starting a job is a call to Google's own API, which takes access tokens.
    dynamic "oauth_token" {
      for_each = var.kind == "job" ? [var.caller] : []
      content {
        service_account_email = oauth_token.value
        scope                 = "https://www.googleapis.com/auth/cloud-platform"
      }
    }
  }
}
