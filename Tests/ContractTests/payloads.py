"""Reads user-data as cloud-init and Kubernetes would. Takes {name: base64 of user-data} on standard input and writes
{name: [findings]} on standard output.

    payloads.py [FOLDER]     FOLDER holds CustomResourceDefinitions, in folders of any depth
"""

import base64
import copy
import gzip
import json
import pathlib
import re
import sys

import jsonschema
import kubernetes_validate
import yaml

# The minor version of K3s that the payloads install.
KUBERNETES = "1.36"


def strict(schema):
    """An openAPIV3Schema that refuses unknown fields, as the API server prunes them with a warning at best."""
    schema = copy.copy(schema)
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    if "properties" in schema:
        schema["properties"] = {name: strict(value) for name, value in schema["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            schema.setdefault("additionalProperties", False)
    if isinstance(schema.get("additionalProperties"), dict):
        schema["additionalProperties"] = strict(schema["additionalProperties"])
    if isinstance(schema.get("items"), dict):
        schema["items"] = strict(schema["items"])
    return schema


def definitions(folder):
    """The schemas of all custom resources below a folder, by apiVersion and kind."""
    found = {}
    for path in sorted(pathlib.Path(folder).rglob("*.yaml")):
        for document in yaml.load_all(path.read_text(), Loader=yaml.CSafeLoader):
            if not document or document.get("kind") != "CustomResourceDefinition":
                continue
            spec = document["spec"]
            for version in spec["versions"]:
                schema = strict(version["schema"]["openAPIV3Schema"])
                # The API server knows these of every object.
                schema["properties"].update(
                    apiVersion={"type": "string"}, kind={"type": "string"}, metadata={"type": "object"}
                )
                found[f"{spec['group']}/{version['name']}", spec["names"]["kind"]] = schema
    return found


def objects(files):
    """Every Kubernetes object in the files, with the file's path."""
    for path, text in files.items():
        if not path.endswith(".yaml") or path.startswith("/etc/"):
            continue
        for document in yaml.safe_load_all(text):
            if document is None:
                continue
            for item in document["items"] if document.get("kind") == "List" else [document]:
                yield path, item


def check_object(item, schemas):
    key = item["apiVersion"], item["kind"]
    if key[1] == "Kustomization":
        return None
    if key in schemas:
        errors = jsonschema.Draft7Validator(schemas[key]).iter_errors(item)
        return [f"{'.'.join(map(str, error.path))}: {error.message}" for error in errors]
    if key[0].count(".") and not key[0].split("/")[0].endswith("k8s.io"):
        return None
    try:
        kubernetes_validate.validate(item, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [f"{'.'.join(map(str, error.path))}: {error.message}"]
    return []


def content(entry):
    """What cloud-init writes."""
    if entry.get("encoding") == "gz+b64":
        return gzip.decompress(base64.b64decode(entry["content"], validate=True)).decode()
    return entry["content"]


def check(payload, schemas):
    findings = []
    text = payload.decode("ascii")
    if not text.startswith("#cloud-config\n"):
        findings.append("the first line is not #cloud-config")
    if re.search("mime-version:", text[:4096], re.IGNORECASE):
        findings.append("cloud-init takes it for MIME")
    config = yaml.safe_load(text)
    files = {entry["path"]: content(entry) for entry in config["write_files"]}
    if len(files) != len(config["write_files"]):
        findings.append("a file is written twice")
    for entry in config["write_files"]:
        private = entry["path"].startswith("/var/lib/k3seed/secrets/")
        if not set(entry) <= {"path", "permissions", "encoding", "content"}:
            findings.append(f"{entry['path']} has the keys {list(entry)}")
        if not isinstance(entry["content"], str) or not isinstance(entry.get("permissions", ""), str):
            findings.append(f"{entry['path']} is not of strings")
        if private and entry.get("permissions") != "0600":
            findings.append(f"{entry['path']} is not for its owner alone")
    checked = {"application": 0, "built in": 0}
    for path, item in objects(files):
        name = f"{path}: {item.get('kind')}/{item.get('metadata', {}).get('name')}"
        result = check_object(item, schemas)
        if result is None:
            continue
        checked["application" if (item["apiVersion"], item["kind"]) in schemas else "built in"] += 1
        findings += [f"{name}: {finding}" for finding in result]
    if "/var/lib/k3seed/kustomization.yaml" in files:
        if checked["built in"] < 3:
            findings.append("not all Namespaces were checked")
        if schemas and checked["application"] != 2:
            findings.append("the Application or the HelmChart was not checked")
        chart = yaml.safe_load(files["/var/lib/k3seed/manifests/argocd.yaml"])
        if not isinstance(yaml.safe_load(chart["spec"]["valuesContent"]), dict):
            findings.append("the chart's values are no mapping")
    plan = json.loads(files["/etc/k3seed/plan.json"])
    if plan["schema"] != 1 or plan["role"] not in ("server", "agent", "ingress"):
        findings.append("plan.json is not what it should be")
    for path in ("/etc/rancher/k3s/config.yaml", "/etc/rancher/k3s/registries.yaml"):
        if path in files and not isinstance(yaml.safe_load(files[path]), dict):
            findings.append(f"{path} is no mapping")
    return findings


schemas = definitions(sys.argv[1]) if len(sys.argv) > 1 else {}
json.dump(
    {name: check(base64.b64decode(data), schemas) for name, data in json.load(sys.stdin).items()}, sys.stdout
)
