# The web's address. The load balancer reaches the ingress nodes on the private network and passes TLS on, which ends in the
# cluster's Gateway.

resource "hcloud_load_balancer" "web" {
  name               = var.cluster_name
  load_balancer_type = "lb11"
  location           = var.location
}

resource "hcloud_load_balancer_network" "web" {
  load_balancer_id = hcloud_load_balancer.web.id
  subnet_id        = hcloud_network_subnet.nodes.id
}

resource "hcloud_load_balancer_target" "ingress" {
  for_each = toset([for name, node in var.nodes : name if node.role == "ingress"])

  load_balancer_id = hcloud_load_balancer.web.id
  type             = "server"
  server_id        = hcloud_server.node[each.key].id
  use_private_ip   = true

  # It has no private address to reach them from before.
  depends_on = [hcloud_load_balancer_network.web]
}

resource "hcloud_load_balancer_service" "web" {
  for_each = toset(["80", "443"])

  load_balancer_id = hcloud_load_balancer.web.id
  protocol         = "tcp"
  listen_port      = tonumber(each.key)
  destination_port = tonumber(each.key)

  health_check {
    protocol = "tcp"
    port     = tonumber(each.key)
    interval = 15
    timeout  = 10
    retries  = 3
  }
}
