"""A stand-in for an HTTP proxy: the method CONNECT alone (RFC 9110, section 9.3.6), for the tests of the Vault's client.

    proxy.py ADDRESS PORT NAME=ADDRESS...

It resolves the names itself, and refuses (403) to connect to others. Each request is a line of /var/lab/proxied: what was
asked, and the credentials if there were any. /var/lab/listening-proxy is there once it listens.
"""

import base64
import http.server
import pathlib
import selectors
import socket
import sys

address, port, *names = sys.argv[1:]
known = dict(name.split("=") for name in names)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_CONNECT(self):
        credentials = self.headers.get("Proxy-Authorization", "").partition("Basic ")[2]
        with open("/var/lab/proxied", "a") as file:
            print(self.path, base64.b64decode(credentials).decode(), file=file)
        name, _, port = self.path.rpartition(":")
        if name not in known:
            self.send_error(403)
            return
        with socket.create_connection((known[name], int(port))) as server:
            self.send_response_only(200)
            self.end_headers()
            ends = {self.connection: server, server: self.connection}
            with selectors.DefaultSelector() as selector:
                for end in ends:
                    selector.register(end, selectors.EVENT_READ)
                while True:
                    for key, _ in selector.select():
                        data = key.fileobj.recv(65536)
                        if not data:
                            return
                        ends[key.fileobj].sendall(data)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer((address, int(port)), Handler)
server.daemon_threads = True
pathlib.Path("/var/lab/listening-proxy").touch()
server.serve_forever()
