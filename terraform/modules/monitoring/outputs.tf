output "policies" {
  description = "Alert policies by what they watch, with the number of their conditions."
  value = {
    failed_jobs   = length(google_monitoring_alert_policy.failed_jobs.conditions)
    stale_candles = length(google_monitoring_alert_policy.stale_candles.conditions)
    dead_letters  = length(google_monitoring_alert_policy.dead_letters.conditions)
  }
}

output "channels" {
  description = "How many are told of what each alert policy watches."
  value = {
    failed_jobs      = length(google_monitoring_alert_policy.failed_jobs.notification_channels)
    quarantined_rows = length(google_monitoring_alert_policy.quarantined_rows.notification_channels)
    stale_candles    = length(google_monitoring_alert_policy.stale_candles.notification_channels)
    dead_letters     = length(google_monitoring_alert_policy.dead_letters.notification_channels)
    budget           = length(flatten(google_billing_budget.budget[*].all_updates_rule[*].monitoring_notification_channels))
  }
}

output "silence" {
  description = "What is watched for closed candles, and how long it may be silent."
  value = [for condition in google_monitoring_alert_policy.stale_candles.conditions : {
    filter   = condition.condition_absent[0].filter
    duration = condition.condition_absent[0].duration
  }]
}

output "budget_thresholds" {
  description = "Shares of the budget at which somebody is told; empty without one."
  value       = sort(flatten(google_billing_budget.budget[*].threshold_rules[*].threshold_percent))
}
