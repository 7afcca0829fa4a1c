# The cluster's address. It is reserved: DNS names it, and the API's certificate does.

resource "oci_core_public_ip" "load_balancer" {
  compartment_id = var.compartment_ocid
  display_name   = "${var.cluster_name} load balancer"
  lifetime       = "RESERVED"

  lifecycle {
    # The load balancer assigns it, and Terraform would take it away again (terraform-provider-oci#1479).
    ignore_changes = [private_ip_id]
  }
}

resource "oci_network_load_balancer_network_load_balancer" "cluster" {
  compartment_id             = var.compartment_ocid
  display_name               = var.cluster_name
  subnet_id                  = oci_core_subnet.public.id
  is_private                 = false
  network_security_group_ids = [oci_core_network_security_group.group["load_balancer"].id]

  reserved_ips {
    id = oci_core_public_ip.load_balancer.id
  }
}

locals {
  # The web's callers keep their addresses. Those of the API do not: the answer of a private node to an address of the
  # internet would leave through the ingress node.
  balanced = merge(
    {
      http  = { port = 80, protocol = "TCP", role = "ingress", preserve_source = true }
      https = { port = 443, protocol = "TCP_AND_UDP", role = "ingress", preserve_source = true }
    },
    length(var.api_allowed_cidrs) == 0 ? {} : {
      api = { port = 6443, protocol = "TCP", role = "server", preserve_source = false }
    },
  )

  backends = merge([
    for service, balanced in local.balanced : {
      for name, node in var.nodes : "${service} ${name}" => { service = service, node = name } if node.role == balanced.role
    }
  ]...)
}

resource "oci_network_load_balancer_backend_set" "service" {
  for_each = local.balanced

  network_load_balancer_id = oci_network_load_balancer_network_load_balancer.cluster.id
  name                     = each.key
  policy                   = "FIVE_TUPLE"
  is_preserve_source       = each.value.preserve_source

  health_checker {
    protocol = "TCP"
    port     = each.value.port
  }
}

resource "oci_network_load_balancer_backend" "node" {
  for_each = local.backends

  network_load_balancer_id = oci_network_load_balancer_network_load_balancer.cluster.id
  backend_set_name         = oci_network_load_balancer_backend_set.service[each.value.service].name
  name                     = "${each.value.service}-${each.value.node}"
  target_id                = oci_core_instance.node[each.value.node].id
  port                     = local.balanced[each.value.service].port
}

resource "oci_network_load_balancer_listener" "service" {
  for_each = local.balanced

  network_load_balancer_id = oci_network_load_balancer_network_load_balancer.cluster.id
  name                     = each.key
  default_backend_set_name = oci_network_load_balancer_backend_set.service[each.key].name
  port                     = each.value.port
  protocol                 = each.value.protocol
}
