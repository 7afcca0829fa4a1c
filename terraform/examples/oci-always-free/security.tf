# What may come in, by group; the nodes' own firewalls, which k3seed sets, open the same ports to the same sources.

locals {
  groups = toset(["edge", "load_balancer", "nodes", "servers"])

  tcp = "6"
  udp = "17"

  # Ports of a group that are open to another group.
  between = {
    api     = { to = "servers", from = "nodes", protocol = local.tcp, ports = [6443, 6443] }
    etcd    = { to = "servers", from = "servers", protocol = local.tcp, ports = [2379, 2380] }
    kubelet = { to = "nodes", from = "nodes", protocol = local.tcp, ports = [10250, 10250] }
    overlay = { to = "nodes", from = "nodes", protocol = local.udp, ports = [8472, 8472] }
    ssh     = { to = "nodes", from = "edge", protocol = local.tcp, ports = [22, 22] }
    balance = { to = "servers", from = "load_balancer", protocol = local.tcp, ports = [6443, 6443] }
  }

  # The bastion has an address in the private subnet.
  bastion = length(var.bastion_allowed_cidrs) > 0 ? [local.private_cidr] : []

  # Ports of a group that are open to networks. The load balancer hands the web's callers on with their own addresses.
  from_networks = {
    http           = { to = "edge", from = [local.anywhere], protocol = local.tcp, ports = [80, 80] }
    https          = { to = "edge", from = [local.anywhere], protocol = local.tcp, ports = [443, 443] }
    http3          = { to = "edge", from = [local.anywhere], protocol = local.udp, ports = [443, 443] }
    ssh            = { to = "edge", from = var.ssh_allowed_cidrs, protocol = local.tcp, ports = [22, 22] }
    balanced_http  = { to = "load_balancer", from = [local.anywhere], protocol = local.tcp, ports = [80, 80] }
    balanced_https = { to = "load_balancer", from = [local.anywhere], protocol = local.tcp, ports = [443, 443] }
    balanced_http3 = { to = "load_balancer", from = [local.anywhere], protocol = local.udp, ports = [443, 443] }
    balanced_api   = { to = "load_balancer", from = var.api_allowed_cidrs, protocol = local.tcp, ports = [6443, 6443] }
    bastion_ssh    = { to = "nodes", from = local.bastion, protocol = local.tcp, ports = [22, 22] }
    bastion_api    = { to = "servers", from = local.bastion, protocol = local.tcp, ports = [6443, 6443] }
  }

  rules = merge(
    {
      for name, rule in local.between : "${name} from ${rule.from}" => merge(rule, {
        source = oci_core_network_security_group.group[rule.from].id, source_type = "NETWORK_SECURITY_GROUP"
      })
    },
    merge([
      for name, rule in local.from_networks : {
        for network in rule.from : "${name} from ${network}" => merge(rule, { source = network, source_type = "CIDR_BLOCK" })
      }
    ]...),
  )
}

resource "oci_core_network_security_group" "group" {
  for_each = local.groups

  compartment_id = var.compartment_ocid
  vcn_id         = oci_core_vcn.cluster.id
  display_name   = "${var.cluster_name} ${each.key}"
}

resource "oci_core_network_security_group_security_rule" "rule" {
  for_each = local.rules

  network_security_group_id = oci_core_network_security_group.group[each.value.to].id
  description               = each.key
  direction                 = "INGRESS"
  protocol                  = each.value.protocol
  source                    = each.value.source
  source_type               = each.value.source_type

  dynamic "tcp_options" {
    for_each = each.value.protocol == local.tcp ? [each.value.ports] : []
    content {
      destination_port_range {
        min = tcp_options.value[0]
        max = tcp_options.value[1]
      }
    }
  }
  dynamic "udp_options" {
    for_each = each.value.protocol == local.udp ? [each.value.ports] : []
    content {
      destination_port_range {
        min = udp_options.value[0]
        max = udp_options.value[1]
      }
    }
  }
}

# What the private nodes send to the internet comes to the ingress node first.
resource "oci_core_network_security_group_security_rule" "nat" {
  network_security_group_id = oci_core_network_security_group.group["edge"].id
  description               = "to be NATed"
  direction                 = "INGRESS"
  protocol                  = "all"
  source                    = local.private_cidr
  source_type               = "CIDR_BLOCK"
}

# OCI's default list would open SSH to the whole internet. What is left is what every subnet needs: replies that tell of a
# packet that is too big, and the way out.
resource "oci_core_default_security_list" "cluster" {
  manage_default_resource_id = oci_core_vcn.cluster.default_security_list_id

  egress_security_rules {
    description = "to anywhere"
    destination = local.anywhere
    protocol    = "all"
  }
  ingress_security_rules {
    description = "fragmentation needed"
    source      = local.anywhere
    protocol    = "1"

    icmp_options {
      type = 3
      code = 4
    }
  }
  ingress_security_rules {
    description = "unreachable, within the network"
    source      = var.network_cidr
    protocol    = "1"

    icmp_options {
      type = 3
    }
  }
}
