output "policies" {
  description = "Alert policies by what they watch, with the number of their conditions."
  value = {
    failed_jobs   = length(google_monitoring_alert_policy.failed_jobs.conditions)
    stale_candles = length(google_monitoring_alert_policy.stale_candles.conditions)
    dead_letters  = length(google_monitoring_alert_policy.dead_letters.conditions)
  }
}

output "budget_thresholds" {
  description = "Shares of the budget at which somebody is told; empty without one."
  value       = sort(flatten(google_billing_budget.budget[*].threshold_rules[*].threshold_percent))
}
