# The long-running worker, off unless it is asked for: positions are synced each minute without it.
variable "trade_updates" {
  description = "Whether a worker listens to the broker all the time, so that a fill is in the books within seconds. It costs an instance that always runs."
  type        = bool
  default     = false
}

module "trade_updates" {
  source     = "./modules/trade-updates"
  count      = var.trade_updates && contains(keys(local.images), "sync-positions") ? 1 : 0
  depends_on = [module.project_services]

  project_id          = var.project_id
  region              = var.region
  name                = "${local.prefix}-trade-updates"
  display_name        = "Crypto Sentinel ${var.environment}: trade-updates"
  image               = local.images["sync-positions"]
  topic               = module.topic["positions"].name
  environment         = merge(local.deployment, var.live_trading ? { SENTINEL_LIVE_TRADING = "yes" } : {})
  secrets             = { for variable, secret in module.secret : variable => secret.name }
  labels              = merge(local.labels, { function = "trade-updates" })
  deletion_protection = local.is_protected
}

output "trade_updates" {
  description = "The worker that listens to the broker, and everything that it may do; empty without one."
  value = [for worker in module.trade_updates : {
    name      = worker.name
    instances = worker.instances
    variables = worker.variables
    grants    = worker.grants
  }]
}
