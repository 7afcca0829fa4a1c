"""k3seed's probe: says over a virtio-serial port what becomes of the guest that it runs in.

The verifier's vendor-data starts it as a service of its own, once in every boot, in cloud-init's network stage. It
needs nothing but the Python that cloud-init needs (3.8 and later). It polls without starting programs, as a program
costs tenths of a second where QEMU emulates the processor; only to gather facts does it start some, each under a
time limit, and what fails is left out of the facts rather than ending the probe.

Each line is one JSON object: {"nonce", "boot", "seq", "at", "event", "data"}; `at` is in seconds of CLOCK_MONOTONIC.
The host answers with lines {"nonce", "do"}.

No secret leaves: it reads the payload's secrets itself, out of the user-data, is told those that OCI Vault holds, and
takes every form of them out of each line. Values of Kubernetes Secrets go out as BLAKE2b-256 under the key of this verification.
"""

import base64
import collections
import hashlib
import json
import os
import re
import select
import stat
import sys
import threading
import time
import urllib.parse

BOOTSTRAP = "k3seed-bootstrap.service"
OWN_UNIT = "k3seed-verify.service"
MASK = b"<not shown>"
# A shorter value stands in too many texts by chance for its presence to mean anything.
SHORTEST = 6
CLOUD_INIT_STAGES = {
    "init-local": "init-local",
    "init": "init-network",
    "modules-config": "modules-config",
    "modules-final": "modules-final",
}
CLOUD_INIT_UNITS = {
    "init-local": ("cloud-init-local.service",),
    "init-network": ("cloud-init-network.service", "cloud-init.service"),
    "modules-config": ("cloud-config.service",),
    "modules-final": ("cloud-final.service",),
}


# --- Secrets -----------------------------------------------------------------------------------------------------


def forms(secret):
    """Every form in which a secret may stand in a text, but for those of URLs."""
    plain = {secret, secret.strip()}
    for line in secret.splitlines():
        # Journals and logs keep a value line by line. The first line of a private key is the same in all of its kind.
        if len(line) >= 16 and not line.startswith((b"-----", b"b3BlbnNzaC1rZXktdjEA")):
            plain.add(line.strip())
    found = set()
    for value in plain:
        if len(value) < SHORTEST:
            continue
        found.add(value)
        found.add(value.replace(b" ", b"+"))
        found.add(value.hex().encode())
        found.add(value.hex().upper().encode())
        # base64 of a text that the value is a part of: three ways to fall on groups of three bytes. What the
        # neighbours have a part in is left out.
        for before in range(3):
            whole = base64.b64encode(b"\0" * before + value)
            first = (0, 2, 3)[before]
            end = len(whole) if (before + len(value)) % 3 == 0 else len(whole.rstrip(b"=")) - 1
            core = whole[first:end]
            if len(core) >= 7:
                found.add(core)
                found.add(core.translate(bytes.maketrans(b"+/", b"-_")))
        try:
            text = value.decode()
        except UnicodeDecodeError:
            continue
        for ascii_only in (True, False):
            escaped = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
            for form in (escaped, escaped.replace("/", "\\/"), html_safe(escaped)):
                found.add(form.encode("utf-8", "surrogatepass"))
    return found


def url_form(secret):
    """What finds a secret in a URL, whichever of its bytes are written as `%2D`."""
    pattern = b"".join(
        b"(?:%s|%%%02X|%%%02x%s)" % (re.escape(bytes([byte])), byte, byte, b"|[+]" if byte == 32 else b"")
        for byte in secret)
    return re.compile(pattern)


def html_safe(escaped):
    """JSON as Go writes it, which Kubernetes is made of."""
    for character in "<>&":
        escaped = escaped.replace(character, "\\u%04x" % ord(character))
    return escaped


