variable "project_id" {
  description = "Project whose APIs are turned on."
  type        = string
}

variable "services" {
  description = "APIs by their names, such as run.googleapis.com."
  type        = set(string)

  validation {
    condition     = alltrue([for service in var.services : endswith(service, ".googleapis.com")])
    error_message = "Each service is the name of a Google API: it ends in .googleapis.com."
  }
}
