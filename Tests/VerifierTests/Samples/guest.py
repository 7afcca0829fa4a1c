"""A stand-in for a guest, for the tests of the probe: it runs vendor-data as cloud-init would, in a sandbox.

The boothook, the probe, Python, openssl and /proc are real. systemd, the journal, cloud-init and the API server are
not: here is what they would leave behind or answer. It reads a scenario as JSON and writes what came out of the port.
"""

import base64
import http.server
import json
import os
import pathlib
import select
import ssl
import subprocess
import sys
import threading
import time
import tty

ANSWERS = pathlib.Path("/var/lab")
# Each answers with a file that is named after it and its first argument.
PROGRAMS = {
    "systemctl": """case $1 in
reboot) touch /var/lab/rebooted ;;
show) case $* in *' -- '*) cat /var/lab/units ;; *) cat /var/lab/manager ;; esac ;;
list-units | list-jobs | is-system-running) cat "/var/lab/$1" ;;
esac""",
    "journalctl": """case $* in *' -u '*) cat /var/lab/unit-journal ;; *) cat /var/lab/journal ;; esac""",
    # Like the real one with --no-block: it starts the command and returns.
    "systemd-run": """while case $1 in --*) true ;; *) false ;; esac; do shift; done
"$@" 2>/var/lab/complaints & echo $! >/var/lab/probe.pid""",
}
USUAL = {
    "units": "", "manager": "SystemState=running\nNJobs=0\nVersion=252\nUserspaceTimestampMonotonic=2000000\n"
    "FinishTimestampMonotonic=9000000\n",
    "list-units": "-.mount loaded active mounted /\nssh.service loaded active running SSH\n", "list-jobs": "",
    "is-system-running": "running\n", "unit-journal": "", "journal": "[    1.000000] vm kernel: hello\n",
}


def write(path, text, mode=0o644):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)


class API(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    objects = {}

    def do_GET(self):
        found = self.objects.get(self.path)
        body = b"ok" if self.path == "/readyz" else json.dumps(found or {"kind": "Status", "code": 404}).encode()
        self.send_response(200 if found or self.path == "/readyz" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def write_files(user_data):
    """What cloud-init's module of that name does with a plain cloud-config."""
    import yaml

    for entry in yaml.safe_load(user_data)["write_files"]:
        write(entry["path"], entry["content"], int(entry.get("permissions", "0644"), 8))


def serve(objects):
    """The API server, which wants a client's certificate, and the kubeconfig for it."""
    API.objects = objects
    os.makedirs("/run/lab", exist_ok=True)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=lab", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "/run/lab/key", "-out", "/run/lab/crt"],
        check=True, stderr=subprocess.DEVNULL)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 6443), API)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain("/run/lab/crt", "/run/lab/key")
    tls.load_verify_locations("/run/lab/crt")
    tls.verify_mode = ssl.CERT_REQUIRED
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    crt, key = (base64.b64encode(pathlib.Path("/run/lab", name).read_bytes()).decode() for name in ("crt", "key"))
    write("/etc/rancher/k3s/k3s.yaml", json.dumps({
        "current-context": "default",
        "contexts": [{"name": "default", "context": {"cluster": "default", "user": "default"}}],
        "clusters": [{"name": "default", "cluster": {
            "server": "https://127.0.0.1:6443", "certificate-authority-data": crt}}],
        "users": [{"name": "default", "user": {"client-certificate-data": crt, "client-key-data": key}}]}), 0o600)


def child(parent):
    """The first process that another has started."""
    while True:
        for file in pathlib.Path("/proc").glob("[0-9]*/stat"):
            fields = file.read_text().rpartition(")")[2].split()
            if fields[1] == str(parent):
                return int(file.parent.name)
        # The child's record in /proc appears on its own time.
        time.sleep(0.01)


def main():
    scenario = json.load(sys.stdin)
    # Not for everybody: what is planted here is not what the guest exposes.
    ANSWERS.mkdir(0o700)
    write("/etc/passwd", "root:x:0:0::/root:/bin/sh\n")
    write("/etc/group", "root:x:0:\nadm:x:4:\n")
    for name, text in {**USUAL, **scenario.get("answers", {})}.items():
        write(ANSWERS / name, text)
    for name, text in PROGRAMS.items():
        write("/usr/local/sbin/" + name, "#!/bin/sh\n" + text + "\n", 0o755)
    for path, entry in scenario.get("files", {}).items():
        write(path, base64.b64decode(entry["content"]), entry.get("mode", 0o644))
    if scenario.get("writes_files"):
        write_files(pathlib.Path("/var/lib/cloud/instance/user-data.txt").read_text())
    for path in scenario.get("removed", []):
        subprocess.run(["rm", "-r", path], check=True)
    if "objects" in scenario:
        serve(scenario["objects"])
    programs = [
        subprocess.Popen(["sleep", "600"], env=dict(os.environ, **environment))
        for environment in scenario.get("environments", [])]
    if scenario.get("bootstrapping"):
        # With the pipe that cloud-init's output runs through, which began later than what it waits for.
        pipe = subprocess.Popen(["sh", "-c", "tee /dev/null; :"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        programs.append(pipe)
        write("/sys/fs/cgroup/system.slice/k3seed-bootstrap.service/cgroup.procs", "%d\n%d\n%d\n" % (
            programs[0].pid, pipe.pid, child(pipe.pid)))

    master, port = os.openpty()
    tty.setraw(port)
    os.makedirs("/dev/virtio-ports")
    os.symlink(os.ttyname(port), "/dev/virtio-ports/org.k3seed.verify.0")
    hook = base64.b64decode(scenario["vendor_data"])
    assert hook.startswith(b"#cloud-boothook\n")
    # What cloud-init does: it takes the first line off, and runs the rest.
    write("/run/boothook", hook[len(b"#cloud-boothook\n") :], 0o700)
    subprocess.run(["/run/boothook"], check=True, timeout=20)

    steps = scenario["steps"]
    heard = b""
    end = time.monotonic() + scenario.get("seconds", 40)
    while steps and time.monotonic() < end:
        step = steps[0]
        if "say" in step:
            os.write(master, step["say"].encode() + b"\n")
        elif "write" in step:
            for path, text in step["write"].items():
                write(path, text)
        elif "empty" in step:
            write(step["empty"], "")
        elif "until" in step:
            if select.select([master], [], [], 0.2)[0]:
                data = os.read(master, 1 << 16)
                heard += data
                sys.stdout.buffer.write(data)
            *lines, rest = heard.split(b"\n")
            matching = [line for line in lines if step["until"].encode() in line]
            if len(matching) < step.get("count", 1):
                continue
            heard = rest
        steps.pop(0)
    sys.stdout.flush()
    if steps:
        print("not reached: %s; %s" % (steps, (ANSWERS / "complaints").read_text()), file=sys.stderr)
    for name in scenario.get("show", []):
        print("%s: %s" % (name, os.path.exists(name)), file=sys.stderr)
    for program in programs:
        program.kill()
    sys.exit(1 if steps else 0)


if __name__ == "__main__":
    main()
