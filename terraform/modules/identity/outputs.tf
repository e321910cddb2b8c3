output "email" {
  description = "E-mail of the service account."
  value       = "${google_service_account.function.account_id}@${var.project_id}.iam.gserviceaccount.com"
}

output "grants" {
  description = "Everything the function may do, each \"ROLE on THING\", sorted."
  value = sort(concat(
    ["${google_project_iam_member.documents.role} on database ${var.database}"],
    [for grant in google_project_iam_member.query_jobs : "${grant.role} on project"],
    [for grant in google_bigquery_table_iam_member.reads : "${grant.role} on table ${grant.table_id}"],
    [for grant in google_bigquery_table_iam_member.writes : "rowWriter on table ${grant.table_id}"],
    [for grant in google_pubsub_topic_iam_member.publishes : "${grant.role} on topic ${grant.topic}"],
    [for grant in google_storage_bucket_iam_member.objects : "${grant.role} on bucket ${grant.bucket}"],
    [for grant in google_secret_manager_secret_iam_member.reads : "${grant.role} on secret ${grant.secret_id}"],
  ))
}

output "members" {
  description = "Everyone whom this module grants something; the function's own account alone."
  value = distinct(concat(
    [google_project_iam_member.documents.member],
    google_project_iam_member.query_jobs[*].member,
    [for grant in google_bigquery_table_iam_member.reads : grant.member],
    [for grant in google_bigquery_table_iam_member.writes : grant.member],
    [for grant in google_pubsub_topic_iam_member.publishes : grant.member],
    [for grant in google_storage_bucket_iam_member.objects : grant.member],
    [for grant in google_secret_manager_secret_iam_member.reads : grant.member],
  ))
}
