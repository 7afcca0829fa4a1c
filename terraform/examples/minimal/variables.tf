variable "cloudflare_api_token" {
  description = "The token for cert-manager and external-dns. It travels in the user-data, and so it is in Terraform's state as well."
  type        = string
  sensitive   = true
}

variable "git_repo_url" {
  description = "The repository that Argo CD follows."
  type        = string
}

variable "platform" {
  description = "Where the user-data is delivered; each platform has its own limit."
  type        = string
  default     = "nocloud"
}
