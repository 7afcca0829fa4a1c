terraform {
  # 1.9: the rules of a variable may look at another variable.
  required_version = ">= 1.9"

  required_providers {
    oci = {
      source  = "oracle/oci"
      version = ">= 7.0, < 9.0"
    }
  }

  # Where more than one person applies, keep the state in a bucket; see README.md.
}

# Credentials come from ~/.oci/config or from the environment, as the provider's documentation says.
provider "oci" {
  region = var.region
}
