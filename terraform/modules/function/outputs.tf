output "name" {
  description = "Name of the service or job."
  value       = var.kind == "service" ? google_cloud_run_v2_service.function[0].name : google_cloud_run_v2_job.function[0].name
}

output "kind" {
  description = "service or job."
  value       = length(google_cloud_run_v2_service.function) == 1 ? "service" : "job"
}

output "uri" {
  description = "What callers POST to: the service's address, or the call that starts the job."
  value = var.kind == "service" ? google_cloud_run_v2_service.function[0].uri : (
    "https://run.googleapis.com/v2/projects/${var.project_id}/locations/${var.region}/jobs/${var.name}:run"
  )
}

output "audience" {
  description = "What callers' tokens must be made out to."
  value       = var.audience
}

output "service_account" {
  description = "Account that it runs as, read from what is deployed."
  value = one(concat(
    [for service in google_cloud_run_v2_service.function : service.template[0].service_account],
    [for job in google_cloud_run_v2_job.function : job.template[0].template[0].service_account],
  ))
}

output "invokers" {
  description = "Everyone who may call it, read from the grants."
  value = sort(concat(
    [for grant in google_cloud_run_v2_service_iam_member.caller : grant.member],
    [for grant in google_cloud_run_v2_job_iam_member.caller : grant.member],
  ))
}

output "checks_callers" {
  description = "Whether the platform asks for run.invoker; false would mean a public function."
  value       = alltrue([for service in google_cloud_run_v2_service.function : service.invoker_iam_disabled == false])
}

output "ingress" {
  description = "Where calls may come from; null for a job."
  value       = one([for service in google_cloud_run_v2_service.function : service.ingress])
}

output "scaling" {
  description = "How many instances a service may have, and how many requests each takes at once; null for a job."
  value = one([for service in google_cloud_run_v2_service.function : {
    instances_max         = service.template[0].scaling[0].max_instance_count
    requests_per_instance = service.template[0].max_instance_request_concurrency
  }])
}

output "variables" {
  description = "Names of the environment variables, by whether their value comes from a secret."
  value = {
    plain  = sort(keys(local.environment))
    secret = sort(keys(var.secrets))
  }
}
