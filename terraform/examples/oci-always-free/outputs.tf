output "load_balancer_ip" {
  description = "Where DNS leads, and kubectl if api_allowed_cidrs lets it."
  value       = oci_core_public_ip.load_balancer.ip_address
}

output "egress_ip" {
  description = "The address that all nodes have towards the internet, and where SSH leads if ssh_allowed_cidrs lets it."
  value       = oci_core_instance.node[local.ingress].public_ip
}

output "secret_ocids" {
  description = "The secrets in the Vault, by k3seed's names."
  value       = local.secret_ocids
}

output "user_data_sha256" {
  description = "SHA-256 of the user-data that a new machine would get; where it changes, a plan shows so, and which machine you may want to replace."
  # All secrets are in OCI Vault: nothing can be guessed from it.
  value = { for name, digest in module.user_data.sha256 : name => nonsensitive(digest) }
}

output "kubeconfig_command" {
  description = "Writes the kubeconfig of the first server to a file, through the ingress node: `eval \"$(terraform output -raw kubeconfig_command)\"`."
  value = join(" ", [
    "(umask 077; ssh ${local.way} sudo cat /etc/rancher/k3s/k3s.yaml",
    "| sed 's|https://127.0.0.1:6443|https://${local.is_api_public ? oci_core_public_ip.load_balancer.ip_address : "127.0.0.1"}:6443|'",
    ">${var.cluster_name}.kubeconfig)",
  ])
}

output "api_tunnel_command" {
  description = "Where api_allowed_cidrs is empty: keeps a tunnel to the Kubernetes API open, for that kubeconfig. Else null."
  value       = local.is_api_public ? null : "ssh -N -L 6443:127.0.0.1:6443 ${local.way}"
}

output "bastion_id" {
  description = "The bastion, where bastion_allowed_cidrs asks for one; else null."
  value       = one(oci_bastion_bastion.cluster[*].id)
}

locals {
  way = "-J ubuntu@${oci_core_instance.node[local.ingress].public_ip} ubuntu@${local.private_ips[var.first_server]}"
}

# What k3seed asks for, under its names: `terraform output -json | k3seed preview --input -`, and the same for render and
# gitops render.

output "cluster_name" {
  description = "The cluster's name."
  value       = var.cluster_name
}

output "nodes" {
  description = "The nodes, with their roles and private addresses."
  value       = local.nodes
}

output "server_private_ip" {
  description = "The address at which other nodes join the first server."
  value       = local.private_ips[var.first_server]
}

output "node_cidrs" {
  description = "The networks of the nodes."
  value       = [var.network_cidr]
}

output "vault_ocid" {
  description = "The Vault."
  value       = oci_kms_vault.cluster.id
}

output "oci_region" {
  description = "The Vault's region."
  value       = var.region
}

output "git_repo_url" {
  description = "The repository that Argo CD follows."
  value       = var.git_repo_url
}

output "domain_name" {
  description = "The cluster's domain."
  value       = var.domain_name
}

output "acme_email" {
  description = "The address of the Let's Encrypt account."
  value       = var.acme_email
}

output "cloudflare_zone_id" {
  description = "The zone."
  value       = var.cloudflare_zone_id
}

output "gitops_disable" {
  description = "Parts that the GitOps tree does without."
  value       = var.gitops_disable
}

output "hardening" {
  description = "Whether K3s' CIS hardening guide is followed."
  value       = var.hardening
}

output "ssh_authorized_keys" {
  description = "Public keys of those who may log in."
  value       = var.ssh_authorized_keys
}
