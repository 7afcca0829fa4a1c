# Each value is marked by itself: Terraform 1.11 shows what a module's output holds wherever it is used, whatever the
# output's own "sensitive" says. The keys are known in every plan, also where what k3seed is asked for is not.

output "user_data" {
  description = "User-data as text, by node. Empty where it is gzip, which is no text; use user_data_base64 there."
  value       = { for name in keys(local.payloads) : name => sensitive(local.rendered[name].user_data) }
  sensitive   = true
}

output "user_data_base64" {
  description = "User-data in base64, by node: what cloud-init gets, gzip or not."
  value       = { for name in keys(local.payloads) : name => sensitive(local.rendered[name].user_data_base64) }
  sensitive   = true
}

output "sha256" {
  description = "SHA-256 of what cloud-init gets, by node, in hexadecimal. It changes exactly when the user-data does. Sensitive, as it confirms guesses of a secret in user-data; the map's keys are not."
  value       = { for name in keys(local.payloads) : name => sensitive(local.rendered[name].sha256) }
}

output "bytes" {
  description = "Size of what cloud-init gets, by node, in bytes."
  value       = { for name in keys(local.payloads) : name => local.rendered[name].bytes }
}

output "budget_bytes" {
  description = "The most that the platform takes of it, by node, in bytes; what else the platform counts is taken off."
  value       = { for name in keys(local.payloads) : name => local.rendered[name].budget_bytes }
}

output "platform" {
  description = "The platform whose limit that is."
  value       = data.external.user_data.result.platform
}
