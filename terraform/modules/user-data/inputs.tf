# What k3seed is given: the variables of the same names.
# inputs: made from the inputs of k3seed; K3SEED_RECORD=1 writes it again
locals {
  texts = {
    acme_challenge             = var.acme_challenge
    acme_email                 = var.acme_email
    acme_issuer                = var.acme_issuer
    argocd_admin_password      = var.argocd_admin_password
    argocd_admin_password_hash = var.argocd_admin_password_hash
    argocd_host                = var.argocd_host
    cloudflare_api_token       = var.cloudflare_api_token
    cloudflare_secret_key      = var.cloudflare_secret_key
    cloudflare_secret_name     = var.cloudflare_secret_name
    cloudflare_zone_id         = var.cloudflare_zone_id
    cluster_cidr               = var.cluster_cidr
    cluster_name               = var.cluster_name
    cluster_state              = var.cluster_state
    docs_host                  = var.docs_host
    docs_image                 = var.docs_image
    docs_port                  = var.docs_port
    domain_name                = var.domain_name
    first_server               = var.first_server
    git_pat                    = var.git_pat
    git_path                   = var.git_path
    git_repo_url               = var.git_repo_url
    git_revision               = var.git_revision
    git_ssh_private_key        = var.git_ssh_private_key
    git_username               = var.git_username
    github_webhook_secret      = var.github_webhook_secret
    hardening                  = var.hardening
    ingress_public_ip          = var.ingress_public_ip
    k3s_agent_token            = var.k3s_agent_token
    k3s_token                  = var.k3s_token
    k3s_version                = var.k3s_version
    load_balancer_ip           = var.load_balancer_ip
    oci_region                 = var.oci_region
    platform                   = var.platform
    pod_metadata_access        = var.pod_metadata_access
    registry_password          = var.registry_password
    registry_server            = var.registry_server
    registry_username          = var.registry_username
    server_ca_sha256           = var.server_ca_sha256
    server_private_ip          = var.server_private_ip
    server_url                 = var.server_url
    service_cidr               = var.service_cidr
    vault_ocid                 = var.vault_ocid
  }
  values = {
    ca_certificates       = var.ca_certificates
    disable               = var.disable
    extra_manifests       = var.extra_manifests
    gitops_disable        = var.gitops_disable
    ingress_node_selector = var.ingress_node_selector
    k3s_airgap_sha256     = var.k3s_airgap_sha256
    k3s_mirrors           = var.k3s_mirrors
    k3s_sha256            = var.k3s_sha256
    node_cidrs            = var.node_cidrs
    node_labels           = var.node_labels
    nodes                 = var.nodes
    registry_mirrors      = var.registry_mirrors
    secret_ocids          = var.secret_ocids
    ssh_authorized_keys   = var.ssh_authorized_keys
    tls_sans              = var.tls_sans
    vault_secret_names    = var.vault_secret_names
  }
}
# /inputs
