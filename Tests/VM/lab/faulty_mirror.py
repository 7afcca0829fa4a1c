"""A mirror that fails in every way that a download can, for the VM tests; the guest reaches it at 10.0.2.2.

    faulty_mirror.py FOLDER LOG [ADDRESS]

FOLDER is served on a free port of ADDRESS, or else of 127.0.0.1, which is the first line of standard output; http://HOST:PORT/FAULT/FILE
is FOLDER/FILE with that fault. Each request is a line of LOG, `FAULT FILE OUTCOME`, when it is over. Standard input's
end ends it.

    well        whole and right
    corrupt     one byte in the middle is another
    truncated   the last byte is missing, and the connection closed
    dripping    ten bytes a second, for ever
    wrong       another program, which would leave /etc/k3seed-lab/ran-unverified
    lost        half of it; then the network is gone for a minute: every connection that comes, whatever for, is cut.
                Well afterwards
"""

import http.server
import os
import pathlib
import sys
import threading
import time
import urllib.parse

FOLDER = pathlib.Path(sys.argv[1])
LOG = sys.argv[2]
MINUTE = 60
# When the network went.
lost = []


class Mirror(http.server.BaseHTTPRequestHandler):
    # Until the guest has closed its side, a long answer must not hang for ever.
    timeout = 120

    def do_GET(self):
        _, fault, name = urllib.parse.unquote(self.path).split("/", 2)
        outcome = "broken off"
        try:
            file = FOLDER / name
            body = file.read_bytes() if ".." not in name and file.is_file() else None
            if body is None:
                outcome = "not found"
                self.send_error(404)
            else:
                outcome = self.answer(fault, name, body)
        except OSError:
            pass
        finally:
            with open(LOG, "a") as log:
                log.write(f"{fault} {name} {outcome}\n")

    def answer(self, fault, name, body):
        if fault == "wrong":
            body = b"#!/bin/sh\nmkdir -p /etc/k3seed-lab && : >/etc/k3seed-lab/ran-unverified\n"
        if fault == "corrupt":
            middle = len(body) // 2
            body = body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]
        if lost:
            if time.monotonic() - lost[0] < MINUTE:
                return "cut"
            fault = "well" if fault == "lost" else fault
        if fault == "lost":
            lost.append(time.monotonic())
        self.send_response(200)
        self.send_header("Content-Length", len(body))
        self.end_headers()
        if fault == "dripping":
            while True:
                self.wfile.write(b"." * 10)
                # This is the drip: slow, and never so slow that a read would time out.
                time.sleep(1)
        if fault == "truncated":
            body = body[:-1]
        if fault == "lost":
            body = body[: len(body) // 2]
        self.wfile.write(body)
        self.close_connection = True
        return "cut" if fault == "lost" else "sent"

    def log_message(self, *arguments):
        pass


address = sys.argv[3] if len(sys.argv) > 3 else "127.0.0.1"
server = http.server.ThreadingHTTPServer((address, 0), Mirror)
print(server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
os._exit(0)
