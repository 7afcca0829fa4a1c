# A public subnet for the load balancer and the ingress node, and a private one for all others. These reach the
# internet through the ingress node, which NATs, and Oracle's services through a gateway of their own.

locals {
  public_cidr   = cidrsubnet(var.network_cidr, 8, 0)
  private_cidr  = cidrsubnet(var.network_cidr, 8, 1)
  anywhere      = "0.0.0.0/0"
  ingress       = one([for name, node in var.nodes : name if node.role == "ingress"])
  is_api_public = length(var.api_allowed_cidrs) > 0
  servers       = [for name, node in var.nodes : name if node.role == "server"]
}

resource "oci_core_vcn" "cluster" {
  compartment_id = var.compartment_ocid
  display_name   = var.cluster_name
  cidr_blocks    = [var.network_cidr]
  dns_label      = var.cluster_name
}

resource "oci_core_internet_gateway" "cluster" {
  compartment_id = var.compartment_ocid
  vcn_id         = oci_core_vcn.cluster.id
  display_name   = var.cluster_name
}

data "oci_core_services" "all" {
  filter {
    name   = "name"
    values = ["All .* Services In Oracle Services Network"]
    regex  = true
  }
}

resource "oci_core_service_gateway" "cluster" {
  compartment_id = var.compartment_ocid
  vcn_id         = oci_core_vcn.cluster.id
  display_name   = var.cluster_name

  services {
    service_id = data.oci_core_services.all.services[0].id
  }
}

resource "oci_core_route_table" "public" {
  compartment_id = var.compartment_ocid
  vcn_id         = oci_core_vcn.cluster.id
  display_name   = "${var.cluster_name} public"

  route_rules {
    description       = "to the internet"
    destination       = local.anywhere
    network_entity_id = oci_core_internet_gateway.cluster.id
  }
}

# The route leads to the identifier of the ingress node's address, which is a new one when that node is replaced. Terraform
# puts off reading a data source where any machine changes that it refers to, and so would change this route with every
# worker. terraform_data changes only where its input does.
resource "terraform_data" "ingress" {
  input = {
    instance   = oci_core_instance.node[local.ingress].id
    private_ip = local.private_ips[local.ingress]
  }
}

data "oci_core_private_ips" "ingress" {
  ip_address = terraform_data.ingress.output.private_ip
  subnet_id  = oci_core_subnet.public.id
}

resource "oci_core_route_table" "private" {
  compartment_id = var.compartment_ocid
  vcn_id         = oci_core_vcn.cluster.id
  display_name   = "${var.cluster_name} private"

  route_rules {
    description       = "to the internet, through the ingress node"
    destination       = local.anywhere
    network_entity_id = data.oci_core_private_ips.ingress.private_ips[0].id
  }
  route_rules {
    description       = "to Oracle's services, the Vault among them"
    destination       = data.oci_core_services.all.services[0].cidr_block
    destination_type  = "SERVICE_CIDR_BLOCK"
    network_entity_id = oci_core_service_gateway.cluster.id
  }
}

# Attached by itself, as the nodes need the subnet, and the table the ingress node. A private node that starts sooner
# tries its downloads again until the route is there.
resource "oci_core_route_table_attachment" "private" {
  subnet_id      = oci_core_subnet.private.id
  route_table_id = oci_core_route_table.private.id
}

resource "oci_core_subnet" "public" {
  compartment_id    = var.compartment_ocid
  vcn_id            = oci_core_vcn.cluster.id
  display_name      = "${var.cluster_name} public"
  cidr_block        = local.public_cidr
  dns_label         = "public"
  route_table_id    = oci_core_route_table.public.id
  security_list_ids = [oci_core_vcn.cluster.default_security_list_id]
}

resource "oci_core_subnet" "private" {
  compartment_id             = var.compartment_ocid
  vcn_id                     = oci_core_vcn.cluster.id
  display_name               = "${var.cluster_name} private"
  cidr_block                 = local.private_cidr
  dns_label                  = "private"
  prohibit_public_ip_on_vnic = true
  security_list_ids          = [oci_core_vcn.cluster.default_security_list_id]
}
