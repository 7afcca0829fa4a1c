locals {
  # What k3seed is given: the variables of the same names, where they are set. A query of the external data source
  # holds strings only, so what is no text goes as JSON; the provider leaves out what is null.
  texts = {
    acme_email                 = var.acme_email
    argocd_admin_password      = var.argocd_admin_password
    argocd_admin_password_hash = var.argocd_admin_password_hash
    cloudflare_api_token       = var.cloudflare_api_token
    cloudflare_secret_key      = var.cloudflare_secret_key
    cloudflare_secret_name     = var.cloudflare_secret_name
    cloudflare_zone_id         = var.cloudflare_zone_id
    cluster_cidr               = var.cluster_cidr
    cluster_name               = var.cluster_name
    domain_name                = var.domain_name
    git_pat                    = var.git_pat
    git_path                   = var.git_path
    git_repo_url               = var.git_repo_url
    git_revision               = var.git_revision
    git_ssh_private_key        = var.git_ssh_private_key
    git_username               = var.git_username
    hardening                  = var.hardening
    ingress_public_ip          = var.ingress_public_ip
    k3s_agent_token            = var.k3s_agent_token
    k3s_token                  = var.k3s_token
    k3s_version                = var.k3s_version
    load_balancer_ip           = var.load_balancer_ip
    oci_region                 = var.oci_region
    platform                   = var.platform
    pod_metadata_access        = var.pod_metadata_access
    server_private_ip          = var.server_private_ip
    server_url                 = var.server_url
    service_cidr               = var.service_cidr
    vault_ocid                 = var.vault_ocid
  }
  values = {
    ca_certificates     = var.ca_certificates
    disable             = var.disable
    extra_manifests     = var.extra_manifests
    k3s_airgap_sha256   = var.k3s_airgap_sha256
    k3s_mirrors         = var.k3s_mirrors
    k3s_sha256          = var.k3s_sha256
    node_cidrs          = var.node_cidrs
    node_labels         = var.node_labels
    nodes               = var.nodes
    registry_mirrors    = var.registry_mirrors
    secret_ocids        = var.secret_ocids
    ssh_authorized_keys = var.ssh_authorized_keys
    tls_sans            = var.tls_sans
  }
  inputs = merge(local.texts, { for name, value in local.values : name => jsonencode(value) if value != null })

  # Every payload by its name: the node or the role that it is for.
  payloads = merge(
    { for node in keys(var.nodes) : node => { node = node } },
    { for role in var.roles : role => { role = role } },
  )
}

# k3seed reads nothing but this query and the file of var.config, and the same query gives the same bytes on every
# machine: a plan shows a change where an input has changed, or k3seed itself.
data "external" "user_data" {
  for_each = local.payloads

  program = [var.k3seed, "external"]

  query = merge(local.inputs, each.value, { config = var.config, encoding = var.encoding })

  lifecycle {
    precondition {
      condition = !contains(var.roles, each.key) || !contains(
        concat(keys(var.nodes), [for node in var.nodes : node.role]), each.key,
      )
      error_message = "roles has ${each.key}, and nodes has a node of that role or name. A role stands for machines that nodes does not name; take it out of one of the two."
    }
    postcondition {
      condition = tonumber(self.result.bytes) + var.reserve_bytes <= tonumber(self.result.budget_bytes)
      error_message = format(
        "The user-data of %s is %s bytes, and with reserve_bytes = %s that is more than the %s that %s takes. Take something out of it (k3seed preview shows what takes the space), or reserve less.",
        each.key, self.result.bytes, var.reserve_bytes, self.result.budget_bytes, self.result.platform,
      )
    }
  }
}
