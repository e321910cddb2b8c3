variable "project_id" {
  description = "Project of the worker."
  type        = string
}

variable "region" {
  description = "Region that the worker runs in."
  type        = string
}

variable "name" {
  description = "Name of the worker, and of the service account that it runs as."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.name))
    error_message = "The name is a service account's too: 6 to 30 lower-case letters, digits and hyphens."
  }
}

variable "display_name" {
  description = "Name shown to people."
  type        = string
}

variable "image" {
  description = "Image of the program that is all functions."
  type        = string
}

variable "topic" {
  description = "Name of the topic that positions that are due are told on."
  type        = string
}

variable "environment" {
  description = "Environment variables that name the deployment."
  type        = map(string)
}

variable "secrets" {
  description = "Names of the secrets with the broker's keys, by environment variable."
  type        = map(string)
}

variable "labels" {
  description = "Labels of everything that takes some."
  type        = map(string)
}

variable "deletion_protection" {
  description = "Whether Terraform refuses to delete the worker."
  type        = bool
}
