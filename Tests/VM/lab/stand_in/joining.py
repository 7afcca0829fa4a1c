"""What a node asks of the server that it joins, over HTTP with the token."""

import base64
import hashlib
import http.client
import json
import os
import secrets
import signal
import ssl
import subprocess
import sys
import time
import urllib.parse

import yaml
from api import TROUBLE, Api
from base import AGENT, PASSWORD, fatal, log, read, write
from certificates import write_shared
from config import CRITICAL, short_form, token_of
from datastore import EtcdError
from nodes import Kubelet


def trusting(authority):
    """K3s' listener adds every name that it is asked by to its certificate, so no name is wrong."""
    context = ssl.create_default_context(cadata=authority)
    context.check_hostname = False
    return context


class Remote:
    """Another server. Whoever answers is trusted, unless the token is of the long form, with the hash of the CA."""

    def __init__(self, url, token, user, client=None):
        """client: a certificate to come with, as path without its ending."""
        parts = urllib.parse.urlsplit(url)
        if parts.scheme != "https" or not parts.hostname:
            raise OSError(f"only https:// URLs are supported, invalid scheme: {url}")
        self.url, self.host = url.rstrip("/"), (parts.hostname, parts.port or 443)
        self.client = client if client and os.path.exists(client + ".crt") else None
        self.basic = "Basic " + base64.b64encode(f"{user}:{short_form(token)}".encode()).decode()
        self.authority = self._authorities(token)

    def _authorities(self, token):
        self.context = ssl._create_unverified_context()
        try:
            status, text = self._ask("GET", "/cacerts")
        except (OSError, http.client.HTTPException) as error:
            raise OSError(f'failed to get CA certs: Get "{self.url}/cacerts": {error}') from error
        if status != 200:
            raise OSError(f"failed to get CA certs: {self.url}/cacerts: {status} {http.client.responses.get(status)}")
        digest = hashlib.sha256(text.encode()).hexdigest()
        if token.startswith("K10") and not token.startswith("K10" + digest + "::"):
            asked = token[3:].partition("::")[0]
            raise OSError(f"token CA hash does not match the Cluster CA certificate hash: {asked} != {digest}")
        self.context = trusting(text)
        return text

    def _ask(self, method, path, body=None, headers=None, context=None):
        connection = http.client.HTTPSConnection(*self.host, timeout=10, context=context or self.context)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.read().decode(errors="replace")
        finally:
            connection.close()

    def ask(self, method, path, body=None, **headers):
        """With the token, and with the client's certificate where there is one; the answer, or K3s' words for a refusal."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()} | {"Authorization": self.basic}
        status = 401
        if self.client:
            context = trusting(self.authority)
            context.load_cert_chain(self.client + ".crt", self.client + ".key")
            status, text = self._ask(method, path, body, headers, context)
        if status == 401:
            status, text = self._ask(method, path, body, headers)
        if status == 403 and "k3s-Node-Password" in headers:
            raise OSError(
                f"Node password rejected, duplicate hostname or contents of '{PASSWORD}' may not match server node-passwd "
                "entry, try enabling a unique node name with the --with-node-id flag"
            )
        if status != 200:
            raise OSError(f"{self.url}{path}: {status} {http.client.responses.get(status)}")
        return text

    def members(self):
        try:
            return json.loads(self.ask("GET", "/db/info"))["members"]
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise EtcdError(f"failed to get MemberList from server: {error}") from error


def bootstrap(config, tokens):
    """What a server needs of the others before it can join them; K3s ends where it does not get it."""
    if not token_of(config, "token"):
        fatal("preparing server: failed to bootstrap cluster data: token is required to join a cluster")
    where = "preparing server: failed to bootstrap cluster data"
    try:
        remote = Remote(config["server"], token_of(config, "token"), "server")
    except OSError as error:
        fatal(f"{where}: failed to check if bootstrap data has been initialized: failed to validate token: {error}")
    log("info", "Managed etcd cluster not yet initialized")
    try:
        asked = json.loads(Remote(config["server"], tokens.node, "node").ask("GET", "/v1-k3s/config"))
        wrong = [key for key in CRITICAL if asked[key] != config[key]]
        for key in wrong:
            log("warning", f"critical configuration mismatched: {key}")
        if wrong:
            fatal(
                f"{where}: failed to validate server configuration: critical configuration value mismatch between servers"
            )
    except (OSError, http.client.HTTPException) as error:
        log("warning", f"Skipping cluster configuration validation: {error}")
    try:
        write_shared(json.loads(remote.ask("GET", "/v1-k3s/server-bootstrap")))
    except (OSError, http.client.HTTPException) as error:
        fatal(f"{where}: {error}")
    return remote


def node_password():
    """Made once; K3s keeps it beside its data, where uninstalling does not reach it."""
    if not os.path.exists(PASSWORD):
        write(PASSWORD, secrets.token_hex(16) + "\n")
    return read(PASSWORD).strip()


def request_certificate(name):
    key, request = AGENT + "/client-kubelet.key", AGENT + "/client-kubelet.csr"
    write(AGENT + "/openssl.cnf", "[req]\ndistinguished_name = name\n[name]\n")
    if not os.path.exists(key):
        curve = ["openssl", "ecparam", "-genkey", "-noout", "-name", "prime256v1", "-out", key + ".part"]
        subprocess.run(curve, check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.chmod(key + ".part", 0o600)
        os.replace(key + ".part", key)
    subprocess.run(
        ["openssl", "req", "-new", "-key", key, "-config", AGENT + "/openssl.cnf", "-out", request]
        + ["-subj", f"/O=system:nodes/CN=system:node:{name}"],
        check=True,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return read(request)


def join(config, name):
    """Gets the authority and a certificate of the server, for as long as it takes, and says where the API is."""
    token = token_of(config, "token")
    if not config["server"]:
        fatal("--server is required")
    if not token:
        fatal("--token is required")
    os.makedirs(AGENT, mode=0o700, exist_ok=True)
    request, client = request_certificate(name), AGENT + "/client-kubelet"
    while True:
        try:
            remote = Remote(config["server"], token, "node", client)
        except OSError as error:
            log("error", f"Failed to validate connection to cluster at {config['server']}: {error}")
            time.sleep(2)
            continue
        try:
            headers = {"k3s_Node_Name": name, "k3s_Node_Password": node_password()}
            answer = remote.ask("POST", "/v1-k3s/client-kubelet.crt", request, **headers)
            break
        except (OSError, http.client.HTTPException) as error:
            log("info", f"Waiting to retrieve agent configuration; server is not ready: {error}")
            time.sleep(5)
    write(AGENT + "/server-ca.crt", remote.authority)
    write(AGENT + "/client-kubelet.crt", answer)
    cluster = {"certificate-authority": AGENT + "/server-ca.crt", "server": config["server"]}
    user = {"client-certificate": client + ".crt", "client-key": client + ".key"}
    context = {"cluster": "local", "namespace": "default", "user": "user"}
    kubeconfig = {"apiVersion": "v1", "kind": "Config", "current-context": "Default"}
    kubeconfig["clusters"] = [{"name": "local", "cluster": cluster}]
    kubeconfig["users"] = [{"name": "user", "user": user}]
    kubeconfig["contexts"] = [{"name": "Default", "context": context}]
    write(AGENT + "/kubelet.kubeconfig", yaml.safe_dump(kubeconfig))
    api = Api(remote.host, AGENT + "/server-ca.crt", client)
    api.context.check_hostname = False
    return api


def run_agent(config, version, name, address, faults, notify_ready):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    kubelet = Kubelet(join(config, name), config, version, name, address, faults)
    notified = False
    while True:
        try:
            kubelet.run()
        except TROUBLE as error:
            log("error", f"Unable to register node with API server: {error}")
        if kubelet.is_registered and not notified:
            notified = True
            log("info", "k3s agent is up and running")
            notify_ready()
        time.sleep(kubelet.period if notified else 1)
