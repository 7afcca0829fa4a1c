# A private network for what the nodes say to each other, and a firewall for their public addresses. Hetzner's firewalls do not
# filter private networks: there, the nodes' own firewalls count, which k3seed sets.

locals {
  subnet_cidr = cidrsubnet(var.network_cidr, 8, 1)
}

resource "hcloud_network" "cluster" {
  name     = var.cluster_name
  ip_range = var.network_cidr
}

resource "hcloud_network_subnet" "nodes" {
  network_id   = hcloud_network.cluster.id
  type         = "cloud"
  network_zone = var.network_zone
  ip_range     = local.subnet_cidr
}

# Without a rule everything from the internet is refused. The web comes through the load balancer, on the private network.
resource "hcloud_firewall" "nodes" {
  name = var.cluster_name

  dynamic "rule" {
    for_each = length(var.ssh_allowed_cidrs) > 0 ? ["22"] : []
    content {
      direction  = "in"
      protocol   = "tcp"
      port       = rule.value
      source_ips = var.ssh_allowed_cidrs
    }
  }
}
