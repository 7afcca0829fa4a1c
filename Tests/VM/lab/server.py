"""A STAND-IN FOR `k3s server` AND `k3s agent`, for tests: a real etcd and a real kube-apiserver, which decide what is
accepted.

Around them, this program does what K3s does by itself: it reads config.yaml, makes certificates, tokens and the
kubeconfig, tells systemd when the API answers, and applies server/manifests. What K3s' kubelet and controllers
would make is made here too: the Node and its condition, each namespace's ServiceAccount and CA certificate, the
CRDs of K3s, and, once a HelmChart called argocd is there, the CRDs of its chart. Nothing runs in the cluster.

Other nodes join at port 6443 of the server's address, as in K3s by HTTP with the token: /ping, /cacerts, and a
certificate for the node's kubelet. Every other request there goes to the API server, which listens on the loopback
address, with the name in the client's certificate (Kubernetes' authenticating proxy). An agent registers its Node with
that certificate, and may do what the API server's node authorizer allows.

/etc/k3seed-lab/faults, where a test puts it, names faults, one word a line:
    api-late           the API server starts three minutes late
    crash-loop         k3s ends at once, at every start
    node-never-ready   the Node stays NotReady
    controllers-never  nothing makes ServiceAccounts and CA certificates
    no-crd             the chart of Argo CD never brings its CRDs
    secret-altered     values of Secrets outside kube-system change once they are there
"""

import base64
import ctypes
import glob
import hashlib
import http.client
import http.server
import ipaddress
import json
import os
import platform
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse

import yaml

CONFIG = "/etc/rancher/k3s/config.yaml"
KUBECONFIG = "/etc/rancher/k3s/k3s.yaml"
SERVER = "/var/lib/rancher/k3s/server"
TLS = SERVER + "/tls"
AGENT = "/var/lib/rancher/k3s/agent"
FAULTS = "/etc/k3seed-lab/faults"
HERE = os.getcwd()
KUBELET_PORT = 10250

# What config.yaml may hold, and what it is where it does not. The real K3s skips an unknown key with a warning;
# here it is refused, so that a test never runs on less than it asked for.
DEFAULTS = {
    "agent-token": None,
    "agent-token-file": None,
    "cluster-cidr": "10.42.0.0/16",
    "cluster-init": False,
    "disable": [],
    "kube-apiserver-arg": [],
    "kube-controller-manager-arg": [],
    "kubelet-arg": [],
    "node-ip": None,
    "node-label": [],
    "node-name": None,
    "node-taint": [],
    "protect-kernel-defaults": False,
    "secrets-encryption": False,
    "server": None,
    "service-cidr": "10.43.0.0/16",
    "tls-san": [],
    "token": None,
    "token-file": None,
    "write-kubeconfig-mode": "0600",
}

# What the kubelet wants of the kernel, and does not change itself where it is to protect the kernel's defaults
# (Kubernetes, pkg/kubelet/cm/container_manager_linux.go).
KERNEL = {
    "vm/overcommit_memory": 1,
    "vm/panic_on_oom": 0,
    "kernel/panic": 10,
    "kernel/panic_on_oops": 1,
    "kernel/keys/root_maxkeys": 1000000,
    "kernel/keys/root_maxbytes": 25000000,
}

# Labels that a kubelet may give to itself, of those that belong to Kubernetes.
OWN_LABELS = ("kubelet.kubernetes.io", "node.kubernetes.io")


def log(level, message):
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    text = str(message).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    print(f'time="{now}" level={level} msg="{text}"', file=sys.stderr, flush=True)


