"""Holds a rendered GitOps tree to the real charts, and prints what does not fit, a line each.

    charts.py CHARTS TREE EXEMPT

CHARTS is a folder of charts, each in a folder of its name: as `helm pull --untar` leaves them, or as they are in the
repositories of their projects. TREE is the tree; EXEMPT are the namespaces, separated by commas, that Pod Security
does not restrict. Standard error says which versions were read.
"""

import concurrent.futures
import copy
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import yaml

# Maps that a chart passes on as they are, so that any key may be in them.
OPEN = {
    ("argo-cd", "configs", "cm"): re.compile(r"resource\.customizations\.health\.[a-z0-9.]+_[A-Za-z]+"),
    ("argo-cd", "configs", "params"): re.compile(r"server\.insecure"),
}
# Maps that are empty in values.yaml, and of whose keys it has examples in comments.
COMMENTED = {("cert-manager", "config")}


def prepared(source, scratch):
    """A chart that helm takes: in its project's repository it has no version, and none of the charts that it may use."""
    chart = scratch / source.name
    shutil.copytree(source, chart)
    about = yaml.safe_load((chart / "Chart.yaml").read_text())
    if "0.0.0" in about["version"]:
        about["version"] = "0.0.1"
    there = {path.name for path in (chart / "charts").glob("*")}
    about["dependencies"] = [d for d in about.get("dependencies", []) if d["name"] in there]
    (chart / "Chart.yaml").write_text(yaml.safe_dump(about))
    values = chart / "values.yaml"
    if not values.exists():
        text = (chart / "values.tmpl.yaml").read_text()
        values.write_text(re.sub(r"\$\{\w+Policy\}", "Always", re.sub(r"\$\{\w+Image\}", "example.org/a/b:v1", text)))
    return chart


def unknown(given, default, path, text):
    """The keys of a map that the chart's values.yaml does not have, as paths."""
    if path in COMMENTED:
        default = {"": None}
    if not isinstance(given, dict) or not isinstance(default, dict) or not default:
        return
    for key, value in given.items():
        inner = (*path, key)
        if key in default:
            yield from unknown(value, default[key], inner, text)
        elif re.search(rf"(?m)^[ #-]*{re.escape(key)}:", text):
            if any(inner[: len(known)] == known for known in COMMENTED):
                yield from unknown(value, {"": None}, inner, text)
        elif not (path in OPEN and OPEN[path].fullmatch(key)):
            yield ".".join(inner[1:])


def leaves(value, path=()):
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    else:
        yield path


def at(value, path):
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def without(value, path):
    value = copy.deepcopy(value)
    inner = at(value, path[:-1])
    del inner[path[-1]]
    return value


def render(chart, release, namespace, values, skips_crds):
    """What helm makes of values; what is drawn anew each time (certificates, passwords) is masked."""
    command = ["helm", "template", release, str(chart), "--namespace", namespace, "--kube-version", "v1.36.4"]
    command += ["--values", "-", "--skip-tests", "--skip-crds" if skips_crds else "--include-crds"]
    done = subprocess.run(command, input=yaml.safe_dump(values), capture_output=True, text=True)
    if done.returncode:
        raise ValueError(done.stderr.strip().splitlines()[-1].strip())
    return [d for d in yaml.safe_load_all(done.stdout) if d]


def pods(document):
    """The pod templates of an object."""
    if isinstance(document, dict):
        spec = at(document, ("spec", "template", "spec"))
        if isinstance(spec, dict) and "containers" in spec:
            yield spec
        else:
            for value in document.values():
                yield from pods(value)


def unrestricted(pod):
    """What Kubernetes' Pod Security Standard "restricted" forbids of a pod (its documentation, "Pod Security Standards")."""
    whole = pod.get("securityContext") or {}
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(key):
            yield key
    allowed = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
    for volume in pod.get("volumes") or []:
        if not (set(volume) - {"name"}) <= allowed:
            yield f"volume {volume['name']}"
    for container in (pod.get("initContainers") or []) + pod["containers"]:
        own = container.get("securityContext") or {}
        name = container["name"]
        if any(port.get("hostPort") for port in container.get("ports") or []):
            yield f"{name}: hostPort"
        if own.get("privileged") or own.get("allowPrivilegeEscalation") is not False:
            yield f"{name}: allowPrivilegeEscalation"
        if not {**whole, **own}.get("runAsNonRoot") or {**whole, **own}.get("runAsUser") == 0:
            yield f"{name}: runAsNonRoot"
        if ({**whole, **own}.get("seccompProfile") or {}).get("type") not in ("RuntimeDefault", "Localhost"):
            yield f"{name}: seccompProfile"
        capabilities = own.get("capabilities") or {}
        if "ALL" not in capabilities.get("drop", []) or set(capabilities.get("add") or []) - {"NET_BIND_SERVICE"}:
            yield f"{name}: capabilities"


def check(chart, application, source, values, exempt):
    release, namespace = source["helm"]["releaseName"], application["spec"]["destination"]["namespace"]
    name = f"{application['metadata']['name']}: {chart.name}"
    text = (chart / "values.yaml").read_text()
    default = yaml.safe_load(text)
    findings = [f"{name}: values.yaml has no {key}" for key in unknown(values, default, (chart.name,), text)]
    skips = source["helm"].get("skipCrds", False)
    try:
        objects = render(chart, release, namespace, values, skips)
        again = render(chart, release, namespace, values, skips)
    except ValueError as error:
        return [*findings, f"{name}: {error}"]
    # Objects that differ between two renderings alike hold something drawn; they say nothing about a value.
    stable = [left for left, right in zip(objects, again) if left == right]
    for path in leaves(values):
        if at(default, path) == at(values, path):
            continue
        other = render(chart, release, namespace, without(values, path), skips)
        if all(document in other for document in stable) and len(other) == len(objects):
            findings.append(f"{name}: no template reads {'.'.join(path)}")
    for document in objects:
        if (document["metadata"].get("namespace") or namespace) in exempt:
            continue
        title = f"{document['kind']} {document['metadata']['name']}"
        for pod in pods(document):
            findings += [f"{name}: Pod Security would refuse {title}: {what}" for what in unrestricted(pod)]
    return findings


def main(charts, tree, exempt):
    charts, tree = pathlib.Path(charts), pathlib.Path(tree)
    with tempfile.TemporaryDirectory() as scratch, concurrent.futures.ThreadPoolExecutor(2) as pool:
        ready, jobs = {}, []
        for application in yaml.safe_load_all((tree / "applications.yaml").read_text()):
            for source in application["spec"]["sources"]:
                name = source.get("chart")
                if name is None:
                    continue
                if not (charts / name).is_dir():
                    print(f"{name}: is not in the folder of charts")
                    continue
                if name not in ready:
                    ready[name] = prepared(charts / name, pathlib.Path(scratch))
                    version = yaml.safe_load((charts / name / "Chart.yaml").read_text())["version"]
                    print(f"{name}: {version}, pinned is {source['targetRevision']}", file=sys.stderr)
                values = source["helm"].get("valuesObject") or {}
                for file in source["helm"].get("valueFiles", []):
                    parts = pathlib.PurePosixPath(file).parts
                    inner = pathlib.Path(*parts[parts.index("infrastructure") :])
                    values = yaml.safe_load((tree / inner).read_text()) or {}
                jobs.append(pool.submit(check, ready[name], application, source, values, exempt.split(",")))
        for job in jobs:
            for finding in job.result():
                print(finding)


main(*sys.argv[1:])
