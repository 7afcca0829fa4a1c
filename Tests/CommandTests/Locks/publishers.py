"""A stand-in for the publishers that `k3seed lock` asks, for its tests.

It is a proxy: whatever host is asked for over CONNECT, it answers itself, with a certificate for all of them. So the
addresses are the real ones, and curl's proxy and certificates are used as they are in closed networks. What it serves
are the files below a folder, by host and path; beside that it does what the real services do:

- github.com redirects the files of releases to another host;
- registry-1.docker.io wants a token, which auth.docker.io gives for the scope it was asked for;
- a path with .git/ in it is answered by git's own http-backend.

faults.json in the folder says by host and path what goes wrong: {"github.com/a": {"kind": "status", "status": 500}}.
Every request is a line of requests.log: method, host, path, authorization.

Usage: publishers.py FOLDER CERTIFICATE KEY; prints its port, and ends when standard input does.
"""

import http.server
import json
import os
import secrets
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse

FOLDER, CERTIFICATE, KEY = sys.argv[1:4]
TOKENS = {}
FAILED = {}
LOCK = threading.Lock()


class Publisher(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    host = None

    def log_message(self, *_):
        pass

    def do_CONNECT(self):
        self.send_response(200, "Connection established")
        self.end_headers()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE, KEY)
        try:
            secured = context.wrap_socket(self.connection, server_side=True)
        except (ssl.SSLError, OSError):
            self.close_connection = True
            return
        inner = type("Secured", (Publisher,), {"host": self.path.rsplit(":", 1)[0]})
        try:
            inner(secured, self.client_address, self.server)
        except (ssl.SSLError, OSError):
            pass
        self.close_connection = True

    def do_GET(self):
        self.answer()

    def do_HEAD(self):
        self.answer()

    def answer(self):
        url = urllib.parse.urlsplit(self.path)
        host = self.host or url.hostname
        place = f"{host}{url.path}"
        with LOCK, open(f"{FOLDER}/requests.log", "a") as log:
            log.write(f"{self.command} {host} {url.path} {self.headers.get('Authorization', '-')}\n")
        faults = json.load(open(f"{FOLDER}/faults.json")) if os.path.exists(f"{FOLDER}/faults.json") else {}
        fault = faults.get(place)
        with LOCK:
            FAILED[place] = FAILED.get(place, 0) + 1
        if fault and FAILED[place] <= fault.get("times", 1 << 30):
            return self.fail(fault)
        if host == "github.com" and "/releases/download/" in url.path:
            return self.redirect(f"https://release-assets.githubusercontent.com{url.path}")
        if host == "release-assets.githubusercontent.com":
            place = f"github.com{url.path}"
        if ".git/" in url.path:
            return self.git(url)
        if host == "auth.docker.io" and url.path == "/token":
            query = urllib.parse.parse_qs(url.query)
            if query.get("service") != ["registry.docker.io"] or len(query.get("scope", [])) != 1:
                return self.send(400, b"{}")
            token = secrets.token_urlsafe(24)
            TOKENS[token] = query["scope"][0]
            return self.send(200, json.dumps({"token": token, "expires_in": 300}).encode())
        if host == "registry-1.docker.io":
            scope = f"repository:{url.path.removeprefix('/v2/').split('/manifests/')[0]}:pull"
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            if TOKENS.get(token) != scope:
                # Basic besides, which some registries offer, too.
                return self.send(
                    401,
                    b'{"errors":[{"code":"UNAUTHORIZED"}]}',
                    {
                        "www-authenticate": 'Basic realm="registry"',
                        "WWW-Authenticate": 'Bearer realm="https://auth.docker.io/token",'
                        f'service="registry.docker.io",scope="{scope}"'
                    },
                )
            if "application/vnd.oci.image.manifest.v1+json" not in self.headers.get("Accept", ""):
                return self.send(404, b"{}")
        path = f"{FOLDER}/{place}"
        if not os.path.isfile(path):
            return self.send(404, b"not found\n")
        self.send(200, open(path, "rb").read())

    def send(self, status, body, headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def redirect(self, place):
        self.send(302, b"", {"Location": place})

    def fail(self, fault):
        kind = fault["kind"]
        if kind == "status":
            return self.send(fault["status"], b"<html>no</html>\n", fault.get("headers"))
        if kind == "body":
            return self.send(200, fault["body"].encode())
        if kind == "redirect":
            return self.redirect(fault["to"])
        self.close_connection = True
        if kind == "close":
            return
        self.send_response(200)
        if kind == "truncated":
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"#!/bin/sh\n")
        elif kind == "announced":
            self.send_header("Content-Length", str(1 << 40))
            self.end_headers()
        elif kind == "drip":
            self.send_header("Content-Length", "100000")
            self.end_headers()
            for _ in range(600):
                self.wfile.write(b"x")
                time.sleep(0.1)  # the drip itself, a minute of it: no read of it ever times out
        elif kind == "endless":
            # Without a length, and without an end.
            self.send_header("Connection", "close")
            self.end_headers()
            while True:
                self.wfile.write(b"x" * 65536)

    def git(self, url):
        # As its man page has a server call it.
        result = subprocess.run(
            ["git", "http-backend"],
            env={
                **os.environ,
                "GIT_PROJECT_ROOT": f"{FOLDER}/{self.host}",
                "GIT_HTTP_EXPORT_ALL": "1",
                "PATH_INFO": url.path,
                "QUERY_STRING": url.query,
                "REQUEST_METHOD": self.command,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            check=True,
        )
        head, body = result.stdout.split(b"\r\n\r\n", 1)
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send(int(headers.pop("Status", "200").split()[0]), body, headers)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        # Clients that go in the middle are what some of the tests are about.
        pass


server = Server(("127.0.0.1", 0), Publisher)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
