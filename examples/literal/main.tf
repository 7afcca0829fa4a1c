# One server, and Terraform itself holds the secrets: the smallest project that k3seed serves. Its outputs need no
# provider, so `terraform init && terraform apply && terraform output -json` makes outputs.json again anywhere.
# A real project would have these values from variables; the tokens here are made up.

output "server_private_ip" {
  value = "10.20.0.11"
}

output "domain_name" {
  value = "lab.example.net"
}

output "acme_email" {
  value = "ops@example.net"
}

output "cloudflare_zone_id" {
  value = "00000000feedfacecafebeef00000000"
}

output "git_repo_url" {
  value = "https://git.example.net/platform/cluster.git"
}

output "cloudflare_api_token" {
  sensitive = true
  value     = "EXAMPLE-this-is-not-a-cloudflare-token-0"
}

output "k3s_token" {
  sensitive = true
  value     = "EXAMPLE-4tG9qLx2VwZk7RcNb0JmYd8"
}
