# The inputs of k3seed, under their names and with its words; null leaves the default to k3seed. Only rules that can be
# told here without k3seed are repeated here: the others are k3seed's, whose findings Terraform shows.

variable "cluster_name" {
  description = "Names the cluster. Default: k3s."
  type        = string
  default     = null
}

variable "platform" {
  description = "Where user-data is delivered; each platform has its own limit and arithmetic. Default: oci."
  type        = string
  default     = null

  validation {
    condition     = var.platform == null ? true : contains(["oci", "aws", "gcp", "azure", "hetzner", "digitalocean", "openstack", "linode", "vsphere", "nocloud"], var.platform)
    error_message = "platform is one of oci, aws, gcp, azure, hetzner, digitalocean, openstack, linode, vsphere, nocloud."
  }
}

variable "nodes" {
  description = "The nodes by name; several servers mean high availability with embedded etcd. Default: one server, named `server`."
  type = map(object({
    role       = string
    labels     = optional(map(string))
    taints     = optional(list(string))
    private_ip = optional(string)
  }))
  default  = { server = { role = "server" } }
  nullable = false

  validation {
    condition     = length(var.nodes) > 0
    error_message = "nodes names at least one node."
  }
  validation {
    condition     = alltrue([for node in var.nodes : contains(["server", "agent", "ingress"], node.role)])
    error_message = "The role of each node is one of server, agent, ingress."
  }
}

variable "server_private_ip" {
  description = "The address at which other nodes join the first server: its private_ip."
  type        = string
  default     = null
}

variable "server_url" {
  description = "The URL at which other nodes join, where it is not the first server's address (a load balancer). Default: `https://<server_private_ip>:6443`."
  type        = string
  default     = null
}

variable "ingress_public_ip" {
  description = "Public address of the ingress node; the API's certificate names it."
  type        = string
  default     = null
}

variable "load_balancer_ip" {
  description = "Address of the load balancer; the API's certificate names it."
  type        = string
  default     = null
}

variable "tls_sans" {
  description = "More names and addresses for the API's certificate. Default: none."
  type        = list(string)
  default     = null
}

variable "cluster_cidr" {
  description = "The network of the pods, apart from services and nodes; for IPv4 and IPv6 one of each, with a comma between. Default: 10.42.0.0/16, or fd00:42::/56 on IPv6 servers (K3s)."
  type        = string
  default     = null
}

variable "service_cidr" {
  description = "The network of the services, apart from pods and nodes; for IPv4 and IPv6 one of each, with a comma between. Default: 10.43.0.0/16, or fd00:43::/112 on IPv6 servers (K3s)."
  type        = string
  default     = null
}

variable "node_cidrs" {
  description = "The networks of the nodes, of which each private_ip is: the firewall lets only these to the kubelet, the overlay network and etcd, and the ingress node NATs for them. Default: the private ranges."
  type        = list(string)
  default     = null
}

variable "pod_metadata_access" {
  description = "Whether pods may reach the platform's metadata address, and with it user-data and the node's identity: `denied` or `allowed`. Default: `denied`."
  type        = string
  default     = null

  validation {
    condition     = var.pod_metadata_access == null ? true : contains(["denied", "allowed"], var.pod_metadata_access)
    error_message = "pod_metadata_access is one of denied, allowed."
  }
}

variable "node_labels" {
  description = "Labels of every node. Default: none."
  type        = map(string)
  default     = null
}

variable "disable" {
  description = "Packaged components that K3s leaves out. Default: `traefik` (the GitOps tree brings Envoy Gateway)."
  type        = list(string)
  default     = null
}

variable "registry_mirrors" {
  description = "Where containerd pulls images of a registry from, in order. Default: none."
  type        = map(list(string))
  default     = null
}

variable "extra_manifests" {
  description = "Kubernetes manifests that K3s applies by itself, by name; no Secrets. Default: none."
  type        = map(string)
  default     = null
}

variable "k3s_version" {
  description = "The exact version of K3s. Default: that of `k3seed.lock`, else `v1.36.4+k3s1`."
  type        = string
  default     = null

  validation {
    condition     = var.k3s_version == null ? true : can(regex("^v[0-9]+[.][0-9]+[.][0-9]+[+]k3s[0-9]+$", var.k3s_version))
    error_message = "k3s_version is an exact release such as v1.36.4+k3s1; channels such as stable change from day to day."
  }
}

