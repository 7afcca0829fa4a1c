# Another way in, for when the ingress node is what is broken: OCI's bastion reaches the private subnet by itself. README.md
# says how to open a session.

resource "oci_bastion_bastion" "cluster" {
  count = length(var.bastion_allowed_cidrs) > 0 ? 1 : 0

  compartment_id               = var.compartment_ocid
  name                         = var.cluster_name
  bastion_type                 = "STANDARD"
  target_subnet_id             = oci_core_subnet.private.id
  client_cidr_block_allow_list = var.bastion_allowed_cidrs
  max_session_ttl_in_seconds   = 10800
}
