terraform {
  # What asks most: terraform_data in the advice of README.md; the module itself would do with 1.3.
  required_version = ">= 1.4"

  required_providers {
    external = {
      source  = "hashicorp/external"
      version = "~> 2.3"
    }
  }
}
