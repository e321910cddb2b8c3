variable "project_id" {
  description = "Project of the trigger."
  type        = string
}

variable "region" {
  description = "Region of bucket, trigger and function; they share it."
  type        = string
}

variable "name" {
  description = "Name of the trigger."
  type        = string
}

variable "bucket" {
  description = "Bucket that is watched."
  type        = string
}

variable "service" {
  description = "Cloud Run service that is told."
  type        = string
}

variable "caller" {
  description = "E-mail of the account that it calls as."
  type        = string
}

variable "storage_agent" {
  description = "E-mail of the account that Cloud Storage itself acts as in this project."
  type        = string
}

variable "labels" {
  description = "Labels on the trigger."
  type        = map(string)
  default     = {}
}
