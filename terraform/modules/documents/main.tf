# The hot store: one Firestore database for each environment, with the indexes that the queries need, documents that
# delete themselves once they are archived, and backups.
locals {
  # Firestore keeps an index on every single field by itself; only combinations are declared.
  composites = merge([
    for collection in var.collections : {
      for fields in collection.indexes : "${collection.name}/${join(",", fields)}" => {
        collection = collection.name
        fields     = fields
      } if length(fields) > 1
    }
  ]...)
  exempt = merge([
    for collection in var.collections : {
      for field in collection.unindexed : "${collection.name}/${field}" => { collection = collection.name, field = field }
    }
  ]...)
  expiring = toset([for collection in var.collections : collection.name if collection.expires])
}

resource "google_firestore_database" "hot" {
  project                           = var.project_id
  name                              = var.name
  location_id                       = var.location
  type                              = "FIRESTORE_NATIVE"
  concurrency_mode                  = "PESSIMISTIC"
  app_engine_integration_mode       = "DISABLED"
  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_ENABLED"
  delete_protection_state           = var.deletion_protection ? "DELETE_PROTECTION_ENABLED" : "DELETE_PROTECTION_DISABLED"
  deletion_policy                   = var.deletion_protection ? "ABANDON" : "DELETE"
}

resource "google_firestore_index" "composite" {
  for_each = local.composites

  project     = var.project_id
  database    = google_firestore_database.hot.name
  collection  = each.value.collection
  query_scope = "COLLECTION"

  dynamic "fields" {
    for_each = each.value.fields
    content {
      field_path = trimsuffix(fields.value, " desc")
      order      = endswith(fields.value, " desc") ? "DESCENDING" : "ASCENDING"
    }
  }
}

resource "google_firestore_field" "expire_at" {
  for_each = local.expiring

  project    = var.project_id
  database   = google_firestore_database.hot.name
  collection = each.key
  field      = "expire_at"

  ttl_config {}

  # No query asks for it, and an index on an ever-growing time slows writes down.
  index_config {}
}

# The store's own mark of the commit that wrote a document: no query asks for it either.
resource "google_firestore_field" "commit" {
  for_each = toset(var.collections[*].name)

  project    = var.project_id
  database   = google_firestore_database.hot.name
  collection = each.key
  field      = "_commit"

  index_config {}
}

# Lists, maps and long texts, which no query asks by: their entries would be written with each document and read by
# nobody, and a document may have 40,000 of them. What is said of a map holds for all that is in it.
resource "google_firestore_field" "unindexed" {
  for_each = local.exempt

  project    = var.project_id
  database   = google_firestore_database.hot.name
  collection = each.value.collection
  field      = each.value.field

  index_config {}
}

resource "google_firestore_backup_schedule" "daily" {
  project   = var.project_id
  database  = google_firestore_database.hot.name
  retention = "${var.daily_backups_days * 86400}s"

  daily_recurrence {}
}

resource "google_firestore_backup_schedule" "weekly" {
  project   = var.project_id
  database  = google_firestore_database.hot.name
  retention = "${var.weekly_backups_weeks * 604800}s"

  weekly_recurrence {
    day = "SUNDAY"
  }
}
