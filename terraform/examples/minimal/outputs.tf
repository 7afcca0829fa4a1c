output "user_data" {
  description = "The user-data, by node: `terraform output -json user_data | jq -r .server | k3seed inspect -` shows what it is made of."
  value       = module.user_data.user_data
  sensitive   = true
}

output "sha256" {
  description = "The SHA-256 of the user-data, by node."
  value       = module.user_data.sha256
  sensitive   = true
}

output "bytes" {
  description = "The size of the user-data, by node."
  value       = module.user_data.bytes
}
