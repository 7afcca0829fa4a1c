"""What the kubelet and the controllers that look after nodes do: registering, heartbeats, passwords, members of etcd."""

import calendar
import hashlib
import base64
import http.server
import ipaddress
import platform
import secrets
import ssl
import threading
import time

from api import Refused
from base import KUBELET_PORT, TLS, log, now, read
from config import flannel_address
from datastore import EtcdError

# As in Kubernetes: node-status-update-frequency, node-monitor-grace-period.
HEARTBEAT, GRACE = 10, 40
ETCD = "node-role.kubernetes.io/etcd"
MEMBER, MEMBER_ADDRESS = "etcd.k3s.cattle.io/node-name", "etcd.k3s.cattle.io/node-address"
PASSWORD_TYPE = "k3s.cattle.io/node-password"


class Kubelet:
    """Registers the node, labels it as flannel and K3s do, and says that it is alive."""

    period = HEARTBEAT

    def __init__(self, api, config, version, name, address, faults, store=None):
        self.api, self.config, self.version, self.name, self.address = api, config, version, name, address
        # Of a server: the member of etcd that its Node names.
        self.store, self.is_server = store, store is not None
        self.ready = "node-never-ready" not in faults
        self.flannel = flannel_address(config)
        self.is_registered = False

    def taint(self, text):
        """key=value:Effect, or key:Effect."""
        rest, _, effect = text.rpartition(":")
        key, _, value = rest.partition("=")
        return {"key": key, "effect": effect, **({"value": value} if value else {})}

    def run(self):
        if not self.is_registered:
            self.register()
            self.is_registered = True
        else:
            try:
                self.beat()
            except Refused as refusal:
                # A Node that somebody deleted comes back when its kubelet starts anew.
                if refusal.status != 404:
                    raise

    def register(self):
        machine = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
        labels = {
            "kubernetes.io/arch": machine,
            "kubernetes.io/hostname": self.name,
            "kubernetes.io/os": "linux",
            "node.kubernetes.io/instance-type": "k3s",
        }
        annotations = {
            "flannel.alpha.coreos.com/backend-type": "vxlan",
            "flannel.alpha.coreos.com/kube-subnet-manager": "true",
            "flannel.alpha.coreos.com/public-ip": self.flannel,
        }
        if self.is_server:
            labels["node-role.kubernetes.io/control-plane"] = "true"
        if self.is_server and self.store.is_managed:
            labels[ETCD] = "true"
            annotations.update({MEMBER: self.store.name, MEMBER_ADDRESS: self.store.address})
        labels.update(label.partition("=")[::2] for label in self.config["node-label"])
        taints = [self.taint(text) for text in self.config["node-taint"]]
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": self.name}}
        node["spec"] = {"providerID": "k3s://" + self.name}
        self.api.make("/api/v1/nodes", node)
        info = {"architecture": machine, "kernelVersion": platform.release(), "operatingSystem": "linux"}
        info.update(kubeletVersion=self.version, osImage="stand-in for K3s")
        addresses = {"InternalIP": self.address, "Hostname": self.name}
        if self.config["node-external-ip"]:
            addresses["ExternalIP"] = str(self.config["node-external-ip"])
        addresses = [{"type": kind, "address": address} for kind, address in addresses.items()]
        status = {"addresses": addresses, "nodeInfo": info}
        status["daemonEndpoints"] = {"kubeletEndpoint": {"Port": KUBELET_PORT}}
        self.api.patch(f"/api/v1/nodes/{self.name}/status", {"status": status})
        self.beat()
        # The taint that a new node gets until it is ready goes with it.
        if not self.ready:
            taints.append({"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"})
        node = {"metadata": {"labels": labels, "annotations": annotations}, "spec": {"taints": taints}}
        self.api.patch(f"/api/v1/nodes/{self.name}", node)

    def beat(self):
        reason = "KubeletReady" if self.ready else "KubeletNotReady"
        message = "kubelet is posting ready status" if self.ready else "container runtime network not ready"
        condition = {"type": "Ready", "status": str(self.ready), "reason": reason, "message": message}
        condition.update(lastHeartbeatTime=now(), lastTransitionTime=now())
        self.api.patch(f"/api/v1/nodes/{self.name}/status", {"status": {"conditions": [condition]}})


class Passwords:
    """A node's password is the first that came with its name, for as long as there is a Node of that name."""

    folder = "/api/v1/namespaces/kube-system/secrets"

    def __init__(self, api):
        self.api = api

    @staticmethod
    def hashed(password, salt):
        """As K3s writes it: version, salt, cost as a power of two, block size, parallelism, hash."""
        found = hashlib.scrypt(password.encode(), salt=salt, n=1 << 15, r=8, p=1, maxmem=1 << 26, dklen=64)
        return f"$1:{salt.hex()}:15:8:1:{base64.b64encode(found).decode().rstrip('=')}"

    def accepts(self, node, password):
        name = f"{node}.node-password.k3s"
        secret = self.api.find(f"{self.folder}/{name}")
        if secret is None:
            kept = base64.b64encode(self.hashed(password, secrets.token_bytes(8)).encode()).decode()
            body = {"metadata": {"name": name}, "type": PASSWORD_TYPE, "immutable": True, "data": {"hash": kept}}
            if self.api.make(self.folder, body):
                return True
            secret = self.api.get(f"{self.folder}/{name}")
        kept = base64.b64decode(secret["data"]["hash"]).decode()
        return secrets.compare_digest(self.hashed(password, bytes.fromhex(kept.split(":")[1])), kept)


