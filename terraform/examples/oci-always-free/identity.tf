# Who may read which secret: these very machines, and the agents only the token that they join with. A machine that asks
# sooner than this is known everywhere asks again.

locals {
  readers = {
    servers = { roles = ["server"], secrets = values(local.secret_ocids) }
    agents  = { roles = ["agent", "ingress"], secrets = [local.secret_ocids["k3s_agent_token"]] }
  }
}

resource "oci_identity_dynamic_group" "reader" {
  for_each = local.readers

  compartment_id = var.tenancy_ocid
  name           = "${var.cluster_name}-${each.key}"
  description    = "The ${each.key} of the cluster ${var.cluster_name}"
  matching_rule = format("Any {%s}", join(", ", [
    for name, node in var.nodes : "instance.id = '${oci_core_instance.node[name].id}'"
    if contains(each.value.roles, node.role)
  ]))
}

resource "oci_identity_policy" "secrets" {
  compartment_id = var.compartment_ocid
  name           = "${var.cluster_name}-secrets"
  description    = "What the nodes of the cluster ${var.cluster_name} may read"
  statements = [
    for group, reader in local.readers : format(
      "Allow dynamic-group %s to read secret-bundles in compartment id %s where any {%s}",
      oci_identity_dynamic_group.reader[group].name,
      var.compartment_ocid,
      join(", ", [for ocid in reader.secrets : "target.secret.id = '${ocid}'"]),
    )
  ]
}
