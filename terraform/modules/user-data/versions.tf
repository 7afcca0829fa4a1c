terraform {
  # 1.5: check blocks. The module's own tests, in tests/, need 1.7.
  required_version = ">= 1.5"

  required_providers {
    external = {
      source = "hashicorp/external"
      # Before 2.3.2 the provider sends null as an empty string.
      version = ">= 2.3.2, < 3.0"
    }
  }
}