class Secrets:
    """The payload's secrets and all their forms."""

    def __init__(self, named):
        self.forms = {}
        self.urls = {}
        self.short = []
        for name, value in sorted(named.items()):
            if len(value.strip()) < SHORTEST:
                self.short.append(name)
                continue
            for form in forms(value):
                self.forms.setdefault(form, name)
            self.urls[value.strip()] = name
        self.ordered = sorted(self.forms, key=lambda form: (-len(form), form))
        self.patterns = None
        self.longest = max(map(len, self.ordered), default=0)

    def masked(self, data):
        """Some bytes, every form of a secret taken out."""
        for form in self.ordered:
            if form in data:
                data = data.replace(form, MASK)
        if b"%" in data:
            if self.patterns is None:
                self.patterns = [url_form(value) for value in sorted(self.urls, key=len, reverse=True)]
            for pattern in self.patterns:
                data = pattern.sub(MASK, data)
        return data

    def names_in(self, data):
        """Which secrets stand in some bytes."""
        found = {self.forms[form] for form in self.ordered if form in data}
        if b"%" in data and self.urls:
            # In forms a space is a plus sign, and a plus sign is `%2B`.
            for text in map(urllib.parse.unquote_to_bytes, (data, data.replace(b"+", b" "))):
                found.update(name for value, name in self.urls.items() if value in text)
        return found

    def text(self, data, limit=400):
        """Some bytes as a text of one line that may be sent. It is masked before it is cut."""
        if isinstance(data, str):
            data = data.encode("utf-8", "surrogatepass")
        text = self.masked(data).decode("utf-8", "replace")
        text = "".join(c if c.isprintable() else " " if c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in text)
        return text if len(text) <= limit else text[: limit - 1] + "\N{HORIZONTAL ELLIPSIS}"

    def clean(self, value):
        """A value of JSON, every text in it masked."""
        if isinstance(value, str):
            data = value.encode("utf-8", "surrogatepass")
            masked = self.masked(data)
            return value if masked is data else masked.decode("utf-8", "replace")
        if isinstance(value, dict):
            return {self.clean(str(key)): self.clean(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.clean(item) for item in value]
        return value


def file_content(entry):
    """The bytes of a write_files entry, its encoding taken off."""
    content = entry.get("content") or ""
    if isinstance(content, str):
        content = content.encode()
    if not isinstance(content, bytes):
        content = str(content).encode()
    encoding = str(entry.get("encoding") or "").lower()
    if encoding.endswith(("b64", "base64")):
        content = base64.b64decode(content)
    if encoding.startswith("gz"):
        import gzip

        content = gzip.decompress(content)
    return content


def parts(data):
    """The parts of user-data, decoded: what cloud-init would see."""
    import email
    import gzip

    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    if b"mime-version:" not in data[:4096].lower():
        return [data]
    found = []
    for part in email.message_from_bytes(data).walk():
        if not part.is_multipart():
            content = part.get_payload(decode=True) or b""
            found.append(gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content)
    return found


def read_secrets(user_data, paths, manifests):
    """The named secrets of a payload: whole files, and the values of Secrets in manifests."""
    named = {}
    if not paths and not manifests:
        return named
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for part in parts(user_data):
        if not part.startswith(b"#cloud-config"):
            continue
        for entry in (yaml.load(part, loader) or {}).get("write_files") or []:
            path = entry.get("path")
            if path in paths:
                named[path] = file_content(entry)
            if path in manifests:
                for document in yaml.load_all(file_content(entry), loader):
                    named.update(manifest_secrets(document))
    return named


def manifest_secrets(document):
    found = {}
    if not isinstance(document, dict):
        return found
    for item in document.get("items") or []:
        found.update(manifest_secrets(item))
    if document.get("kind") == "Secret":
        metadata = document.get("metadata") or {}
        name = "%s/%s" % (metadata.get("namespace", "default"), metadata.get("name"))
        for key, value in (document.get("data") or {}).items():
            found["%s %s" % (name, key)] = base64.b64decode(value)
        for key, value in (document.get("stringData") or {}).items():
            found["%s %s" % (name, key)] = str(value).encode()
    return found


# --- Reading the guest -------------------------------------------------------------------------------------------


class Guest:
    """The machine, as far as it can be read."""

    def __init__(self, config):
        self.config = config
        self.secrets = Secrets({})
        self.user_data = None
        self.trouble = []
        self.sampled = {}
        self.exposed = {}
        self.hashes = {}
        # For how many seconds Argo CD was waited for.
        self.waited = 0
        self.ticks = os.sysconf("SC_CLK_TCK")

    def read(self, path, limit=1 << 20):
        """The first bytes of a file; nothing where it cannot be read."""
        try:
            with open(path, "rb") as file:
                return file.read(limit)
        except OSError:
            return None

    def tail(self, path, limit=1 << 16):
        """The last whole lines of a file, and how many bytes before them were left out."""
        try:
            with open(path, "rb") as file:
                size = os.fstat(file.fileno()).st_size
                cut = max(0, size - limit)
                file.seek(cut)
                data = file.read(limit)
        except OSError:
            return None, 0
        if cut:
            data = data[data.find(b"\n") + 1 :]
        return data, cut

    def json(self, path):
        try:
            return json.loads(self.read(path) or b"null")
        except ValueError:
            return None

    def listing(self, path):
        try:
            return sorted(os.listdir(path))
        except OSError:
            return []

    def run(self, *argv, timeout=30, limit=4 << 20):
        """What a program writes to its standard output; nothing where it does not start, or not end in time."""
        import subprocess

        try:
            with subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                env=dict(os.environ, LC_ALL="C", SYSTEMD_COLORS="0", SYSTEMD_PAGER=""),
            ) as process:
                try:
                    output = process.communicate(timeout=timeout)[0]
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.communicate()
                    self.trouble.append("%s: not done within %d s" % (argv[0], timeout))
                    return None
        except OSError as error:
            self.trouble.append("%s: %s" % (argv[0], error.strerror))
            return None
        return output[-limit:]

    # What changes while the guest boots. All of it is cheap.

    def processor_time(self):
        """Seconds that the processors spent on everything but the probe.

        By control groups, where all time is counted in one way; ticks are lost where the host is busy.
        """
        base = "/sys/fs/cgroup"
        groups = [
            base + "/" + name for name in self.listing(base) if name.endswith((".slice", ".scope")) or name == "kubepods"]
        used = [self.usage(group) for group in groups]
        if any(used):
            return sum(used) - self.usage(base + "/system.slice/" + OWN_UNIT)
        fields = (self.read("/proc/stat", 4096) or b"").split(b"\n", 1)[0].split()[1:]
        busy = sum(int(fields[place]) for place in (0, 1, 2, 5, 6, 7)) if len(fields) >= 8 else 0
        return max(0, busy / self.ticks - sum(os.times()[:4]))

    def usage(self, group):
        match = re.match(rb"usage_usec (\d+)", self.read(group + "/cpu.stat", 4096) or b"")
        return int(match.group(1)) / 1e6 if match else 0

    def progress(self):
        """What tells a guest that works from one that hangs."""
        found = {"cpu": round(self.processor_time(), 2)}
        network = 0
        for line in (self.read("/proc/net/dev") or b"").splitlines():
            name, colon, counters = line.partition(b":")
            fields = counters.split()
            if colon and name.strip() != b"lo" and len(fields) > 8:
                network += int(fields[0]) + int(fields[8])
        found["network"] = network
        return found

    def cgroup(self, unit):
        """The processes of a unit; nothing where it has none."""
        for base in ("/sys/fs/cgroup/system.slice", "/sys/fs/cgroup/systemd/system.slice"):
            data = self.read("%s/%s/cgroup.procs" % (base, unit))
            if data:
                return [int(pid) for pid in data.split()]
        return []

    def command(self):
        """The deepest running command of cloud-init or the bootstrap: its unit, process and name.

        Only the name: arguments may hold secrets.
        """
        units = [BOOTSTRAP, "cloud-init-main.service"]
        units += [unit for names in CLOUD_INIT_UNITS.values() for unit in reversed(names)]
        for unit in units:
            parents = {}
            for pid in self.cgroup(unit):
                data = self.read("/proc/%d/stat" % pid, 4096)
                if data:
                    name = data[data.find(b"(") + 1 : data.rfind(b")")]
                    fields = data[data.rfind(b")") + 2 :].split()
                    if fields[0] != b"Z":
                        parents[pid] = (int(fields[1]), name, int(fields[19]))
            # The output of cloud-init runs through `sh -c "tee …"`, which is never what it waits for.
            pipes = {pid for pid, (_, name, _) in parents.items() if name == b"tee"}
            pipes |= {parents[pid][0] for pid in pipes if parents.get(parents[pid][0], (0, b""))[1] in (b"sh", b"dash")}
            deepest = None
            for pid, (parent, name, start) in parents.items():
                depth = 0
                while parent in parents and depth < 64:
                    parent, depth = parents[parent][0], depth + 1
                if pid not in pipes and name != b"timeout" and (deepest is None or (depth, start) > deepest[0]):
                    deepest = ((depth, start), pid, name)
            if deepest:
                argv = (self.read("/proc/%d/cmdline" % deepest[1], 4096) or b"").split(b"\0")
                shown = argv[0] or deepest[2]
                return {"unit": unit, "pid": deepest[1], "command": self.secrets.text(shown, 120)}
        return None

    def sample(self):
        """Looks for secrets in the arguments and environments of processes not looked at before.

        A process is looked at until two samples found the same command: it may be caught between fork and exec.
        """
        if not self.secrets.ordered:
            return
        seen = {}
        for name in self.listing("/proc"):
            if not name.isdigit() or int(name) == os.getpid():
                continue
            known = self.sampled.get(name)
            if known is True:
                seen[name] = True
                continue
            arguments = self.read("/proc/%s/cmdline" % name) or b""
            seen[name] = True if known == arguments else arguments
            for what, data in (("cmdline", arguments), ("environ", self.read("/proc/%s/environ" % name) or b"")):
                for secret in self.secrets.names_in(data):
                    command = self.secrets.text(arguments.split(b"\0")[0], 120)
                    self.exposed.setdefault((secret, "%s of process %s" % (what, command)), True)
        self.sampled = seen

    # Facts: gathered when the guest has settled, or when the host asks.

    def facts(self):
        found = {}
        self.trouble = []
        for name in (
            "user_data", "datasource", "cloud_init", "journal", "systemd", "files", "gone", "binary", "bootstrap",
            "kubernetes", "gateway", "disk", "memory", "network", "processes", "running", "timeline", "exposure",
        ):
            begin = time.monotonic()
            try:
                found[name] = getattr(self, "fact_" + name)(found)
            except Exception as error:  # Whatever it is, the other facts are still worth having.
                self.trouble.append("%s: %s: %s" % (name, type(error).__name__, error))
            found.setdefault("cost", {})[name] = round(time.monotonic() - begin, 3)
        found["cost"]["processor"] = round(self.usage("/sys/fs/cgroup/system.slice/" + OWN_UNIT), 2)
        found["missing"] = [self.secrets.text(line) for line in self.trouble]
        return found

    def fact_user_data(self, _):
        # The bootstrap may have removed cloud-init's copy since: it holds secrets.
        if self.user_data is None:
            return None
        return {"sha256": hashlib.sha256(self.user_data).hexdigest(), "bytes": len(self.user_data)}

    def status(self):
        return (self.json("/run/cloud-init/status.json") or {}).get("v1") or {}

    def fact_datasource(self, _):
        return self.status().get("datasource")

    def fact_cloud_init(self, _):
        status = self.status()
        stages = {}
        for key, name in CLOUD_INIT_STAGES.items():
            stage = status.get(key) or {}
            stages[name] = {
                "started": stage.get("start") is not None,
                "finished": stage.get("finished") is not None,
                "errors": [self.secrets.text(str(error)) for error in stage.get("errors") or []][:50],
                "recoverable_errors": {
                    level: [self.secrets.text(str(line)) for line in lines][:50]
                    for level, lines in (stage.get("recoverable_errors") or {}).items()
                },
            }
        result = self.json("/run/cloud-init/result.json")
        warnings = []
        data, cut = self.tail("/var/log/cloud-init.log", 4 << 20)
        # Only of this boot: every boot's first line says that init-local runs.
        lines = (data or b"").splitlines()
        begin = max((n for n, line in enumerate(lines) if b"running 'init-local'" in line), default=0)
        for line in lines[begin:]:
            match = re.match(rb"\S+ \S+ - (\S+)\[(WARNING|ERROR|CRITICAL)\]: (.*)", line)
            if match:
                file, level, text = match.groups()
                warnings.append("%s: %s: %s" % (level.decode(), file.decode(), self.secrets.text(text)))
        return {
            "version": self.cloud_init_version(),
            "stages": stages,
            "finished": result is not None,
            "errors": [self.secrets.text(str(e)) for e in ((result or {}).get("v1") or {}).get("errors") or []],
            "log": None if data is None else {"bytes": len(data), "cut": cut},
            "warnings": warnings[:100],
            "output": self.lines(self.tail("/var/log/cloud-init-output.log")[0], 40),
        }

    def lines(self, data, count, limit=400):
        """The last lines of some bytes, masked."""
        if data is None:
            return None
        return [self.secrets.text(line, limit) for line in data.splitlines()[-count:]]

    def cloud_init_version(self):
        import glob

        for pattern in ("/usr/lib/python3*/*-packages/cloudinit/version.py", "/usr/lib/python3/*-packages/cloudinit/version.py"):
            for path in glob.glob(pattern):
                text = self.read(path) or b""
                match = re.search(rb'_PACKAGED_VERSION = "([^"@]+)"', text) or re.search(rb'__VERSION__ = "([^"]+)"', text)
                if match:
                    return match.group(1).decode()
        return None

    def properties(self, *arguments):
        """What `systemctl show` says: a table for every unit."""
        output = self.run("systemctl", "show", "--no-pager", *arguments)
        if output is None:
            return None
        return [
            dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
            for block in output.decode("utf-8", "replace").split("\n\n")
            if block.strip()
        ]

    def manager(self):
        """systemd's own properties."""
        found = self.properties(
            "-p", "SystemState,NJobs,NFailedUnits,Version,KernelTimestampMonotonic,InitRDTimestampMonotonic,"
            "UserspaceTimestampMonotonic,FinishTimestampMonotonic")
        return found if found is None else (found or [{}])[0]

    def fact_systemd(self, _):
        # Showing a unit makes systemd gather hundreds of properties: a tenth of a second each where it is emulated.
        # So the list tells which units are worth it, and the journal which were restarted.
        self.timestamps = manager = self.manager()
        if manager is None:
            return None
        listed = self.run("systemctl", "list-units", "--all", "--plain", "--no-legend", "--full")
        if listed is None:
            return None
        states = {}
        for line in listed.decode("utf-8", "replace").splitlines():
            fields = line.split()
            if len(fields) >= 4 and fields[0] != OWN_UNIT:
                states[fields[0]] = fields[2]
        failing = sorted(name for name, state in states.items() if state == "failed")
        wanted = {name for names in CLOUD_INIT_UNITS.values() for name in names if name in states}
        wanted.update(failing[:50])
        if self.config.get("unit"):
            wanted.add(self.config["unit"])
        shown = self.properties(
            "-p", "Id,ActiveState,SubState,Result,ExecMainStatus,ConditionResult,ExecMainStartTimestampMonotonic,"
            "ExecMainExitTimestampMonotonic", "--", *sorted(wanted)) if wanted else []
        self.units = {unit.get("Id"): unit for unit in shown or []}
        failed = []
        for name in failing[:50]:
            unit = self.units.get(name) or {}
            failed.append({
                "unit": name, "result": unit.get("Result"), "exit": number(unit.get("ExecMainStatus")),
                "lines": self.unit_lines(name, 20)})
        restarts = getattr(self, "restarts", None)
        jobs = []
        if manager.get("NJobs") != "0":
            for line in (self.run("systemctl", "list-jobs", "--no-legend", "--plain", "--full") or b"").splitlines():
                fields = line.decode("utf-8", "replace").split()
                if len(fields) >= 4 and fields[1] != OWN_UNIT:
                    jobs.append({"unit": fields[1], "type": fields[2], "state": fields[3]})
        return {
            "state": manager.get("SystemState"), "version": manager.get("Version"), "units": len(states),
            "failed": failed, "jobs": jobs[:50],
            "restarting": None if restarts is None else [
                {"unit": name, "restarts": count, "lines": self.unit_lines(name, 10)}
                for name, count in sorted(restarts.items())[:50]]}

    def unit_lines(self, unit, count):
        return self.lines(self.run("journalctl", "-b", "-q", "--no-pager", "-o", "cat", "-n", str(count), "-u", unit), count)

    def fact_journal(self, _):
        """Reads the journal of this boot once: for its last lines, the bootstrap's own lines, and secrets in it."""
        import subprocess

        self.marks = []
        self.restarts = {}
        tail = collections.deque(maxlen=120)
        count = size = 0
        exposed = set()
        carry = b""
        process = subprocess.Popen(
            ["journalctl", "-b", "-q", "--no-pager", "--all", "-o", "short-monotonic"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        killer = threading.Timer(60, process.kill)
        killer.start()
        try:
            while True:
                data = process.stdout.read(1 << 20)
                exposed |= self.secrets.names_in(carry[-self.secrets.longest :] + data if carry else data)
                lines = (carry + data).split(b"\n")
                carry = lines.pop() if data else b""
                size += len(data)
                count += len(lines)
                for line in lines:
                    if b"k3seed: " in line:
                        match = re.match(rb"\[ *([0-9.]+)\] .*? k3seed: (\w+): (ok \((\d+) s\)|FAILED: .*)", line)
                        if match:
                            self.marks.append((float(match.group(1)), match.group(2).decode(), match.group(3)))
                    elif b"restart counter is at" in line:
                        match = re.search(rb" systemd\[1\]: (\S+): .*restart counter is at (\d+)", line)
                        if match:
                            self.restarts[match.group(1).decode("utf-8", "replace")] = int(match.group(2))
                tail.extend(lines)
                if not data:
                    break
        finally:
            killer.cancel()
            process.kill()
            process.stdout.close()
            process.wait()
        for name in exposed:
            self.exposed[(name, "the journal")] = True
        lines = [line for line in tail if line]
        return {"bytes": size, "count": count, "lines": [self.secrets.text(line) for line in lines]}

    def owner(self, kind, number):
        import grp
        import pwd

        try:
            return pwd.getpwuid(number).pw_name if kind == "user" else grp.getgrgid(number).gr_name
        except KeyError:
            return str(number)

    def fact_files(self, _):
        found = {}
        for path in self.config.get("files") or []:
            try:
                status = os.lstat(path)
            except OSError:
                found[path] = None
                continue
            entry = {
                "mode": "%04o" % stat.S_IMODE(status.st_mode), "size": status.st_size,
                "owner": self.owner("user", status.st_uid), "group": self.owner("group", status.st_gid)}
            if stat.S_ISREG(status.st_mode):
                entry["sha256"] = self.sha256(path)
            found[path] = entry
        return found

    def sha256(self, path):
        """The SHA-256 of a file. One that has not changed since is not read again: K3s takes seconds."""
        digest = hashlib.sha256()
        try:
            with open(path, "rb") as file:
                status = os.fstat(file.fileno())
                state = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
                if state not in self.hashes:
                    for chunk in iter(lambda: file.read(1 << 20), b""):
                        digest.update(chunk)
                    self.hashes[state] = digest.hexdigest()
        except OSError:
            return None
        return self.hashes[state]

    def fact_gone(self, _):
        # `bootcmd` makes the folder again in every boot; empty, it is as good as gone.
        return {
            path: not os.path.lexists(path) or os.path.isdir(path) and not os.listdir(path)
            for path in self.config.get("gone") or []}

    def fact_binary(self, _):
        path = self.config.get("binary")
        if not path:
            return None
        return {"path": path, "sha256": self.sha256(path), "machine": os.uname().machine}

    def fact_bootstrap(self, found):
        unit = self.config.get("unit")
        if not unit:
            return None
        state = getattr(self, "units", {}).get(unit) or {}
        stages = []
        for _, name, outcome in getattr(self, "marks", []):
            ok = outcome.startswith(b"ok")
            stages.append({
                "name": name, "ok": ok, "seconds": int(outcome[4:-3]) if ok else None,
                "line": None if ok else self.secrets.text(outcome)})
        logs = {}
        for name in self.logs():
            data, _ = self.tail("/run/k3seed/%s.log" % name)
            logs[name] = self.lines(data, 15)
        complete = self.read("/var/lib/k3seed/complete", 256)
        return {
            "active": state.get("ActiveState"), "sub": state.get("SubState"), "result": state.get("Result"),
            "exit": number(state.get("ExecMainStatus")), "condition": state.get("ConditionResult"),
            "stages": stages, "logs": logs,
            "complete": None if complete is None else self.secrets.text(complete.strip())}

    def logs(self):
        """The stages that have a log, in the order of their beginning."""
        names = [name[:-4] for name in self.listing("/run/k3seed") if name.endswith(".log")]
        order = self.config.get("stages") or []
        return sorted(names, key=lambda name: (order.index(name) if name in order else len(order), name))

    def fact_disk(self, _):
        found = {}
        for path in ("/", "/run", "/var", "/tmp"):
            try:
                status = os.statvfs(path)
            except OSError:
                continue
            # f_bfree, not f_bavail: root may use the reserve.
            found[path] = {
                "bytes": status.f_blocks * status.f_frsize, "free": status.f_bfree * status.f_frsize,
                "inodes": status.f_files, "inodes_free": status.f_ffree}
        return found

    def fact_memory(self, _):
        found = {}
        for line in (self.read("/proc/meminfo") or b"").decode().splitlines():
            name, _, value = line.partition(":")
            if name in ("MemTotal", "MemAvailable", "SwapTotal", "SwapFree"):
                found[name] = int(value.split()[0]) * 1024
        return found

    def fact_network(self, _):
        output = self.run("ip", "-j", "address", timeout=10)
        links = [
            {"name": link.get("ifname"), "state": link.get("operstate"),
             "addresses": ["%s/%s" % (a.get("local"), a.get("prefixlen")) for a in link.get("addr_info") or []]}
            for link in json.loads(output or b"[]")]
        import socket

        # By the kernel's own tables, as each `ip` is a program to start.
        routes = []
        for line in (self.read("/proc/net/route") or b"").decode().splitlines()[1:]:
            fields = line.split()
            if fields[1] == fields[7] == "00000000":
                gateway = ".".join(str(byte) for byte in bytes.fromhex(fields[2])[::-1])
                routes.append("default via %s dev %s" % (gateway, fields[0]))
        for line in (self.read("/proc/net/ipv6_route") or b"").decode().splitlines():
            fields = line.split()
            # The kernel's own entry for what has no route is on the loopback.
            if fields[0] == "0" * 32 and fields[1] == "00" and fields[9] != "lo":
                gateway = socket.inet_ntop(socket.AF_INET6, bytes.fromhex(fields[4]))
                routes.append("default via %s dev %s" % (gateway, fields[9]))
        servers = re.findall(rb"^nameserver (\S+)", self.read("/etc/resolv.conf") or b"", re.M)
        return {"links": links, "default_routes": routes, "name_servers": [s.decode("ascii", "replace") for s in servers]}

    def fact_gateway(self, _):
        """Whether another node lets this one out: what the seed of that node says, which only it can reach.

        Only what is bound to the interface between the nodes goes there, so nothing else changes its way.
        """
        import socket

        wanted = self.config.get("gateway")
        if not wanted:
            return None
        names = [n for n in self.listing("/sys/class/net")
                 if (self.read("/sys/class/net/%s/address" % n) or b"").decode().strip() == wanted["hardware"]]
        if not names:
            return {"problem": "no interface %s" % wanted["hardware"]}
        rule = ("from", "all", "oif", names[0], "lookup", "7173")
        self.run("ip", "route", "replace", "default", "via", wanted["address"], "dev", names[0], "table", "7173")
        self.run("ip", "rule", "add", *rule)
        try:
            with socket.socket() as connection:
                connection.settimeout(20)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, names[0].encode() + b"\0")
                connection.connect((wanted["seed"], 80))
                connection.sendall(b"GET /meta-data HTTP/1.0\r\n\r\n")
                answer = b""
                for data in iter(lambda: connection.recv(4096), b""):
                    answer += data
        except OSError as error:
            return {"problem": error.strerror or str(error)}
        finally:
            self.run("ip", "rule", "delete", *rule)
            self.run("ip", "route", "flush", "table", "7173")
        match = re.search(rb"^instance-id: (\S+)", answer, re.M)
        return {"answer": self.secrets.text(match.group(1), 80) if match else None}

    def fact_processes(self, _):
        found = []
        count = 0
        for name in self.listing("/proc"):
            if name.isdigit():
                data = self.read("/proc/%s/stat" % name, 4096)
                if data:
                    count += 1
                    fields = data[data.rfind(b")") + 2 :].split()
                    cpu = (int(fields[11]) + int(fields[12])) / self.ticks
                    command = data[data.find(b"(") + 1 : data.rfind(b")")]
                    found.append((cpu, int(name), self.secrets.text(command, 64), fields[0].decode()))
        found.sort(reverse=True)
        return {"count": count, "top": [
            {"cpu": round(cpu, 1), "pid": pid, "name": name, "state": state} for cpu, pid, name, state in found[:12]]}

    def fact_running(self, _):
        return self.command()

    def fact_timeline(self, found):
        """Stretches of monotonic seconds. An end that is not known is null."""
        spans = []
        manager = getattr(self, "timestamps", None) or {}

        def at(table, name):
            value = number(table.get(name))
            return value / 1e6 if value else None

        initrd, userspace = at(manager, "InitRDTimestampMonotonic"), at(manager, "UserspaceTimestampMonotonic")
        spans.append(["kernel", "kernel", 0.0, initrd or userspace, False])
        if initrd:
            spans.append(["system", "initrd", initrd, userspace, False])
        if userspace:
            spans.append(["system", "systemd", userspace, at(manager, "FinishTimestampMonotonic"), False])
        units = getattr(self, "units", {})
        stages = (found.get("cloud_init") or {}).get("stages") or {}
        for stage, names in CLOUD_INIT_UNITS.items():
            for name in names:
                begin = at(units.get(name) or {}, "ExecMainStartTimestampMonotonic")
                if begin:
                    end = at(units[name], "ExecMainExitTimestampMonotonic")
                    failed = bool((stages.get(stage) or {}).get("errors"))
                    spans.append(["cloud-init", stage, begin, end if end and end >= begin else None, failed])
                    break
        begin = at(units.get(self.config.get("unit") or "") or {}, "ExecMainStartTimestampMonotonic")
        for end, stage, outcome in getattr(self, "marks", []):
            spans.append(["bootstrap", stage, end if begin is None else begin, end, not outcome.startswith(b"ok")])
            begin = end
        return [
            {"group": group, "name": name, "start": start, "end": end, "failed": failed}
            for group, name, start, end, failed in spans]

    # Kubernetes: over HTTPS, as kubectl would be a program of 50 MB to start for every question.

    def fact_kubernetes(self, _):
        wanted = self.config.get("kubernetes")
        if not wanted:
            return None
        api = API(self, wanted["kubeconfig"])
        namespaces = wanted.get("namespaces") or []
        found = {}
        status, body = api.get("/readyz")
        found["readyz"] = {"status": status, "body": self.secrets.text(body, 200)}
        status, version = api.json("/version")
        found["version"] = version.get("gitVersion") if status == 200 else None
        node = wanted.get("node")
        if node:
            status, value = api.json("/api/v1/nodes/" + node)
            conditions = (value.get("status") or {}).get("conditions") or []
            ready = next((c for c in conditions if c.get("type") == "Ready"), {})
            annotations = (value.get("metadata") or {}).get("annotations") or {}
            found["node"] = {
                "addresses": [
                    a.get("address") for a in (value.get("status") or {}).get("addresses") or []
                    if a.get("type") == "InternalIP"],
                "flannel": annotations.get("flannel.alpha.coreos.com/public-ip"),
                "found": status == 200, "ready": ready.get("status"),
                "message": self.secrets.text(str(ready.get("message") or "")),
                "kubelet": ((value.get("status") or {}).get("nodeInfo") or {}).get("kubeletVersion")}
        found["namespaces"] = {}
        found["controllers"] = {}
        for name in ["default"] + [n for n in namespaces if n != "default"]:
            status, value = api.json("/api/v1/namespaces/" + name)
            found["namespaces"][name] = described(status, value)
            if status == 200:
                base = "/api/v1/namespaces/" + name
                found["controllers"][name] = {
                    "service_account": api.json(base + "/serviceaccounts/default")[0] == 200,
                    "root_ca": api.json(base + "/configmaps/kube-root-ca.crt")[0] == 200}
        found["secrets"] = {}
        key = self.config["key"].encode()
        for name in wanted.get("secrets") or []:
            status, value = api.json("/api/v1/namespaces/%s/secrets/%s" % tuple(name.split("/", 1)))
            entry = described(status, value)
            if status == 200:
                entry["type"] = value.get("type")
                entry["data"] = {
                    field: hashlib.blake2b(base64.b64decode(text), key=key, digest_size=32).hexdigest()
                    for field, text in (value.get("data") or {}).items()}
            found["secrets"][name] = entry
        for what, path in (
            ("application", "/apis/argoproj.io/v1alpha1/namespaces/%s/applications/%s"),
            ("helmchart", "/apis/helm.cattle.io/v1/namespaces/%s/helmcharts/%s"),
        ):
            if wanted.get(what):
                status, value = api.json(path % tuple(wanted[what].split("/", 1)))
                found[what] = dict(described(status, value), spec=value.get("spec") if status == 200 else None)
        if wanted.get("application"):
            found["argocd"] = self.argocd(api)
        return found

    def argocd(self, api):
        """Whether Argo CD runs: what is to run in its Namespace, and why a Pod there does not."""
        namespace = self.config["kubernetes"]["application"].split("/", 1)[0]
        found = {"workloads": [], "pods": []}
        for kind in ("deployments", "statefulsets"):
            status, value = api.json("/apis/apps/v1/namespaces/%s/%s?limit=100" % (namespace, kind))
            for item in value.get("items") or [] if status == 200 else []:
                found["workloads"].append({
                    "name": (item.get("metadata") or {}).get("name"),
                    "wanted": (item.get("spec") or {}).get("replicas", 1),
                    "ready": (item.get("status") or {}).get("readyReplicas") or 0})
        status, value = api.json("/api/v1/namespaces/%s/pods?limit=100" % namespace)
        for item in value.get("items") or [] if status == 200 else []:
            state = item.get("status") or {}
            conditions = {c.get("type"): c for c in state.get("conditions") or []}
            if state.get("phase") == "Succeeded" or (conditions.get("Ready") or {}).get("status") == "True":
                continue
            reason, message = None, None
            if (conditions.get("PodScheduled") or {}).get("reason") == "Unschedulable":
                reason, message = "Unschedulable", conditions["PodScheduled"].get("message")
            for container in (state.get("initContainerStatuses") or []) + (state.get("containerStatuses") or []):
                waiting = (container.get("state") or {}).get("waiting") or {}
                if waiting.get("reason") not in (None, "PodInitializing", "ContainerCreating"):
                    reason, message = waiting["reason"], waiting.get("message")
                    break
            found["pods"].append({
                "name": (item.get("metadata") or {}).get("name"), "phase": state.get("phase"),
                "reason": self.secrets.text(str(reason), 80) if reason else None,
                "message": self.secrets.text(str(message), 300) if message else None})
        found["waited"] = self.waited
        return found

    # Where a secret stands that it should not.

    def fact_exposure(self, _):
        """Looks for secrets in logs, and in files of this boot that anybody may read."""
        self.sample()
        began = time.monotonic()
        begin = self.boot_time() - 5
        limit = 8 << 20
        read = 0
        skipped = []
        complete = True
        binary = self.config.get("binary")
        owned = ("/run/k3seed-verify",)
        places = []
        if self.secrets.ordered:
            # The second is where K3s' hardening guide has the API server's audit log.
            places += [("/var/log", False), ("/var/lib/rancher/k3s/server/logs", False)]
            places += [(p, True) for p in ("/etc", "/home", "/opt", "/root", "/run", "/srv", "/tmp", "/usr/local", "/var")]
        seen = set()
        for top, public in places:
            # Without a stack of calls, and never across a link. Folders that only their owner may enter hide all below.
            stack = [top]
            while stack:
                folder = stack.pop()
                if time.monotonic() - began > 90:
                    complete = False
                    break
                try:
                    entries = list(os.scandir(folder))
                    if public and not os.stat(folder).st_mode & stat.S_IXOTH:
                        continue
                except OSError:
                    continue
                for entry in entries:
                    path = folder.rstrip("/") + "/" + entry.name
                    if path in owned:
                        continue
                    try:
                        status = entry.stat(follow_symlinks=False)
                    except OSError:
                        continue
                    if stat.S_ISDIR(status.st_mode):
                        stack.append(path)
                    elif stat.S_ISREG(status.st_mode) and status.st_ctime >= begin and status.st_size:
                        if public and not status.st_mode & stat.S_IROTH or (status.st_dev, status.st_ino) in seen:
                            continue
                        seen.add((status.st_dev, status.st_ino))
                        if path == binary:
                            continue
                        if status.st_size > limit:
                            # A program or an archive; of a log, its end.
                            skipped.append({"path": path, "bytes": status.st_size})
                            data = (self.read(path, 1 << 20) if public else self.tail(path, limit)[0]) or b""
                        else:
                            data = self.read(path, limit) or b""
                        read += len(data)
                        for name in self.secrets.names_in(data):
                            self.exposed[(name, "%s (%04o)" % (path, stat.S_IMODE(status.st_mode)))] = True
        return {
            "secrets": len(set(self.secrets.forms.values())), "short": self.secrets.short, "files": len(seen),
            "bytes": read, "complete": complete, "processes": len(self.sampled),
            "skipped": [{"path": self.secrets.text(s["path"]), "bytes": s["bytes"]} for s in skipped[:50]],
            "found": [
                {"secret": name, "place": self.secrets.text(place)} for name, place in sorted(list(self.exposed))][:100]}

    def boot_time(self):
        """The wall clock at the first boot; the smallest seen, as the clock may be set forward."""
        match = re.search(rb"^btime (\d+)", self.read("/proc/stat", 1 << 20) or b"", re.M)
        now = int(match.group(1)) if match else 0
        self.booted = min(getattr(self, "booted", now), now, self.config.get("since") or now)
        return self.booted


def number(text):
    try:
        return int(text)
    except (TypeError, ValueError):
        return None


def described(status, value):
    """What every object of Kubernetes has."""
    metadata = value.get("metadata") or {}
    return {
        "status": status, "labels": metadata.get("labels") or {}, "resourceVersion": metadata.get("resourceVersion"),
        "generation": metadata.get("generation"), "uid": metadata.get("uid"),
        "managers": sorted({m.get("manager") or "" for m in metadata.get("managedFields") or []})}


class API:
    """A Kubernetes API server, as a kubeconfig names it. One connection for all questions."""

    def __init__(self, guest, path):
        import http.client
        import ssl

        import yaml

        text = guest.read(path)
        if text is None:
            raise OSError("%s is not there" % path)
        config = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        named = {kind: {e["name"]: e[kind] for e in config.get(kind + "s") or []} for kind in ("context", "cluster", "user")}
        context = named["context"][config["current-context"]]
        cluster, user = named["cluster"][context["cluster"]], named["user"][context["user"]]
        server = urllib.parse.urlsplit(cluster["server"])
        tls = ssl.create_default_context(cadata=data_of(guest, cluster, "certificate-authority"))
        # Python 3.13 began to refuse certificates that Kubernetes takes, such as those without a key identifier.
        tls.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if cluster.get("insecure-skip-tls-verify"):
            tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        self.headers = {"Accept": "application/json"}
        if user.get("token"):
            self.headers["Authorization"] = "Bearer " + user["token"]
        certificate = data_of(guest, user, "client-certificate")
        if certificate:
            import tempfile

            # OpenSSL reads a client's certificate only from a file.
            with tempfile.NamedTemporaryFile("w", dir=guest.config.get("work")) as file:
                file.write(certificate + "\n" + (data_of(guest, user, "client-key") or ""))
                file.flush()
                tls.load_cert_chain(file.name)
        self.connect = lambda: http.client.HTTPSConnection(server.hostname, server.port or 443, timeout=20, context=tls)
        self.connection = self.connect()

    def get(self, path):
        """The status and body of an answer; raises where there is none."""
        import http.client

        for attempt in (0, 1):
            try:
                self.connection.request("GET", path, headers=self.headers)
                response = self.connection.getresponse()
                return response.status, response.read(8 << 20)
            except (http.client.HTTPException, OSError):
                self.connection.close()
                self.connection = self.connect()
                if attempt:
                    raise
        return None, b""

    def json(self, path):
        status, body = self.get(path)
        try:
            value = json.loads(body)
        except ValueError:
            value = None
        return status, value if isinstance(value, dict) else {}


def data_of(guest, table, name):
    """A value of a kubeconfig that stands there as base64, or in a file."""
    if table.get(name + "-data"):
        return base64.b64decode(table[name + "-data"]).decode()
    if table.get(name):
        return (guest.read(table[name]) or b"").decode()
    return None


# --- The channel -------------------------------------------------------------------------------------------------


class Channel:
    """Lines out and in, over a port that never blocks the probe."""

    # What waits to be sent, in bytes, beyond which beats are dropped: nobody is listening.
    limit = 32 << 20

    def __init__(self, guest, port):
        self.guest = guest
        self.port = port
        self.file = None
        self.lock = threading.Lock()
        self.waiting = collections.deque()
        self.size = 0
        self.incoming = b""
        self.seq = 0
        self.boot = (guest.read("/proc/sys/kernel/random/boot_id") or b"").decode().strip()
        # Wakes the loop when a thread has something to say.
        self.bell, self.ring = os.pipe()
        os.set_blocking(self.bell, False)
        os.set_blocking(self.ring, False)

    def open(self):
        if self.file is None:
            try:
                self.file = os.open(self.port, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
            except OSError:
                return False
        return True

    def send(self, event, data):
        with self.lock:
            if event == "beat" and self.size > self.limit:
                return
            message = {
                "nonce": self.guest.config["nonce"], "boot": self.boot, "seq": self.seq,
                "at": round(time.monotonic(), 3), "event": event, "data": self.guest.secrets.clean(data)}
            # Once more as a whole: an escape may have made a secret out of what was none.
            line = self.guest.secrets.masked(json.dumps(message, separators=(",", ":")).encode()) + b"\n"
            self.seq += 1
            self.waiting.append(line)
            self.size += len(line)
        try:
            os.write(self.ring, b"\0")
        except BlockingIOError:
            pass

    def turn(self, seconds):
        """Sends and receives for so long at most; gives the commands that came."""
        if not self.open():
            time.sleep(min(seconds, 0.2))
            return []
        poll = select.poll()
        poll.register(self.bell, select.POLLIN)
        poll.register(self.file, select.POLLIN | (select.POLLOUT if self.waiting else 0))
        events = dict(poll.poll(max(0, seconds) * 1000))
        if self.bell in events:
            os.read(self.bell, 4096)
        mask = events.get(self.file, 0)
        if mask & select.POLLHUP:
            # The host is not there (yet), and says so at once: no hurry to ask again.
            time.sleep(min(max(seconds, 0.05), 0.2))
        if mask & select.POLLIN:
            try:
                self.incoming += os.read(self.file, 1 << 16)
            except OSError:
                pass
        while self.waiting and mask & select.POLLOUT:
            try:
                # A page at a time, which is what the driver takes.
                sent = os.write(self.file, self.waiting[0][: 1 << 15])
            except OSError:
                break
            with self.lock:
                rest = self.waiting[0][sent:]
                self.size -= sent
                if rest:
                    self.waiting[0] = rest
                else:
                    self.waiting.popleft()
        *lines, self.incoming = self.incoming[-(1 << 20) :].split(b"\n")
        commands = []
        for line in lines:
            try:
                command = json.loads(line)
            except ValueError:
                continue
            if isinstance(command, dict) and command.get("nonce") == self.guest.config["nonce"]:
                commands.append(command)
        return commands


# --- The probe ---------------------------------------------------------------------------------------------------


class Probe:
    def __init__(self, config):
        self.config = config
        self.guest = Guest(config)
        self.channel = Channel(self.guest, config["port"])
        self.stages = {}
        self.status_time = None
        self.bootstrap = None
        self.line = None
        self.settled = False
        self.cloud_init_seen = time.monotonic()
        self.jobs = collections.deque()
        self.worker = None
        self.argocd_is_done = False
        self.argocd_state = self.argocd_begin = None
        self.argocd_changed = self.argocd_next = 0

    def set_clock(self):
        """A resumed guest believes that it is still the time of the snapshot. A clock that is ahead is left alone."""
        now = self.config.get("now")
        if self.config.get("set_clock") and now and now - time.time() > 2:
            time.clock_settime(time.CLOCK_REALTIME, now)
            return True
        return False

    def run(self):
        guest, config = self.guest, self.config
        guest.boot_time()
        self.set_clock()
        try:
            guest.user_data = guest.read("/var/lib/cloud/instance/user-data.txt", 64 << 20)
            self.named = read_secrets(
                guest.user_data or b"",
                set(config.get("secret_files") or []), set(config.get("secret_manifests") or []))
            guest.secrets = Secrets(self.named)
            problem = None
        except Exception as error:  # Without the secrets nothing may be said but that.
            problem = type(error).__name__
        if problem:
            self.channel.send("blind", {"problem": problem})
            while True:
                self.channel.turn(1)
        self.channel.send("hello", {})
        beat = float(config.get("beat") or 2)
        next_beat = time.monotonic()
        next_look = next_beat
        while True:
            now = time.monotonic()
            if now >= next_look:
                next_look = now + 1
                self.look()
            if now >= next_beat:
                next_beat = now + beat
                self.beat()
            for command in self.channel.turn(min(next_beat, next_look) - time.monotonic()):
                self.obey(command)
            self.work()

    def look(self):
        """What has begun or ended since the last look."""
        self.look_at_cloud_init()
        if self.config.get("unit"):
            self.look_at_bootstrap()
        if not self.settled and self.cloud_init_ended() and not self.busy():
            self.jobs.append(self.settle)

    def cloud_init_ended(self):
        """Whether it says so, or has had no process for half a minute: one that crashes leaves no result."""
        if os.path.exists("/run/cloud-init/result.json"):
            return True
        if any(self.guest.cgroup(unit) for units in CLOUD_INIT_UNITS.values() for unit in units):
            self.cloud_init_seen = time.monotonic()
        return time.monotonic() - self.cloud_init_seen > 30

    def stage(self, name, state, **data):
        """Says it once. A stage does not begin again after its end."""
        if self.stages.get(name) not in (state, "finished", "failed"):
            self.stages[name] = state
            self.channel.send("stage", dict(data, name=name, state=state))

    def look_at_cloud_init(self):
        try:
            changed = os.stat("/run/cloud-init/status.json").st_mtime_ns
        except OSError:
            return
        if changed == self.status_time:
            return
        self.status_time = changed
        status = self.guest.status()
        for key, name in CLOUD_INIT_STAGES.items():
            stage = status.get(key) or {}
            if stage.get("start") is not None:
                self.stage("cloud-init: " + name, "started")
            if stage.get("finished") is not None:
                errors = [self.guest.secrets.text(str(error)) for error in stage.get("errors") or []][:20]
                self.stage("cloud-init: " + name, "failed" if errors else "finished", errors=errors)

    def look_at_bootstrap(self):
        guest = self.guest
        running = bool(guest.cgroup(BOOTSTRAP))
        names = guest.logs()
        for place, name in enumerate(names):
            label = "bootstrap: " + name
            if self.stages.get(label) in ("finished", "failed"):
                continue
            self.stage(label, "started")
            data, _ = guest.tail("/run/k3seed/%s.log" % name, 4096)
            lines = (data or b"").splitlines()
            line = guest.secrets.text(lines[-1], 300) if lines else ""
            if place + 1 < len(names):
                self.stage(label, "finished", line=line)
            elif running:
                self.bootstrap = label
                self.line = line
            else:
                complete = os.path.exists("/var/lib/k3seed/complete")
                self.stage(label, "finished" if complete else "failed", line=line)
                self.bootstrap = self.line = None

    def beat(self):
        guest = self.guest
        guest.sample()
        data = guest.progress()
        cloud_init = [n for n, s in self.stages.items() if s == "started" and n.startswith("cloud-init")]
        data["stage"] = self.bootstrap or (cloud_init[-1] if cloud_init else None)
        data["line"] = self.line if self.bootstrap else None
        data["running"] = guest.command()
        self.channel.send("beat", data)

    # Work that takes time is done by a thread, one piece after the other, so that the beats go on.

    def busy(self):
        return bool(self.jobs) or (self.worker is not None and self.worker.is_alive())

    def work(self):
        if self.jobs and (self.worker is None or not self.worker.is_alive()):
            self.worker = threading.Thread(target=self.jobs.popleft(), daemon=True)
            self.worker.start()

    def settle(self):
        """Settled: cloud-init has finished, systemd's first jobs are done, and the bootstrap is not at work, or has failed."""
        if self.guest.cgroup(BOOTSTRAP) or time.monotonic() < self.argocd_next:
            return
        state = (self.guest.run("systemctl", "is-system-running", timeout=20) or b"").decode("ascii", "replace").strip()
        # A K3s that never comes up is started for ever; when the bootstrap has given up, nobody waits for it any more.
        if state in ("initializing", "starting", "") and not self.has_failed():
            return
        if self.argocd_starts():
            return
        self.settled = True
        self.channel.send("settled", {})
        self.report("settled")

    def argocd_starts(self):
        """Whether Argo CD may yet come up by itself: not once it has, or cannot, or nothing about it has changed for a minute."""
        wanted = (self.config.get("kubernetes") or {}).get("application")
        if not wanted or self.argocd_is_done or not os.path.exists("/var/lib/k3seed/complete"):
            return False
        now = time.monotonic()
        try:
            found = self.guest.argocd(API(self.guest, self.config["kubernetes"]["kubeconfig"]))
        except Exception:  # Whatever it is, the facts will say so.
            found = {"workloads": [], "pods": []}
        ready = sum(w["ready"] >= w["wanted"] for w in found["workloads"])
        stuck = any(pod["reason"] for pod in found["pods"])
        state = (ready, len(found["workloads"]), len(found["pods"]), stuck)
        if state != self.argocd_state:
            self.argocd_state, self.argocd_changed = state, now
            if self.argocd_begin is None:
                self.argocd_begin = now
        still = now - self.argocd_changed
        self.guest.waited = round(now - self.argocd_begin)
        # Helm makes all at once, soon after the CRDs that the bootstrap has waited for; an image that is not pulled at the
        # first attempt is tried again.
        patience = 20 if stuck or not found["workloads"] else 60
        if found["workloads"] and ready == len(found["workloads"]) or still > patience or self.guest.waited > 300:
            self.argocd_is_done = True
            return False
        self.stage("Argo CD", "started")
        self.argocd_next = time.monotonic() + 3
        return True

    def has_failed(self):
        return any(state == "failed" for name, state in self.stages.items() if name.startswith("bootstrap: "))

    def report(self, why, **data):
        self.channel.send("facts", dict(self.guest.facts(), why=why, **data))

    def obey(self, command):
        order = command.get("do")
        if order == "secrets":
            self.named.update((name, base64.b64decode(value)) for name, value in command["values"].items())
            self.guest.secrets = Secrets(self.named)
            # Those that were looked at had nothing to be found in them yet.
            self.guest.sampled = {}
        elif order == "facts":
            self.jobs.append(lambda: self.report("asked"))
        elif order == "rerun" and self.config.get("unit"):
            self.jobs.append(self.rerun)
        elif order == "reboot":
            self.jobs.append(lambda: self.guest.run("systemctl", "reboot", timeout=60))

    def rerun(self):
        """All stages once more, with the secrets back in their places as a person would put them there."""
        try:
            for path in self.config.get("secret_files") or []:
                os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
                with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                    file.write(self.named[path])
            output = self.guest.run(
                self.config["program"], "again", timeout=float(self.config.get("patience") or 3600))
            complete = os.path.exists("/var/lib/k3seed/complete")
            self.report("rerun", ended=output is not None and complete)
        except OSError as error:
            self.report("rerun", ended=False, problem=error.strerror)


def main(path):
    with open(path, "rb") as file:
        config = json.load(file)
    Probe(config).run()


if __name__ == "__main__":
    main(sys.argv[1])
