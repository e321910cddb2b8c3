# What is deployed, read from the files that the program itself writes: functions.json by `sentinel functions --json`,
# schema/ by `sentinel schema export --format bigquery`. Nothing here repeats what they say.
locals {
  prefix        = lower(var.environment)
  is_production = var.environment == "PROD"
  is_protected  = coalesce(var.deletion_protection, local.is_production)
  labels        = { app = "crypto-sentinel", environment = local.prefix }

  # The environments' names, as host/domain/src/environment.rs makes them.
  table_suffix = local.is_production ? "" : "_test"
  dataset      = local.is_production ? "crypto_analytics" : "crypto_analytics_${local.prefix}"
  database     = "sentinel-${local.prefix}"

  manifest  = jsondecode(file("${path.module}/functions.json"))
  functions = { for function in local.manifest : function.name => function }

  # One program for all of them, which SENTINEL_FUNCTION tells what it is: one build, one image, one digest.
  images = {
    for name in keys(local.functions) : name => try(var.images[name], "${module.images.repository}/sentinel-function:${var.image_tag}")
    if var.image_tag != null || contains(keys(var.images), name)
  }
  deployed = { for name, function in local.functions : name => function if contains(keys(local.images), name) }

  # Only the clock starts it, for the day that has ended: it may be a job.
  kinds = {
    for name, function in local.functions : name =>
    function.logical_date == "day_ended" && alltrue([for trigger in function.triggers : trigger.kind == "schedule"])
    ? var.nightly_kind : "service"
  }

  schedules = merge([
    for name, function in local.deployed : {
      for index, cron in [for trigger in function.triggers : trigger.cron if trigger.kind == "schedule"] :
      index == 0 ? name : "${name}-${index + 1}" => { function = name, cron = cron }
    }
  ]...)

  event_types = toset(flatten([for function in local.manifest : [for trigger in function.triggers : trigger.event_type if contains(["event", "task"], trigger.kind)]]))

  # A task is an event that waits in the outbox until it is due; both come by a topic.
  subscriptions = merge([
    for name, function in local.deployed : {
      for trigger in function.triggers : "${name}-${local.event_topics[trigger.event_type]}" => {
        function = name, event_type = trigger.event_type, topic = local.event_topics[trigger.event_type]
      } if contains(["event", "task"], trigger.kind)
    }
  ]...)

  uploads = toset([
    for name, function in local.deployed : name if contains(function.triggers[*].kind, "object_finalized")
  ])

  tables = {
    for file in fileset("${path.module}/schema", "*.json") : trimsuffix(file, ".json") =>
    file("${path.module}/schema/${file}")
  }
  views = {
    for file in fileset("${path.module}/schema", "*.sql") : trimsuffix(file, ".sql") =>
    file("${path.module}/schema/${file}")
  }

  collections = [
    for declared in jsondecode(file("${path.module}/firestore-indexes.json")) : {
      name      = local.is_production ? declared.collection : declared.rehearsal_collection
      indexes   = declared.indexes
      unindexed = declared.unindexed
      expires   = declared.expires
    }
  ]
}
