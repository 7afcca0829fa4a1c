"""Applies the Applications of a rendered GitOps tree to this machine's cluster, phase by phase, and looks up every
Secret that the tree refers to. What Argo CD would bring of it is not run: there is no Argo CD here.

  apply_tree.py ARCHIVE       a tar of the tree, as it lies in the repository
"""

import base64
import json
import pathlib
import subprocess
import sys
import tarfile
import tempfile

import yaml

# What points at a Secret that must be there before; privateKeySecretRef is made by who names it.
REFERENCES = {"apiTokenSecretRef", "secretKeyRef", "secretRef", "certificateRefs", "imagePullSecrets"}
WAVE = "argocd.argoproj.io/sync-wave"


def say(text):
    with open("/dev/console", "w", encoding="utf-8") as console:
        console.write(f"tree: {text}\n")


def kubectl(*arguments, given=None):
    return subprocess.run(
        ["k3s", "kubectl", "--kubeconfig=/etc/rancher/k3s/k3s.yaml", *arguments],
        input=given,
        check=True,
        timeout=120,
        text=True,
        stdout=subprocess.PIPE,
    ).stdout


def references(value, namespace):
    """Each Secret that a document refers to, as namespace, name and key; the key may be None."""
    if isinstance(value, list):
        for item in value:
            yield from references(item, namespace)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key in REFERENCES:
                for found in inner if isinstance(inner, list) else [inner]:
                    yield found.get("namespace", namespace), found["name"], found.get("key")
            else:
                yield from references(inner, namespace)


def main(archive):
    tree = pathlib.Path(tempfile.mkdtemp())
    with tarfile.open(archive) as packed:
        packed.extractall(tree)
    documents = {
        file: [document for document in yaml.safe_load_all(file.read_text()) if document]
        for file in sorted(tree.rglob("*.yaml"))
    }
    applications = documents[tree / "applications.yaml"]
    waves = sorted({int(one["metadata"]["annotations"][WAVE]) for one in applications})
    for wave in waves:
        phase = [one for one in applications if int(one["metadata"]["annotations"][WAVE]) == wave]
        kubectl("apply", "--server-side", "-f", "-", given=yaml.safe_dump_all(phase))
        names = [one["metadata"]["name"] for one in phase]
        there = kubectl("get", "applications", "-n", "argocd", *names, "-o", "name").split()
        assert len(there) == len(names), there
        say(f"phase {wave}: {', '.join(names)}")

    # The namespace of a chart's values is that of the Application that reads them.
    homes = {}
    for one in applications:
        for source in one["spec"].get("sources", []):
            for file in source.get("helm", {}).get("valueFiles", []):
                homes[file.split("/", 2)[2]] = one["spec"]["destination"]["namespace"]
    needed, made = set(), set()
    for file, group in documents.items():
        home = homes.get(str(file.relative_to(tree)), "")
        for document in group:
            # A ClusterIssuer's Secrets are in cert-manager's namespace.
            cluster = "cert-manager" if document.get("kind") == "ClusterIssuer" else home
            namespace = document.get("metadata", {}).get("namespace", cluster)
            needed.update(references(document, namespace))
            if document.get("kind") == "ExternalSecret":
                made.add((namespace, document["spec"]["target"]["name"]))
            if document.get("kind") == "Certificate":
                made.add((namespace, document["spec"]["secretName"]))
    missing, found = [], 0
    for namespace, name, key in sorted(needed, key=str):
        secrets = json.loads(kubectl("get", "secret", "-n", namespace, name, "--ignore-not-found", "-o", "json") or "{}")
        data = secrets.get("data", {})
        if key in data if key else data:
            assert base64.b64decode(data[key] if key else "eA=="), "an empty value"
            found += 1
        elif (namespace, name) not in made:
            missing.append(f"{namespace}/{name} ({key})")
    # What the ExternalSecrets take over from the bootstrap is there before them.
    seeded = [f"{namespace}/{name}" for namespace, name in sorted(made)]
    there = kubectl("get", "secrets", "-A", "-o", "jsonpath={range .items[*]}{.metadata.namespace}/{.metadata.name} {end}")
    say(f"{len(needed)} references to Secrets, {found} there, {len(needed) - found - len(missing)} made by the tree")
    say(f"taken over: {', '.join(name for name in seeded if name in there.split())}")
    if missing:
        say(f"NOT THERE: {', '.join(missing)}")
        sys.exit(1)
    say("every reference resolves")


if __name__ == "__main__":
    main(sys.argv[1])
