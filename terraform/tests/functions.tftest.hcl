# Who runs, as whom, and who may call it. Everything is read from the plan, through what the modules say of their own
# resources; the manifest is read here once more, so that the test does not believe the code it tests.

mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
  mock_data "google_storage_project_service_account" {
    defaults = { email_address = "service-123456789012@gs-project-accounts.iam.gserviceaccount.com" }
  }
}

variables {
  project_id   = "sentinel-example"
  environment  = "PROD"
  image_tag    = "0123abc"
  alert_emails = ["somebody@example.com"]
}

run "every_function_is_deployed_exactly_once" {
  command = plan

  assert {
    condition     = sort(keys(output.functions)) == sort(jsondecode(file("functions.json"))[*].name)
    error_message = "Deployed are ${join(", ", keys(output.functions))}; functions.json names others."
  }
  assert {
    condition     = length(output.functions) == length(jsondecode(file("functions.json")))
    error_message = "functions.json names a function twice."
  }
  assert {
    condition     = length(distinct(values(output.functions)[*].name)) == length(output.functions)
    error_message = "Two functions share a service or a job."
  }
  assert {
    condition     = alltrue([for name, function in output.functions : function.name == "prod-${name}"])
    error_message = "A function is deployed under another's name."
  }
  assert {
    condition = alltrue([
      for declared in jsondecode(file("functions.json")) :
      output.functions[declared.name].kind == "service" || (declared.logical_date == "day_ended" && alltrue([for trigger in declared.triggers : trigger.kind == "schedule"]))
    ])
    error_message = "Only what the clock alone starts, for the day that has ended, may be a job: events cannot call one."
  }
}

run "a_person_is_told_which_deployment_it_is" {
  command = plan

  assert {
    condition = alltrue([
      for line in ["ENVIRONMENT = \"PROD\"", "GOOGLE_CLOUD_PROJECT = \"sentinel-example\"", "SENTINEL_REGION = \"europe-west1\"",
        "SENTINEL_FIRESTORE_DATABASE = \"sentinel-prod\"", "SENTINEL_STRATEGIES_BUCKET = \"sentinel-example-prod-strategies\"",
      "SENTINEL_TOPIC_PREFIX = \"prod-\""] : contains(split("\n", output.cloud_toml), line)
    ])
    error_message = "cloud.toml does not name the deployment: ${output.cloud_toml}"
  }
  assert {
    condition = sort(compact(split(",", regex("SENTINEL_JOBS = \"([^\"]*)\"", output.cloud_toml)[0]))) == sort([
      for name, function in output.functions : name if function.kind == "job"
    ])
    error_message = "cloud.toml names other jobs than those that are deployed: ${output.cloud_toml}"
  }
  assert {
    condition     = alltrue([for line in split("\n", output.cloud_toml) : line == "" || can(regex("^(ENVIRONMENT|GOOGLE_CLOUD_PROJECT|SENTINEL_[A-Z_]+) = \"", line))])
    error_message = "cloud.toml holds something that nobody reads, such as a key of the broker: ${output.cloud_toml}"
  }
}

run "no_function_is_public" {
  command = plan

  assert {
    condition = alltrue(flatten([
      for function in output.functions : [for member in function.invokers : can(regex("^serviceAccount:prod-(scheduler|events|uploads)@sentinel-example\\.iam\\.gserviceaccount\\.com$", member))]
    ]))
    error_message = "Somebody other than the three callers may call a function."
  }
  assert {
    condition     = alltrue([for function in output.functions : length(function.invokers) > 0])
    error_message = "A function has no caller at all."
  }
  assert {
    condition     = alltrue([for function in output.functions : function.checks_callers])
    error_message = "A function does not ask for run.invoker."
  }
  assert {
    condition     = alltrue([for function in output.functions : function.kind == "job" || function.ingress == "INGRESS_TRAFFIC_INTERNAL_ONLY"])
    error_message = "A function takes calls from the internet without an operator having been named."
  }
  assert {
    condition     = output.functions["evaluate-strategies"].invokers == tolist(["serviceAccount:prod-events@sentinel-example.iam.gserviceaccount.com"])
    error_message = "evaluate-strategies is called by events alone."
  }
  assert {
    condition     = output.functions["archive-trades"].invokers == tolist(["serviceAccount:prod-scheduler@sentinel-example.iam.gserviceaccount.com"])
    error_message = "archive-trades is called by the scheduler alone."
  }
  assert {
    condition     = module.strategies_bucket.public_access_prevention == "enforced" && module.components_bucket.public_access_prevention == "enforced"
    error_message = "A bucket could be made public."
  }
  assert {
    condition     = alltrue([for subscription in module.subscription : subscription.caller == "prod-events@sentinel-example.iam.gserviceaccount.com"])
    error_message = "A subscription calls without a token, or as somebody else."
  }
}

