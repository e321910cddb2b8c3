variable "project_id" {
  description = "Project of the secret."
  type        = string
}

variable "region" {
  description = "Region that the value stays in."
  type        = string
}

variable "name" {
  description = "Name of the secret."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,100}$", var.name))
    error_message = "A secret's name has lower-case letters, digits and hyphens."
  }
}

variable "labels" {
  description = "Labels on the secret."
  type        = map(string)
  default     = {}
}
