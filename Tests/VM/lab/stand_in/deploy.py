"""K3s' deploy controller, and a fault that changes what was deployed."""

import base64
import glob
import hashlib
import os
import subprocess

from api import Refused
from base import HERE, KUBECONFIG, SERVER, log, read


class Deploy:
    """Applies server/manifests: everything at the start, and as long as a file fails; then what has changed."""

    period = 15
    addons = "/apis/k3s.cattle.io/v1/namespaces/kube-system/addons"

    def __init__(self, api, node, disabled):
        self.api, self.node, self.disabled = api, node, disabled
        self.times = {}
        self.force = True
        os.makedirs(SERVER + "/manifests", mode=0o700, exist_ok=True)

    def run(self):
        paths = sorted(glob.glob(SERVER + "/manifests/**", recursive=True))
        skipped = {os.path.basename(path).removesuffix(".skip") for path in paths if path.endswith(".skip")}
        failed = False
        for path in paths:
            name = os.path.basename(path)
            if name in skipped or not name.endswith((".yaml", ".yml", ".json")):
                continue
            if name.rpartition(".")[0] in self.disabled:
                os.remove(path)
                continue
            changed = os.stat(path).st_mtime_ns
            if not self.force and self.times.get(path) == changed:
                continue
            try:
                self.apply(path)
                self.times[path] = changed
            except (Refused, OSError, subprocess.SubprocessError) as error:
                log("error", f"Failed to process config: failed to process {path}: {error}")
                failed = True
        self.force = failed

    def apply(self, path):
        name = os.path.basename(path).partition(".")[0]
        checksum = hashlib.sha256(read(path).encode()).hexdigest()
        addon = self.api.find(f"{self.addons}/{name}")
        if not addon:
            addon = {"apiVersion": "k3s.cattle.io/v1", "kind": "Addon", "metadata": {"name": name}}
            self.api.call("POST", self.addons, {**addon, "spec": {"source": path}})
        elif not self.force and addon["spec"].get("checksum") == checksum:
            return
        done = subprocess.run(
            [HERE + "/kubectl", "--kubeconfig", KUBECONFIG, "--cache-dir", "/run/k3s", "apply", "--server-side"]
            + ["--force-conflicts", "--field-manager", "deploy@" + self.node, "-f", path],
            capture_output=True,
            text=True,
            timeout=120,
        )
        if done.returncode:
            raise OSError(done.stderr.strip())
        self.api.patch(f"{self.addons}/{name}", {"spec": {"source": path, "checksum": checksum}})


class Vandal:
    """The fault secret-altered."""

    period = 2

    def __init__(self, api):
        self.api = api
        self.done = set()

    def run(self):
        for secret in self.api.get("/api/v1/secrets")["items"]:
            place, data = secret["metadata"], secret.get("data")
            if place["uid"] in self.done or place["namespace"] == "kube-system" or not data:
                continue
            altered = dict.fromkeys(data, base64.b64encode(b"altered by the lab").decode())
            path = f"/api/v1/namespaces/{place['namespace']}/secrets/{place['name']}"
            self.api.patch(path, {"data": altered})
            self.done.add(place["uid"])
