variable "project_id" {
  description = "Project that is watched."
  type        = string
}

variable "project_number" {
  description = "Its number, which budgets know it by."
  type        = string
}

variable "environment" {
  description = "PROD or DEV, as people read it in an alert."
  type        = string
}

variable "prefix" {
  description = "What the names of functions, jobs and schedules begin with."
  type        = string
}

variable "emails" {
  description = "Who is told."
  type        = set(string)

  validation {
    condition     = alltrue([for email in var.emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", email))])
    error_message = "An alert goes to an e-mail address."
  }
}

variable "candles_topic" {
  description = "Topic that closed candles are told on."
  type        = string
}

variable "candle_silence_max_seconds" {
  description = "After how long without a closed candle somebody is told: more than the shortest timeframe that is traded; 2 minutes to 23.5 hours, in whole minutes."
  type        = number

  validation {
    condition     = var.candle_silence_max_seconds >= 120 && var.candle_silence_max_seconds <= 84600 && var.candle_silence_max_seconds % 60 == 0
    error_message = "Silence is measured in whole minutes: 120 to 84600 seconds."
  }
}

variable "failed_attempts_max" {
  description = "How many failed attempts of one schedule within 15 minutes are borne: one minute's run may find the one before still at work."
  type        = number
  default     = 5

  validation {
    condition     = var.failed_attempts_max >= 0
    error_message = "0 or more attempts."
  }
}

variable "dead_letter_subscriptions" {
  description = "Subscriptions that keep what could not be delivered; at most 6, as a policy has no more conditions."
  type        = list(string)

  validation {
    condition     = length(var.dead_letter_subscriptions) >= 1 && length(var.dead_letter_subscriptions) <= 6
    error_message = "1 to 6 subscriptions: an alert policy has at most 6 conditions."
  }
}

variable "budget" {
  description = "What a month may cost before somebody is told: billing account, whole units, currency of that account. Null: no budget."
  type = object({
    billing_account = string
    units           = number
    currency        = string
  })
  default = null

  validation {
    condition     = var.budget == null ? true : can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.budget.billing_account)) && var.budget.units >= 1 && can(regex("^[A-Z]{3}$", var.budget.currency))
    error_message = "A budget has a billing account such as 012345-6789AB-CDEF01, 1 unit or more, and a currency such as EUR."
  }
}
