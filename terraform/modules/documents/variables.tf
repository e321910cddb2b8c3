variable "project_id" {
  description = "Project of the database."
  type        = string
}

variable "name" {
  description = "Name of the database."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,61}[a-z0-9]$", var.name))
    error_message = "A database's name has 4 to 63 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "location" {
  description = "Where documents are kept; cannot be changed later."
  type        = string
}

variable "collections" {
  description = "Collections by the name they have in this environment, the combinations of fields they are asked by (\" desc\" after a field is its order), the fields that nobody asks by and that get no index, and whether their documents may carry expire_at."
  type = list(object({
    name      = string
    indexes   = list(list(string))
    unindexed = list(string)
    expires   = bool
  }))

  validation {
    condition     = length(distinct(var.collections[*].name)) == length(var.collections)
    error_message = "A collection is named twice."
  }

  validation {
    condition = alltrue([for collection in var.collections : length(setintersection(collection.unindexed, [
      for field in flatten(collection.indexes) : trimsuffix(field, " desc")
    ])) == 0])
    error_message = "A field that queries ask by has no index."
  }

  validation {
    condition     = alltrue([for collection in var.collections : length(setintersection(collection.unindexed, ["expire_at", "_commit"])) == 0])
    error_message = "expire_at and _commit belong to the store, and have no index anyway."
  }
}

variable "deletion_protection" {
  description = "Whether the database cannot be deleted."
  type        = bool
}

variable "daily_backups_days" {
  description = "How long a daily backup is kept, in days."
  type        = number
  default     = 7

  validation {
    condition     = var.daily_backups_days >= 1 && var.daily_backups_days <= 98
    error_message = "Firestore keeps backups for 1 to 98 days."
  }
}

variable "weekly_backups_weeks" {
  description = "How long a weekly backup is kept, in weeks."
  type        = number
  default     = 8

  validation {
    condition     = var.weekly_backups_weeks >= 1 && var.weekly_backups_weeks <= 14
    error_message = "Firestore keeps backups for 1 to 14 weeks."
  }
}
