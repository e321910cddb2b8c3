# One environment of Crypto Sentinel in one project. Read locals.tf for what is deployed, access.tf for who may do what.
data "google_project" "this" {
  project_id = var.project_id
}

data "google_storage_project_service_account" "this" {
  project = var.project_id
}

locals {
  # The database that is worked on: our own, or one that was restored beside it.
  documents_database = coalesce(var.restored_database, module.documents.database)

  # Which deployment it is: what functions are told, and people who ask and steer it from their own machine.
  deployment = {
    ENVIRONMENT                 = var.environment
    GOOGLE_CLOUD_PROJECT        = var.project_id
    SENTINEL_ACCOUNT            = var.account
    SENTINEL_FIRESTORE_DATABASE = local.documents_database
    SENTINEL_BIGQUERY_DATASET   = module.warehouse.dataset_id
    SENTINEL_BIGQUERY_LOCATION  = coalesce(var.bigquery_location, var.region)
    SENTINEL_TOPIC_PREFIX       = "${local.prefix}-"
    SENTINEL_STRATEGIES_BUCKET  = module.strategies_bucket.name
    SENTINEL_COMPONENTS_BUCKET  = module.components_bucket.name
  }

  pubsub_agent = "service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
  callers = {
    for name, caller in google_service_account.caller : name =>
    "${caller.account_id}@${var.project_id}.iam.gserviceaccount.com"
  }
}

module "project_services" {
  source = "./modules/project-services"

  project_id = var.project_id
  services = [
    "artifactregistry.googleapis.com",
    "bigquery.googleapis.com",
    "billingbudgets.googleapis.com",
    "cloudscheduler.googleapis.com",
    "eventarc.googleapis.com",
    "firestore.googleapis.com",
    "iam.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "storage.googleapis.com",
  ]
}

# ---- Stores

module "documents" {
  source     = "./modules/documents"
  depends_on = [module.project_services]

  project_id          = var.project_id
  name                = local.database
  location            = coalesce(var.firestore_location, var.region)
  collections         = local.collections
  deletion_protection = local.is_protected
}

module "warehouse" {
  source     = "./modules/warehouse"
  depends_on = [module.project_services]

  project_id          = var.project_id
  dataset_id          = local.dataset
  location            = coalesce(var.bigquery_location, var.region)
  suffix              = local.table_suffix
  role_suffix         = local.prefix
  tables              = { for name, schema in local.tables : name => { schema = schema, clustering = local.clustering[name] } }
  views               = local.views
  materialized_views  = { agg_strategy_daily_sums = file("${path.module}/sql/agg_strategy_daily_sums.sql") }
  deletion_protection = local.is_protected
  labels              = local.labels
}

# What people upload: a component and its config.
module "strategies_bucket" {
  source     = "./modules/bucket"
  depends_on = [module.project_services]

  project_id = var.project_id
  name       = "${var.project_id}-${local.prefix}-strategies"
  region     = var.region
  labels     = local.labels
}

# What register-strategy keeps of it once it is verified: components by their hash, and their compiled code.
module "components_bucket" {
  source     = "./modules/bucket"
  depends_on = [module.project_services]

  project_id = var.project_id
  name       = "${var.project_id}-${local.prefix}-components"
  region     = var.region
  labels     = local.labels
}

module "secret" {
  source     = "./modules/secret"
  for_each   = { APCA_API_KEY_ID = "alpaca-key-id", APCA_API_SECRET_KEY = "alpaca-secret-key" }
  depends_on = [module.project_services]

  project_id = var.project_id
  region     = var.region
  name       = "${local.prefix}-${each.value}"
  labels     = local.labels
}

module "images" {
  source     = "./modules/images"
  depends_on = [module.project_services]

  project_id = var.project_id
  region     = var.region
  name       = "${local.prefix}-functions"
  labels     = local.labels
}

# ---- Functions

module "identity" {
  source   = "./modules/identity"
  for_each = local.functions

  project_id      = var.project_id
  account_id      = "${local.prefix}-${each.key}"
  display_name    = "Crypto Sentinel ${var.environment}: ${each.key}"
  description     = each.value.description
  database        = local.documents_database
  dataset_id      = module.warehouse.dataset_id
  row_writer_role = module.warehouse.row_writer_role
  tables_read     = [for table in lookup(local.access[each.key], "reads", []) : module.warehouse.tables[table].table_id]
  tables_written  = [for table in lookup(local.access[each.key], "writes", []) : module.warehouse.tables[table].table_id]
  topics          = [for topic in lookup(local.access[each.key], "publishes", []) : module.topic[topic].name]
  buckets = concat(
    [for role in [lookup(local.access[each.key], "components", "")] : "${module.components_bucket.name} ${role}" if role != ""],
    [for role in [lookup(local.access[each.key], "uploads", "")] : "${module.strategies_bucket.name} ${role}" if role != ""],
  )
  secrets = lookup(local.access[each.key], "broker", false) ? [for secret in module.secret : secret.name] : []
}

module "function" {
  source     = "./modules/function"
  for_each   = local.deployed
  depends_on = [module.identity]

