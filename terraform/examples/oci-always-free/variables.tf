variable "tenancy_ocid" {
  description = "The OCID of the tenancy; dynamic groups live there."
  type        = string
}

variable "compartment_ocid" {
  description = "The OCID of the compartment that everything else is made in."
  type        = string
}

variable "region" {
  description = "The tenancy's home region, such as eu-frankfurt-1: what is always free is free there only."
  type        = string
}

variable "cluster_name" {
  description = "Names the cluster, and what is made for it."
  type        = string
  default     = "k3s"

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{0,14}$", var.cluster_name))
    error_message = "cluster_name is up to 15 lower-case letters and digits, a letter first: OCI makes a DNS label of it."
  }
}

variable "first_server" {
  description = "The node that founds the cluster; the others join it. Its replacement joins the servers that live."
  type        = string
  default     = "server"

  validation {
    condition     = try(var.nodes[var.first_server].role == "server", false)
    error_message = "first_server is the name of a node whose role is server."
  }
}

variable "git_repo_url" {
  description = "The repository that Argo CD follows."
  type        = string
}

variable "domain_name" {
  description = "The cluster's domain, for the GitOps tree."
  type        = string
  default     = null
}

variable "acme_email" {
  description = "The address of the Let's Encrypt account, for the GitOps tree."
  type        = string
  default     = null
}

variable "cloudflare_zone_id" {
  description = "The zone, for the GitOps tree."
  type        = string
  default     = null
}

variable "secrets" {
  description = "Secrets that you put into the Vault yourself, by k3seed's names; git_pat, git_ssh_private_key and argocd_admin_password_hash are others."
  type        = set(string)
  default     = ["cloudflare_api_token"]

  validation {
    condition = length(setsubtract(var.secrets, [
      "argocd_admin_password_hash", "cloudflare_api_token", "git_pat", "git_ssh_private_key",
    ])) == 0
    error_message = "secrets holds only argocd_admin_password_hash, cloudflare_api_token, git_pat and git_ssh_private_key; the Vault itself makes k3s_token and k3s_agent_token."
  }
}

variable "ssh_authorized_keys" {
  description = "Public keys of those who may log in as ubuntu."
  type        = list(string)
  default     = []
}

variable "ssh_allowed_cidrs" {
  description = "Networks from which the ingress node, and through it the others, can be reached by SSH."
  type        = list(string)
  default     = []
}

variable "api_allowed_cidrs" {
  description = "Networks from which the Kubernetes API can be reached, through the load balancer."
  type        = list(string)
  default     = []
}

variable "network_cidr" {
  description = "The VCN's network, of 16 bits; pods have 10.42.0.0/16 and services 10.43.0.0/16."
  type        = string
  default     = "10.20.0.0/16"

  validation {
    condition     = can(cidrhost(var.network_cidr, 0)) && endswith(var.network_cidr, "/16")
    error_message = "Give a network of 16 bits, such as 10.20.0.0/16."
  }

  validation {
    condition     = !contains(["10.42.0.0/16", "10.43.0.0/16"], try(cidrsubnet(var.network_cidr, 0, 0), ""))
    error_message = "This is K3s' own network: pods have 10.42.0.0/16 and services 10.43.0.0/16, which no machine may be in."
  }
}

variable "always_free" {
  description = "Whether nodes beyond what is always free are refused."
  type        = bool
  default     = true
}

variable "nodes" {
  description = "The machines by name. host is the last part of the private address; ocpus and memory_in_gbs are for flexible shapes; availability_domain counts from 1."
  type = map(object({
    role                = string
    host                = number
    shape               = optional(string, "VM.Standard.A1.Flex")
    ocpus               = optional(number)
    memory_in_gbs       = optional(number)
    boot_volume_in_gbs  = optional(number, 50)
    availability_domain = optional(number, 1)
    labels              = optional(map(string))
    taints              = optional(list(string))
  }))
  default = {
    server = { role = "server", host = 11, ocpus = 1, memory_in_gbs = 6 }
    worker = { role = "agent", host = 12, ocpus = 1, memory_in_gbs = 6 }
    ingress = {
      role   = "ingress"
      host   = 10
      shape  = "VM.Standard.E2.1.Micro"
      labels = { role = "ingress" }
      taints = ["role=ingress:PreferNoSchedule"]
    }
  }

  validation {
    condition = (
      length([for node in var.nodes : node if node.role == "ingress"]) == 1 &&
      length([for node in var.nodes : node if node.role == "server"]) > 0
    )
    error_message = "nodes has exactly one node of the role ingress, which is the others' way to the internet, and at least one server."
  }
  validation {
    condition     = length(distinct([for node in var.nodes : node.host])) == length(var.nodes)
    error_message = "Each node has a host of its own."
  }
  validation {
    condition = !var.always_free || (
      sum(concat([0], [for node in var.nodes : coalesce(node.ocpus, 1) if node.shape == "VM.Standard.A1.Flex"])) <= 2 &&
      sum(concat([0], [for node in var.nodes : coalesce(node.memory_in_gbs, 6) if node.shape == "VM.Standard.A1.Flex"])) <= 12
    )
    error_message = "These nodes have more than 2 OCPUs and 12 GB of VM.Standard.A1.Flex, which is what has been always free since June 2026. Set always_free = false where you pay for more."
  }
  validation {
    condition = !var.always_free || (
      length([for node in var.nodes : node if node.shape == "VM.Standard.E2.1.Micro"]) <= 2 &&
      alltrue([for node in var.nodes : contains(["VM.Standard.A1.Flex", "VM.Standard.E2.1.Micro"], node.shape)])
    )
    error_message = "Of the shapes only VM.Standard.A1.Flex and two VM.Standard.E2.1.Micro are always free. Set always_free = false where you pay for more."
  }
  validation {
    condition     = !var.always_free || sum([for node in var.nodes : node.boot_volume_in_gbs]) <= 200
    error_message = "The boot volumes of these nodes have more than the 200 GB that are always free. Set always_free = false where you pay for more."
  }
}
