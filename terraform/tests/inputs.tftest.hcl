# What is refused before anything is planned.

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
  alert_emails = ["somebody@example.com"]
}

run "unknown_environment" {
  command = plan
  variables {
    environment = "prod"
  }
  expect_failures = [var.environment]
}

run "moving_tag" {
  command = plan
  variables {
    image_tag = "latest"
  }
  expect_failures = [var.image_tag]
}

run "image_of_no_function" {
  command = plan
  variables {
    images = { archive-trade = "europe-west1-docker.pkg.dev/p/r/archive-trade:1" }
  }
  expect_failures = [var.images]
}

run "real_money_without_the_second_switch" {
  command = plan
  variables {
    account = "broker = { kind = \"alpaca-live\" }"
  }
  expect_failures = [var.account]
}

run "real_money_in_a_rehearsal" {
  command = plan
  variables {
    environment  = "DEV"
    live_trading = true
  }
  expect_failures = [var.live_trading]
}

run "everybody_as_operator" {
  command = plan
  variables {
    operators = ["allUsers"]
  }
  expect_failures = [var.operators]
}

run "nobody_to_tell" {
  command = plan
  variables {
    alert_emails = []
  }
  expect_failures = [var.alert_emails]
}

run "one_function_rolled_back" {
  command = plan
  variables {
    image_tag = "0123abc"
    images    = { execute-signals = "europe-west1-docker.pkg.dev/p/r/execute-signals:0000fff" }
  }
  assert {
    condition     = local.images["execute-signals"] == "europe-west1-docker.pkg.dev/p/r/execute-signals:0000fff" && endswith(local.images["sync-positions"], "/sentinel-example/prod-functions/sentinel-function:0123abc")
    error_message = "One function cannot be rolled back by itself."
  }
}

run "service_account_as_operator" {
  command = plan
  variables {
    operators = ["serviceAccount:prod-events@sentinel-example.iam.gserviceaccount.com"]
  }
  expect_failures = [var.operators]
}

run "key_in_the_account" {
  command = plan
  variables {
    account = "broker = { kind = \"alpaca-paper\", secret_key = \"canary\" }"
  }
  expect_failures = [var.account]
}

run "queried_field_without_an_index" {
  command = plan
  module {
    source = "./modules/documents"
  }
  variables {
    name                = "sentinel-prod"
    location            = "europe-west1"
    deletion_protection = true
    collections = [
      { name = "candles", indexes = [["archived", "session_open desc"]], unindexed = ["session_open"], expires = true },
    ]
  }
  expect_failures = [var.collections]
}

run "public_caller_of_a_function" {
  command = plan
  module {
    source = "./modules/function"
  }
  variables {
    region          = "europe-west1"
    name            = "prod-archive-trades"
    description     = "Loop A"
    kind            = "service"
    image           = "europe-west1-docker.pkg.dev/p/r/archive-trades:0123abc"
    service_account = "prod-archive-trades@sentinel-example.iam.gserviceaccount.com"
    audience        = "https://prod-archive-trades.sentinel"
    callers         = { everybody = "allUsers" }
    timeout_seconds = 60
    memory_mib      = 512
    concurrency     = 1
    retries         = 3
    environment     = { ENVIRONMENT = "PROD" }
  }
  expect_failures = [var.callers]
}

run "key_in_plain_text_and_default_account" {
  command = plan
  module {
    source = "./modules/function"
  }
  variables {
    region          = "europe-west1"
    name            = "prod-archive-trades"
    description     = "Loop A"
    kind            = "service"
    image           = "europe-west1-docker.pkg.dev/p/r/archive-trades"
    service_account = "123456789012-compute@developer.gserviceaccount.com"
    audience        = "https://prod-archive-trades.sentinel"
    callers         = {}
    timeout_seconds = 60
    memory_mib      = 512
    concurrency     = 1
    retries         = 3
    environment     = { ENVIRONMENT = "PROD", APCA_API_SECRET_KEY = "x" }
  }
  expect_failures = [var.image, var.service_account, var.environment]
}

run "table_without_a_partition_column" {
  command = plan
  module {
    source = "./modules/warehouse"
  }
  variables {
    dataset_id          = "crypto_analytics"
    location            = "EU"
    suffix              = ""
    role_suffix         = "prod"
    deletion_protection = true
    views               = {}
    tables = {
      readings = { schema = "[{\"name\": \"reading_id\", \"type\": \"STRING\", \"mode\": \"REQUIRED\"}]", clustering = ["reading"] }
    }
  }
  expect_failures = [var.tables]
}
