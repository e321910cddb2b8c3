# The worker that listens to the broker: not there by default, and alone with its keys and one topic when it is.

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

run "positions_are_polled_by_default" {
  command = plan

  assert {
    condition     = length(output.trade_updates) == 0
    error_message = "A worker runs that nobody asked for."
  }
}

run "one_worker_may_read_the_keys_and_publish_to_one_topic" {
  command = plan

  variables {
    trade_updates = true
  }

  assert {
    condition     = one(output.trade_updates[*].name) == "prod-trade-updates" && output.trade_updates[0].instances == 1
    error_message = "There is not exactly one instance of one worker."
  }
  assert {
    condition = sort(output.trade_updates[0].grants) == sort([
      "roles/secretmanager.secretAccessor on secret prod-alpaca-key-id",
      "roles/secretmanager.secretAccessor on secret prod-alpaca-secret-key",
      "roles/pubsub.publisher on topic prod-positions",
    ])
    error_message = "The worker may do something else: ${join(", ", output.trade_updates[0].grants)}"
  }
  assert {
    condition     = length(setintersection(output.trade_updates[0].variables, ["SENTINEL_FUNCTION", "APCA_API_KEY_ID", "APCA_API_SECRET_KEY", "SENTINEL_ACCOUNT", "SENTINEL_TOPIC_PREFIX"])) == 5
    error_message = "The worker is not given what it reads: ${join(", ", output.trade_updates[0].variables)}"
  }
  assert {
    condition     = sort(keys(output.functions)) == sort(jsondecode(file("functions.json"))[*].name)
    error_message = "The worker is no function: functions.json names those."
  }
}

run "no_worker_without_an_image" {
  command = plan

  variables {
    trade_updates = true
    image_tag     = null
  }

  assert {
    condition     = length(output.trade_updates) == 0
    error_message = "A worker is deployed before there is an image."
  }
}
