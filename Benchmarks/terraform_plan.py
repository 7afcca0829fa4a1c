"""Measures `terraform plan` of a fleet through the module, and writes README.md beside this file, and JSON to stdout.

    python Benchmarks/terraform_plan.py K3SEED [NODES...]

What is published is a ratio: the processor time of 100 nodes to that of 10, each less what a plan costs that asks the same provider for
nothing. Where the cost is linear in nodes, that is 10 at most. Terraform is the one on PATH, and its provider the
stand-in of the tests, so that nothing is downloaded. No time makes it fail.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from run import ROOT, in_turns, machine, put

RUNS = 5
SIZES = [10, 100]
PROVIDER = ROOT / "Tests/ContractTests/Terraform/external.py"
VERSION = "2.3.5"  # what the stand-in stands for

NOTHING = """
data "external" "nothing" {
  program = ["sh", "-c", "echo '{}'"]
}
"""

FLEET = """
module "user_data" {
  source = "%(module)s"
  k3seed = "%(program)s"

  nodes = merge(
    { server = { role = "server", private_ip = "10.20.1.1" } },
    { for n in range(1, %(size)d) : "worker-${n}" => {
      role = "agent", private_ip = "10.20.${1 + floor(n / 250)}.${n %% 250 + 2}", labels = { rack = "r${n %% 40}" }
    } },
  )
  server_private_ip = "10.20.1.1"
  git_repo_url      = "https://git.example.net/cluster.git"
  secret_ocids = { for name in ["cloudflare_api_token", "k3s_token", "k3s_agent_token"] :
    name => "ocid1.vaultsecret.oc1.eu-frankfurt-1.example${md5(name)}"
  }
}

resource "terraform_data" "machine" {
  for_each = module.user_data.sha256

  input            = module.user_data.bytes[each.key]
  triggers_replace = each.value
}
"""


def configure(folder):
    """Terraform's own configuration: a mirror with the stand-in, and nothing of the user's."""
    version = json.loads(subprocess.run(["terraform", "version", "-json"], check=True, capture_output=True).stdout)
    package = folder / f"mirror/registry.terraform.io/hashicorp/external/{VERSION}/{version['platform']}"
    package.mkdir(parents=True)
    program = package / f"terraform-provider-external_v{VERSION}"
    program.write_text(f"#!/bin/sh\nexec '{sys.executable}' '{PROVIDER}'\n")
    program.chmod(0o755)
    settings = folder / "terraformrc"
    settings.write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{folder}/mirror"\n  }}\n}}\n')
    # `in_turns` hands this environment on.
    os.environ.update(
        CHECKPOINT_DISABLE="1", HOME=str(folder), TF_CLI_CONFIG_FILE=str(settings), TF_INPUT="0", TF_IN_AUTOMATION="1"
    )
    return version["terraform_version"]


def project(folder, text):
    folder.mkdir()
    (folder / "main.tf").write_text(text)
    subprocess.run(["terraform", f"-chdir={folder}", "init"], check=True, stdout=subprocess.DEVNULL)
    # With everything there, a plan must show no change: -detailed-exitcode makes any other one fail.
    subprocess.run(["terraform", f"-chdir={folder}", "apply", "-auto-approve"], check=True, stdout=subprocess.DEVNULL)
    return f"{shutil.which('terraform')} -chdir={folder} plan -no-color -detailed-exitcode"


def page(results):
    where, at = results["machine"], results["plans"]
    lines = [
        f"Measured on {where['date']}: {where['cpu']}, {where['system']}, Terraform {results['terraform']};"
        f" medians of {RUNS} plans that took turns.",
        "",
        "| `terraform plan` that changes nothing | median | processor |",
        "| --- | ---: | ---: |",
        f"| a data source that asks k3seed for nothing | {at['nothing']['median_ms']:.0f} ms | {at['nothing']['processor_ms']:.0f} ms |",
    ]
    for size in results["sizes"]:
        row = at[str(size)]
        lines.append(f"| {size} nodes | {row['median_ms']:.0f} ms | {row['processor_ms']:.0f} ms |")
    small, large = results["sizes"]
    lines += [
        "",
        f"Less the first line, {large} nodes take {results['ratio']:.1f} times the processor time of {small}; where the cost is linear,"
        f" that is {large / small:.0f} at most.",
    ]
    return "\n".join(lines)


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    sizes = [int(word) for word in sys.argv[2:]] or SIZES
    with tempfile.TemporaryDirectory(prefix="k3seed-bench-") as name:
        folder = pathlib.Path(name)
        shutil.copytree(ROOT / "terraform/modules", folder / "modules")
        version = configure(folder)
        texts = {
            str(size): FLEET % {"module": "../modules/user-data", "program": program, "size": size} for size in sizes
        }
        commands = {
            name: project(folder / f"project-{name}", text) for name, text in {"nothing": NOTHING, **texts}.items()
        }
        plans = in_turns(commands, RUNS)
    small, large = (plans[str(size)]["processor_ms"] - plans["nothing"]["processor_ms"] for size in sizes)
    results = {
        "machine": machine(), "terraform": version, "sizes": sizes, "plans": plans, "ratio": large / small,
    }
    put(ROOT / "Benchmarks/README.md", "<!-- terraform -->\n", page(results), "\n<!-- /terraform -->")
    json.dump(results, sys.stdout, indent=2)
    print()


main()
