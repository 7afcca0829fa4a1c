# The web's name. The load balancer keeps the callers' addresses and passes TLS on, which ends in the cluster's Gateway.

locals {
  ingress = [for name, node in var.nodes : name if node.role == "ingress"]
  web     = toset(["80", "443"])
}

resource "aws_lb" "web" {
  name               = var.cluster_name
  load_balancer_type = "network"
  subnets            = [aws_subnet.nodes.id]
}

resource "aws_lb_target_group" "web" {
  for_each = local.web

  name     = "${var.cluster_name}-${each.key}"
  vpc_id   = aws_vpc.cluster.id
  protocol = "TCP"
  port     = tonumber(each.key)
}

resource "aws_lb_target_group_attachment" "web" {
  for_each = { for pair in setproduct(local.web, local.ingress) : join(" ", pair) => { port = pair[0], node = pair[1] } }

  target_group_arn = aws_lb_target_group.web[each.value.port].arn
  target_id        = aws_instance.node[each.value.node].id
}

resource "aws_lb_listener" "web" {
  for_each = local.web

  load_balancer_arn = aws_lb.web.arn
  protocol          = "TCP"
  port              = tonumber(each.key)

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.web[each.key].arn
  }
}
