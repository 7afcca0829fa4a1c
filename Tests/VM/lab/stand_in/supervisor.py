"""The door for other nodes at port 6443 of the server's addresses: joining, and the way to the API server."""

import base64
import http.client
import http.server
import json
import socket
import ssl
import threading

from api import TROUBLE, Api
from base import TLS, log, read
from certificates import rotate, shared_files, sign
from config import CRITICAL, interfaces
from datastore import EtcdError
from nodes import Passwords


class Supervisor(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # What all of them share: set before the first request.
    config = store = tokens = upstream = None

    def answer(self, status, body, content_type="text/plain"):
        body = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        route = self.routes.get(self.path.partition("?")[0])
        if route is None:
            return self.forward(body)
        role, method = route
        if role:
            user = self.user()
            if user is None:
                log(
                    "error",
                    f"Failed to authenticate request from {self.client_address[0]}: invalid username/password pair",
                )
                return self.answer(401, "not authorized")
            if user not in role:
                return self.answer(403, "forbidden")
        method(self, body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve

    @property
    def certified(self):
        """Name and groups of the client's certificate."""
        subject = [pair for part in (self.connection.getpeercert() or {}).get("subject", ()) for pair in part]
        names = [value for key, value in subject if key == "commonName"]
        return (names[0] if names else None), [value for key, value in subject if key == "organizationName"]

    def user(self):
        """server or node, by the token; else node by its certificate, with which no token is asked for."""
        kind, _, credentials = self.headers.get("Authorization", "").partition(" ")
        if kind == "Basic":
            name, _, password = base64.b64decode(credentials).decode(errors="replace").partition(":")
            known = self.tokens.user(name, password)
            if known:
                return known
        name, groups = self.certified
        return "node" if name and "system:nodes" in groups else None

    def ping(self, _):
        self.answer(200, "pong")

    def authorities(self, _):
        self.answer(200, read(TLS + "/server-ca.crt"))

    def settings(self, _):
        self.answer(200, json.dumps({key: self.config[key] for key in CRITICAL}), "application/json")

    def bootstrap(self, _):
        if not self.store.is_managed:
            return self.answer(400, "server bootstrap is not enabled: etcd is not the datastore")
        self.answer(200, json.dumps(shared_files()), "application/json")

    def members(self, _):
        if not self.store.is_managed:
            return self.answer(400, "etcd datastore disabled")
        try:
            self.answer(200, json.dumps({"members": self.store.members()}), "application/json")
        except EtcdError as error:
            self.answer(500, f"failed to get etcd MemberList: {error}")

    def token(self, body):
        try:
            rotate(self.store, self.tokens, json.loads(body)["newToken"])
        except (EtcdError, ValueError, KeyError) as error:
            return self.answer(500, f"token: {error}")
        self.answer(200, "")

    def join(self, request):
        node, password = self.headers.get("k3s-Node-Name", "").lower(), self.headers.get("k3s-Node-Password", "")
        if not node or not password:
            return self.answer(400, "node name and password are not set")
        try:
            api = Api(("127.0.0.1", 6443), TLS + "/server-ca.crt", TLS + "/client-admin")
            name, groups = self.certified
            if name and "system:nodes" in groups and api.find("/api/v1/nodes/" + node) is None:
                # A certificate of a Node that was deleted; the client comes again with its token.
                return self.answer(401, "unable to verify node identity")
            if not Passwords(api).accepts(node, password):
                return self.answer(403, f"unable to verify password for node {node}: hash does not match")
        except TROUBLE:
            return self.answer(503, "runtime core not ready")
        made = sign(request, node)
        self.answer(*((200, made) if made else (400, "the request is for another name")))

    routes = {
        "/ping": (None, ping),
        "/cacerts": (None, authorities),
        "/v1-k3s/config": (("node",), settings),
        "/v1-k3s/client-kubelet.crt": (("node",), join),
        "/v1-k3s/server-bootstrap": (("server",), bootstrap),
        "/v1-k3s/token": (("server",), token),
        "/db/info": (("server",), members),
    }

    def forward(self, body):
        name, groups = self.certified
        if not name:
            return self.answer(401, "unauthorized")
        upstream = http.client.HTTPSConnection("127.0.0.1", 6443, timeout=60, context=self.upstream)
        try:
            upstream.putrequest(self.command, self.path)
            for header in ("Accept", "Content-Type", "User-Agent"):
                if self.headers.get(header):
                    upstream.putheader(header, self.headers[header])
            upstream.putheader("X-Remote-User", name)
            for group in groups:
                upstream.putheader("X-Remote-Group", group)
            upstream.putheader("Content-Length", str(len(body)))
            upstream.endheaders(body)
            response = upstream.getresponse()
            self.answer(response.status, response.read(), response.getheader("Content-Type", "text/plain"))
        except (OSError, http.client.HTTPException):
            self.answer(503, "apiserver not ready")
        finally:
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


def serve_nodes(config, store, tokens):
    """At every address but the loopback's, where the API server itself listens."""
    Supervisor.config, Supervisor.store, Supervisor.tokens = config, store, tokens
    Supervisor.upstream = ssl.create_default_context(cafile=TLS + "/server-ca.crt")
    Supervisor.upstream.load_cert_chain(TLS + "/client-auth-proxy.crt", TLS + "/client-auth-proxy.key")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=TLS + "/client-ca.crt")
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_cert_chain(TLS + "/serving-kube-apiserver.crt", TLS + "/serving-kube-apiserver.key")
    for address in sum(interfaces().values(), []):
        if not address.startswith("127."):
            server = SupervisorServer((address, 6443), Supervisor)
            server.context = context
            threading.Thread(target=server.serve_forever, daemon=True).start()


def names_of_host():
    """Every name under which others come, as K3s adds them to its certificate when they do."""
    return [socket.gethostname(), *sum(interfaces().values(), [])]
