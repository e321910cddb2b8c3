output "next_steps" {
  description = "What to do next, by how far the deployment is."
  value = length(local.deployed) == 0 ? join("\n", [
    "Stores, topics, secrets and alerts stand; no function is deployed yet. Next:",
    "1. Put the broker's keys in:",
    "     printf %s \"$APCA_API_KEY_ID\"     | gcloud secrets versions add ${module.secret["APCA_API_KEY_ID"].name} --project ${var.project_id} --data-file=-",
    "     printf %s \"$APCA_API_SECRET_KEY\" | gcloud secrets versions add ${module.secret["APCA_API_SECRET_KEY"].name} --project ${var.project_id} --data-file=-",
    "2. Build the image of all functions and push it to ${module.images.repository}/sentinel-function:TAG (docs/deploy.md)",
    "3. terraform apply -var image_tag=TAG",
    ]) : join("\n", [
    "${length(local.deployed)} of ${length(local.functions)} functions are deployed to ${var.environment}${var.schedules_paused ? "; the schedules are paused" : ""}. Next:",
    "1. Upload a strategy, the config last:",
    "     gcloud storage cp trend.wasm trend.toml gs://${module.strategies_bucket.name}/",
    "2. See it registered: gcloud run services logs read ${local.prefix}-register-strategy --project ${var.project_id} --region ${var.region}",
    "3. Confirm the alerts' e-mail addresses, and see that nothing waits in ${join(", ", [for topic in module.topic : topic.dead_letter_subscription])}",
  ])
}

output "functions" {
  description = "Deployed functions: service or job, the account that each runs as, who may call it, where calls may come from."
  value = {
    for name, function in module.function : name => {
      name            = function.name
      kind            = function.kind
      service_account = function.service_account
      invokers        = function.invokers
      checks_callers  = function.checks_callers
      ingress         = function.ingress
      scaling         = function.scaling
      variables       = function.variables
    }
  }
}

output "grants" {
  description = "Everything that each function may do."
  value       = { for name, identity in module.identity : name => identity.grants }
}

output "operators" {
  description = "Everything that each operator may do."
  value       = { for member, operator in module.operator : member => operator.grants }
}

output "schedules" {
  description = "When the clock starts what."
  value = {
    for key, schedule in module.schedule : schedule.name => {
      function  = local.schedules[key].function
      cron      = schedule.cron
      time_zone = schedule.time_zone
    }
  }
}

output "tables" {
  description = "Tables of the warehouse, by their names in PROD."
  value       = module.warehouse.tables
}

output "strategies_bucket" {
  description = "Bucket that strategies are uploaded to."
  value       = module.strategies_bucket.name
}

output "image" {
  description = "Name of the image of all functions, without its tag."
  value       = "${module.images.repository}/sentinel-function"
}

output "secrets" {
  description = "Secrets that wait for their values, by the environment variable that holds them."
  value       = { for variable, secret in module.secret : variable => secret.name }
}

# What `sentinel --target cloud` reads. A string of JSON is one of TOML too.
output "cloud_toml" {
  description = "The file cloud.toml for the data folder of whoever asks and steers this deployment. It holds no secret."
  value = join("", [
    for variable, value in merge(local.deployment, {
      SENTINEL_REGION = var.region
      SENTINEL_JOBS   = join(",", [for name in keys(local.deployed) : name if local.kinds[name] == "job"])
    }) : "${variable} = ${jsonencode(value)}\n"
  ])
}