  project_id          = var.project_id
  region              = var.region
  name                = "${local.prefix}-${each.key}"
  description         = each.value.description
  kind                = local.kinds[each.key]
  image               = local.images[each.key]
  service_account     = module.identity[each.key].email
  audience            = "https://${local.prefix}-${each.key}.sentinel"
  ingress             = "INGRESS_TRAFFIC_INTERNAL_ONLY"
  timeout_seconds     = each.value.timeout_seconds
  memory_mib          = each.value.memory_mib
  concurrency         = each.value.concurrency
  retries             = each.value.retries
  labels              = merge(local.labels, { function = each.key })
  deletion_protection = local.is_protected

  # Only whoever has a reason to: the clock, events, uploads. People start jobs, and schedules: module.operator.
  callers = merge(
    contains(each.value.triggers[*].kind, "schedule") ? { scheduler = "serviceAccount:${local.callers.scheduler}" } : {},
    length(setintersection(each.value.triggers[*].kind, ["event", "task"])) > 0 ? { events = "serviceAccount:${local.callers.events}" } : {},
    contains(each.value.triggers[*].kind, "object_finalized") ? { uploads = "serviceAccount:${local.callers.uploads}" } : {},
  )

  environment = merge(local.deployment, { SENTINEL_FUNCTION = each.key }, var.live_trading ? { SENTINEL_LIVE_TRADING = "yes" } : {})

  secrets = lookup(local.access[each.key], "broker", false) ? { for variable, secret in module.secret : variable => secret.name } : {}
}

# ---- People

module "operator" {
  source     = "./modules/operator"
  for_each   = var.operators
  depends_on = [module.project_services]

  project_id        = var.project_id
  region            = var.region
  member            = each.key
  database          = local.documents_database
  dataset_id        = module.warehouse.dataset_id
  strategies_bucket = module.strategies_bucket.name
  components_bucket = module.components_bucket.name
  jobs              = { for name in keys(local.deployed) : name => module.function[name].name if local.kinds[name] == "job" }
}

# ---- What starts them

# Whoever calls functions is not a function: one account each for the clock, for events and for uploads.
resource "google_service_account" "caller" {
  for_each   = toset(["scheduler", "events", "uploads"])
  depends_on = [module.project_services]

  project      = var.project_id
  account_id   = "${local.prefix}-${each.key}"
  display_name = "Crypto Sentinel ${var.environment}: calls functions for ${each.key}"
}

module "schedule" {
  source   = "./modules/schedule"
  for_each = local.schedules

  project_id      = var.project_id
  region          = var.region
  name            = "${local.prefix}-${each.key}"
  description     = local.functions[each.value.function].description
  cron            = each.value.cron
  kind            = module.function[each.value.function].kind
  uri             = module.function[each.value.function].uri
  audience        = module.function[each.value.function].audience
  caller          = local.callers.scheduler
  attempt_seconds = local.kinds[each.value.function] == "job" ? 60 : min(1800, max(15, local.functions[each.value.function].timeout_seconds))
  # What runs each minute has its next try anyway, and a late one would only stand in its way.
  retries = startswith(each.value.cron, "* ") ? 0 : min(5, local.functions[each.value.function].retries)
  paused  = var.schedules_paused
}

module "topic" {
  source     = "./modules/topic"
  for_each   = local.topics
  depends_on = [module.project_services]

  project_id   = var.project_id
  region       = var.region
  name         = "${local.prefix}-${each.key}"
  pubsub_agent = local.pubsub_agent
  labels       = local.labels
}

module "subscription" {
  source   = "./modules/subscription"
  for_each = local.subscriptions

  project_id        = var.project_id
  name              = "${local.prefix}-${each.key}"
  topic             = module.topic[each.value.topic].name
  event_type        = each.value.event_type
  uri               = module.function[each.value.function].uri
  audience          = module.function[each.value.function].audience
  caller            = local.callers.events
  timeout_seconds   = local.functions[each.value.function].timeout_seconds
  dead_letter_topic = module.topic[each.value.topic].dead_letter_topic
  pubsub_agent      = local.pubsub_agent
  labels            = local.labels
}

module "upload_trigger" {
  source   = "./modules/upload-trigger"
  for_each = local.uploads

  project_id    = var.project_id
  region        = var.region
  name          = "${local.prefix}-uploads"
  bucket        = module.strategies_bucket.name
  service       = module.function[each.key].name
  caller        = local.callers.uploads
  storage_agent = data.google_storage_project_service_account.this.email_address
  labels        = local.labels
}

# ---- Alerts

module "monitoring" {
  source     = "./modules/monitoring"
  depends_on = [module.project_services]

  project_id                 = var.project_id
  project_number             = data.google_project.this.number
  environment                = var.environment
  prefix                     = local.prefix
  emails                     = var.alert_emails
  candles_topic              = module.topic["candles"].name
  candle_silence_max_seconds = var.candle_silence_max_seconds
  dead_letter_subscriptions  = [for topic in module.topic : topic.dead_letter_subscription]
  budget                     = var.budget
}

# ---- What must hold whatever was changed

check "every_function_has_a_line_of_access" {
  assert {
    condition     = keys(local.access) == keys(local.functions)
    error_message = "access.tf and functions.json name different functions: ${join(", ", setunion(setsubtract(keys(local.access), keys(local.functions)), setsubtract(keys(local.functions), keys(local.access))))}."
  }
}

check "every_event_type_has_a_topic" {
  assert {
    condition     = length(setsubtract(local.event_types, keys(local.event_topics))) == 0
    error_message = "access.tf names no topic for ${join(", ", setsubtract(local.event_types, keys(local.event_topics)))}."
  }
}
