terraform {
  # 1.9: the rules of a variable may look at another variable.
  required_version = ">= 1.9"

  required_providers {
    hcloud = {
      source  = "hetznercloud/hcloud"
      version = ">= 1.49, < 2.0"
    }
  }
}

# The token of the project comes from the environment, HCLOUD_TOKEN.
provider "hcloud" {}
