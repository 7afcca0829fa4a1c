# One public subnet: each node has a public address to download by, as a NAT gateway costs more than the machines. The security
# groups close what need not be open.

locals {
  subnet_cidr = cidrsubnet(var.network_cidr, 8, 1)
  anywhere    = "0.0.0.0/0"
}

data "aws_availability_zones" "available" {
  state = "available"
}

resource "aws_vpc" "cluster" {
  cidr_block           = var.network_cidr
  enable_dns_hostnames = true
}

resource "aws_internet_gateway" "cluster" {
  vpc_id = aws_vpc.cluster.id
}

resource "aws_subnet" "nodes" {
  vpc_id            = aws_vpc.cluster.id
  cidr_block        = local.subnet_cidr
  availability_zone = data.aws_availability_zones.available.names[0]
}

resource "aws_route_table" "nodes" {
  vpc_id = aws_vpc.cluster.id
}

resource "aws_route" "internet" {
  route_table_id         = aws_route_table.nodes.id
  destination_cidr_block = local.anywhere
  gateway_id             = aws_internet_gateway.cluster.id
}

resource "aws_route_table_association" "nodes" {
  subnet_id      = aws_subnet.nodes.id
  route_table_id = aws_route_table.nodes.id
}
