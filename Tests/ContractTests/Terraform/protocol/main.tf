# The protocol of the external data source, and how strict it is. Every program is one of sh.

terraform {
  required_providers {
    external = {
      source = "hashicorp/external"
    }
  }
}

variable "refused" {
  type    = bool
  default = false
}

locals {
  refused = {
    number  = "echo '{\"a\": 1}'"
    list    = "echo '{\"a\": [\"b\"]}'"
    array   = "echo '[\"a\"]'"
    text    = "echo hello"
    two     = "echo '{\"a\": \"b\"} {\"a\": \"b\"}'"
    failed  = "echo '{\"a\": \"b\"}'; echo 'what went wrong' >&2; exit 3"
    silent  = "exit 4"
    nothing = "true"
  }
}

data "external" "query" {
  program     = ["sh", "-c", "read -r query; printf '{\"query\": \"%s\", \"here\": \"%s\"}' \"$(printf %s \"$query\" | tr -d '\"')\" \"$(basename \"$PWD\")\"; echo unread >&2"]
  working_dir = "${path.module}/below"

  query = {
    b    = "two words"
    a    = "1"
    none = null
  }
}

data "external" "null" {
  program = ["sh", "-c", "", "echo '{\"a\": null}'"]
}

data "external" "refused" {
  for_each = var.refused ? local.refused : {}

  program = ["sh", "-c", each.value]
}

data "external" "absent" {
  count = var.refused ? 1 : 0

  program = ["k3seed-is-not-called-this"]
}

output "query" {
  value = data.external.query.result
}

output "null" {
  value = data.external.null.result
}