run "services_scale_by_instances" {
  command = plan

  assert {
    condition = jsonencode({ for name, function in output.functions : name => function.scaling.instances_max if function.kind == "service" }) == jsonencode({
      for declared in jsondecode(file("functions.json")) : declared.name => declared.concurrency if output.functions[declared.name].kind == "service"
    })
    error_message = "A service may have another number of instances than functions.json allows runs at once."
  }
  assert {
    condition     = alltrue([for function in output.functions : function.scaling.requests_per_instance == 1 if function.kind == "service"])
    error_message = "An instance takes two requests at once, which share one CPU and its memory."
  }
  assert {
    condition     = output.functions["evaluate-strategies"].scaling.instances_max >= 50
    error_message = "The shards of a close wait for each other: evaluate-strategies has too few instances."
  }
}

run "every_function_has_its_own_account" {
  command = plan

  assert {
    condition     = length(distinct(values(output.functions)[*].service_account)) == length(output.functions)
    error_message = "Two functions share an account."
  }
  assert {
    condition = alltrue([
      for name, function in output.functions : function.service_account == "prod-${name}@sentinel-example.iam.gserviceaccount.com"
    ])
    error_message = "A function runs as an account that is not its own."
  }
  assert {
    condition = alltrue([
      for name, identity in module.identity : identity.members == tolist(["serviceAccount:prod-${name}@sentinel-example.iam.gserviceaccount.com"])
    ])
    error_message = "A grant of a function went to somebody else."
  }
  assert {
    condition     = length(setintersection(values(output.functions)[*].service_account, [for caller in google_service_account.caller : "${caller.account_id}@sentinel-example.iam.gserviceaccount.com"])) == 0
    error_message = "A function runs as one of the accounts that call functions."
  }
}

run "functions_have_only_the_roles_they_need" {
  command = plan

  assert {
    condition = alltrue([for grant in flatten(values(output.grants)) : contains([
      "roles/datastore.user", "roles/bigquery.jobUser", "roles/bigquery.dataViewer", "rowWriter", "roles/pubsub.publisher",
      "roles/storage.objectViewer", "roles/storage.objectUser", "roles/secretmanager.secretAccessor",
    ], split(" ", grant)[0])])
    error_message = "A function has a role that none of them needs."
  }
  assert {
    condition = alltrue([
      for grant in flatten(values(output.grants)) : !endswith(grant, " on project") || startswith(grant, "roles/bigquery.jobUser ")
    ])
    error_message = "A function has a role on the whole project other than starting query jobs."
  }
  assert {
    condition     = sort([for name, grants in output.grants : name if contains(grants, "roles/secretmanager.secretAccessor on secret prod-alpaca-secret-key")]) == tolist(["archive-trades", "execute-signals", "patch-fees", "patch-prices", "snapshot-accounts", "sync-positions"])
    error_message = "The broker's keys are for those who speak to the broker."
  }
  assert {
    condition = alltrue([
      for name, function in output.functions : (length(function.variables.secret) == 2) == contains(output.grants[name], "roles/secretmanager.secretAccessor on secret prod-alpaca-key-id")
    ])
    error_message = "A function is given a key it may not read, or may read one it is not given."
  }
  assert {
    condition     = alltrue([for function in output.functions : length(setintersection(function.variables.plain, ["APCA_API_KEY_ID", "APCA_API_SECRET_KEY"])) == 0])
    error_message = "A key of the broker stands in plain text."
  }
  assert {
    condition = output.grants["evaluate-strategies"] == tolist([
      "roles/datastore.user on database sentinel-prod",
      "roles/pubsub.publisher on topic prod-closes",
      "roles/storage.objectViewer on bucket sentinel-example-prod-components",
    ])
    error_message = "The function that runs strangers' code may do more than it needs: ${join("; ", output.grants["evaluate-strategies"])}"
  }
  assert {
    condition     = output.grants["expire-signals"] == tolist(["roles/datastore.user on database sentinel-prod"])
    error_message = "expire-signals needs documents and nothing else."
  }
  assert {
    condition     = [for name, grants in output.grants : name if anytrue([for grant in grants : endswith(grant, "-components") && startswith(grant, "roles/storage.objectUser ")])] == ["register-strategy"]
    error_message = "Compiled code is trusted: only register-strategy writes it."
  }
  assert {
    condition     = !anytrue([for grant in output.grants["cleanup-hot-store"] : startswith(grant, "rowWriter ")])
    error_message = "The broom only looks rows up."
  }
  assert {
    condition = jsonencode({
      for table in keys(output.tables) : table => sort([for name, grants in output.grants : name if contains(grants, "rowWriter on table ${table}")])
      }) == jsonencode({
      backtest_equity_curve        = []
      backtest_runs                = []
      candles                      = ["archive-decisions"]
      decisions                    = ["archive-decisions"]
      dim_assets                   = ["archive-decisions"]
      dim_strategies               = ["archive-decisions"]
      fact_rejected_signals        = ["archive-rejections"]
      fact_signals_expired         = ["archive-expirations"]
      fact_trades                  = ["archive-trades", "patch-fees"]
      positions                    = ["archive-trades", "patch-fees"]
      signals                      = ["archive-expirations", "archive-rejections", "archive-trades"]
      snapshot_accounts            = ["snapshot-accounts"]
      summary_strategy_performance = ["summarize-performance"]
    })
    error_message = "A table has another writer than the loops and patches that it is for."
  }
  assert {
    condition     = module.warehouse.row_writer_permissions == toset(["bigquery.tables.get", "bigquery.tables.getData", "bigquery.tables.updateData"])
    error_message = "Whoever merges rows must not be able to change or drop tables."
  }
}

