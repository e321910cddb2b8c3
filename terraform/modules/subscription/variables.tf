variable "project_id" {
  description = "Project of the subscription."
  type        = string
}

variable "name" {
  description = "Name of the subscription."
  type        = string
}

variable "topic" {
  description = "Topic that it listens to."
  type        = string
}

variable "event_type" {
  description = "CloudEvents type that is let through."
  type        = string

  validation {
    condition     = can(regex("^sentinel\\.[a-z.]+\\.v[0-9]+$", var.event_type))
    error_message = "An event type is like sentinel.candle.closed.v1."
  }
}

variable "uri" {
  description = "Address of the function."
  type        = string
}

variable "audience" {
  description = "What the token is made out to."
  type        = string
}

variable "caller" {
  description = "E-mail of the account that it calls as."
  type        = string
}

variable "timeout_seconds" {
  description = "How long a run may take."
  type        = number
}

variable "dead_letter_topic" {
  description = "Full name of the topic for what could not be delivered."
  type        = string
}

variable "delivery_attempts_max" {
  description = "After how many attempts a message is a dead letter: 5 to 100. A run that has to wait its turn counts as one."
  type        = number
  default     = 20

  validation {
    condition     = var.delivery_attempts_max >= 5 && var.delivery_attempts_max <= 100
    error_message = "Pub/Sub allows 5 to 100 attempts."
  }
}

variable "pubsub_agent" {
  description = "E-mail of the account that Pub/Sub itself acts as in this project."
  type        = string
}

variable "labels" {
  description = "Labels on the subscription."
  type        = map(string)
  default     = {}
}
