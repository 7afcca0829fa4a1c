variable "cluster_name" {
  description = "Names the cluster, and what is made for it."
  type        = string
  default     = "k3s"
  nullable    = false
}

variable "region" {
  description = "Where everything is, such as eu-central-1."
  type        = string
}

variable "architecture" {
  description = "The processors of the instance types: arm64 or x86_64."
  type        = string
  default     = "arm64"
  nullable    = false

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture is arm64 or x86_64."
  }
}

variable "network_cidr" {
  description = "The private network, of 16 bits; pods have 10.42.0.0/16 and services 10.43.0.0/16."
  type        = string
  default     = "10.20.0.0/16"
  nullable    = false

  validation {
    condition     = try(endswith(var.network_cidr, "/16") && var.network_cidr == cidrsubnet(var.network_cidr, 0, 0), false)
    error_message = "Give a network of 16 bits, such as 10.20.0.0/16, with zeros after the first two numbers."
  }
  validation {
    condition     = !contains(["10.42.0.0/16", "10.43.0.0/16"], var.network_cidr)
    error_message = "This is K3s' own network: pods have 10.42.0.0/16 and services 10.43.0.0/16, which no machine may be in."
  }
}

variable "nodes" {
  description = "The machines by name. host is the last part of the private address."
  type = map(object({
    role          = string
    host          = number
    instance_type = optional(string, "t4g.small")
    labels        = optional(map(string))
    taints        = optional(list(string))
  }))
  default = {
    server  = { role = "server", host = 11 }
    worker  = { role = "agent", host = 12 }
    ingress = { role = "ingress", host = 10, labels = { role = "ingress" } }
  }
  nullable = false

  validation {
    condition     = length([for node in var.nodes : node if node.role == "ingress"]) > 0
    error_message = "nodes has at least one node of the role ingress, which the load balancer hands the web to."
  }
  validation {
    condition     = length(distinct([for node in var.nodes : node.host])) == length(var.nodes)
    error_message = "Each node has a host of its own."
  }
  validation {
    condition     = alltrue([for node in var.nodes : node.host >= 4 && node.host <= 254 && floor(node.host) == node.host])
    error_message = "host is a whole number from 4 to 254: AWS keeps the first four addresses of a subnet, and the last."
  }
}

variable "first_server" {
  description = "The node that founds the cluster; the others join it."
  type        = string
  default     = "server"
  nullable    = false

  validation {
    condition     = try(var.nodes[var.first_server].role == "server", false)
    error_message = "first_server is the name of a node whose role is server."
  }
}

variable "k3s_token" {
  description = "The token with which servers join; `k3seed token` makes one. It is in the user-data and in Terraform's state."
  type        = string
  sensitive   = true
}

variable "k3s_agent_token" {
  description = "The token with which only agents can join. It is in the user-data and in Terraform's state."
  type        = string
  sensitive   = true
}

variable "cloudflare_api_token" {
  description = "The token for cert-manager and external-dns. It is in the first server's user-data and in Terraform's state."
  type        = string
  sensitive   = true
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

variable "ssh_authorized_keys" {
  description = "Public keys of those who may log in as ubuntu."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "ssh_allowed_cidrs" {
  description = "Networks from which the nodes can be reached by SSH, and through it the Kubernetes API."
  type        = list(string)
  default     = []
  nullable    = false
}
