"""config.yaml, and what K3s makes of it before anything is started."""

import glob
import ipaddress
import json
import os
import socket
import subprocess

import yaml
from base import CONFIG, fatal, read

# What config.yaml may hold, and what it is where it does not. The real K3s skips an unknown key with a warning;
# here it is refused, so that a test never runs on less than it asked for.
DEFAULTS = {
    "agent-token": None,
    "agent-token-file": None,
    "cluster-cidr": "10.42.0.0/16",
    "cluster-init": False,
    "disable": [],
    "flannel-iface": None,
    "kube-apiserver-arg": [],
    "kube-controller-manager-arg": [],
    "kubelet-arg": [],
    "node-external-ip": None,
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

# What all servers of a cluster must have in common, as far as it is known here.
CRITICAL = ("cluster-cidr", "secrets-encryption", "service-cidr")

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
    check_labels(config["node-label"])
    if config["protect-kernel-defaults"]:
        check_kernel()
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


def short_form(token):
    """K10<hash of the server's CA>::<user>:<password> is the long form of the password alone."""
    return token.partition("::")[2].partition(":")[2] if token and "::" in token else token


def is_within(domain, *parents):
    return any(domain == parent or domain.endswith("." + parent) for parent in parents)


def check_labels(labels):
    for label in labels:
        domain = label.partition("=")[0].rpartition("/")[0]
        if is_within(domain, "kubernetes.io", "k8s.io") and not is_within(domain, *OWN_LABELS):
            fatal(f"unknown 'kubernetes.io' or 'k8s.io' labels specified with --node-labels: [{label}]")


def check_kernel():
    wrong = []
    for name, expected in KERNEL.items():
        actual = int(read("/proc/sys/" + name))
        if actual != expected:
            wrong.append(f"invalid kernel flag: {name}, expected value: {expected}, actual value: {actual}")
    if wrong:
        fatal(f"Failed to start ContainerManager: [{', '.join(wrong)}]")


# Addresses


def interfaces():
    """The IPv4 addresses of each interface, in the kernel's order."""
    found = subprocess.run(["ip", "-4", "-json", "address"], capture_output=True, check=True).stdout
    return {
        one["ifname"]: [address["local"] for address in one["addr_info"] if address.get("local")]
        for one in json.loads(found)
    }


def own_address(config):
    """node-ip, else what flannel's interface has, else the source address of the default route; nothing is sent."""
    if config["node-ip"]:
        return str(config["node-ip"])
    if config["flannel-iface"]:
        return flannel_address(config)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            fatal("no default route")
        return probe.getsockname()[0]


def flannel_address(config):
    """The first address of flannel-iface, or else of the default gateway's interface, whatever node-ip says."""
    name = config["flannel-iface"]
    if not name:
        routes = subprocess.run(["ip", "-4", "-json", "route", "show", "default"], capture_output=True, check=True)
        name = next((route["dev"] for route in json.loads(routes.stdout or "[]") if "dev" in route), None)
        if not name:
            fatal("flannel: failed to find the interface: failed to get default interface")
    addresses = interfaces().get(name)
    if addresses is None:
        fatal(f"unable to find interface {name}")
    if not addresses:
        fatal(f"flannel: failed to find IPv4 address for interface {name}")
    return addresses[0]


def is_address(name):
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
