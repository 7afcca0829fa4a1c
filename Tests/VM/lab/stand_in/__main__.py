"""A STAND-IN FOR `k3s server` AND `k3s agent`, for tests: a real etcd and a real kube-apiserver, which decide what is
accepted.

Around them, this program does what K3s does by itself: it reads config.yaml, makes certificates, tokens and the
kubeconfig, joins other servers, tells systemd when the API answers, and applies server/manifests. What K3s' kubelet and
controllers would make is made here too: the Node and its condition, each namespace's ServiceAccount and CA certificate,
the CRDs of K3s, and, once a HelmChart called argocd is there, what its chart would bring. Nothing runs in the cluster.
README.md has a table of what K3s does, where that is read, and what is done here.

/etc/k3seed-lab/faults, where a test puts it, names faults, one word a line:
    api-late           the API server starts three minutes late
    crash-loop         k3s ends at once, at every start
    node-never-ready   the Node stays NotReady
    controllers-never  nothing makes ServiceAccounts and CA certificates
    no-crd             the chart of Argo CD never brings its CRDs
    images-never       the pods of Argo CD never become ready
    secret-altered     values of Secrets outside kube-system change once they are there
"""

import ipaddress
import json
import os
import signal
import socket
import ssl
import sys
import time

from api import TROUBLE, Api
from base import FAULTS, SERVER, TLS, fatal, log, read
from certificates import ENCRYPTION, Tokens, check_token, make_certificates, write_kubeconfig
from config import own_address, read_config, short_form
from datastore import CLIENT, EtcdError, Store, start
from deploy import Deploy, Vandal
from helm import Charts, Workloads
from joining import Remote, bootstrap, node_password, run_agent
from nodes import Kubelet, NamespaceControllers, NodeControllers, Passwords, serve_logs
from supervisor import names_of_host, serve_nodes


def start_api_server(config, address):
    # Left out is what a start would wait for and no payload meets: versions that K3s' own Kubernetes no longer
    # serves, fair queueing, the cache of watches.
    return start(
        *("kube-apiserver", "--etcd-servers", CLIENT, "--secure-port", "6443"),
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
        *(["--encryption-provider-config", ENCRYPTION] if os.path.exists(ENCRYPTION) else []),
        *("--" + argument for argument in config["kube-apiserver-arg"]),
    )


def notify_ready():
    path = os.environ.get("NOTIFY_SOCKET")
    if path:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.connect("\0" + path[1:] if path[0] == "@" else path)
            notify.send(b"READY=1")


def check_password(api, name):
    """A server's own agent is let in by itself; what others would say to its password is only told."""
    if not Passwords(api).accepts(name, node_password()):
        log("warning", "Deferred node password secret validation failed: unable to verify password for node " + name)


def run_server(config, version, name, address, faults):
    tokens = Tokens(config)
    store = Store(config, address)
    store.leave()
    remote = None
    if store.is_initialized:
        log("info", "Managed etcd cluster bootstrap already complete and initialized")
    elif config["server"]:
        remote = bootstrap(config, tokens)
    store.take_name(name)
    if "api-late" in faults:
        # This is the lateness itself: the API server comes three minutes after the service has started.
        time.sleep(180)
    # The API server's address for pods; etcd's is always the node's own.
    advertised = str(config["node-external-ip"] or address)
    service = str(ipaddress.ip_network(config["service-cidr"].split(",")[0])[1])
    names = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", name, *config["tls-san"]]
    names += ["kubernetes.default.svc.cluster.local", "127.0.0.1", "::1", address, advertised, service]
    make_certificates([*names, *names_of_host()], config["secrets-encryption"])

    children = []

    def stop(*_):
        for child in reversed(children):
            child.terminate()
            child.wait()
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    if store.is_initialized or not remote:
        store.start()
    else:
        store.join(remote, name)
    children.append(store.process)
    if store.is_initialized:
        wait_for_token(store, tokens)
    serve_nodes(config, store, tokens)
    store.wait()
    check_token(store, tokens)
    tokens.keep()
    children.append(start_api_server(config, advertised))
    write_kubeconfig(config["write-kubeconfig-mode"])
    serve_logs()

    api = Api(("127.0.0.1", 6443), TLS + "/server-ca.crt", TLS + "/client-admin")
    parts = [Kubelet(api, config, version, name, address, faults, store), NamespaceControllers(api, faults)]
    parts += [NodeControllers(api, config, store), Charts(api, name, version, store, faults)]
    parts += [Workloads(api, store, faults), Deploy(api, name, config["disable"])]
    parts += [Vandal(api)] if "secret-altered" in faults else []
    due = dict.fromkeys(parts, 0.0)
    ready = False
    while True:
        store.check()
        if children[-1].poll() is not None:
            fatal(f"kube-apiserver exited: {children[-1].returncode}")
        store.promote_learners()
        if not ready and api.is_ready():
            ready = True
            log("info", "k3s is up and running")
            notify_ready()
            try:
                check_password(api, name)
            except TROUBLE as error:
                log("warning", f"Failed to ensure node-password secret for node {name}: {error}")
        for part in parts if ready else []:
            if time.monotonic() >= due[part]:
                try:
                    part.run()
                except (*TROUBLE, EtcdError) as error:
                    log("error", f"{type(part).__name__}: {error}")
                due[part] = time.monotonic() + (part.period if getattr(part, "is_registered", True) else 1)
        # Often enough for every part's period; an emulated machine has no more to spare.
        time.sleep(0.5)


def wait_for_token(store, tokens):
    """K3s reads the datastore of an earlier start from the disk, before it waits for the other members."""
    while True:
        store.check()
        try:
            if store.keys("/bootstrap/"):
                check_token(store, tokens)
            return
        except EtcdError:
            # etcd does not listen yet.
            time.sleep(0.2)


def rotate_token(arguments):
    """`k3s token rotate --token OLD --new-token NEW`, at the server of this node."""
    given = dict(zip(arguments[::2], arguments[1::2]))
    new = given.get("--new-token")
    if not new or set(given) - {"--token", "--new-token", "--server"}:
        sys.exit("the stand-in for K3s wants: k3s token rotate [--token OLD] --new-token NEW")
    token = given.get("--token") or short_form(read(SERVER + "/token").strip())
    # The supervisor listens at the node's own address; 127.0.0.1 has the API server alone.
    server = given.get("--server") or f"https://{own_address(read_config())}:6443"
    Remote(server, token, "server").ask("PUT", "/v1-k3s/token", json.dumps({"newToken": new}))
    print("Token rotated, restart k3s nodes with new token")


def main():
    version, mode, *arguments = sys.argv[1:]
    os.umask(0o077)
    if mode == "token":
        try:
            return rotate_token(arguments)
        except (OSError, ssl.SSLError) as error:
            sys.exit(f"Error: {error}")
    log("warning", f"THIS IS A STAND-IN FOR K3S {version}, FOR TESTS: only etcd, kube-apiserver and kubectl are real")
    faults = set(read(FAULTS).split()) if os.path.exists(FAULTS) else set()
    if faults:
        log("warning", f"faults of this test: {' '.join(sorted(faults))}")
    if "crash-loop" in faults:
        fatal("starting kubernetes: the fault crash-loop")
    config = read_config()
    name = (config["node-name"] or socket.gethostname()).lower()
    address = own_address(config)
    if mode == "agent":
        run_agent(config, version, name, address, faults, notify_ready)
    run_server(config, version, name, address, faults)


main()
