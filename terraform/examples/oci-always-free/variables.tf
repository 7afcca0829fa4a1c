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
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{0,14}$", var.cluster_name))
    error_message = "cluster_name is up to 15 lower-case letters and digits, a letter first: OCI makes a DNS label of it."
  }
}

variable "first_server" {
  description = "The node that founds the cluster; the others join it. Its replacement joins the servers that live."
  type        = string
  default     = "server"
  nullable    = false

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

variable "gitops_disable" {
  description = "Parts that the GitOps tree does without; without docs it needs docs_image, in config."
  type        = list(string)
  default     = ["docs"]
  nullable    = false
}

variable "hardening" {
  description = "cis follows K3s' CIS hardening guide; none does not."
  type        = string
  default     = "none"
  nullable    = false
}

variable "config" {
  description = "The path of a k3seed.yaml, for settings that this configuration has no variable for."
  type        = string
  default     = null
}

variable "lock" {
  description = "The path of a k3seed.lock, which pins the versions of K3s and of what is installed with it."
  type        = string
  default     = null
}

variable "secrets" {
  description = "Secrets that you put into the Vault yourself, by k3seed's names; git_pat, git_ssh_private_key, github_webhook_secret and argocd_admin_password_hash are others."
  type        = set(string)
  default     = ["cloudflare_api_token"]
  nullable    = false

  validation {
    condition = length(setsubtract(var.secrets, [
      "argocd_admin_password_hash", "cloudflare_api_token", "git_pat", "git_ssh_private_key", "github_webhook_secret",
    ])) == 0
    error_message = "secrets holds only argocd_admin_password_hash, cloudflare_api_token, git_pat, git_ssh_private_key and github_webhook_secret; the Vault itself makes k3s_token and k3s_agent_token."
  }
}

variable "ssh_authorized_keys" {
  description = "Public keys of those who may log in as ubuntu."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "ssh_allowed_cidrs" {
  description = "Networks from which the ingress node, and through it the others, can be reached by SSH."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "api_allowed_cidrs" {
  description = "Networks from which the Kubernetes API can be reached, through the load balancer."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "bastion_allowed_cidrs" {
  description = "Networks from which OCI's bastion can be reached, another way to the private nodes; without any there is no bastion."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "network_cidr" {
  description = "The VCN's network, private and of 16 bits; pods have 10.42.0.0/16 and services 10.43.0.0/16."
  type        = string
  default     = "10.20.0.0/16"
  nullable    = false

  validation {
    condition = anytrue([
      for private in ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"] : try(
        endswith(var.network_cidr, "/16") && var.network_cidr == cidrsubnet(var.network_cidr, 0, 0) &&
        cidrsubnet("${split("/", var.network_cidr)[0]}/${split("/", private)[1]}", 0, 0) == private,
        false,
      )
    ])
    error_message = "Give a private network of 16 bits, such as 10.20.0.0/16: in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16, with zeros after the first two numbers."
  }

  validation {
    condition     = !contains(["10.42.0.0/16", "10.43.0.0/16"], var.network_cidr)
    error_message = "This is K3s' own network: pods have 10.42.0.0/16 and services 10.43.0.0/16, which no machine may be in."
  }
}

variable "always_free" {
  description = "Whether nodes beyond what is always free are refused."
  type        = bool
  default     = true
  nullable    = false
}

variable "nodes" {
  description = "The machines by name. host is the last part of the private address; ocpus and memory_in_gbs are for flexible shapes; availability_domain counts from 1, and is the first that has the shape where it is not given; fault_domain is FAULT-DOMAIN-1, -2 or -3, or OCI's choice."
  type = map(object({
    role                = string
    host                = number
    shape               = optional(string, "VM.Standard.A1.Flex")
    ocpus               = optional(number)
    memory_in_gbs       = optional(number)
    boot_volume_in_gbs  = optional(number, 50)
    availability_domain = optional(number)
    fault_domain        = optional(string)
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
  nullable = false

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
    condition     = alltrue([for node in var.nodes : node.host >= 2 && node.host <= 254 && floor(node.host) == node.host])
    error_message = "host is a whole number from 2 to 254: OCI keeps the first two addresses of a subnet, and the last."
  }
  validation {
    condition = alltrue([
      for node in var.nodes :
      node.boot_volume_in_gbs >= 50 && node.boot_volume_in_gbs <= 32768 && floor(node.boot_volume_in_gbs) == node.boot_volume_in_gbs
    ])
    error_message = "boot_volume_in_gbs is a whole number from 50 to 32768, which is what OCI makes."
  }
  validation {
    condition = alltrue([
      for node in var.nodes : node.availability_domain == null ? true : contains([1, 2, 3], node.availability_domain)
    ])
    error_message = "availability_domain is 1, 2 or 3."
  }
  validation {
    condition = alltrue([
      for node in var.nodes :
      node.fault_domain == null ? true : contains(["FAULT-DOMAIN-1", "FAULT-DOMAIN-2", "FAULT-DOMAIN-3"], node.fault_domain)
    ])
    error_message = "fault_domain is FAULT-DOMAIN-1, FAULT-DOMAIN-2 or FAULT-DOMAIN-3."
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
