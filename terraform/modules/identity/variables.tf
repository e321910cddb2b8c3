variable "project_id" {
  description = "Project that the account belongs to."
  type        = string
}

variable "account_id" {
  description = "Name of the service account, the part before the @."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.account_id))
    error_message = "A service account's name has 6 to 30 lower-case letters, digits and hyphens."
  }
}

variable "display_name" {
  description = "Name shown to people."
  type        = string
}

variable "description" {
  description = "What the function does, in one line."
  type        = string
}

variable "database" {
  description = "Firestore database whose documents it may read and write."
  type        = string
}

variable "dataset_id" {
  description = "BigQuery dataset that holds the tables."
  type        = string
}

variable "row_writer_role" {
  description = "Full name of the role that reads and merges rows of a table."
  type        = string
}

variable "tables_read" {
  description = "Tables whose rows it may read."
  type        = set(string)
  default     = []
}

variable "tables_written" {
  description = "Tables whose rows it may read and merge."
  type        = set(string)
  default     = []
}

variable "topics" {
  description = "Topics it may publish to."
  type        = set(string)
  default     = []
}

variable "buckets" {
  description = "Grants on buckets, each \"BUCKET ROLE\"."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for grant in var.buckets : can(regex("^\\S+ roles/storage\\.object(Viewer|Creator|User)$", grant))])
    error_message = "A grant on a bucket is its name and roles/storage.objectViewer, objectCreator or objectUser."
  }
}

variable "secrets" {
  description = "Secrets whose value it may read."
  type        = set(string)
  default     = []
}
