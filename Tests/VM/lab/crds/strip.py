"""Makes a published CRD small enough for the lab, and known to the API server of Kubernetes 1.20.

    python strip.py application-crd.yaml >applications.argoproj.io.json

Left out are descriptions, and what 1.20 does not know: CEL rules, selectable fields, empty defaults, and int-or-string,
which becomes anything. Types, required fields, enumerations and patterns stay, so what has the wrong shape is refused.
"""

import json
import sys

import yaml

LEFT_OUT = {"description", "selectableFields", "x-kubernetes-validations"}


def strip(node, is_map=False):
    """`is_map`: the keys are names of fields, among which a `description` is one like any other."""
    if isinstance(node, list):
        return [strip(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "x-kubernetes-int-or-string" in node:
        return {"x-kubernetes-preserve-unknown-fields": True}
    return {
        key: strip(value, key == "properties" and not is_map)
        for key, value in node.items()
        if is_map or not (key in LEFT_OUT or (key == "default" and value == ""))
    }


with open(sys.argv[1], encoding="utf-8") as file:
    crd = yaml.safe_load(file)
print(
    json.dumps(
        {
            "apiVersion": crd["apiVersion"],
            "kind": crd["kind"],
            "metadata": {"name": crd["metadata"]["name"]},
            "spec": strip(crd["spec"]),
        },
        separators=(",", ":"),
    )
)
