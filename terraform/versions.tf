terraform {
  required_version = ">= 1.11"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
  }

  # The bucket and the environment are named when it is set up: terraform init -backend-config=…, see docs/deploy.md.
  backend "gcs" {}
}