variable "k3s_sha256" {
  description = "SHA-256 of the K3s binary for each architecture and of its install script; needed for another version. Default: those of the locked version."
  type = object({
    amd64          = string
    arm64          = string
    install_script = string
  })
  default = null
}

variable "k3s_airgap_sha256" {
  description = "SHA-256 of `k3s-airgap-images-<architecture>.tar.zst`: with it the node loads K3s' own images from that file, found on it already or fetched where the binary is, and needs no registry for them. Default: none."
  type = object({
    amd64 = optional(string)
    arm64 = optional(string)
  })
  default = null
}

variable "ca_certificates" {
  description = "Certificates of authorities, in PEM, that the nodes trust beside the public ones: for mirrors and registries of one's own. Default: none."
  type        = list(string)
  default     = null
}

variable "hardening" {
  description = "`cis` follows K3s' CIS hardening guide: kernel settings, audit log, Pod Security admission. Default: `none`."
  type        = string
  default     = null

  validation {
    condition     = var.hardening == null ? true : contains(["none", "cis"], var.hardening)
    error_message = "hardening is one of none, cis."
  }
}

variable "k3s_mirrors" {
  description = "Folders that hold `<version>/{k3s,k3s-arm64,install.sh}`, asked in order before the official source. Default: none."
  type        = list(string)
  default     = null
}

variable "k3s_token" {
  description = "The token with which servers, and agents without a token of their own, join; needed by more than one node."
  type        = string
  default     = null
  sensitive   = true
}

variable "k3s_agent_token" {
  description = "A token with which only agents can join. Default: `k3s_token`."
  type        = string
  default     = null
  sensitive   = true
}

variable "cloudflare_api_token" {
  description = "The token for cert-manager and external-dns; needed by the first server."
  type        = string
  default     = null
  sensitive   = true
}

variable "cloudflare_secret_name" {
  description = "The name of the Secrets that hold the token. Default: `cloudflare-api-token`."
  type        = string
  default     = null
}

variable "cloudflare_secret_key" {
  description = "The key within those Secrets. Default: `api-token`."
  type        = string
  default     = null
}

