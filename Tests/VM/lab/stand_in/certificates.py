"""Certificates, tokens, the kubeconfig, and what servers of a cluster have in common."""

import base64
import hashlib
import json
import os
import secrets
import subprocess

from base import KUBECONFIG, SERVER, TLS, fatal, log, read, write
from config import is_address, short_form, token_of

ENCRYPTION = SERVER + "/cred/encryption-config.json"
# What a joining server gets from another: K3s' ControlRuntimeBootstrap, as far as there is such a file here.
SHARED = (
    *(f"{TLS}/{name}.{end}" for name in ("server-ca", "client-ca", "request-header-ca") for end in ("crt", "key")),
    TLS + "/service.crt",
    TLS + "/service.key",
    ENCRYPTION,
)


def shared_files():
    return {path: read(path) for path in SHARED if os.path.exists(path)}


def write_shared(files):
    for path in SHARED:
        if path in files:
            write(path, files[path])


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


def make_certificates(names, encrypts):
    # The system's own configuration would make every certificate an authority.
    write(TLS + "/openssl.cnf", "[req]\ndistinguished_name = name\n[name]\n")
    authority = ("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
    for name in ("server-ca", "client-ca", "request-header-ca"):
        if not os.path.exists(f"{TLS}/{name}.crt"):
            certificate(name, f"/CN=k3s-{name}", *authority)
    if not os.path.exists(f"{TLS}/service.key"):
        certificate("service", "/CN=service-account")
    # Encryption that was once on stays on: the Secrets in the datastore need their key.
    if encrypts and not os.path.exists(ENCRYPTION):
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        providers = [{"aescbc": {"keys": [{"name": "aescbckey", "secret": key}]}}, {"identity": {}}]
        resources = [{"resources": ["secrets"], "providers": providers}]
        kind = {"kind": "EncryptionConfiguration", "apiVersion": "apiserver.config.k8s.io/v1"}
        write(ENCRYPTION, json.dumps({**kind, "resources": resources}))
    names = ",".join(f"IP:{name}" if is_address(name) else f"DNS:{name}" for name in dict.fromkeys(names))
    names = ("-addext", f"subjectAltName={names}")
    certificate("serving-kube-apiserver", "/CN=kube-apiserver", *names, signer="server-ca")
    usage = ("-addext", "extendedKeyUsage=clientAuth")
    certificate("client-admin", "/O=system:masters/CN=system:admin", *usage, signer="client-ca")
    certificate("client-auth-proxy", "/CN=system:auth-proxy", *usage, signer="request-header-ca")


def sign(request, name):
    """Signs a kubelet's request for a certificate; None where the request is for another name."""
    subject = ["openssl", "req", "-noout", "-subject", "-nameopt", "RFC2253"]
    asked = subprocess.run(subject, input=request, capture_output=True)
    if asked.stdout.decode().strip() != f"subject=CN=system:node:{name},O=system:nodes":
        return None
    made = subprocess.run(
        ["openssl", "x509", "-req", "-CA", TLS + "/client-ca.crt", "-CAkey", TLS + "/client-ca.key", "-days", "365"]
        + ["-set_serial", str(secrets.randbits(63))],
        input=request,
        capture_output=True,
    )
    return made.stdout if made.returncode == 0 else None


class Tokens:
    """The server's and the agents' token. What was given last is kept, as files with the hash of the CA."""

    def __init__(self, config):
        path = SERVER + "/token"
        kept = short_form(read(path).strip()) if os.path.exists(path) else None
        self.server = short_form(token_of(config, "token")) or kept or secrets.token_hex(16)
        self.agents_own = short_form(token_of(config, "agent-token"))
        self.node = self.agents_own or self.server

    def keep(self):
        digest = hashlib.sha256(read(TLS + "/server-ca.crt").encode()).hexdigest()
        write(SERVER + "/token", f"K10{digest}::server:{self.server}\n")
        write(SERVER + "/agent-token", f"K10{digest}::node:{self.node}\n")
        if not os.path.lexists(SERVER + "/node-token"):
            os.symlink("token", SERVER + "/node-token")

    def change(self, token):
        """`k3s token rotate`: also the agents' token, where that is the same."""
        self.server = token
        self.node = self.agents_own or token
        self.keep()

    def user(self, name, password):
        """Who comes with this name and password: "server", "node" or nobody."""
        known = {"server": self.server, "node": self.node}.get(name)
        return name if known and secrets.compare_digest(password.encode(), known.encode()) else None


def check_token(store, tokens):
    """What the servers share is encrypted with the token of the first start, and with another it stays closed."""
    key = "/bootstrap/" + hashlib.sha256(tokens.server.encode()).hexdigest()[:12]
    there = store.keys("/bootstrap/")
    if not there:
        log("info", "Saving cluster bootstrap data to datastore")
        store.put(key, "the stand-in for K3s keeps these data on the disks of the servers alone")
    elif key not in there:
        found = "bootstrap data already found and encrypted with different token"
        where = "failed to reconcile with local datastore: " if store.is_managed else ""
        fatal(f"preparing server: failed to bootstrap cluster data: {where}{found}")


def rotate(store, tokens, token):
    old = store.keys("/bootstrap/")
    tokens.change(token)
    new = "/bootstrap/" + hashlib.sha256(token.encode()).hexdigest()[:12]
    if new not in old:
        store.put(new, "rotated")
        for key in old:
            store.delete(key)


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
