output "database" {
  description = "Name of the database."
  value       = google_firestore_database.hot.name
}

output "composite_indexes" {
  description = "Fields of each composite index, by collection and fields; a descending one has \" desc\" after it."
  value = {
    for key, index in google_firestore_index.composite : key =>
    [for field in index.fields : field.order == "DESCENDING" ? "${field.field_path} desc" : field.field_path]
  }
}

output "unindexed_fields" {
  description = "Fields without an index of their own, as COLLECTION/FIELD, read from what is declared."
  value = sort([
    for field in concat(values(google_firestore_field.unindexed), values(google_firestore_field.commit), values(google_firestore_field.expire_at)) :
    "${field.collection}/${field.field}" if alltrue([for config in field.index_config : length(config.indexes) == 0])
  ])
}

output "expiring_collections" {
  description = "Collections whose documents delete themselves at expire_at."
  value       = sort([for field in google_firestore_field.expire_at : field.collection])
}

output "backup_retentions" {
  description = "How long backups are kept."
  value       = [google_firestore_backup_schedule.daily.retention, google_firestore_backup_schedule.weekly.retention]
}

output "point_in_time_recovery" {
  description = "Whether every minute of the last week can be restored."
  value       = google_firestore_database.hot.point_in_time_recovery_enablement
}