class NodeControllers:
    """Nodes that say nothing more, networks for pods, passwords of nodes that are gone, members of etcd likewise."""

    period = 2

    def __init__(self, api, config, store):
        self.api, self.config, self.store = api, config, store
        self.members = {}

    def run(self):
        if not self.store.is_leader():
            return
        nodes = self.api.get("/api/v1/nodes")["items"]
        self.give_networks(nodes)
        self.find_silent(nodes)
        self.keep_passwords(nodes)
        self.remove_members(nodes)

    def give_networks(self, nodes):
        taken = {one["spec"].get("podCIDR") for one in nodes}
        free = (
            str(net) for net in ipaddress.ip_network(self.config["cluster-cidr"].split(",")[0]).subnets(new_prefix=24)
        )
        for node in nodes:
            if not node["spec"].get("podCIDR"):
                network = next(net for net in free if net not in taken)
                spec = {"spec": {"podCIDR": network, "podCIDRs": [network]}}
                self.api.patch(f"/api/v1/nodes/{node['metadata']['name']}", spec)

    def find_silent(self, nodes):
        for node in nodes:
            for condition in node.get("status", {}).get("conditions", []):
                beat = calendar.timegm(time.strptime(condition["lastHeartbeatTime"], "%Y-%m-%dT%H:%M:%SZ"))
                if condition["type"] == "Ready" and condition["status"] != "Unknown" and time.time() - beat > GRACE:
                    words = {"reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status."}
                    condition.update(status="Unknown", lastTransitionTime=now(), **words)
                    path = f"/api/v1/nodes/{node['metadata']['name']}/status"
                    self.api.patch(path, {"status": {"conditions": [condition]}})

    def keep_passwords(self, nodes):
        """A password belongs to its Node, and is collected with it."""
        owners = {one["metadata"]["name"] + ".node-password.k3s": one["metadata"] for one in nodes}
        uids = {one["uid"] for one in owners.values()}
        for secret in self.api.get(f"{Passwords.folder}?fieldSelector=type%3D{PASSWORD_TYPE.replace('/', '%2F')}")[
            "items"
        ]:
            name, references = secret["metadata"]["name"], secret["metadata"].get("ownerReferences", [])
            path = f"{Passwords.folder}/{name}"
            if references and not uids & {one["uid"] for one in references}:
                self.api.delete(path)
            elif not references and name in owners:
                owner = {"apiVersion": "v1", "kind": "Node", "name": owners[name]["name"], "uid": owners[name]["uid"]}
                self.api.patch(path, {"metadata": {"ownerReferences": [owner]}})

    def remove_members(self, nodes):
        """The member of a server whose Node is deleted leaves etcd."""
        if not self.store.is_managed:
            return
        present = {}
        for node in nodes:
            notes = node["metadata"].get("annotations", {})
            if ETCD in node["metadata"].get("labels", {}) and MEMBER in notes:
                present[notes[MEMBER]] = notes[MEMBER_ADDRESS]
        for name, address in self.members.items():
            if name not in present:
                log("info", f"Removing etcd member from cluster due to node delete: {name}")
                try:
                    self.store.remove(name, address)
                except EtcdError as error:
                    log("error", f"{name} stays a member of etcd: {error}")
                    present[name] = address
        self.members = present


class NamespaceControllers:
    """Gives every namespace its ServiceAccount and the cluster's CA certificate."""

    period = 2

    def __init__(self, api, faults):
        self.api = api
        self.never = "controllers-never" in faults
        self.done = set()

    def run(self):
        if self.never:
            return
        for namespace in self.api.get("/api/v1/namespaces")["items"]:
            uid, folder = namespace["metadata"]["uid"], f"/api/v1/namespaces/{namespace['metadata']['name']}"
            if uid in self.done:
                continue
            self.api.make(folder + "/serviceaccounts", {"metadata": {"name": "default"}})
            data = {"ca.crt": read(TLS + "/server-ca.crt")}
            self.api.make(folder + "/configmaps", {"metadata": {"name": "kube-root-ca.crt"}, "data": data})
            self.done.add(uid)


class Logs(http.server.BaseHTTPRequestHandler):
    """The kubelet's door for `kubectl logs`; every container has said the same."""

    words = ""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write((self.words + "\n").encode())

    def log_message(self, *_):
        pass


def serve_logs():
    server = http.server.ThreadingHTTPServer(("", KUBELET_PORT), Logs)
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS + "/serving-kube-apiserver.crt", TLS + "/serving-kube-apiserver.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
