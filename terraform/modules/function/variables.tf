variable "project_id" {
  description = "Project to deploy to."
  type        = string
}

variable "region" {
  description = "Region to run in."
  type        = string
}

variable "name" {
  description = "Name of the service or job: environment and function."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,47}[a-z0-9]$", var.name))
    error_message = "A name has at most 49 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "description" {
  description = "What the function does, in one line."
  type        = string
}

variable "kind" {
  description = "service: runs for each request. job: runs once and ends."
  type        = string

  validation {
    condition     = contains(["service", "job"], var.kind)
    error_message = "The kind is \"service\" or \"job\"."
  }
}

variable "image" {
  description = "Container image, with a tag or a digest."
  type        = string

  validation {
    condition     = can(regex("^[^\\s:@]+(:[0-9]+)?(/[^\\s:@]+)+(:[\\w][\\w.-]*|@sha256:[0-9a-f]{64})$", var.image)) && !endswith(var.image, ":latest")
    error_message = "The image needs a tag other than latest, or a digest, so that a roll-back knows what it goes back to."
  }
}

variable "service_account" {
  description = "E-mail of the account that the function runs as."
  type        = string

  validation {
    condition     = endswith(var.service_account, ".iam.gserviceaccount.com") && !can(regex("compute@|appspot", var.service_account))
    error_message = "A function runs as an account of its own, never as a default one."
  }
}

variable "callers" {
  description = "Who may call it, by a name for each: serviceAccount:, user: or group: members."
  type        = map(string)

  validation {
    condition     = alltrue([for member in values(var.callers) : can(regex("^(serviceAccount|user|group):[^@\\s]+@\\S+$", member))])
    error_message = "A caller is one serviceAccount:, user: or group:. allUsers and allAuthenticatedUsers never are."
  }
}

variable "audience" {
  description = "What callers' tokens must be made out to; the function compares it itself."
  type        = string
}

variable "ingress" {
  description = "Where calls may come from; jobs take none."
  type        = string
  default     = "INGRESS_TRAFFIC_INTERNAL_ONLY"

  validation {
    condition     = contains(["INGRESS_TRAFFIC_INTERNAL_ONLY", "INGRESS_TRAFFIC_ALL"], var.ingress)
    error_message = "The ingress is INGRESS_TRAFFIC_INTERNAL_ONLY or INGRESS_TRAFFIC_ALL."
  }
}

variable "timeout_seconds" {
  description = "How long a run may take."
  type        = number

  validation {
    condition     = var.timeout_seconds >= 1 && var.timeout_seconds <= 3600
    error_message = "A run takes 1 to 3600 seconds: a request to a service may not take longer."
  }
}

variable "memory_mib" {
  description = "Memory, in MiB; 512 at least, which is what Cloud Run's second generation starts with."
  type        = number

  validation {
    condition     = var.memory_mib >= 128 && var.memory_mib <= 4096
    error_message = "With one CPU a function has 128 to 4096 MiB."
  }
}

variable "concurrency" {
  description = "How many runs may be in progress at once: instances of a service, each with one request."
  type        = number

  validation {
    condition     = var.concurrency >= 1 && var.concurrency <= 100
    error_message = "At least 1 run at once, at most 100."
  }
}

variable "retries" {
  description = "How often a job's task is tried again. A service is tried again by whoever calls it."
  type        = number

  validation {
    condition     = var.retries >= 0 && var.retries <= 10
    error_message = "0 to 10 retries."
  }
}

variable "environment" {
  description = "Environment variables, none of them secret."
  type        = map(string)

  validation {
    condition     = contains(["PROD", "DEV", "TEST"], lookup(var.environment, "ENVIRONMENT", ""))
    error_message = "ENVIRONMENT is one of PROD, DEV, TEST."
  }

  validation {
    condition     = length(setintersection(keys(var.environment), ["APCA_API_KEY_ID", "APCA_API_SECRET_KEY"])) == 0
    error_message = "The broker's keys are secrets: they come by reference, in `secrets`."
  }
}

variable "secrets" {
  description = "Environment variables by the secret whose newest value they hold."
  type        = map(string)
  default     = {}
}

variable "labels" {
  description = "Labels on the function and its runs."
  type        = map(string)
  default     = {}
}

variable "deletion_protection" {
  description = "Whether Terraform refuses to delete it."
  type        = bool
  default     = false
}