def fatal(message):
    log("fatal", message)
    sys.exit(1)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text, mode=0o600):
    """Under a name of its own first: whoever reads the file finds all of it."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    partial = path + ".part"
    with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(partial, mode)
    os.replace(partial, path)


# Configuration


def read_config():
    """config.yaml, then config.yaml.d in alphabetical order; the last wins, and `key+` appends."""
    config = dict(DEFAULTS)
    for path in [CONFIG, *sorted(glob.glob(CONFIG + ".d/*.yaml"))]:
        if not os.path.exists(path):
            continue
        try:
            found = yaml.safe_load(read(path)) or {}
        except yaml.YAMLError as error:
            fatal(f"{path}: {error}")
        for key, value in found.items():
            name = key.removesuffix("+")
            if name not in DEFAULTS:
                fatal(f"{path}: the stand-in for K3s does not know the key {key}")
            if isinstance(DEFAULTS[name], list):
                value = value if isinstance(value, list) else str(value).split(",")
                value = [str(item) for item in value]
            config[name] = config[name] + value if key != name else value
    return config


def token_of(config, name):
    if config[name + "-file"]:
        try:
            token = read(config[name + "-file"]).strip()
        except OSError as error:
            fatal(f"{name}-file: {error}")
        if not token:
            fatal(f"{name}-file is empty")
        return token
    return config[name]


def own_address():
    """The source address of the default route; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            fatal("no default route")
        return probe.getsockname()[0]


def is_within(domain, *parents):
    return any(domain == parent or domain.endswith("." + parent) for parent in parents)


def check_labels(labels):
    for label in labels:
        domain = label.partition("=")[0].rpartition("/")[0]
        if is_within(domain, "kubernetes.io", "k8s.io") and not is_within(domain, *OWN_LABELS):
            fatal(f"unknown 'kubernetes.io' or 'k8s.io' labels specified with --node-labels: [{label}]")


# Certificates, tokens, kubeconfig


def check_kernel():
    wrong = []
    for name, expected in KERNEL.items():
        actual = int(read("/proc/sys/" + name))
        if actual != expected:
            wrong.append(f"invalid kernel flag: {name}, expected value: {expected}, actual value: {actual}")
    if wrong:
        fatal(f"Failed to start ContainerManager: [{', '.join(wrong)}]")


