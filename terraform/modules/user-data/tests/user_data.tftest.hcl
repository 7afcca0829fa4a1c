# The module's own logic, without k3seed and with a mock of the provider: `terraform init && terraform test` in the module's
# folder, with Terraform 1.7 or newer. What user-data holds is tested where k3seed is.

mock_provider "external" {
  mock_data "external" {
    defaults = {
      result = {
        platform = "oci"
        warnings = "[]"
        payloads = <<-JSON
          {
            "server": {
              "user_data": "#cloud-config\n", "user_data_base64": "I2Nsb3VkLWNvbmZpZwo=",
              "sha256": "91b2a3bb8a7f2a5fbc0b6cd5b9a5c3d7d9ab4ad3a2c5a0ff1f6ad2a6c92b1f10",
              "bytes": 14, "budget_bytes": 24000
            },
            "agent": {
              "user_data": "", "user_data_base64": "H4sIAAAAAAAA",
              "sha256": "0c1f7c6a5a3f4f7f6a5d8b1b9c2e3d4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b9c0d",
              "bytes": 9, "budget_bytes": 24000
            }
          }
        JSON
      }
    }
  }
}

variables {
  git_repo_url = "https://git.example.net/cluster.git"
  roles        = ["agent"]
}

# Through a project, as Terraform lets no root module have an output such as sha256, whose values are sensitive and whose keys
# are not.
run "outputs_are_maps_by_node_and_role" {
  module {
    source = "./tests/caller"
  }

  assert {
    condition     = keys(terraform_data.machine) == ["agent", "server"]
    error_message = "There is a machine for each node and each role."
  }
  assert {
    condition     = alltrue([for machine in terraform_data.machine : issensitive(machine.input) && issensitive(machine.triggers_replace)])
    error_message = "User-data and its hash are sensitive."
  }
  assert {
    condition     = terraform_data.machine["server"].input == "I2Nsb3VkLWNvbmZpZwo=" && terraform_data.machine["agent"].input == "H4sIAAAAAAAA"
    error_message = "Each machine has its own user-data."
  }
  assert {
    condition     = output.user_data == { agent = "", server = "#cloud-config\n" }
    error_message = "user_data is the text, and empty where it is gzip."
  }
  assert {
    condition = output.figures == {
      bytes = { agent = 9, server = 14 }, budget_bytes = { agent = 24000, server = 24000 }, platform = "oci"
    }
    error_message = "Sizes are numbers."
  }
}

run "a_limit_that_is_exceeded_fails_the_plan" {
  command = plan

  variables {
    reserve_bytes = 23990
  }

  expect_failures = [data.external.user_data]
}

run "a_role_that_a_node_has_fails_the_plan" {
  command = plan

  variables {
    nodes = { server = { role = "server" }, worker = { role = "agent" } }
  }

  expect_failures = [data.external.user_data]
}

run "a_program_that_is_too_old_fails_the_plan" {
  command = plan

  override_data {
    target = data.external.user_data
    values = { result = { user_data = "#cloud-config\n", bytes = "14" } }
  }

  expect_failures = [data.external.user_data]
}

run "rules_of_variables" {
  command = plan

  variables {
    platform      = "nowhere"
    roles         = ["boss"]
    reserve_bytes = -1
  }

  expect_failures = [var.platform, var.roles, var.reserve_bytes]
}

# Your own project's tests need neither k3seed nor this module's inside: they say what it gives.
run "a_project_replaces_the_module" {
  module {
    source = "./tests/caller"
  }

  override_module {
    target = module.user_data
    outputs = {
      user_data        = {}
      bytes            = {}
      budget_bytes     = {}
      platform         = "oci"
      user_data_base64 = { server = "I2Nsb3VkLWNvbmZpZwo=", worker = "I2Nsb3VkLWNvbmZpZwo=" }
      sha256           = { server = "one", worker = "two" }
    }
  }

  assert {
    condition     = keys(terraform_data.machine) == ["server", "worker"]
    error_message = "There is a machine for each node."
  }
  assert {
    condition     = terraform_data.machine["worker"].triggers_replace == "two"
    error_message = "A machine is replaced when its hash changes."
  }
}