run "every_schedule_is_in_utc" {
  command = plan

  assert {
    condition     = alltrue([for schedule in output.schedules : schedule.time_zone == "Etc/UTC"])
    error_message = "A schedule is not in UTC: logical dates are."
  }
  assert {
    condition = sort([for schedule in output.schedules : "${schedule.function} ${schedule.cron}"]) == sort(flatten([
      for declared in jsondecode(file("functions.json")) : [for trigger in declared.triggers : "${declared.name} ${trigger.cron}" if trigger.kind == "schedule"]
    ]))
    error_message = "The schedules are not those of functions.json."
  }
}

run "every_trigger_is_wired" {
  command = plan

  assert {
    condition = sort([for subscription in local.subscriptions : "${subscription.function} ${subscription.event_type}"]) == sort(flatten([
      for declared in jsondecode(file("functions.json")) : [for trigger in declared.triggers : "${declared.name} ${trigger.event_type}" if contains(["event", "task"], trigger.kind)]
    ]))
    error_message = "The subscriptions are not those of functions.json."
  }
  assert {
    condition     = keys(module.subscription) == keys(local.subscriptions)
    error_message = "A subscription is declared and not made."
  }
  assert {
    condition     = alltrue([for key, subscription in module.subscription : subscription.dead_letter_topic == "projects/sentinel-example/topics/prod-${local.subscriptions[key].topic}-dead-letters"])
    error_message = "A subscription has no dead letters of its topic."
  }
  assert {
    condition     = [for trigger in module.upload_trigger : trigger.service] == ["prod-register-strategy"]
    error_message = "An upload starts register-strategy."
  }
  assert {
    condition     = module.monitoring.policies == { failed_jobs = 3, stale_candles = 1, dead_letters = length(local.topics) }
    error_message = "An alert is missing, or does not watch every topic's dead letters."
  }
  assert {
    condition     = jsonencode(module.monitoring.channels) == jsonencode({ budget = 0, dead_letters = 1, failed_jobs = 1, quarantined_rows = 1, stale_candles = 1 })
    error_message = "An alert tells nobody."
  }
  assert {
    condition     = length(module.monitoring.silence) == 1 && strcontains(module.monitoring.silence[0].filter, "resource.labels.topic_id=\"prod-candles\"") && module.monitoring.silence[0].duration == "7200s"
    error_message = "Silence is not measured on the topic of closed candles."
  }
}

run "a_budget_tells_before_it_is_spent" {
  command = plan
  variables {
    budget = { billing_account = "012345-6789AB-CDEF01", units = 50, currency = "EUR" }
  }

  assert {
    condition     = jsonencode([for threshold in module.monitoring.budget_thresholds : tonumber(threshold)]) == jsonencode([0.5, 0.9, 1, 1.2]) && module.monitoring.channels.budget == 1
    error_message = "The budget tells at ${join(", ", module.monitoring.budget_thresholds)} of it, or tells nobody."
  }
}
