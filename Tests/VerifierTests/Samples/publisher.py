"""Stands in for a publisher of images: serves a folder, and runs a command meanwhile.

Usage: publisher.py FOLDER LOG COMMAND...   ({} in the command is the server's address)

The first part of a path says how: plain/ does not know ranges, whole/ does, cut/ breaks off in the middle of large
files, slow/ takes its time with them, endless/ does not say how long they are and sends them again and again. LOG gets a line for every request: path and range.
"""

import http.server
import os
import subprocess
import sys
import threading
import time

folder, log, command = sys.argv[1], sys.argv[2], sys.argv[3:]
LARGE = 1 << 16


class Publisher(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        how, _, name = self.path.lstrip("/").partition("/")
        wanted = self.headers.get("Range")
        with open(log, "a") as file:
            file.write(f"{self.path} {wanted or '-'}\n")
        try:
            with open(os.path.join(folder, name), "rb") as file:
                content = file.read()
        except OSError:
            return self.send_error(404)
        start = 0
        if wanted and how != "plain":
            start = int(wanted.removeprefix("bytes=").split("-")[0])
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        rest = content[start:]
        if how != "endless" or len(rest) <= LARGE:
            self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        if how == "cut" and len(rest) > LARGE:
            rest = rest[: len(rest) // 2]
        pause = 0.02 if how == "slow" and len(rest) > LARGE else 0
        try:
            for offset in range(0, len(rest), LARGE):
                self.wfile.write(rest[offset : offset + LARGE])
                # This is the slowness itself.
                time.sleep(pause)
            while how == "endless" and len(rest) > LARGE:
                self.wfile.write(rest)
        except OSError:
            pass
        self.close_connection = True

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Publisher)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{server.server_port}"
sys.exit(subprocess.run([word.replace("{}", address) for word in command]).returncode)
