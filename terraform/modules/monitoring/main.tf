# What wakes somebody up: a run that failed, candles that stopped coming, a message that nobody could take, a budget.
locals {
  channels = [for channel in google_monitoring_notification_channel.email : channel.id]

  run_fields = {
    run_ms           = "EXTRACT(jsonPayload.run_ms)"
    lag_ms           = "EXTRACT(jsonPayload.lag_ms)"
    rows_in          = "EXTRACT(jsonPayload.rows_in)"
    rows_out         = "EXTRACT(jsonPayload.rows_out)"
    rows_quarantined = "EXTRACT(jsonPayload.rows_quarantined)"
  }
}

resource "google_monitoring_notification_channel" "email" {
  for_each = var.emails

  project      = var.project_id
  display_name = "Crypto Sentinel ${var.environment}: ${each.key}"
  type         = "email"
  labels       = { email_address = each.key }
}

# What functions log as an error: "run failed", and a process that ended early.
resource "google_logging_metric" "failed_runs" {
  project = var.project_id
  name    = "${var.prefix}/failed_runs"
  filter = join(" AND ", [
    "severity>=ERROR",
    "(resource.labels.service_name:\"${var.prefix}-\" OR resource.labels.job_name:\"${var.prefix}-\")",
    "resource.type=(\"cloud_run_revision\" OR \"cloud_run_job\")",
  ])

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }
}

# The scheduler gave up: the function was not reached, or answered with an error to the last attempt.
resource "google_logging_metric" "failed_schedules" {
  project = var.project_id
  name    = "${var.prefix}/failed_schedules"
  filter  = "resource.type=\"cloud_scheduler_job\" AND resource.labels.job_id:\"${var.prefix}-\" AND severity>=ERROR"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }
}

# Each run leaves one line "run ended" with its counts and times; a function that scales to zero has no other way to
# tell. host/cloud/tests/function_program/terraform.rs holds these fields to what is logged.
resource "google_logging_metric" "runs" {
  for_each = {
    run_ms           = { unit = "ms", about = "how long runs took" }
    lag_ms           = { unit = "ms", about = "how long after the moment they are about runs had ended" }
    rows_in          = { unit = "1", about = "rows that runs looked at" }
    rows_out         = { unit = "1", about = "rows that runs wrote" }
    rows_quarantined = { unit = "1", about = "rows that went to quarantine" }
  }

  project     = var.project_id
  name        = "${var.prefix}/${each.key}"
  description = "Crypto Sentinel ${var.environment}: ${each.value.about}, by function."
  filter = join(" AND ", [
    "jsonPayload.message=\"run ended\"",
    "labels.environment=\"${var.environment}\"",
    "resource.type=(\"cloud_run_revision\" OR \"cloud_run_job\")",
  ])
  value_extractor  = local.run_fields[each.key]
  label_extractors = { function = "EXTRACT(labels.function)" }

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"
    unit        = each.value.unit

    labels {
      key        = "function"
      value_type = "STRING"
    }
  }
}

# The guardian put rows aside: the run is PARTIAL, nothing is lost, and a person has to look.
resource "google_logging_metric" "partial_runs" {
  project = var.project_id
  name    = "${var.prefix}/partial_runs"
  filter = join(" AND ", [
    "jsonPayload.message=\"run ended\"",
    "jsonPayload.rows_quarantined>0",
    "labels.environment=\"${var.environment}\"",
    "resource.type=(\"cloud_run_revision\" OR \"cloud_run_job\")",
  ])

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }
}

resource "google_monitoring_alert_policy" "quarantined_rows" {
  project               = var.project_id
  display_name          = "Crypto Sentinel ${var.environment}: rows went to quarantine"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.channels

  dynamic "conditions" {
    for_each = toset(["cloud_run_revision", "cloud_run_job"])
    content {
      display_name = "A run put rows aside (${conditions.value})"
      condition_threshold {
        filter          = "metric.type=\"logging.googleapis.com/user/${google_logging_metric.partial_runs.name}\" AND resource.type=\"${conditions.value}\""
        comparison      = "COMPARISON_GT"
        threshold_value = 0
        duration        = "0s"
        aggregations {
          alignment_period     = "300s"
          per_series_aligner   = "ALIGN_SUM"
          cross_series_reducer = "REDUCE_SUM"
        }
      }
    }
  }

  documentation {
    content = "Rows that the guardian found wrong are in `quarantine` with every reason, and not in the warehouse. See them: `sentinel quarantine list`."
  }
}

