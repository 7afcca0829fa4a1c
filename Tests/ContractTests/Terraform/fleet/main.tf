# A fleet through the module: two nodes and a role, secrets in OCI Vault but for one. A machine is a terraform_data.

variable "worker_labels" {
  type    = map(string)
  default = {}
}

variable "k3s_agent_token" {
  type      = string
  default   = "EXAMPLE-agent-token-canary"
  sensitive = true
}

variable "roles" {
  type    = set(string)
  default = ["ingress"]
}

variable "reserve_bytes" {
  type    = number
  default = 0
}

variable "lock" {
  type    = string
  default = null
}

module "user_data" {
  source = "../terraform/modules/user-data"

  cluster_name = "harbour"
  nodes = {
    server = { role = "server", private_ip = "10.20.1.11", taints = ["example.org/only=control:PreferNoSchedule"] }
    worker = { role = "agent", labels = var.worker_labels }
  }
  roles             = var.roles
  server_private_ip = "10.20.1.11"
  node_cidrs        = ["10.20.0.0/16"]
  git_repo_url      = "https://git.example.net/cluster.git"
  vault_ocid        = "ocid1.vault.oc1.eu-frankfurt-1.examplevault.examplevaultexamplevault"
  secret_ocids = {
    cloudflare_api_token = "ocid1.vaultsecret.oc1.eu-frankfurt-1.examplecloudflaretoken"
    k3s_token            = "ocid1.vaultsecret.oc1.eu-frankfurt-1.examplek3stoken"
  }
  k3s_agent_token            = var.k3s_agent_token
  argocd_admin_password_hash = "$2y$10$uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu"
  config                     = "${path.module}/k3seed.yaml"
  lock                       = var.lock
  reserve_bytes              = var.reserve_bytes
}

resource "terraform_data" "user_data" {
  for_each = module.user_data.sha256

  input = each.value
}

# Its provider would change it where it is when its user-data changes.
resource "terraform_data" "machine" {
  for_each = module.user_data.sha256

  input = each.key

  lifecycle {
    replace_triggered_by = [terraform_data.user_data[each.key]]
  }
}

# What is built once, and never replaced by Terraform.
resource "terraform_data" "kept" {
  input            = "server"
  triggers_replace = module.user_data.user_data_base64["server"]

  lifecycle {
    ignore_changes = [triggers_replace]
  }
}

output "user_data_base64" {
  value     = module.user_data.user_data_base64
  sensitive = true
}

output "sha256" {
  value     = module.user_data.sha256
  sensitive = true
}

output "figures" {
  value = {
    bytes        = module.user_data.bytes
    budget_bytes = module.user_data.budget_bytes
    platform     = module.user_data.platform
  }
}
