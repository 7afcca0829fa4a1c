output "load_balancer_ip" {
  description = "Where DNS leads, and kubectl if api_allowed_cidrs lets it."
  value       = oci_core_public_ip.load_balancer.ip_address
}

output "ingress_public_ip" {
  description = "The address that all nodes have towards the internet, and where SSH leads if ssh_allowed_cidrs lets it."
  value       = oci_core_instance.node[local.ingress].public_ip
}

output "private_ips" {
  description = "The nodes' addresses within the network."
  value       = local.private_ips
}

output "secret_ocids" {
  description = "The secrets in the Vault, by k3seed's names."
  value       = local.secret_ocids
}

output "user_data_sha256" {
  description = "SHA-256 of the user-data that a new machine would get; where it changes, a plan shows so, and which machine you may want to replace."
  value       = module.user_data.sha256
}

output "kubeconfig_command" {
  description = "Shows the kubeconfig of the first server, through the ingress node."
  value       = "ssh -J ubuntu@${oci_core_instance.node[local.ingress].public_ip} ubuntu@${local.private_ips[local.first_server]} sudo cat /etc/rancher/k3s/k3s.yaml"
}
