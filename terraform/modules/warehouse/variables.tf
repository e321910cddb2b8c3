variable "project_id" {
  description = "Project of the datasets."
  type        = string
}

variable "dataset_id" {
  description = "Name of the dataset."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,99}$", var.dataset_id))
    error_message = "A dataset's name has lower-case letters, digits and underscores."
  }
}

variable "location" {
  description = "Where rows are kept; cannot be changed later."
  type        = string
}

variable "suffix" {
  description = "What stands after each table's name: nothing in PROD, _test elsewhere."
  type        = string

  validation {
    condition     = contains(["", "_test"], var.suffix)
    error_message = "The suffix is empty or _test."
  }
}

variable "role_suffix" {
  description = "What tells the custom roles of environments in one project apart."
  type        = string
}

variable "tables" {
  description = "Tables by their names in PROD: the schema as JSON, and the columns that rows are sorted by."
  type = map(object({
    schema     = string
    clustering = list(string)
  }))

  validation {
    condition = alltrue([for table in var.tables : anytrue([
      for column in jsondecode(table.schema) : column.name == "ds" && column.type == "DATE" && column.mode == "REQUIRED"
    ])])
    error_message = "Each table has a required column ds of type DATE, which it is partitioned by."
  }

  validation {
    condition = alltrue([for table in var.tables : length(table.clustering) >= 1 && length(table.clustering) <= 4 && alltrue([
      for column in table.clustering : contains(jsondecode(table.schema)[*].name, column)
    ])])
    error_message = "A table is clustered by 1 to 4 of its own columns."
  }
}

variable "views" {
  description = "Queries by the view's name; {table} stands for a table."
  type        = map(string)
}

variable "materialized_views" {
  description = "Queries that BigQuery keeps up to date; {table} stands for a table, and the filter on its days is the query's own."
  type        = map(string)
  default     = {}
}

variable "staging_days" {
  description = "After how many days what lies in the staging dataset is deleted."
  type        = number
  default     = 7

  validation {
    condition     = var.staging_days >= 1 && var.staging_days <= 60
    error_message = "Staging keeps rows for 1 to 60 days."
  }
}

variable "deletion_protection" {
  description = "Whether Terraform refuses to delete tables."
  type        = bool
}

variable "labels" {
  description = "Labels on datasets and tables."
  type        = map(string)
  default     = {}
}
