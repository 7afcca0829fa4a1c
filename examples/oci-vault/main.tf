# A cluster of three kinds of node on Oracle Cloud. Its secrets lie in OCI Vault: only their OCIDs are output, so
# none is in Terraform's state or in user-data. Resources are left out and their attributes written down, so that
# `terraform init && terraform apply && terraform output -json` makes outputs.json again with no provider and no
# account. The OCIDs are made up.

locals {
  # What the project keeps in the Vault, under the names that k3seed knows.
  vault_secrets = toset([
    "argocd_admin_password_hash",
    "cloudflare_api_token",
    "git_pat",
    "k3s_agent_token",
    "k3s_token",
  ])

  agents = 2
}

output "cluster_name" {
  value = "harbour"
}

output "nodes" {
  value = merge(
    {
      server  = { role = "server", private_ip = "10.20.1.11" }
      ingress = { role = "ingress", private_ip = "10.20.0.10", labels = { role = "ingress" } }
    },
    { for n in range(1, local.agents + 1) : "worker-${n}" => { role = "agent", labels = { role = "worker" } } },
  )
}

output "server_private_ip" {
  value = "10.20.1.11"
}

output "ingress_public_ip" {
  value = "203.0.113.40"
}

output "load_balancer_ip" {
  value = "203.0.113.41"
}

output "ssh_authorized_keys" {
  value = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPRUgIH9QoSA9jUesFv/Qe79iJdNL0cjFnqkDhBn0F2+ ops@example.org"]
}

output "oci_region" {
  value = "eu-frankfurt-1"
}

output "vault_ocid" {
  value = "ocid1.vault.oc1.eu-frankfurt-1.examplevault.examplevaultexamplevaultexamplevaultexamplevaultexample"
}

output "secret_ocids" {
  sensitive = true
  value     = { for name in local.vault_secrets : name => "ocid1.vaultsecret.oc1.eu-frankfurt-1.example${md5(name)}" }
}

output "domain_name" {
  value = "harbour.example.org"
}

output "acme_email" {
  value = "ops@example.org"
}

output "cloudflare_zone_id" {
  value = "00000000feedfacecafebeef00000000"
}

output "git_repo_url" {
  value = "https://github.com/example/harbour.git"
}

output "git_username" {
  value = "example"
}

# Not k3seed's business: it passes over outputs that it does not know.
output "kubeconfig_command" {
  value = "ssh -J ubuntu@203.0.113.40 ubuntu@10.20.1.11 sudo cat /etc/rancher/k3s/k3s.yaml"
}
