"""Asks a real Envoy for Argo CD's URLs, and prints as JSON what became of each request.

    envoy.py ENVOY TREE

Envoy Gateway cannot be run here: there is no cluster. What it makes of the tree's listener, ClientTrafficPolicy and route
is written here as its own translation has it (Envoy Gateway 1.9.0: internal/xds/translator/listener.go and route.go, and
their test data http-route), and as its documentation of ClientTrafficPolicy and of HTTPRoute's timeouts says. Without
the policy and the timeout the fields have Envoy Gateway's and Envoy's defaults.

The backend is a stand-in for Argo CD's server: it says which path it was asked for, and under /stream sends for longer
than 15 seconds, as the real one does for events.
"""

import http.client
import http.server
import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time

import yaml

STREAM = 20  # seconds; Envoy's own limit of a response is 15
ACTIONS = {
    "KeepUnchanged": "KEEP_UNCHANGED",
    "RejectRequest": "REJECT_REQUEST",
    "UnescapeAndRedirect": "UNESCAPE_AND_REDIRECT",
    "UnescapeAndForward": "UNESCAPE_AND_FORWARD",
}


class Backend(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        if self.path != "/stream":
            body = self.path.encode()
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for _ in range(STREAM):
                self.wfile.write(b"2\r\n.\n\r\n")
                # As a stream of events does, it says something now and then.
                time.sleep(1)
            self.wfile.write(b"5\r\ndone\n\r\n0\r\n\r\n")
        except ConnectionError:
            self.close_connection = True

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def configuration(port, backend, policy, rule):
    route = {"cluster": "argocd"}
    timeout = (rule.get("timeouts") or {}).get("request")
    if timeout is not None:
        route["timeout"] = timeout
        if timeout == "0s":
            route["idleTimeout"] = "0s"
    return {
        "static_resources": {
            "listeners": [{
                "name": "https-argocd",
                "address": {"socketAddress": {"address": "127.0.0.1", "portValue": port}},
                "filterChains": [{"filters": [{
                    "name": "envoy.filters.network.http_connection_manager",
                    "typedConfig": {
                        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager"
                        ".v3.HttpConnectionManager",
                        "commonHttpProtocolOptions": {"headersWithUnderscoresAction": "REJECT_REQUEST"},
                        "mergeSlashes": not (policy.get("path") or {}).get("disableMergeSlashes", False),
                        "normalizePath": True,
                        "pathWithEscapedSlashesAction": ACTIONS[
                            (policy.get("path") or {}).get("escapedSlashesAction", "UnescapeAndRedirect")
                        ],
                        "serverHeaderTransformation": "PASS_THROUGH",
                        "statPrefix": "https-10443",
                        "useRemoteAddress": True,
                        "httpFilters": [{
                            "name": "envoy.filters.http.router",
                            "typedConfig": {
                                "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
                                "suppressEnvoyHeaders": True,
                            },
                        }],
                        "routeConfig": {
                            "name": "https-argocd",
                            "ignorePortInHostMatching": True,
                            "virtualHosts": [{
                                "name": "argocd", "domains": ["*"],
                                "routes": [{"match": {"prefix": "/"}, "route": route}],
                            }],
                        },
                    },
                }]}],
            }],
            "clusters": [{
                "name": "argocd", "type": "STATIC", "connectTimeout": "10s",
                "loadAssignment": {"clusterName": "argocd", "endpoints": [{"lbEndpoints": [{"endpoint": {
                    "address": {"socketAddress": {"address": "127.0.0.1", "portValue": backend}}}}]}]},
            }],
        }
    }


def get(port, path):
    """The status, where it leads, and the body as far as it came."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request("GET", path, headers={"Host": "argocd.example.org"})
    answer = connection.getresponse()
    try:
        body = answer.read()
    except http.client.IncompleteRead as cut:
        body = cut.partial
    except ConnectionError:
        body = b""
    return [answer.status, answer.getheader("Location"), body.decode().lstrip(".\n").strip()]


def ask(envoy, backend, policy, rule):
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "envoy.json")
        file.write_text(json.dumps(configuration(port, backend, policy, rule)))
        with open(pathlib.Path(folder, "log"), "w") as log:
            process = subprocess.Popen(
                [envoy, "-c", str(file), "--use-dynamic-base-id", "--concurrency", "1", "--log-level", "warning"],
                stdout=log, stderr=log)
        try:
            for _ in range(600):
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    if process.poll() is not None:
                        sys.exit(pathlib.Path(folder, "log").read_text())
                    # Envoy does not tell when it listens.
                    time.sleep(0.1)
            repository = "/api/v1/repositories/https%3A%2F%2Fgit.example.org%2Fa%2Fb.git/apps"
            return {"repository": get(port, repository), "stream": get(port, "/stream")}
        finally:
            process.kill()
            process.wait()


def main(envoy, tree):
    tree = pathlib.Path(tree)
    objects = [d for file in sorted(tree.rglob("*.yaml")) for d in yaml.safe_load_all(file.read_text()) if d]
    [policy] = [o["spec"] for o in objects if o.get("kind") == "ClientTrafficPolicy"]
    [route] = [o["spec"] for o in objects if o.get("kind") == "HTTPRoute" and o["metadata"]["name"] == "argocd"]
    backend = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    threading.Thread(target=backend.serve_forever, daemon=True).start()
    outcomes = {}
    cases = {"tree": (policy, route["rules"][0]), "defaults": ({}, {})}

    def run(name):
        outcomes[name] = ask(envoy, backend.server_address[1], *cases[name])

    threads = [threading.Thread(target=run, args=(name,)) for name in cases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    json.dump(outcomes, sys.stdout)


main(*sys.argv[1:])
