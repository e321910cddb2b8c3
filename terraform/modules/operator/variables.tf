variable "project_id" {
  description = "Project of the deployment."
  type        = string
}

variable "region" {
  description = "Region of the jobs."
  type        = string
}

variable "member" {
  description = "Who it is: a user: or group: member."
  type        = string

  validation {
    condition     = can(regex("^(user|group):[^@\\s]+@\\S+$", var.member))
    error_message = "An operator is a user: or a group:. allUsers and allAuthenticatedUsers never are."
  }
}

variable "database" {
  description = "Firestore database whose documents they may read, and change to pause and to switch strategies."
  type        = string
}

variable "dataset_id" {
  description = "BigQuery dataset whose rows they may read."
  type        = string
}

variable "strategies_bucket" {
  description = "Bucket that they may upload strategies to."
  type        = string
}

variable "components_bucket" {
  description = "Bucket whose verified components they may read, to take decisions again."
  type        = string
}

variable "jobs" {
  description = "Cloud Run jobs that they may start, by the function's name. Services are started by their schedules."
  type        = map(string)
  default     = {}
}
