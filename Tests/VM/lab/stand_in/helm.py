"""helm-controller and the job of its chart, for the one chart that payloads bring: Argo CD's.

The chart is its CRDs and a few objects of the kinds that it has. What is installed and when, again or not, is decided as
helm-controller and klipper-helm do, by the annotations, the failure policy, the hash of all that the job is made from
(its image among it, which is another in another K3s), and the release that is there.
"""

import hashlib
import json

from api import Refused
from base import log, now
from nodes import Logs

CHARTS = "/apis/helm.cattle.io/v1/helmcharts"
UNMANAGED, MANAGED_BY = "helmcharts.helm.cattle.io/unmanaged", "helmcharts.cattle.io/managed-by"
HASH = "helmcharts.helm.cattle.io/configHash"
RELEASE = "helm.sh/release.v1"
JOB = "helm-install-argocd"
JOBS, PODS = "/apis/batch/v1/namespaces/kube-system/jobs", "/api/v1/namespaces/kube-system/pods"


def workload(kind, name):
    labels = {"app.kubernetes.io/name": name}
    container = {"name": "argocd", "image": "stand-in"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": pod}
    if kind == "StatefulSet":
        spec["serviceName"] = name
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


# What helm applies, at these paths of the target's namespace. Its CRDs have `helm.sh/resource-policy: keep`.
OBJECTS = {
    "/api/v1/namespaces/{}/configmaps": [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argocd-cm"}, "data": {"by": "the chart"}}
    ],
    "/apis/apps/v1/namespaces/{}/deployments": [
        workload("Deployment", "argocd-repo-server"),
        workload("Deployment", "argocd-server"),
    ],
    "/apis/apps/v1/namespaces/{}/statefulsets": [workload("StatefulSet", "argocd-application-controller")],
}


class Charts:
    period = 2

    def __init__(self, api, node, version, store, faults):
        self.api, self.node, self.store = api, node, store
        # Of K3s, every version has a klipper-helm of its own, as far as a payload can tell.
        self.image = f"rancher/klipper-helm:stand-in-of-{version.replace('+', '-')}"
        self.never = "no-crd" in faults
        self.has_own = False
        Logs.words = "Installing helm chart, says a stand-in"

    def run(self):
        if not self.has_own:
            self.api.load_crds("helmcharts.helm.cattle.io", "helmchartconfigs.helm.cattle.io")
            self.api.load_crds("addons.k3s.cattle.io")
            self.has_own = True
        if not self.store.is_leader():
            return
        # Until the CRD is served, the path is not there.
        for chart in (self.api.find(CHARTS) or {"items": []})["items"]:
            if chart["metadata"]["name"] != "argocd":
                continue
            if UNMANAGED in chart["metadata"].get("annotations", {}):
                # What the controller made for a chart that is not its own any more goes, a job that runs among it.
                self.delete_job()
            elif self.manages(chart):
                self.reconcile(chart)

    def manages(self, chart):
        notes, spec = chart["metadata"].get("annotations", {}), chart["spec"]
        if not (spec.get("chart") or spec.get("chartContent")):
            return False
        if MANAGED_BY in notes:
            return notes[MANAGED_BY] == "helm-controller"
        place = chart["metadata"]
        path = f"/apis/helm.cattle.io/v1/namespaces/{place['namespace']}/helmcharts/{place['name']}"
        self.api.patch(path, {"metadata": {"annotations": {MANAGED_BY: "helm-controller"}}})
        return False

    # The job

    def reconcile(self, chart):
        spec = chart["spec"]
        made_from = json.dumps([self.image, spec], sort_keys=True)
        digest = hashlib.sha256(made_from.encode()).hexdigest()[:63]
        release = self.release(spec)
        if release and release["status"] == "deployed" and release["hash"] == digest:
            return
        self.replace_job(digest)
        if self.never:
            Logs.words = "Error: INSTALLATION FAILED: the fault no-crd"
            return
        Logs.words = "Installing helm chart, says a stand-in"
        try:
            self.update(spec, release, digest)
        except Refused as refusal:
            # What the job's last words are; the controller looks at the job again and again, and so does its pod.
            Logs.words = f"Error: {refusal}"
            log("error", f"{JOB}: {refusal}")

    def replace_job(self, digest):
        """The Job and its Pod, as far as `kubectl logs` needs them; a job of another hash is replaced."""
        there = self.api.find(f"{JOBS}/{JOB}")
        if there and there["spec"]["template"]["metadata"].get("annotations", {}).get(HASH) == digest:
            return
        log("info", f"Applying HelmChart using Job kube-system/{JOB}")
        if there:
            self.delete_job()
        containers = [{"name": "helm", "image": self.image}]
        template = {"restartPolicy": "Never", "automountServiceAccountToken": False, "containers": containers}
        notes = {"annotations": {HASH: digest}}
        spec = {"backoffLimit": 1000, "template": {"metadata": notes, "spec": template}}
        self.api.make(JOBS, {"metadata": {"name": JOB}, "spec": spec})
        labels = self.api.get(f"{JOBS}/{JOB}")["spec"]["template"]["metadata"]["labels"]
        pod = {"metadata": {"name": JOB + "-0", "labels": labels}}
        pod["spec"] = {**template, "nodeName": self.node}
        self.api.make(PODS, pod)

    def delete_job(self):
        if self.api.delete(f"{JOBS}/{JOB}?propagationPolicy=Background"):
            self.api.delete(f"{PODS}/{JOB}-0?gracePeriodSeconds=0")

    def update(self, spec, release, digest):
        """klipper-helm's `entry`: install, upgrade what is deployed, and what has failed as the policy says."""
        policy = spec.get("failurePolicy", "reinstall")
        revision = release["revision"] if release else 0
        if release and release["status"] == "failed":
            if policy == "abort":
                Logs.words = (
                    "Release status is 'failed' and failure policy is 'abort'; waiting for operator intervention"
                )
                return
            if policy == "reinstall":
                log("warning", "Uninstalling failed helm chart argocd")
                self.uninstall(spec)
                revision = 0
        namespace = spec.get("targetNamespace", "default")
        if spec.get("createNamespace"):
            self.api.make("/api/v1/namespaces", {"metadata": {"name": namespace}})
        # Without its namespace, helm fails and is tried again.
        if self.api.find("/api/v1/namespaces/" + namespace) is None:
            raise Refused(404, f'INSTALLATION FAILED: namespaces "{namespace}" not found')
        try:
            self.api.load_crds("applications.argoproj.io", "appprojects.argoproj.io")
            for path, objects in OBJECTS.items():
                for one in objects:
                    self.api.apply(f"{path.format(namespace)}/{one['metadata']['name']}", one, "helm")
        except Refused:
            self.write_release(spec, revision + 1, "failed", digest)
            raise
        self.write_release(spec, revision + 1, "deployed", digest)
        log("info", f"Release argocd is deployed, revision {revision + 1}, by {self.image}")
        finished = {"type": "Complete", "status": "True"}
        self.api.patch(f"{JOBS}/{JOB}/status", {"status": {"succeeded": 1, "conditions": [finished]}})

    def uninstall(self, spec):
        namespace = spec.get("targetNamespace", "default")
        for path, objects in OBJECTS.items():
            for one in objects:
                self.api.delete(f"{path.format(namespace)}/{one['metadata']['name']}")
        for secret in self.releases(spec):
            self.api.delete(f"/api/v1/namespaces/{namespace}/secrets/{secret['metadata']['name']}")

    # Releases, which helm keeps as Secrets

    def releases(self, spec):
        namespace = spec.get("targetNamespace", "default")
        query = f"fieldSelector=type%3D{RELEASE.replace('/', '%2F')}&labelSelector=owner%3Dhelm%2Cname%3Dargocd"
        return self.api.get(f"/api/v1/namespaces/{namespace}/secrets?{query}")["items"]

    def release(self, spec):
        """The last one: status, revision, and the hash that it was made for."""
        labels = [secret["metadata"]["labels"] for secret in self.releases(spec)]
        if not labels:
            return None
        last = max(labels, key=lambda one: int(one["version"]))
        return {"status": last["status"], "revision": int(last["version"]), "hash": last.get(HASH.partition("/")[2])}

    def write_release(self, spec, revision, status, digest):
        labels = {"owner": "helm", "name": "argocd", "version": str(revision), "status": status, "configHash": digest}
        name = f"sh.helm.release.v1.argocd.v{revision}"
        path = f"/api/v1/namespaces/{spec.get('targetNamespace', 'default')}/secrets"
        if not self.api.make(path, {"metadata": {"name": name, "labels": labels}, "type": RELEASE}):
            self.api.patch(f"{path}/{name}", {"metadata": {"labels": labels}})


class Workloads:
    """The controllers of Argo CD's workloads: one pod each, which is ready unless its image never comes."""

    period = 3
    folder = "/apis/apps/v1/namespaces/argocd"
    pods = "/api/v1/namespaces/argocd/pods"

    def __init__(self, api, store, faults):
        self.api, self.store = api, store
        self.ready = "images-never" not in faults

    def run(self):
        if not self.store.is_leader():
            return
        pods = {one["metadata"]["name"]: one for one in self.api.get(self.pods)["items"]}
        wanted = set()
        for kind in ("deployments", "statefulsets"):
            for one in self.api.get(f"{self.folder}/{kind}")["items"]:
                name = one["metadata"]["name"] + "-0"
                wanted.add(name)
                if name not in pods:
                    self.make_pod(name, one["spec"]["template"])
                if one.get("status", {}).get("observedGeneration") != one["metadata"]["generation"]:
                    self.tell(kind, one["metadata"])
        for name in set(pods) - wanted:
            self.api.delete(f"{self.pods}/{name}?gracePeriodSeconds=0")

    def make_pod(self, name, template):
        spec = {**template["spec"], "automountServiceAccountToken": False, "restartPolicy": "Always"}
        self.api.make(self.pods, {"metadata": {"name": name, "labels": template["metadata"]["labels"]}, "spec": spec})
        state = {"running": {"startedAt": now()}} if self.ready else {"waiting": {"reason": "ImagePullBackOff"}}
        container = {"name": "argocd", "image": "stand-in", "imageID": "", "restartCount": 0, "ready": self.ready}
        status = {"phase": "Running" if self.ready else "Pending", "containerStatuses": [{**container, "state": state}]}
        self.api.patch(f"{self.pods}/{name}/status", {"status": status})

    def tell(self, kind, place):
        status = {"observedGeneration": place["generation"], "replicas": 1, "updatedReplicas": 1}
        if self.ready:
            status["readyReplicas"] = 1
        if kind == "deployments":
            state = "True" if self.ready else "False"
            reason = "MinimumReplicasAvailable" if self.ready else "MinimumReplicasUnavailable"
            status["conditions"] = [{"type": "Available", "status": state, "reason": reason}]
            status["availableReplicas" if self.ready else "unavailableReplicas"] = 1
        self.api.patch(f"{self.folder}/{kind}/{place['name']}/status", {"status": status})
