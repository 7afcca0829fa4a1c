terraform {
  # 1.9: the rules of a variable may look at another variable.
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0, < 7.0"
    }
  }
}

# Credentials come from the environment or ~/.aws, as the provider's documentation says.
provider "aws" {
  region = var.region

  default_tags {
    tags = { cluster = var.cluster_name }
  }
}
