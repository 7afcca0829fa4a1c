locals {
  # A query of the external data source holds strings only, so what is no text goes as JSON; the provider leaves out what
  # is null.
  inputs = merge(local.texts, { for name, value in local.values : name => jsonencode(value) if value != null })

  # Every payload by its name: the node or the role that it is for.
  payloads = merge(
    { for node in keys(var.nodes) : node => { node = node } },
    { for role in var.roles : role => { role = role } },
  )
}

# k3seed reads nothing but this query, the files of var.config and var.lock, and a k3seed.lock beside the former, and the
# same gives the same bytes on every machine: a plan shows a change where one of these has changed, or k3seed itself.
data "external" "user_data" {
  for_each = local.payloads

  program = [var.k3seed, "external"]

  query = merge(
    local.inputs, each.value, { config = var.config, encoding = var.encoding, lock = var.lock },
  )

  lifecycle {
    precondition {
      condition = !contains(var.roles, each.key) || !contains(
        concat(keys(var.nodes), [for node in var.nodes : node.role]), each.key,
      )
      error_message = "roles has ${each.key}, and nodes has a node of that role or name. A role stands for machines that nodes does not name; take it out of one of the two."
    }
    postcondition {
      condition = tonumber(self.result.bytes) + var.reserve_bytes <= tonumber(self.result.budget_bytes)
      error_message = format(
        "The user-data of %s is %s bytes, and with reserve_bytes = %s that is more than the %s that %s takes. Take something out of it (k3seed preview shows what takes the space), or reserve less.",
        each.key, self.result.bytes, var.reserve_bytes, self.result.budget_bytes, self.result.platform,
      )
    }
  }
}
