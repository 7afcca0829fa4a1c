"""The world around the nodes of one case, in a network namespace of its own. It has no way out.

    servers.py CONFIG

CONFIG is JSON: {"mirror": folder, "log": file}. Standard input's end ends it, and a line there
changes it: {"balance": [address...]} says who stands behind the load balancer, {"names": {name: address}} adds to the DNS,
{"silent": [address...]} ends what listens at port 80 there.

    10.0.2.2        the gateway of the nodes' network, 10.0.2.0/24, on bridge br0
    10.0.2.100      the mirror, as in QEMU's user network: /mirror/... is a file of the folder
    10.0.2.200      a load balancer for port 6443, which takes connections and closes them while it has no member
    169.254.169.254 a metadata service, and the DNS
    203.0.113.9     a host on the internet; 203.0.113.10 and .11 are free for programs of a case
    br1             a private network without any of these
"""

import http.server
import json
import os
import pathlib
import select
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.parse

CONFIG = json.loads(sys.argv[1])
LOG = open(CONFIG["log"], "a", buffering=1)
MEMBERS = []
NAMES = {}

WEBS = ("10.0.2.100", "169.254.169.254", "203.0.113.9")

LINKS = """\
link set lo up
link add br0 type bridge
link add br1 type bridge
address add 10.0.2.2/24 dev br0
address add 10.0.2.100/24 dev br0
address add 10.0.2.200/24 dev br0
address add 169.254.169.254/32 dev lo
address add 203.0.113.9/32 dev lo
address add 203.0.113.10/32 dev lo
address add 203.0.113.11/32 dev lo
link set br0 up
link set br1 up
"""


def log(*words):
    print(time.strftime("%T"), *words, file=LOG)


class Web(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        own, peer = self.connection.getsockname()[0], self.client_address[0]
        log(own, peer, self.command, self.path)
        if own == "10.0.2.100":
            self.serve(urllib.parse.unquote(self.path.split("?")[0]))
        elif own == "169.254.169.254":
            self.answer(200, b"metadata for " + peer.encode() + b"\n")
        else:
            self.answer(200, b"the internet sees " + peer.encode() + b"\n")

    do_HEAD = do_GET

    def serve(self, path):
        file = pathlib.Path(CONFIG["mirror"], path.removeprefix("/mirror/"))
        if not path.startswith("/mirror/") or ".." in path or not file.is_file():
            return self.answer(404, b"not here\n")
        with open(file, "rb") as content:
            self.send_response(200)
            self.send_header("Content-Length", str(os.fstat(content.fileno()).st_size))
            self.end_headers()
            if self.command == "GET":
                while part := content.read(1 << 20):
                    self.wfile.write(part)

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve_names():
    """IPv4 addresses of the names that this world has; the others do not exist."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("169.254.169.254", 53))
    while True:
        query, peer = server.recvfrom(2048)
        end = query.index(b"\0", 12) + 5
        labels, place = [], 12
        while query[place]:
            labels.append(query[place + 1 : place + 1 + query[place]].decode(errors="replace").lower())
            place += 1 + query[place]
        name, kind = ".".join(labels), query[end - 4 : end - 2]
        address = NAMES.get(name)
        log("dns", peer[0], name)
        found = address is not None and kind == b"\0\1"
        head = query[:2] + struct.pack(">HHHHH", 0x8180 if address else 0x8183, 1, int(found), 0, 0)
        answer = b"\xc0\x0c\0\1\0\1" + struct.pack(">IH", 60, 4) + socket.inet_aton(address) if found else b""
        server.sendto(head + query[12:end] + answer, peer)


def pump(one, other):
    """Carries bytes both ways until both sides are done."""
    ends = {one: other, other: one}
    try:
        while ends:
            for end in select.select(list(ends), [], [])[0]:
                if part := end.recv(1 << 16):
                    ends.get(end, other if end is one else one).sendall(part)
                else:
                    ends.pop(end).shutdown(socket.SHUT_WR)
    except (OSError, AttributeError):
        pass
    finally:
        one.close()
        other.close()


def balance():
    server = socket.create_server(("10.0.2.200", 6443), backlog=64)
    turn = 0
    while True:
        client, peer = server.accept()
        for _ in range(len(MEMBERS)):
            turn += 1
            member = MEMBERS[turn % len(MEMBERS)]
            try:
                upstream = socket.create_connection((member, 6443), timeout=3)
            except OSError:
                continue
            upstream.settimeout(None)
            threading.Thread(target=pump, args=(client, upstream), daemon=True).start()
            break
        else:
            log("balance", peer[0], "no member")
            client.close()


def main():
    subprocess.run(["ip", "-batch", "-"], input=LINKS, text=True, check=True)
    # Nodes with another address of this world as their gateway reach the rest through it.
    pathlib.Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    webs = {address: http.server.ThreadingHTTPServer((address, 80), Web) for address in WEBS}
    for serve in (*(web.serve_forever for web in webs.values()), serve_names, balance):
        threading.Thread(target=serve, daemon=True).start()
    print("ready", flush=True)
    for line in sys.stdin:
        change = json.loads(line)
        if "balance" in change:
            MEMBERS[:] = change["balance"]
        NAMES.update(change.get("names", {}))
        for address in change.get("silent", []):
            webs[address].shutdown()
            webs[address].server_close()
        print("done", flush=True)
    os._exit(0)


main()
