locals {
  # Chosen here and not by OCI, so that user-data is known before a machine is.
  private_ips = {
    for name, node in var.nodes : name => cidrhost(name == local.ingress ? local.public_cidr : local.private_cidr, node.host)
  }
  nodes = {
    for name, node in var.nodes : name => {
      role       = node.role
      labels     = node.labels
      taints     = node.taints
      private_ip = local.private_ips[name]
    }
  }
}

module "user_data" {
  source = "../../modules/user-data"

  cluster_name        = var.cluster_name
  platform            = "oci"
  nodes               = local.nodes
  first_server        = var.first_server
  server_private_ip   = local.private_ips[var.first_server]
  node_cidrs          = [var.network_cidr]
  load_balancer_ip    = oci_core_public_ip.load_balancer.ip_address
  vault_ocid          = oci_kms_vault.cluster.id
  oci_region          = var.region
  secret_ocids        = local.secret_ocids
  git_repo_url        = var.git_repo_url
  domain_name         = var.domain_name
  acme_email          = var.acme_email
  cloudflare_zone_id  = var.cloudflare_zone_id
  gitops_disable      = var.gitops_disable
  hardening           = var.hardening
  ssh_authorized_keys = var.ssh_authorized_keys
  config              = var.config
  lock                = var.lock
}

# The same with placeholders, as long as OCI's own values, for what is not known before OCI has made it. Terraform asks
# k3seed for this one in the first plan: what k3seed refuses fails there, and not in an apply after everything but the machines
# has been made. Its user-data goes nowhere.
module "preflight" {
  source = "../../modules/user-data"

  cluster_name      = var.cluster_name
  platform          = "oci"
  nodes             = local.nodes
  first_server      = var.first_server
  server_private_ip = local.private_ips[var.first_server]
  node_cidrs        = [var.network_cidr]
  load_balancer_ip  = "192.0.2.123"
  vault_ocid        = "ocid1.vault.oc1.${var.region}.${substr(local.placeholder, 0, 13)}.${local.placeholder}"
  oci_region        = var.region
  secret_ocids = {
    for name in setunion(local.generated_secrets, var.secrets) : name => "ocid1.vaultsecret.oc1.${var.region}.${local.placeholder}"
  }
  git_repo_url        = var.git_repo_url
  domain_name         = var.domain_name
  acme_email          = var.acme_email
  cloudflare_zone_id  = var.cloudflare_zone_id
  gitops_disable      = var.gitops_disable
  hardening           = var.hardening
  ssh_authorized_keys = var.ssh_authorized_keys
  config              = var.config
  lock                = var.lock
}

data "oci_identity_availability_domains" "all" {
  compartment_id = var.tenancy_ocid
}

# Which shapes there are in each availability domain: VM.Standard.E2.1.Micro is in one of a region's only.
data "oci_core_shapes" "all" {
  for_each = toset(local.domains)

  compartment_id      = var.compartment_ocid
  availability_domain = each.key
}

locals {
  domains = data.oci_identity_availability_domains.all.availability_domains[*].name

  # The first domain that has the node's shape, of all or of the one that the node asks for; null where there is none.
  domain_of = {
    for name, node in var.nodes : name => try([
      for number, domain in local.domains : domain
      if contains(data.oci_core_shapes.all[domain].shapes[*].name, node.shape) &&
      coalesce(node.availability_domain, number + 1) == number + 1
    ][0], null)
  }

  # The unique part of an OCID has 60 characters.
  placeholder = substr("placeholder${sha256("")}", 0, 60)
}

# The newest image of Ubuntu for each shape, first.
data "oci_core_images" "ubuntu" {
  for_each = toset([for node in var.nodes : node.shape])

  compartment_id           = var.compartment_ocid
  operating_system         = "Canonical Ubuntu"
  operating_system_version = "24.04"
  shape                    = each.key
  state                    = "AVAILABLE"
  sort_by                  = "TIMECREATED"
  sort_order               = "DESC"
}

resource "oci_core_instance" "node" {
  for_each = var.nodes

  compartment_id      = var.compartment_ocid
  availability_domain = local.domain_of[each.key]
  fault_domain        = each.value.fault_domain
  display_name        = "${var.cluster_name} ${each.key}"
  shape               = each.value.shape

  dynamic "shape_config" {
    for_each = endswith(each.value.shape, ".Flex") ? [each.value] : []
    content {
      ocpus         = coalesce(shape_config.value.ocpus, 1)
      memory_in_gbs = coalesce(shape_config.value.memory_in_gbs, 6)
    }
  }

  source_details {
    source_type             = "image"
    source_id               = data.oci_core_images.ubuntu[each.value.shape].images[0].id
    boot_volume_size_in_gbs = each.value.boot_volume_in_gbs
  }

  create_vnic_details {
    subnet_id        = each.key == local.ingress ? oci_core_subnet.public.id : oci_core_subnet.private.id
    private_ip       = local.private_ips[each.key]
    hostname_label   = each.key
    assign_public_ip = each.key == local.ingress
    # It forwards what is not for itself.
    skip_source_dest_check = each.key == local.ingress
    nsg_ids = [
      for group in concat(
        ["nodes"], each.value.role == "server" ? ["servers"] : [], each.key == local.ingress ? ["edge"] : [],
      ) : oci_core_network_security_group.group[group].id
    ]
  }

  metadata = merge(
    { user_data = module.user_data.user_data_base64[each.key] },
    length(var.ssh_authorized_keys) == 0 ? {} : { ssh_authorized_keys = join("\n", var.ssh_authorized_keys) },
  )

  # Version 1 of the metadata service answers requests that a server can be tricked into.
  instance_options {
    are_legacy_imds_endpoints_disabled = true
  }

  lifecycle {
    # OCI refuses new user-data for a machine that is there, and a new image would replace it. Both wait for
    # `terraform apply -replace`.
    ignore_changes = [metadata, source_details[0].source_id]

    precondition {
      condition = local.domain_of[each.key] != null
      error_message = format(
        "%s: the shape %s is in %s. Change shape or availability_domain.", each.key, each.value.shape,
        each.value.availability_domain == null
        ? "no availability domain of the region" : "another availability domain of the region than ${each.value.availability_domain}, or in none",
      )
    }
    precondition {
      condition = alltrue([for secret in oci_vault_secret.given : tonumber(secret.current_version_number) > 1])
      error_message = format(
        "No node is made before every secret has its value. Still to be set: %s. README.md says how; then apply again.",
        join(", ", [for name, secret in oci_vault_secret.given : name if tonumber(secret.current_version_number) < 2]),
      )
    }
  }
}