variable "cloudflare_zone_id" {
  description = "The zone, for the GitOps tree."
  type        = string
  default     = null
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

variable "acme_issuer" {
  description = "The Let's Encrypt that signs the Gateway's certificates: `production`, or `staging`, which browsers do not trust and which has room for trials. Default: `production`."
  type        = string
  default     = null
}

variable "acme_challenge" {
  description = "How Let's Encrypt is shown that the names are ours: `dns01` through Cloudflare, or `http01` through the Gateway. Default: `dns01`."
  type        = string
  default     = null
}

variable "ingress_node_selector" {
  description = "The labels of the nodes whose ports 80 and 443 the Gateway takes. Default: `{role: ingress}` where a node has the role `ingress`, else all nodes."
  type        = map(string)
  default     = null
}

variable "argocd_host" {
  description = "The name of Argo CD's page. Default: `argocd.<domain_name>`."
  type        = string
  default     = null
}

variable "docs_host" {
  description = "The name of the documentation site. Default: `<domain_name>`."
  type        = string
  default     = null
}

variable "docs_image" {
  description = "The documentation site: an image that serves it over HTTP and does not run as root, pinned by tag or digest."
  type        = string
  default     = null
}

variable "docs_port" {
  description = "The port that the image listens on. Default: `8080`."
  type        = string
  default     = null
}

variable "gitops_disable" {
  description = "Parts that the GitOps tree does without: `vault`, `gateway`, `docs`. Default: none."
  type        = list(string)
  default     = null
}

variable "git_repo_url" {
  description = "The repository that `argocd-root` follows; needed by the first server."
  type        = string
  default     = null
}

variable "git_revision" {
  description = "The branch, tag or commit that it follows. Default: `HEAD`."
  type        = string
  default     = null
}

variable "git_path" {
  description = "The folder that it follows. Default: `argocd`."
  type        = string
  default     = null
}

variable "git_username" {
  description = "The user name that goes with `git_pat`. Default: `git`."
  type        = string
  default     = null
}

variable "git_pat" {
  description = "The access token of a private repository at an https URL."
  type        = string
  default     = null
  sensitive   = true
}

variable "git_ssh_private_key" {
  description = "The deploy key of a private repository at an ssh URL."
  type        = string
  default     = null
  sensitive   = true
}

variable "github_webhook_secret" {
  description = "The secret of the repository's webhook on GitHub: with it a push is seen at once, and Argo CD asks the repository once an hour in place of every three minutes."
  type        = string
  default     = null
  sensitive   = true
}

variable "argocd_admin_password_hash" {
  description = "The bcrypt hash of Argo CD's admin password."
  type        = string
  default     = null
  sensitive   = true
}

variable "argocd_admin_password" {
  description = "That password itself: its hash alone reaches user-data, while Terraform keeps the password in its state."
  type        = string
  default     = null
  sensitive   = true
}

variable "vault_ocid" {
  description = "The OCI Vault that holds the secrets."
  type        = string
  default     = null
}

variable "oci_region" {
  description = "The region of the vault. Default: the instance's own."
  type        = string
  default     = null
}

variable "secret_ocids" {
  description = "Secrets that stay in OCI Vault: name of the input, OCID of the secret; `?stage=PREVIOUS`, `?versionNumber=3` or `?secretVersionName=name` after it mean another than the current version. Default: none."
  type        = map(string)
  default     = null

  validation {
    condition = alltrue([
      for ocid in values(coalesce(var.secret_ocids, {})) : startswith(ocid, "ocid1.vaultsecret.")
    ])
    error_message = "Each value of secret_ocids is the OCID of a Vault secret: ocid1.vaultsecret..."
  }
}

variable "vault_secret_names" {
  description = "What the vault calls the secrets, by the name of the input: External Secrets asks for them by name. Default: the name in `secret_ocids` with `-` for `_`."
  type        = map(string)
  default     = null
}

variable "registry_server" {
  description = "The registry of a private `docs_image`, such as `ghcr.io`; External Secrets brings its credentials from the vault. Default: none."
  type        = string
  default     = null
}

variable "registry_username" {
  description = "The user name at that registry. Default: `git_username`."
  type        = string
  default     = null
}

variable "registry_password" {
  description = "The password or access token at that registry; only as a reference to OCI Vault. Default: `git_pat`."
  type        = string
  default     = null
  sensitive   = true
}

variable "ssh_authorized_keys" {
  description = "Public keys for the default user; counted in the size budget where the platform counts them. Default: none."
  type        = list(string)
  default     = null
}

variable "first_server" {
  description = "The node that founds the cluster and seeds it; needed where there are several servers and `server_private_ip` is the address of none. Default: the server with the address `server_private_ip`."
  type        = string
  default     = null
}

variable "cluster_state" {
  description = "`existing` where the cluster lives already: a first server whose machine is replaced then joins one of the other servers, and never founds a second cluster because none of them answers. Default: `new`."
  type        = string
  default     = null
}

variable "server_ca_sha256" {
  description = "The hash of the cluster's own CA, known once it runs: the 64 digits after `K10` in `/var/lib/rancher/k3s/server/token`. With it a node that joins makes sure of the server before it sends the token; without it, whatever host answers at the address gets the token. Default: none."
  type        = string
  default     = null
}

# Settings of this module, which are no inputs of k3seed.

variable "roles" {
  description = "Roles to render beside the nodes, for machines that share one user-data and are named after their host, such as those of an instance pool."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for role in var.roles : contains(["server", "agent", "ingress"], role)])
    error_message = "roles holds only server, agent and ingress."
  }
}

variable "encoding" {
  description = "The form of the user-data; auto compresses only where the platform's limit asks for it."
  type        = string
  default     = "auto"
  nullable    = false

  validation {
    condition     = contains(["auto", "plain", "gzip", "base64", "gzip+base64"], var.encoding)
    error_message = "encoding is one of auto, plain, gzip, base64, gzip+base64."
  }
}

variable "config" {
  description = "The path of a k3seed.yaml; write it as \"$${path.module}/k3seed.yaml\"."
  type        = string
  default     = null
}

variable "lock" {
  description = "The path of a k3seed.lock; write it as \"$${path.module}/k3seed.lock\". Without it, the one that k3seed.yaml names or that lies beside it."
  type        = string
  default     = null
}

variable "reserve_bytes" {
  description = "Bytes of the platform's limit to leave free beside the user-data: for instance metadata of your own, or for growth."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.reserve_bytes >= 0
    error_message = "reserve_bytes is not negative."
  }
}

variable "k3seed" {
  description = "The program: a name that is looked for on PATH, or a path."
  type        = string
  default     = "k3seed"
  nullable    = false
}
