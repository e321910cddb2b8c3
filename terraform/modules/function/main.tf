# One function of the manifest on Cloud Run: a service that events and the clock call, or a job that the clock starts.
# Nobody may call it but the callers that are named.
locals {
  is_service = var.kind == "service"
  # Eventarc makes its tokens out to the service's own address, whose middle nobody knows before the service is there.
  audiences = concat([var.audience], contains(keys(var.callers), "uploads") ? ["https://${var.name}-*.run.app"] : [])
  environment = merge(var.environment, local.is_service ? {
    SENTINEL_AUDIENCE = join(",", local.audiences)
    SENTINEL_CALLERS  = join(",", sort([for caller in values(var.callers) : split(":", caller)[1]]))
  } : {})
  limits = {
    # A run under 1 CPU would have to take requests one by one; the sandbox wants a whole core anyway.
    cpu    = "1"
    memory = "${max(512, var.memory_mib)}Mi"
  }
}

resource "google_cloud_run_v2_service" "function" {
  count = local.is_service ? 1 : 0

  project              = var.project_id
  location             = var.region
  name                 = var.name
  description          = var.description
  labels               = var.labels
  ingress              = var.ingress
  invoker_iam_disabled = false
  custom_audiences     = [var.audience]
  deletion_protection  = var.deletion_protection

  template {
    service_account                  = var.service_account
    timeout                          = "${var.timeout_seconds}s"
    max_instance_request_concurrency = 1
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2"
    labels                           = var.labels

    scaling {
      min_instance_count = 0
      max_instance_count = var.concurrency
    }

    containers {
      image = var.image

      resources {
        limits            = local.limits
        cpu_idle          = true
        startup_cpu_boost = true
      }

      startup_probe {
        period_seconds    = 1
        failure_threshold = 20
        http_get {
          path = "/health"
        }
      }

      dynamic "env" {
        for_each = local.environment
        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = var.secrets
        content {
          name = env.key
          value_source {
            secret_key_ref {
              secret  = env.value
              version = "latest"
            }
          }
        }
      }
    }
  }
}

resource "google_cloud_run_v2_service_iam_member" "caller" {
  for_each = local.is_service ? var.callers : {}

  project  = var.project_id
  location = var.region
  name     = google_cloud_run_v2_service.function[0].name
  role     = "roles/run.invoker"
  member   = each.value
}

resource "google_cloud_run_v2_job" "function" {
  count = local.is_service ? 0 : 1

  project             = var.project_id
  location            = var.region
  name                = var.name
  labels              = var.labels
  deletion_protection = var.deletion_protection

  template {
    parallelism = 1
    task_count  = 1
    labels      = var.labels

    template {
      service_account       = var.service_account
      timeout               = "${var.timeout_seconds}s"
      max_retries           = var.retries
      execution_environment = "EXECUTION_ENVIRONMENT_GEN2"

      containers {
        image = var.image

        resources {
          limits = local.limits
        }

        dynamic "env" {
          for_each = local.environment
          content {
            name  = env.key
            value = env.value
          }
        }

        dynamic "env" {
          for_each = var.secrets
          content {
            name = env.key
            value_source {
              secret_key_ref {
                secret  = env.value
                version = "latest"
              }
            }
          }
        }
      }
    }
  }
}

resource "google_cloud_run_v2_job_iam_member" "caller" {
  for_each = local.is_service ? {} : var.callers

  project  = var.project_id
  location = var.region
  name     = google_cloud_run_v2_job.function[0].name
  role     = "roles/run.invoker"
  member   = each.value
}
