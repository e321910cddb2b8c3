# What people may do who ask and steer a deployment, and that it is no more than their commands need.

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
  operators    = ["group:desk@example.com", "user:trader@example.com"]
}

run "operators_have_only_the_roles_their_commands_need" {
  command = plan

  assert {
    condition = alltrue([for grants in output.operators : jsonencode(grants) == jsonencode(sort(concat([
      "roles/bigquery.dataViewer on dataset crypto_analytics",
      "roles/bigquery.jobUser on project",
      "roles/cloudscheduler.jobRunner on project",
      "roles/datastore.user on database sentinel-prod",
      "roles/serviceusage.serviceUsageConsumer on project",
      "roles/storage.objectUser on bucket sentinel-example-prod-strategies",
      "roles/storage.objectViewer on bucket sentinel-example-prod-components",
    ], [for name, function in output.functions : "roles/run.invoker on job ${function.name}" if function.kind == "job"])))])
    error_message = "An operator may do more or less than the commands of --target cloud need: ${join("; ", flatten(values(output.operators)))}"
  }
  assert {
    condition     = sort(keys(output.operators)) == tolist(["group:desk@example.com", "user:trader@example.com"]) && alltrue([for member, operator in module.operator : jsonencode(operator.members) == jsonencode([member])])
    error_message = "Somebody else was granted what an operator needs."
  }
  assert {
    condition     = alltrue([for operator in module.operator : operator.conditions["roles/datastore.user"] == "resource.name == \"projects/sentinel-example/databases/sentinel-prod\""])
    error_message = "An operator of PROD may touch documents of another database."
  }
}

run "operators_call_no_service_and_open_no_door" {
  command = plan

  assert {
    condition     = alltrue([for function in output.functions : length([for member in function.invokers : member if !startswith(member, "serviceAccount:prod-")]) == 0])
    error_message = "A person may call a function: they start jobs, and schedules."
  }
  assert {
    condition     = alltrue([for function in output.functions : function.kind == "job" || function.ingress == "INGRESS_TRAFFIC_INTERNAL_ONLY"])
    error_message = "A function takes calls from the internet because an operator was named."
  }
}

run "without_jobs_there_is_none_to_start" {
  command = plan
  variables {
    nightly_kind = "service"
  }

  assert {
    condition     = length([for grant in flatten(values(output.operators)) : grant if startswith(grant, "roles/run.invoker")]) == 0
    error_message = "An operator may call what is no job."
  }
}

run "nobody_is_granted_anything_who_is_not_named" {
  command = plan
  variables {
    operators = []
  }

  assert {
    condition     = length(output.operators) == 0
    error_message = "Somebody who is not named is an operator."
  }
}

run "operators_of_rehearsals_reach_no_store_of_production" {
  command = plan
  variables {
    environment = "DEV"
  }

  assert {
    condition     = length([for grant in flatten(values(output.operators)) : grant if strcontains(grant, "prod") || endswith(grant, "crypto_analytics")]) == 0
    error_message = "An operator of DEV may touch a store of PROD."
  }
}
