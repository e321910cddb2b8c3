variable "project_id" {
  description = "Project of the schedule."
  type        = string
}

variable "region" {
  description = "Region of the schedule."
  type        = string
}

variable "name" {
  description = "Name of the schedule."
  type        = string
}

variable "description" {
  description = "What it starts."
  type        = string
}

variable "cron" {
  description = "Minute, hour, day of month, month, day of week; in UTC."
  type        = string

  validation {
    condition     = can(regex("^(\\S+ ){4}\\S+$", var.cron))
    error_message = "A cron line has five fields, with one blank between them."
  }
}

variable "kind" {
  description = "Whether it calls a service or starts a job."
  type        = string

  validation {
    condition     = contains(["service", "job"], var.kind)
    error_message = "The kind is \"service\" or \"job\"."
  }
}

variable "uri" {
  description = "What it POSTs to."
  type        = string
}

variable "audience" {
  description = "What the token is made out to, for a service."
  type        = string
}

variable "caller" {
  description = "E-mail of the account that it calls as."
  type        = string
}

variable "attempt_seconds" {
  description = "How long it waits for an answer: 15 to 1800."
  type        = number

  validation {
    condition     = var.attempt_seconds >= 15 && var.attempt_seconds <= 1800
    error_message = "The scheduler waits 15 to 1800 seconds for an answer."
  }
}

variable "retries" {
  description = "How often it tries again: 0 to 5."
  type        = number

  validation {
    condition     = var.retries >= 0 && var.retries <= 5
    error_message = "The scheduler tries again 0 to 5 times."
  }
}

variable "paused" {
  description = "Whether it rests."
  type        = bool
  default     = false
}
