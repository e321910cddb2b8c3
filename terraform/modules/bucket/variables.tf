variable "project_id" {
  description = "Project of the bucket."
  type        = string
}

variable "name" {
  description = "Name of the bucket; unique among all buckets of Google Cloud."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]$", var.name))
    error_message = "A bucket's name has 3 to 63 lower-case letters, digits, hyphens and underscores."
  }
}

variable "region" {
  description = "Region that objects stay in."
  type        = string
}

variable "old_versions_days" {
  description = "How long a replaced or deleted object is kept."
  type        = number
  default     = 90

  validation {
    condition     = var.old_versions_days >= 7
    error_message = "Replaced objects are kept for at least 7 days."
  }
}

variable "labels" {
  description = "Labels on the bucket."
  type        = map(string)
  default     = {}
}
