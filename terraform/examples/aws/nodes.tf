locals {
  # Chosen here and not by AWS, so that user-data is known before a machine is: the first plan asks k3seed.
  nodes = {
    for name, node in var.nodes : name => {
      role       = node.role
      labels     = node.labels
      taints     = node.taints
      private_ip = cidrhost(local.subnet_cidr, node.host)
    }
  }
}

module "user_data" {
  source = "../../modules/user-data"

  cluster_name         = var.cluster_name
  platform             = "aws"
  nodes                = local.nodes
  first_server         = var.first_server
  server_private_ip    = local.nodes[var.first_server].private_ip
  node_cidrs           = [var.network_cidr]
  k3s_token            = var.k3s_token
  k3s_agent_token      = var.k3s_agent_token
  cloudflare_api_token = var.cloudflare_api_token
  git_repo_url         = var.git_repo_url
  domain_name          = var.domain_name
  acme_email           = var.acme_email
  cloudflare_zone_id   = var.cloudflare_zone_id
  gitops_disable       = local.gitops_disable
  ssh_authorized_keys  = var.ssh_authorized_keys
}

locals {
  # There is no OCI Vault here, and the documentation site needs an image.
  gitops_disable = ["docs", "vault"]
}

# The newest image of Ubuntu, by its publisher Canonical.
data "aws_ami" "ubuntu" {
  owners      = ["099720109477"]
  most_recent = true

  filter {
    name   = "name"
    values = ["ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-${var.architecture == "arm64" ? "arm64" : "amd64"}-server-*"]
  }
}

resource "aws_instance" "node" {
  for_each = module.user_data.sha256

  ami                         = data.aws_ami.ubuntu.id
  instance_type               = var.nodes[each.key].instance_type
  subnet_id                   = aws_subnet.nodes.id
  private_ip                  = local.nodes[each.key].private_ip
  associate_public_ip_address = true
  vpc_security_group_ids = [
    for group in concat(["nodes"], contains(local.ingress, each.key) ? ["ingress"] : []) : aws_security_group.group[group].id
  ]
  user_data_base64 = module.user_data.user_data_base64[each.key]
  tags             = { Name = "${var.cluster_name}-${each.key}" }

  # Version 1 of the metadata service answers requests that a server can be tricked into. One hop keeps pods out.
  metadata_options {
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }
  root_block_device {
    volume_type = "gp3"
    volume_size = 30
    encrypted   = true
  }

  lifecycle {
    # The provider stops a machine to change its user-data, which cloud-init then does not read; and a new image would replace
    # it, and with the first server the cluster. Both wait for `terraform apply -replace`.
    ignore_changes = [ami, user_data_base64]
  }

  # Its downloads need the way out.
  depends_on = [aws_route.internet, aws_route_table_association.nodes]
}
