# A project that uses the module: one machine for each node, replaced when its user-data changes.

terraform {
  # Named here so that the tests' mock of the provider reaches the module.
  required_providers {
    external = {
      source = "hashicorp/external"
    }
  }
}

module "user_data" {
  source = "../.."

  nodes = {
    server = { role = "server", private_ip = "10.20.1.11" }
  }
  roles             = ["agent"]
  server_private_ip = "10.20.1.11"
  git_repo_url      = "https://git.example.net/cluster.git"
}

resource "terraform_data" "machine" {
  for_each = module.user_data.sha256

  input            = module.user_data.user_data_base64[each.key]
  triggers_replace = each.value
}

output "user_data" {
  value     = module.user_data.user_data
  sensitive = true
}

output "figures" {
  value = {
    bytes        = module.user_data.bytes
    budget_bytes = module.user_data.budget_bytes
    platform     = module.user_data.platform
  }
}
