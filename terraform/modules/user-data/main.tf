locals {
  # The least version of k3seed that has all of what this module asks it for.
  minimum_version = "0.2.0"

  # A query of the external data source holds strings only, so other values go as JSON; the provider leaves out nulls.
  inputs = merge(local.texts, { for name, value in local.values : name => jsonencode(value) if value != null })

  # Every payload by its name: the node or the role that it is for.
  payloads = merge(
    { for node in keys(var.nodes) : node => { node = node } },
    { for role in var.roles : role => { role = role } },
  )

  # What stands twice: as a role of its own, and as a node's name or role.
  ambiguous = setintersection(var.roles, concat(keys(var.nodes), [for node in var.nodes : node.role]))

  rendered = jsondecode(data.external.user_data.result.payloads)
  warnings = jsondecode(data.external.user_data.result.warnings)
}

# One call for the whole fleet, so that what Terraform keeps in its state, secrets too, is there once and not for every
# node. k3seed reads only this query, the files of var.config and var.lock, and a k3seed.lock next to the former. The same
# input gives the same bytes on every machine: a plan shows a change only where one of these has changed, or k3seed itself.
data "external" "user_data" {
  program = [var.k3seed, "external"]

  query = merge(local.inputs, {
    config          = var.config
    encoding        = var.encoding
    lock            = var.lock
    minimum_version = local.minimum_version
    payloads        = jsonencode(local.payloads)
  })

  # A postcondition that reads self of a data source with for_each makes plans quadratic in the number of nodes. This data
  # source has one instance, so each condition is evaluated once.
  lifecycle {
    precondition {
      condition = length(local.ambiguous) == 0
      error_message = format(
        "%s: roles and nodes both have it. A role stands for machines that nodes does not list; remove it from one of the two.",
        join(", ", local.ambiguous),
      )
    }
    # Where a condition fails, Terraform shows every string that the condition refers to by a path. self.result.payloads
    # holds secrets, so these conditions refer to self.result, of which it shows the type only.
    postcondition {
      condition = contains(keys(self.result), "payloads")
      error_message = format(
        "The program %s is older than k3seed %s, which this module needs. Install that version or a newer one.",
        var.k3seed, local.minimum_version,
      )
    }
    postcondition {
      condition = alltrue([
        for payload in jsondecode(lookup(self.result, "payloads", "{}")) :
        payload.bytes + var.reserve_bytes <= payload.budget_bytes
      ])
      error_message = join("\n", [
        for name, payload in jsondecode(lookup(self.result, "payloads", "{}")) : format(
          "The user-data of %s is %d bytes, and with reserve_bytes = %d that is more than the %d that %s takes. Make it smaller (k3seed preview shows what takes the space), or reserve less.",
          name, payload.bytes, var.reserve_bytes, payload.budget_bytes, self.result.platform,
        ) if payload.bytes + var.reserve_bytes > payload.budget_bytes
      ])
    }
  }
}

# Terraform discards what a program writes when it succeeds; a check shows k3seed's warnings and stops nothing.
check "warnings" {
  assert {
    condition     = length(local.warnings) == 0
    error_message = join("\n", local.warnings)
  }
}
