variable "project_id" {
  description = "Project of the topic."
  type        = string
}

variable "region" {
  description = "Region that messages stay in."
  type        = string
}

variable "name" {
  description = "Name of the topic."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,200}$", var.name)) && !startswith(var.name, "goog")
    error_message = "A topic has lower-case letters, digits and hyphens, and does not begin with goog."
  }
}

variable "pubsub_agent" {
  description = "E-mail of the account that Pub/Sub itself acts as in this project."
  type        = string
}

variable "labels" {
  description = "Labels on topics and subscriptions."
  type        = map(string)
  default     = {}
}
