output "grants" {
  description = "Everything the operator may do, each \"ROLE on THING\", sorted."
  value = sort(concat(
    ["${google_project_iam_member.documents.role} on database ${var.database}"],
    [for grant in [google_project_iam_member.query_jobs, google_project_iam_member.schedules, google_project_iam_member.quota] : "${grant.role} on project"],
    ["${google_bigquery_dataset_iam_member.rows.role} on dataset ${google_bigquery_dataset_iam_member.rows.dataset_id}"],
    [for grant in [google_storage_bucket_iam_member.uploads, google_storage_bucket_iam_member.components] : "${grant.role} on bucket ${grant.bucket}"],
    [for grant in google_cloud_run_v2_job_iam_member.jobs : "${grant.role} on job ${grant.name}"],
  ))
}

output "conditions" {
  description = "What the grants on the project are bounded by, by role; an empty text where they are not."
  value = {
    for grant in [google_project_iam_member.documents, google_project_iam_member.query_jobs, google_project_iam_member.schedules, google_project_iam_member.quota] :
    grant.role => join("", grant.condition[*].expression)
  }
}

output "members" {
  description = "Everyone whom this module grants something; the operator alone."
  value = distinct(concat(
    [for grant in [google_project_iam_member.documents, google_project_iam_member.query_jobs, google_project_iam_member.schedules, google_project_iam_member.quota] : grant.member],
    [google_bigquery_dataset_iam_member.rows.member],
    [for grant in [google_storage_bucket_iam_member.uploads, google_storage_bucket_iam_member.components] : grant.member],
    [for grant in google_cloud_run_v2_job_iam_member.jobs : grant.member],
  ))
}