resource "google_monitoring_alert_policy" "failed_jobs" {
  project               = var.project_id
  display_name          = "Crypto Sentinel ${var.environment}: a run failed"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.channels

  conditions {
    display_name = "A function logged an error"
    condition_threshold {
      filter          = "metric.type=\"logging.googleapis.com/user/${google_logging_metric.failed_runs.name}\" AND resource.type=\"cloud_run_revision\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"
      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_SUM"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  conditions {
    display_name = "A job ended badly"
    condition_threshold {
      filter          = "metric.type=\"run.googleapis.com/job/completed_execution_count\" AND resource.type=\"cloud_run_job\" AND metric.labels.result=\"failed\" AND resource.labels.job_name=starts_with(\"${var.prefix}-\")"
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"
      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_SUM"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["resource.label.job_name"]
      }
    }
  }

  conditions {
    display_name = "A schedule gave up"
    condition_threshold {
      filter          = "metric.type=\"logging.googleapis.com/user/${google_logging_metric.failed_schedules.name}\" AND resource.type=\"cloud_scheduler_job\""
      comparison      = "COMPARISON_GT"
      threshold_value = var.failed_attempts_max
      duration        = "0s"
      aggregations {
        alignment_period     = "900s"
        per_series_aligner   = "ALIGN_SUM"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["resource.label.job_id"]
      }
    }
  }

  documentation {
    content = "A function of ${var.environment} failed. Its log says why; `job_metadata` holds the run. Any function can be run again: `sentinel run NAME --at TIME`."
  }
}

resource "google_monitoring_alert_policy" "stale_candles" {
  project               = var.project_id
  display_name          = "Crypto Sentinel ${var.environment}: no candle closed for ${var.candle_silence_max_seconds / 60} minutes"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = local.channels

  conditions {
    display_name = "Nothing published to ${var.candles_topic}"
    condition_absent {
      filter   = "metric.type=\"pubsub.googleapis.com/topic/send_message_operation_count\" AND resource.type=\"pubsub_topic\" AND resource.labels.topic_id=\"${var.candles_topic}\""
      duration = "${var.candle_silence_max_seconds}s"
      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    content = "ingest-candles has told of no closed candle. Either market data does not come, or the function does not run. Meanwhile nothing new is traded; open positions stay protected by the stops that rest at the broker."
  }
}

resource "google_monitoring_alert_policy" "dead_letters" {
  project               = var.project_id
  display_name          = "Crypto Sentinel ${var.environment}: a message could not be delivered"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.channels

  dynamic "conditions" {
    for_each = var.dead_letter_subscriptions
    content {
      display_name = "Messages in ${conditions.value}"
      condition_threshold {
        filter          = "metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\" AND resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=\"${conditions.value}\""
        comparison      = "COMPARISON_GT"
        threshold_value = 0
        duration        = "0s"
        aggregations {
          alignment_period   = "60s"
          per_series_aligner = "ALIGN_MAX"
        }
      }
    }
  }

  documentation {
    content = "A function refused a message again and again. Read it: `gcloud pubsub subscriptions pull NAME`. Its effect is made good by the schedules; publish it again once the cause is gone."
  }
}

resource "google_billing_budget" "budget" {
  count = var.budget == null ? 0 : 1

  billing_account = var.budget.billing_account
  display_name    = "Crypto Sentinel ${var.environment}"

  budget_filter {
    projects        = ["projects/${var.project_number}"]
    calendar_period = "MONTH"
  }

  amount {
    specified_amount {
      currency_code = var.budget.currency
      units         = tostring(var.budget.units)
    }
  }

  dynamic "threshold_rules" {
    for_each = [0.5, 0.9, 1.0]
    content {
      threshold_percent = threshold_rules.value
      spend_basis       = "CURRENT_SPEND"
    }
  }

  threshold_rules {
    threshold_percent = 1.2
    spend_basis       = "FORECASTED_SPEND"
  }

  all_updates_rule {
    monitoring_notification_channels = local.channels
    disable_default_iam_recipients   = false
  }
}
