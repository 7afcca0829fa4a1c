"""Places, words and files that all parts of the stand-in share."""

import os
import sys
import time

CONFIG = "/etc/rancher/k3s/config.yaml"
KUBECONFIG = "/etc/rancher/k3s/k3s.yaml"
PASSWORD = "/etc/rancher/node/password"
SERVER = "/var/lib/rancher/k3s/server"
TLS = SERVER + "/tls"
AGENT = "/var/lib/rancher/k3s/agent"
FAULTS = "/etc/k3seed-lab/faults"
# Where the archive lies unpacked: etcd, kube-apiserver, kubectl, the CRDs.
HERE = os.getcwd()
KUBELET_PORT = 10250


def log(level, message):
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    text = str(message).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    print(f'time="{now}" level={level} msg="{text}"', file=sys.stderr, flush=True)


def fatal(message):
    """Ends K3s: systemd starts it again after five seconds."""
    log("fatal", f"Error: {message}")
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


def now():
    """As the API writes a time."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
