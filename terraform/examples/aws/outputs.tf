output "load_balancer_name" {
  description = "Where DNS leads, as a CNAME."
  value       = aws_lb.web.dns_name
}

output "kubeconfig_command" {
  description = "Writes the kubeconfig of the first server to a file: `eval \"$(terraform output -raw kubeconfig_command)\"`."
  value       = "(umask 077; ssh ${local.first_server} sudo cat /etc/rancher/k3s/k3s.yaml >${var.cluster_name}.kubeconfig)"
}

output "api_tunnel_command" {
  description = "Keeps a tunnel to the Kubernetes API open, for that kubeconfig."
  value       = "ssh -N -L 6443:127.0.0.1:6443 ${local.first_server}"
}

locals {
  first_server = "ubuntu@${aws_instance.node[var.first_server].public_ip}"
}

output "user_data_sha256" {
  description = "SHA-256 of the user-data that a new machine would get; where it changes, that machine waits for a replacement."
  value       = module.user_data.sha256
  sensitive   = true
}

# What k3seed asks for beside the secrets, under its names: `terraform output -json | k3seed gitops render --input - --out argocd`.

output "platform" {
  description = "Where user-data is delivered."
  value       = "aws"
}

output "cluster_name" {
  description = "The cluster's name."
  value       = var.cluster_name
}

output "nodes" {
  description = "The nodes, with their roles and private addresses."
  value       = local.nodes
}

output "first_server" {
  description = "The node that founds the cluster."
  value       = var.first_server
}

output "server_private_ip" {
  description = "The address at which other nodes join the first server."
  value       = local.nodes[var.first_server].private_ip
}

output "node_cidrs" {
  description = "The networks of the nodes."
  value       = [var.network_cidr]
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
  value       = local.gitops_disable
}

output "ssh_authorized_keys" {
  description = "Public keys of those who may log in."
  value       = var.ssh_authorized_keys
}
