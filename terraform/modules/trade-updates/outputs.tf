output "name" {
  description = "Name of the worker."
  value       = google_cloud_run_v2_worker_pool.worker.name
}

output "instances" {
  description = "How many instances always run."
  value       = google_cloud_run_v2_worker_pool.worker.scaling[0].manual_instance_count
}

output "variables" {
  description = "Names of the environment variables that it is given."
  value       = google_cloud_run_v2_worker_pool.worker.template[0].containers[0].env[*].name
}

output "grants" {
  description = "Everything that it may do."
  value = concat(
    [for grant in google_secret_manager_secret_iam_member.reads : "${grant.role} on secret ${grant.secret_id}"],
    ["${google_pubsub_topic_iam_member.publishes.role} on topic ${google_pubsub_topic_iam_member.publishes.topic}"],
  )
}