def certificate(name, subject, *options, signer=None):
    signed = ["-CA", f"{TLS}/{signer}.crt", "-CAkey", f"{TLS}/{signer}.key"] if signer else []
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        + ["-config", f"{TLS}/openssl.cnf", "-days", "3650", "-subj", subject, "-keyout", f"{TLS}/{name}.key"]
        + ["-out", f"{TLS}/{name}.crt", *signed, *options],
        check=True,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def make_certificates(names):
    # The system's own configuration would make every certificate an authority.
    write(TLS + "/openssl.cnf", "[req]\ndistinguished_name = name\n[name]\n")
    authority = ("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
    for name in ("server-ca", "client-ca", "request-header-ca"):
        if not os.path.exists(f"{TLS}/{name}.crt"):
            certificate(name, f"/CN=k3s-{name}", *authority)
    if not os.path.exists(f"{TLS}/service.key"):
        certificate("service", "/CN=service-account")
    names = ",".join(f"IP:{name}" if is_address(name) else f"DNS:{name}" for name in names)
    names = ("-addext", f"subjectAltName={names}")
    certificate("serving-kube-apiserver", "/CN=kube-apiserver", *names, signer="server-ca")
    usage = ("-addext", "extendedKeyUsage=clientAuth")
    certificate("client-admin", "/O=system:masters/CN=system:admin", *usage, signer="client-ca")
    certificate("client-auth-proxy", "/CN=system:auth-proxy", *usage, signer="request-header-ca")


def is_address(name):
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def short_form(token):
    """K10<hash of the server's CA>::<user>:<password> is the long form of the password alone."""
    return token.partition("::")[2].partition(":")[2] if token and "::" in token else token


def make_tokens(config):
    """The token also guards what the servers share: with another one the data of this cluster stays closed."""
    path = SERVER + "/token"
    token = short_form(token_of(config, "token"))
    kept = short_form(read(path).strip()) if os.path.exists(path) else None
    if token and kept and token != kept:
        fatal("starting kubernetes: bootstrap data already found and encrypted with different token")
    token = token or kept or secrets.token_hex(16)
    agent_token = short_form(token_of(config, "agent-token")) or token
    digest = hashlib.sha256(read(TLS + "/server-ca.crt").encode()).hexdigest()
    write(path, f"K10{digest}::server:{token}\n")
    write(SERVER + "/agent-token", f"K10{digest}::node:{agent_token}\n")
    if not os.path.lexists(SERVER + "/node-token"):
        os.symlink("token", SERVER + "/node-token")
    return {token, agent_token}


def encoded(path):
    return base64.b64encode(read(path).encode()).decode()


def write_kubeconfig(mode):
    write(
        KUBECONFIG,
        f"""apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: {encoded(TLS + '/server-ca.crt')}
    server: https://127.0.0.1:6443
  name: default
contexts:
- context:
    cluster: default
    user: default
  name: default
current-context: default
kind: Config
users:
- name: default
  user:
    client-certificate-data: {encoded(TLS + '/client-admin.crt')}
    client-key-data: {encoded(TLS + '/client-admin.key')}
""",
        int(str(mode), 8),
    )


def encryption_options(wanted):
    """Encryption that was once on stays on: the Secrets on disk need their key."""
    path = SERVER + "/cred/encryption-config.json"
    if not os.path.exists(path):
        if not wanted:
            return []
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        providers = [{"aescbc": {"keys": [{"name": "aescbckey", "secret": key}]}}, {"identity": {}}]
        resources = [{"resources": ["secrets"], "providers": providers}]
        kind = {"kind": "EncryptionConfiguration", "apiVersion": "apiserver.config.k8s.io/v1"}
        write(path, json.dumps({**kind, "resources": resources}))
    return ["--encryption-provider-config", path]


# Processes


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def start(*arguments):
    """As parts of K3s they end with it, however it ends."""
    # Only the main process speaks to systemd; a lazier collector saves an emulated machine seconds.
    environment = {name: value for name, value in os.environ.items() if name != "NOTIFY_SOCKET"}
    environment["GOGC"] = "300"
    command = [HERE + "/" + arguments[0], *arguments[1:]]
    return subprocess.Popen(command, preexec_fn=die_with_parent, env=environment)


def start_etcd():
    member, client = "http://127.0.0.1:2380", "http://127.0.0.1:2379"
    return start(
        *("etcd", "--logger", "zap", "--log-level", "error", "--name", "default"),
        *("--data-dir", SERVER + "/db/etcd"),
        *("--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", member),
        *("--initial-advertise-peer-urls", member, "--initial-cluster", "default=" + member),
    )


def start_api_server(config, address):
    # Left out is what a start would wait for and no payload meets: versions that K3s' own Kubernetes no longer
    # serves, fair queueing, the cache of watches.
    return start(
        *("kube-apiserver", "--etcd-servers", "http://127.0.0.1:2379", "--secure-port", "6443"),
        *("--bind-address", "127.0.0.1"),
        *("--advertise-address", address, "--service-cluster-ip-range", str(config["service-cidr"])),
        *("--tls-cert-file", TLS + "/serving-kube-apiserver.crt"),
        *("--tls-private-key-file", TLS + "/serving-kube-apiserver.key"),
        *("--client-ca-file", TLS + "/client-ca.crt", "--anonymous-auth=false", "--authorization-mode", "Node,RBAC"),
        *("--requestheader-client-ca-file", TLS + "/request-header-ca.crt"),
        *("--requestheader-allowed-names", "system:auth-proxy", "--requestheader-username-headers", "X-Remote-User"),
        *("--requestheader-group-headers", "X-Remote-Group"),
        *("--kubelet-preferred-address-types", "InternalIP,Hostname"),
        *("--service-account-issuer", "https://kubernetes.default.svc.cluster.local"),
        *("--service-account-key-file", TLS + "/service.crt"),
        *("--service-account-signing-key-file", TLS + "/service.key"),
        *("--runtime-config", "api/beta=false,discovery.k8s.io/v1beta1=true"),
        *("--enable-priority-and-fairness=false", "--watch-cache=false"),
        # Only errors go to the journal.
        *("--logtostderr=false", "--log-file", "/dev/null", "--stderrthreshold", "ERROR"),
        *encryption_options(config["secrets-encryption"]),
        *("--" + argument for argument in config["kube-apiserver-arg"]),
    )


def notify_ready():
    path = os.environ.get("NOTIFY_SOCKET")
    if path:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.connect("\0" + path[1:] if path[0] == "@" else path)
            notify.send(b"READY=1")


# The API


class Refused(Exception):
    """The API server's own word, with its status code."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class Api:
    def __init__(self, host, authority, client):
        self.host = host
        self.context = ssl.create_default_context(cafile=authority)
        self.context.load_cert_chain(client + ".crt", client + ".key")
        self.connection = None

    def call(self, method, path, body=None, content_type="application/json"):
        if self.connection is None:
            self.connection = http.client.HTTPSConnection(*self.host, timeout=30, context=self.context)
        try:
            data = None if body is None else json.dumps(body)
            self.connection.request(method, path, data, {"Content-Type": content_type})
            response = self.connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException):
            self.connection = None
            raise
        if response.status >= 400:
            raise Refused(response.status, text.decode(errors="replace"))
        return json.loads(text) if text.startswith(b"{") else None

    def get(self, path):
        return self.call("GET", path)

    def find(self, path):
        try:
            return self.get(path)
        except Refused as refusal:
            if refusal.status == 404:
                return None
            raise

    def make(self, path, body):
        """Creates the object; one that is there already stays as it is."""
        try:
            self.call("POST", path, body)
        except Refused as refusal:
            if refusal.status != 409:
                raise

    def patch(self, path, body):
        return self.call("PATCH", path, body, "application/merge-patch+json")

    def is_ready(self):
        try:
            self.get("/readyz")
        except (OSError, http.client.HTTPException, Refused):
            return False
        return True

    def load_crds(self, *names):
        path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        for name in names:
            self.make(path, json.loads(read(f"{HERE}/{name}.json")))


# What K3s' parts make: each is called again and again, and does what is still to be done.


class Kubelet:
    """Registers the node, as a kubelet and the controllers that look after nodes do."""

    period = 1

    def __init__(self, api, config, version, name, address, faults, role="control-plane"):
        self.api, self.config, self.version, self.name, self.address = api, config, version, name, address
        self.role = role
        self.ready = "node-never-ready" not in faults
        self.is_done = False

    def taint(self, text):
        """key=value:Effect, or key:Effect."""
        rest, _, effect = text.rpartition(":")
        key, _, value = rest.partition("=")
        return {"key": key, "effect": effect, **({"value": value} if value else {})}

    def run(self):
        if self.is_done:
            return
        machine = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
        labels = {
            "kubernetes.io/arch": machine,
            "kubernetes.io/hostname": self.name,
            "kubernetes.io/os": "linux",
            "node.kubernetes.io/instance-type": "k3s",
        }
        if self.role:
            labels["node-role.kubernetes.io/" + self.role] = "true"
        labels.update(label.partition("=")[::2] for label in self.config["node-label"])
        taints = [self.taint(text) for text in self.config["node-taint"]]
        pods = next(ipaddress.ip_network(self.config["cluster-cidr"]).subnets(new_prefix=24))
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": self.name}}
        node["spec"] = {"providerID": "k3s://" + self.name}
        if self.role:
            node["spec"].update(podCIDR=str(pods), podCIDRs=[str(pods)])
        self.api.make("/api/v1/nodes", node)
        reason = "KubeletReady" if self.ready else "KubeletNotReady"
        message = "kubelet is posting ready status" if self.ready else "container runtime network not ready"
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        condition = {"type": "Ready", "status": str(self.ready), "reason": reason, "message": message}
        condition.update(lastHeartbeatTime=now, lastTransitionTime=now)
        info = {"architecture": machine, "kernelVersion": platform.release(), "operatingSystem": "linux"}
        info.update(kubeletVersion=self.version, osImage="stand-in for K3s")
        addresses = {"InternalIP": self.address, "Hostname": self.name}
        addresses = [{"type": kind, "address": address} for kind, address in addresses.items()]
        status = {"conditions": [condition], "addresses": addresses, "nodeInfo": info}
        status["daemonEndpoints"] = {"kubeletEndpoint": {"Port": KUBELET_PORT}}
        self.api.patch(f"/api/v1/nodes/{self.name}/status", {"status": status})
        # The taint that a new node gets until it is ready goes with it.
        if not self.ready:
            taints.append({"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"})
        node = {"metadata": {"labels": labels}, "spec": {"taints": taints}}
        self.api.patch(f"/api/v1/nodes/{self.name}", node)
        self.is_done = True


class Supervisor(http.server.BaseHTTPRequestHandler):
    """The door for other nodes, at the server's address: joining, and the way to the API server."""

    protocol_version = "HTTP/1.1"
    tokens = frozenset()

    def answer(self, status, body, content_type="text/plain"):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/ping":
            self.answer(200, b"pong")
        elif self.path == "/cacerts":
            self.answer(200, read(TLS + "/server-ca.crt").encode())
        elif self.path.startswith("/v1-k3s/client-kubelet.crt"):
            self.join(body)
        else:
            self.forward(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve

    def join(self, request):
        kind, _, credentials = self.headers.get("Authorization", "").partition(" ")
        user, _, password = base64.b64decode(credentials).decode(errors="replace").partition(":")
        known = any(secrets.compare_digest(password.encode(), token.encode()) for token in self.tokens)
        if kind != "Basic" or user != "node" or not known:
            log("error", f"unauthorized: a node at {self.client_address[0]} has a wrong token")
            return self.answer(401, b"unauthorized")
        # The name in the request is the node's own word, which the token covers.
        made = subprocess.run(
            ["openssl", "x509", "-req", "-CA", TLS + "/client-ca.crt", "-CAkey", TLS + "/client-ca.key", "-days", "365"]
            + ["-set_serial", str(secrets.randbits(63))],
            input=request,
            capture_output=True,
        )
        self.answer(*(200, made.stdout) if made.returncode == 0 else (400, made.stderr))

    def forward(self, body):
        subject = [pair for part in (self.connection.getpeercert() or {}).get("subject", ()) for pair in part]
        names = [value for key, value in subject if key == "commonName"]
        if not names:
            return self.answer(401, b"unauthorized")
        upstream = http.client.HTTPSConnection("127.0.0.1", 6443, timeout=60, context=self.upstream)
        upstream.putrequest(self.command, self.path)
        for name in ("Accept", "Content-Type", "User-Agent"):
            if self.headers.get(name):
                upstream.putheader(name, self.headers[name])
        upstream.putheader("X-Remote-User", names[0])
        for key, value in subject:
            if key == "organizationName":
                upstream.putheader("X-Remote-Group", value)
        upstream.putheader("Content-Length", str(len(body)))
        upstream.endheaders(body)
        response = upstream.getresponse()
        self.answer(response.status, response.read(), response.getheader("Content-Type", "text/plain"))
        upstream.close()

    def log_message(self, *_):
        pass


class SupervisorServer(http.server.ThreadingHTTPServer):
    """Each handshake is in the thread of its connection, so that a slow client keeps nobody waiting."""

    daemon_threads = True

    def finish_request(self, request, client_address):
        request.settimeout(60)
        with self.context.wrap_socket(request, server_side=True) as connection:
            self.RequestHandlerClass(connection, client_address, self)

    def handle_error(self, *_):
        pass


def serve_nodes(address, tokens):
    Supervisor.tokens = tokens
    Supervisor.upstream = ssl.create_default_context(cafile=TLS + "/server-ca.crt")
    Supervisor.upstream.load_cert_chain(TLS + "/client-auth-proxy.crt", TLS + "/client-auth-proxy.key")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=TLS + "/client-ca.crt")
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_cert_chain(TLS + "/serving-kube-apiserver.crt", TLS + "/serving-kube-apiserver.key")
    server = SupervisorServer((address, 6443), Supervisor)
    server.context = context
    threading.Thread(target=server.serve_forever, daemon=True).start()


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


class Charts:
    """Brings K3s' own CRDs, and plays the install job of Argo CD's chart: its CRDs and its last words."""

    period = 2
    job = "helm-install-argocd"

    def __init__(self, api, node, faults):
        self.api, self.node = api, node
        self.never = "no-crd" in faults
        self.has_own = self.has_argocd = False
        Logs.words = "Installing helm chart, says a stand-in"
        self.has_job = False

    def run(self):
        if not self.has_own:
            self.api.load_crds("helmcharts.helm.cattle.io", "helmchartconfigs.helm.cattle.io")
            self.api.load_crds("addons.k3s.cattle.io")
            self.has_own = True
        if self.has_argocd or (self.never and self.has_job):
            return
        # Until the CRD is served, the path is not there.
        for chart in (self.api.find("/apis/helm.cattle.io/v1/helmcharts") or {"items": []})["items"]:
            if chart["metadata"]["name"] == "argocd":
                self.start_job()
                if not self.never:
                    self.install(chart["spec"])

    def start_job(self):
        """The Job and its Pod, as far as `kubectl logs` needs them."""
        containers = [{"name": "helm", "image": "stand-in"}]
        template = {"restartPolicy": "Never", "automountServiceAccountToken": False, "containers": containers}
        self.api.make(
            "/apis/batch/v1/namespaces/kube-system/jobs",
            {"metadata": {"name": self.job}, "spec": {"template": {"spec": template}}},
        )
        job = self.api.get(f"/apis/batch/v1/namespaces/kube-system/jobs/{self.job}")
        labels = job["spec"]["template"]["metadata"]["labels"]
        pod = {"metadata": {"name": self.job + "-0", "labels": labels}}
        pod["spec"] = {**template, "nodeName": self.node}
        self.api.make("/api/v1/namespaces/kube-system/pods", pod)
        self.has_job = True
        if self.never:
            Logs.words = "Error: INSTALLATION FAILED: the fault no-crd"

    def install(self, spec):
        namespace = spec.get("targetNamespace", "default")
        if spec.get("createNamespace"):
            self.api.make("/api/v1/namespaces", {"metadata": {"name": namespace}})
        # Without its namespace, helm fails and is tried again.
        if self.api.find("/api/v1/namespaces/" + namespace):
            self.api.load_crds("applications.argoproj.io", "appprojects.argoproj.io")
            self.has_argocd = True


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


# Joining


def join(config, name):
    """Gets the authority and a certificate of the server, and says where the API is, as `k3s agent` does."""
    url = urllib.parse.urlsplit(config["server"] or "")
    token = token_of(config, "token")
    if not url.hostname or not token:
        fatal("--server and --token are required to join")
    host = (url.hostname, url.port or 6443)
    os.makedirs(AGENT, mode=0o700, exist_ok=True)
    key, request = AGENT + "/client-kubelet.key", AGENT + "/client-kubelet.csr"
    write(AGENT + "/openssl.cnf", "[req]\ndistinguished_name = name\n[name]\n")
    subprocess.run(
        ["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        + ["-config", AGENT + "/openssl.cnf", "-keyout", key, "-out", request]
        + ["-subj", f"/O=system:nodes/CN=system:node:{name}"],
        check=True,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def ask(context, method, path, body=None, headers=None):
        connection = http.client.HTTPSConnection(*host, timeout=30, context=context)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.read().decode(errors="replace")
        finally:
            connection.close()

    while True:
        try:
            # The long form of the token holds the hash of the server's CA, and the short form trusts whoever answers.
            status, authority = ask(ssl._create_unverified_context(), "GET", "/cacerts")
            digest = hashlib.sha256(authority.encode()).hexdigest()
            if token.startswith("K10") and not token.startswith("K10" + digest + "::"):
                fatal("token CA hash does not match the Cluster CA certificate hash")
            context = ssl.create_default_context(cadata=authority)
            basic = base64.b64encode(f"node:{short_form(token)}".encode()).decode()
            path = "/v1-k3s/client-kubelet.crt"
            status, answer = ask(context, "POST", path, read(request), {"Authorization": "Basic " + basic})
            if status == 200:
                break
            # K3s' words and level for a server that refuses (pkg/agent/config).
            refusal = f"{config['server']}{path}: {status} {answer}"
            log("info", f"Waiting to retrieve agent configuration; server is not ready: {refusal}")
        except (OSError, http.client.HTTPException) as error:
            log("error", f"Failed to validate connection to cluster at {config['server']}: {error}")
        # As often as K3s' agent tries again.
        time.sleep(5)
    write(AGENT + "/server-ca.crt", authority)
    write(AGENT + "/client-kubelet.crt", answer)
    cluster = {"certificate-authority": AGENT + "/server-ca.crt", "server": config["server"]}
    user = {"client-certificate": AGENT + "/client-kubelet.crt", "client-key": key}
    context = {"cluster": "local", "namespace": "default", "user": "user"}
    kubeconfig = {"apiVersion": "v1", "kind": "Config", "current-context": "Default"}
    kubeconfig["clusters"] = [{"name": "local", "cluster": cluster}]
    kubeconfig["users"] = [{"name": "user", "user": user}]
    kubeconfig["contexts"] = [{"name": "Default", "context": context}]
    write(AGENT + "/kubelet.kubeconfig", yaml.safe_dump(kubeconfig))
    return Api(host, AGENT + "/server-ca.crt", AGENT + "/client-kubelet")


def run_agent(config, version, name, address, faults):
    kubelet = Kubelet(join(config, name), config, version, name, address, faults, role=None)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    notified = False
    while True:
        try:
            kubelet.run()
        except (OSError, http.client.HTTPException, Refused) as error:
            log("error", f"Unable to register node with API server: {error}")
        if kubelet.is_done and not notified:
            notified = True
            log("info", "k3s agent is up and running")
            notify_ready()
        # Its heartbeat.
        time.sleep(kubelet.period)


def main():
    version, mode = sys.argv[1:]
    log("warning", f"THIS IS A STAND-IN FOR K3S {version}, FOR TESTS: only etcd, kube-apiserver and kubectl are real")
    faults = set(read(FAULTS).split()) if os.path.exists(FAULTS) else set()
    if faults:
        log("warning", f"faults of this test: {' '.join(sorted(faults))}")
    if "crash-loop" in faults:
        fatal("starting kubernetes: the fault crash-loop")
    os.umask(0o077)
    config = read_config()
    check_labels(config["node-label"])
    if config["protect-kernel-defaults"]:
        check_kernel()
    name = (config["node-name"] or socket.gethostname()).lower()
    address = str(config["node-ip"] or own_address())
    if mode == "agent":
        run_agent(config, version, name, address, faults)
    if config["server"]:
        fatal("the stand-in for K3s cannot join another server as a server")

    if "api-late" in faults:
        # This is the lateness itself: the API server comes three minutes after the service has started.
        time.sleep(180)
    children = [start_etcd()]
    service = str(ipaddress.ip_network(config["service-cidr"])[1])
    names = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", name, *config["tls-san"]]
    make_certificates([*names, "kubernetes.default.svc.cluster.local", "127.0.0.1", "::1", address, service])
    tokens = make_tokens(config)
    children.append(start_api_server(config, address))
    write_kubeconfig(config["write-kubeconfig-mode"])
    serve_logs()
    serve_nodes(address, tokens)

    def stop(*_):
        for child in reversed(children):
            child.terminate()
            child.wait()
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)

    api = Api(("127.0.0.1", 6443), TLS + "/server-ca.crt", TLS + "/client-admin")
    parts = [Kubelet(api, config, version, name, address, faults), NamespaceControllers(api, faults)]
    parts += [Charts(api, name, faults), Deploy(api, name, config["disable"])]
    parts += [Vandal(api)] if "secret-altered" in faults else []
    due = dict.fromkeys(parts, 0.0)
    ready = False
    while True:
        for child in children:
            if child.poll() is not None:
                fatal(f"{os.path.basename(child.args[0])} exited: {child.returncode}")
        if not ready and api.is_ready():
            ready = True
            log("info", "k3s is up and running")
            notify_ready()
        for part in parts if ready else []:
            if time.monotonic() >= due[part]:
                try:
                    part.run()
                except (OSError, http.client.HTTPException, Refused) as error:
                    log("error", f"{type(part).__name__}: {error}")
                due[part] = time.monotonic() + part.period
        # Often enough for every part's period; an emulated machine has no more to spare.
        time.sleep(0.5)


main()
