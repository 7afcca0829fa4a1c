# One server on any platform, and no account anywhere: the machine is a terraform_data, which is built into Terraform and
# stands where a resource of your provider would.

terraform {
  required_version = ">= 1.5"
}

module "user_data" {
  source = "../../modules/user-data"

  platform             = var.platform
  nodes                = { server = { role = "server" } }
  cloudflare_api_token = var.cloudflare_api_token
  git_repo_url         = var.git_repo_url
}

# In place of, say, hcloud_server or aws_instance, which are replaced in the same way when their user-data changes:
# cloud-init reads it in a machine's first boot only. The hash stands for it, as TF_LOG=DEBUG writes the values of
# triggers_replace to the log, and the user-data holds a secret.
resource "terraform_data" "machine" {
  for_each = module.user_data.sha256

  input            = each.key
  triggers_replace = each.value
}
