output "dataset_id" {
  description = "Name of the dataset."
  value       = google_bigquery_dataset.warehouse.dataset_id
}

output "staging_dataset_id" {
  description = "Name of the dataset that forgets."
  value       = google_bigquery_dataset.staging.dataset_id
}

output "staging_expiration_ms" {
  description = "After how long a partition of the staging dataset is deleted."
  value       = google_bigquery_dataset.staging.default_partition_expiration_ms
}

output "tables" {
  description = "Tables by their names in PROD: name here, partition, clustering, and whether a query must name its days."
  value = {
    for name, table in google_bigquery_table.table : name => {
      table_id                 = table.table_id
      partitioned_by           = one(table.time_partitioning[*].field)
      partition_type           = one(table.time_partitioning[*].type)
      require_partition_filter = table.require_partition_filter
      clustering               = table.clustering
      deletion_protection      = table.deletion_protection
    }
  }
}

output "views" {
  description = "Queries of the views by their names here."
  value = merge(
    { for view in google_bigquery_table.view : view.table_id => view.view[0].query },
    { for view in google_bigquery_table.materialized : view.table_id => view.materialized_view[0].query },
  )
}

output "row_writer_role" {
  description = "Full name of the role that merges rows."
  value       = "projects/${var.project_id}/roles/${google_project_iam_custom_role.row_writer.role_id}"
}

output "row_writer_permissions" {
  description = "What that role may do."
  value       = google_project_iam_custom_role.row_writer.permissions
}
