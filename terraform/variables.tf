variable "project_id" {
  description = "Google Cloud project to deploy to."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "A project's id has 6 to 30 lower-case letters, digits and hyphens; it is not the project's number."
  }
}

variable "environment" {
  description = "PROD trades the account that counts; DEV is for rehearsal. Both may live in one project, each with a state of its own."
  type        = string

  validation {
    condition     = contains(["PROD", "DEV"], var.environment)
    error_message = "The environment is PROD or DEV."
  }
}

variable "region" {
  description = "Region of functions, schedules, topics and buckets, such as europe-west1."
  type        = string
  default     = "europe-west1"

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "A region is like europe-west1; eur3 and EU are not regions."
  }
}

variable "firestore_location" {
  description = "Where documents are kept; the region unless said otherwise. Cannot be changed later."
  type        = string
  default     = null
}

variable "restored_database" {
  description = "Firestore database that functions and operators work on instead of the deployment's own: one restored from its past."
  type        = string
  default     = null

  validation {
    condition     = var.restored_database == null || can(regex("^[a-z][a-z0-9-]{2,61}[a-z0-9]$", coalesce(var.restored_database, "-")))
    error_message = "A database's name has 4 to 63 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "bigquery_location" {
  description = "Where rows are kept; the region unless said otherwise. Cannot be changed later."
  type        = string
  default     = null
}

variable "image_tag" {
  description = "Tag of the functions' image in the repository made here. Null deploys everything but the functions, for the time before there is one."
  type        = string
  default     = null

  validation {
    condition     = var.image_tag == null ? true : can(regex("^[\\w][\\w.-]{0,127}$", var.image_tag)) && var.image_tag != "latest"
    error_message = "A tag names one version, such as a commit's hash: latest would move."
  }
}

variable "images" {
  description = "Images of single functions by the function's name, in place of image_tag: to roll one back, or to run one from another repository."
  type        = map(string)
  default     = {}

  validation {
    condition     = length(setsubtract(keys(var.images), jsondecode(file("${path.module}/functions.json"))[*].name)) == 0
    error_message = "images names a function that is not in functions.json."
  }
}

variable "nightly_kind" {
  description = "Whether what runs once a night is a job or a service. A job's image runs once and ends."
  type        = string
  default     = "job"

  validation {
    condition     = contains(["job", "service"], var.nightly_kind)
    error_message = "nightly_kind is \"job\" or \"service\"."
  }
}

variable "account" {
  description = "What is traded, and under which limits: the text of account.toml. It holds no key."
  type        = string
  default     = <<-TOML
    broker = { kind = "alpaca-paper" }
  TOML

  validation {
    condition     = can(regex("alpaca-live", var.account)) ? var.live_trading : true
    error_message = "The account is alpaca-live, which trades real money: set live_trading = true as well, or use alpaca-paper."
  }

  validation {
    condition     = !can(regex("kind\\s*=\\s*\"local\"", var.account))
    error_message = "The broker \"local\" lives in one process; functions need alpaca-paper, alpaca-live or server."
  }

  validation {
    condition     = !can(regex("(?i)(secret|password|token|api_?key|APCA_)", var.account))
    error_message = "The account's text stands in the plan and in the state, so it holds no key: keys go to Secret Manager, as next_steps says."
  }
}

variable "live_trading" {
  description = "The second switch for real money; the first is alpaca-live in the account. PROD only."
  type        = bool
  default     = false

  validation {
    condition     = var.live_trading ? var.environment == "PROD" : true
    error_message = "Real money is traded in PROD only."
  }
}

variable "operators" {
  description = "People who may ask and steer the deployment with `sentinel --target cloud`: user: or group: members. Each gets what its commands need and nothing more; modules/operator lists it."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for member in var.operators : can(regex("^(user|group):[^@\\s]+@\\S+$", member))])
    error_message = "An operator is a user: or a group:. allUsers and allAuthenticatedUsers never are."
  }
}

variable "alert_emails" {
  description = "Who is told when something fails."
  type        = set(string)

  validation {
    condition     = length(var.alert_emails) > 0
    error_message = "Somebody has to be told: give at least one e-mail address."
  }
}

variable "candle_silence_max_seconds" {
  description = "After how long without a closed candle somebody is told; more than the shortest timeframe that is traded."
  type        = number
  default     = 7200
}

variable "budget" {
  description = "What a month may cost before somebody is told. Null: no budget."
  type = object({
    billing_account = string
    units           = number
    currency        = string
  })
  default = null
}

variable "schedules_paused" {
  description = "Whether the clock starts nothing; for setting up and for restoring from a backup."
  type        = bool
  default     = false
}

variable "deletion_protection" {
  description = "Whether database, tables and functions cannot be deleted; yes in PROD, no in DEV, unless said otherwise."
  type        = bool
  default     = null
}
