variable "project_id" {
  description = "Project of the repository."
  type        = string
}

variable "region" {
  description = "Region of the repository."
  type        = string
}

variable "name" {
  description = "Name of the repository."
  type        = string
}

variable "keep_count" {
  description = "How many versions of each image are kept whatever else is cleaned up."
  type        = number
  default     = 20

  validation {
    condition     = var.keep_count >= 2
    error_message = "A roll-back needs at least 2 versions."
  }
}

variable "labels" {
  description = "Labels on the repository."
  type        = map(string)
  default     = {}
}
