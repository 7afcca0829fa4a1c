# What may come in, by group. Among themselves the nodes' own firewalls, which k3seed sets, open only what each role needs.

locals {
  groups = toset(["ingress", "nodes"])

  rules = merge(
    { for port in [80, 443] : "web ${port}" => { group = "ingress", network = local.anywhere, port = port } },
    { for network in var.ssh_allowed_cidrs : "ssh from ${network}" => { group = "nodes", network = network, port = 22 } },
  )
}

resource "aws_security_group" "group" {
  for_each = local.groups

  name   = "${var.cluster_name}-${each.key}"
  vpc_id = aws_vpc.cluster.id
}

resource "aws_vpc_security_group_ingress_rule" "from_network" {
  for_each = local.rules

  security_group_id = aws_security_group.group[each.value.group].id
  description       = each.key
  cidr_ipv4         = each.value.network
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
}

resource "aws_vpc_security_group_ingress_rule" "between_nodes" {
  security_group_id            = aws_security_group.group["nodes"].id
  description                  = "between nodes"
  referenced_security_group_id = aws_security_group.group["nodes"].id
  ip_protocol                  = "-1"
}

resource "aws_vpc_security_group_egress_rule" "anywhere" {
  security_group_id = aws_security_group.group["nodes"].id
  description       = "to anywhere"
  cidr_ipv4         = local.anywhere
  ip_protocol       = "-1"
}
