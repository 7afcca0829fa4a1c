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

# OCI refuses a change to a load balancer while another one is going on (terraform-provider-oci#1456). So its parts are made
# one after another: each depends on the one above it, and a set has its backends in itself.

resource "oci_network_load_balancer_network_load_balancers_backend_sets_unified" "http" {
  network_load_balancer_id = oci_network_load_balancer_network_load_balancer.cluster.id
  name                     = "http"
  policy                   = "FIVE_TUPLE"
  is_preserve_source       = true

  health_checker {
    protocol = "TCP"
    port     = 80
  }
  backends {
    name      = local.ingress
    target_id = oci_core_instance.node[local.ingress].id
    port      = 80
  }
}

resource "oci_network_load_balancer_listener" "http" {
  network_load_balancer_id = oci_network_load_balancer_network_load_balancer.cluster.id
  name                     = "http"
  default_backend_set_name = oci_network_load_balancer_network_load_balancers_backend_sets_unified.http.name
  port                     = 80
  protocol                 = "TCP"
}

resource "oci_network_load_balancer_network_load_balancers_backend_sets_unified" "https" {
  network_load_balancer_id = oci_network_load_balancer_network_load_balancer.cluster.id
  name                     = "https"
  policy                   = "FIVE_TUPLE"
  is_preserve_source       = true

  health_checker {
    protocol = "TCP"
    port     = 443
  }
  backends {
    name      = local.ingress
    target_id = oci_core_instance.node[local.ingress].id
    port      = 443
  }

  depends_on = [oci_network_load_balancer_listener.http]
}

resource "oci_network_load_balancer_listener" "https" {
  network_load_balancer_id = oci_network_load_balancer_network_load_balancer.cluster.id
  name                     = "https"
  default_backend_set_name = oci_network_load_balancer_network_load_balancers_backend_sets_unified.https.name
  port                     = 443
  protocol                 = "TCP_AND_UDP"
}

# The API's callers do not keep their addresses, as the web's do: the answer of a private node to an address of the internet
# would leave through the ingress node.
resource "oci_network_load_balancer_network_load_balancers_backend_sets_unified" "api" {
  count = local.is_api_public ? 1 : 0

  network_load_balancer_id = oci_network_load_balancer_network_load_balancer.cluster.id
  name                     = "api"
  policy                   = "FIVE_TUPLE"
  is_preserve_source       = false

  health_checker {
    protocol = "TCP"
    port     = 6443
  }
  dynamic "backends" {
    for_each = local.servers
    content {
      name      = backends.value
      target_id = oci_core_instance.node[backends.value].id
      port      = 6443
    }
  }

  depends_on = [oci_network_load_balancer_listener.https]
}

resource "oci_network_load_balancer_listener" "api" {
  count = local.is_api_public ? 1 : 0

  network_load_balancer_id = oci_network_load_balancer_network_load_balancer.cluster.id
  name                     = "api"
  default_backend_set_name = oci_network_load_balancer_network_load_balancers_backend_sets_unified.api[0].name
  port                     = 6443
  protocol                 = "TCP"
}
