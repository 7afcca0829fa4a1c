# The secrets' values are in the Vault only: not in Terraform's state, nor in user-data. The provider has no write-only
# attribute for them (looked for in the arguments of its resources of October 2026), so Terraform makes the secrets, and
# others their values: the Vault itself those that nobody needs to know, and you those that come from elsewhere. Their
# names in the Vault are those by which External Secrets asks for them in k3seed's GitOps tree.

resource "oci_kms_vault" "cluster" {
  compartment_id = var.compartment_ocid
  display_name   = var.cluster_name
  vault_type     = "DEFAULT"

  # With it go the tokens that the cluster's datastore is encrypted with. README.md says how to remove it all the same.
  lifecycle {
    prevent_destroy = true
  }
}

# Keys in software are free, without a number.
resource "oci_kms_key" "secrets" {
  compartment_id      = var.compartment_ocid
  display_name        = "${var.cluster_name} secrets"
  management_endpoint = oci_kms_vault.cluster.management_endpoint
  protection_mode     = "SOFTWARE"

  key_shape {
    algorithm = "AES"
    length    = 32
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "oci_vault_secret" "generated" {
  for_each = local.generated_secrets

  compartment_id         = var.compartment_ocid
  vault_id               = oci_kms_vault.cluster.id
  key_id                 = oci_kms_key.secrets.id
  secret_name            = replace(each.key, "_", "-")
  enable_auto_generation = true

  secret_generation_context {
    generation_type     = "PASSPHRASE"
    generation_template = "SECRETS_DEFAULT_PASSWORD"
    passphrase_length   = 32
  }
}

resource "oci_vault_secret" "given" {
  for_each = var.secrets

  compartment_id = var.compartment_ocid
  vault_id       = oci_kms_vault.cluster.id
  key_id         = oci_kms_key.secrets.id
  secret_name    = replace(each.key, "_", "-")

  # The first version stands for the value until you put it there, as the second; no node is made before.
  secret_content {
    content_type = "BASE64"
    content      = base64encode("to be set")
  }

  lifecycle {
    ignore_changes = [secret_content]
  }
}

locals {
  generated_secrets = toset(["k3s_agent_token", "k3s_token"])

  secret_ocids = {
    for name, secret in merge(oci_vault_secret.generated, oci_vault_secret.given) : name => secret.id
  }
}
