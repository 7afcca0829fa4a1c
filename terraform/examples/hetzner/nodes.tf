locals {
  # Chosen here and not by Hetzner, so that user-data is known before a machine is: the first plan asks k3seed.
  nodes = {
    for name, node in var.nodes : name => {
      role       = node.role
      labels     = node.labels
      taints     = node.taints
      private_ip = cidrhost(local.subnet_cidr, node.host)
    }
  }
}

module "user_data" {
  source = "../../modules/user-data"

  cluster_name         = var.cluster_name
  platform             = "hetzner"
  encoding             = "plain" # as hcloud_server takes text
  nodes                = local.nodes
  first_server         = var.first_server
  server_private_ip    = local.nodes[var.first_server].private_ip
  node_cidrs           = [var.network_cidr]
  k3s_token            = var.k3s_token
  k3s_agent_token      = var.k3s_agent_token
  cloudflare_api_token = var.cloudflare_api_token
  git_repo_url         = var.git_repo_url
  domain_name          = var.domain_name
  acme_email           = var.acme_email
  cloudflare_zone_id   = var.cloudflare_zone_id
  gitops_disable       = local.gitops_disable
  ssh_authorized_keys  = var.ssh_authorized_keys
}

locals {
  # There is no OCI Vault here, and the documentation site needs an image.
  gitops_disable = ["docs", "vault"]
}

resource "hcloud_ssh_key" "key" {
  for_each = { for number, key in var.ssh_authorized_keys : "${var.cluster_name}-${number}" => key }

  name       = each.key
  public_key = each.value
}

# Servers of one group are on different hosts.
resource "hcloud_placement_group" "nodes" {
  name = var.cluster_name
  type = "spread"
}

resource "hcloud_server" "node" {
  for_each = module.user_data.sha256

  name               = "${var.cluster_name}-${each.key}"
  server_type        = var.nodes[each.key].server_type
  image              = "ubuntu-24.04"
  location           = var.location
  user_data          = module.user_data.user_data[each.key]
  ssh_keys           = [for key in hcloud_ssh_key.key : key.id]
  firewall_ids       = [hcloud_firewall.nodes.id]
  placement_group_id = hcloud_placement_group.nodes.id
  labels             = { cluster = var.cluster_name, role = var.nodes[each.key].role }

  # Each node downloads by its own address: Hetzner's networks have no way out of their own.
  public_net {
    ipv4_enabled = true
    ipv6_enabled = true
  }
  network {
    network_id = hcloud_network.cluster.id
    ip         = local.nodes[each.key].private_ip
  }

  lifecycle {
    # The provider replaces a server whose user-data or keys change, and the first server's disk holds the cluster. Both wait
    # for `terraform apply -replace`.
    ignore_changes = [image, ssh_keys, user_data]
  }

  # A server joins a network only where that has a subnet.
  depends_on = [hcloud_network_subnet.nodes]
}
