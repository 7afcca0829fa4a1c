"""A stand-in for the download servers and for a first server's /ping, for the tests of the bootstrap.

http://127.0.0.1:8000/FAULT/FILE is /var/lab/www/FILE with that fault; requests are kept in /var/lab/requests.
"""

import collections
import http.server
import pathlib
import ssl
import threading
import time

LAB = pathlib.Path("/var/lab")
asked = collections.Counter()


class Downloads(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        _, fault, name = self.path.split("/", 2)
        asked[self.path] += 1
        with open(LAB / "requests", "a") as requests:
            requests.write(self.path + "\n")
        file = LAB / "www" / name
        body = file.read_bytes() if file.exists() else b""
        if fault == "404" or not file.exists():
            self.send_error(404)
        elif fault == "503-twice" and asked[self.path] <= 2:
            self.send_error(503)
        elif fault == "503-then-drip" and asked[self.path] == 1:
            self.send_error(503)
        elif fault == "short":
            self.reply(body[:-1], len(body))
        elif fault == "html":
            self.reply(b"<!DOCTYPE html><html><body>Sign in to this network</body></html>\n")
        elif fault == "wrong":
            # It runs, so only the hash stands between it and the node.
            self.reply(b"#!/bin/sh\ntouch /var/lab/wrong-ran\n")
        elif fault.endswith("drip"):
            self.reply(b"", len(body))
            for _ in range(600):
                self.wfile.write(b".")
                time.sleep(0.1)  # the drip itself, a minute of it
        else:
            self.reply(body)

    def reply(self, body, length=None):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Ping(Downloads):
    def do_GET(self):
        self.reply(b"pong") if self.path == "/ping" else self.send_error(404)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Clients that end early are part of the tests."""


downloads = Server(("127.0.0.1", 8000), Downloads)
ping = Server(("10.0.2.10", 6443), Ping)
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(LAB / "cert", LAB / "key")
ping.socket = tls.wrap_socket(ping.socket, server_side=True)
for server in (downloads, ping):
    threading.Thread(target=server.serve_forever).start()
(LAB / "listening").touch()
