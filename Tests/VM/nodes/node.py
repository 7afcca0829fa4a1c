"""A node: systemd as init in namespaces of its own, on a copy of the lab's image, with a console and a disk that stays."""

import contextlib
import json
import os
import pathlib
import shlex
import signal
import subprocess
import threading
import time
import uuid

import host

HERE = pathlib.Path(__file__).resolve().parent
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# What of the image has no place in a node: a network that is set up from outside, a clock and devices that are the host's.
MASKED = (
    """systemd-networkd-wait-online.service systemd-networkd.service systemd-networkd.socket systemd-resolved.service
systemd-timesyncd.service systemd-udevd.service systemd-udevd-control.socket systemd-udevd-kernel.socket
systemd-udev-trigger.service getty@tty1.service serial-getty@ttyS0.service console-getty.service
sys-kernel-debug.mount sys-kernel-tracing.mount apt-daily.timer apt-daily-upgrade.timer fstrim.timer
e2scrub_all.timer systemd-tmpfiles-clean.timer""".split()
)

# Kernel settings that payloads may change, as this many files.
KERNEL = {
    "vm.overcommit_memory": 1,
    "vm.panic_on_oom": 0,
    "kernel.panic": 10,
    "kernel.panic_on_oops": 1,
    "kernel.keys.root_maxkeys": 1000000,
    "kernel.keys.root_maxbytes": 25000000,
}

CLOUD = """\
datasource_list: [NoCloud]
network: {config: disabled}
growpart: {mode: "off"}
resize_rootfs: false
"""


class Node:
    def __init__(self, world, name, user_data, interfaces, gateway="10.0.2.2", files=None):
        """A node that is not running yet.

        interfaces: (bridge, address with prefix length) of eth0, eth1...
        files: path → text, there before the first boot
        """
        self.world, self.name, self.interfaces, self.gateway = world, name, interfaces, gateway
        self.address = interfaces[0][1].partition("/")[0]
        self.folder = world.folder / name
        self.root = self.folder / "root"
        self.process, self.cables = None, []
        self.lines, self.partial = [], ""
        self._make_root()
        self.write("/var/lib/cloud/seed/nocloud-net/user-data", user_data, 0o600)
        # Another machine is another instance, also where it has the name of an earlier one.
        identity = f"instance-id: i-{name}-{time.time_ns()}\nlocal-hostname: {name}\n"
        self.write("/var/lib/cloud/seed/nocloud-net/meta-data", identity)
        for path, text in (files or {}).items():
            self.write(path, text, 0o755 if text.startswith("#!") else 0o644)

    def _make_root(self):
        for folder in (self.folder / "upper", self.folder / "work", self.root, self.folder / "kernel"):
            folder.mkdir(parents=True)
        options = f"lowerdir={self.world.store.image},upperdir={self.folder}/upper,workdir={self.folder}/work"
        host.run("mount", "-t", "overlay", "overlay", "-o", options, self.root)
        for setting, value in KERNEL.items():
            (self.folder / "kernel" / setting).write_text(f"{value}\n")
        self.write("/etc/cloud/ds-identify.cfg", "policy: enabled\n")
        self.write("/etc/cloud/cloud.cfg.d/99-lab.cfg", CLOUD)
        self.write("/etc/fstab", "")
        for unit in MASKED:
            link = self.root / "etc/systemd/system" / unit
            link.unlink(missing_ok=True)
            link.symlink_to("/dev/null")
        (self.root / "etc/resolv.conf").unlink(missing_ok=True)
        self.write("/etc/resolv.conf", "nameserver 169.254.169.254\n")

    # Files

    def _place(self, path):
        """Where a path of the node is for us: what is in memory is found through its init."""
        running = self.init is not None and path.startswith(("/run/", "/tmp/", "/proc/", "/sys/"))
        return (pathlib.Path(f"/proc/{self.init}/root") if running else self.root) / path.lstrip("/")

    def write(self, path, text, mode=0o644):
        file = self._place(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def read(self, path):
        """A file's text; None where it is not there."""
        try:
            return self._place(path).read_text(errors="replace")
        except OSError:
            return None

    def holding(self, texts):
        """The files in which one of some texts stands, on the disk as it is now or in memory. The seed stands for a disc or
        a service of the platform, so it is not among them."""
        found = []
        for place in (self.folder / "upper", pathlib.Path(f"/proc/{self.init}/root/run")):
            done = subprocess.run(
                ["grep", "-rlaF", "-D", "skip", "--exclude-dir=nocloud-net", "-e", "\n".join(texts), place],
                capture_output=True,
                text=True,
            )
            found += [line.removeprefix(str(place)) for line in done.stdout.splitlines()]
        return found

    # Power

    @property
    def init(self):
        """The process that is the node's init, by its number here; None where it is off."""
        if self.process is None or self.process.poll() is not None:
            return None
        try:
            children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        except OSError:
            return None
        return int(children[0]) if children else None

    def start(self):
        groups = self.world.groups
        # By which the journal tells one boot from another; the host's stays the same.
        (self.folder / "kernel" / "kernel.random.boot_id").write_text(f"{uuid.uuid4()}\n")
        joined = " ".join(f"{folder}/cgroup.procs" for folder in groups.make(f"{self.world.name}-{self.name}"))
        console, own = os.openpty()
        ready, go = os.pipe()
        arguments = [HERE / "init.sh", self.name, self.root, self.folder / "kernel", *groups.words]
        script = (
            f"for file in {joined}; do echo $$ >$file; done; exec unshare --mount --pid --uts --ipc --net --cgroup --fork "
            f"--kill-child {shlex.join(map(str, arguments))} 3<&{ready}"
        )
        log = open(self.folder / "init.log", "ab")
        self.process = subprocess.Popen(
            ["bash", "-c", script], stdin=own, stdout=log, stderr=log, pass_fds=[ready], start_new_session=True
        )
        for descriptor in (own, ready):
            os.close(descriptor)
        log.close()
        threading.Thread(target=self._listen, args=(console,), daemon=True).start()
        try:
            self._connect()
            os.write(go, b"\n")
        finally:
            os.close(go)
        return self

    def _connect(self):
        process = self.process.pid
        ours = os.readlink("/proc/self/ns/net")
        while os.readlink(f"/proc/{process}/ns/net") == ours:
            # Nothing tells when it has its namespaces: a moment.
            time.sleep(0.01)
        inside = ["link set lo up"]
        for number, (bridge, address) in enumerate(self.interfaces):
            outer = f"port{next(self.world.ports)}"
            self.cables.append(outer)
            self.world.ip(
                f"link add {outer} type veth peer name eth{number} netns {process}",
                f"link set {outer} master {bridge} up",
            )
            inside += [f"address add {address} dev eth{number}", f"link set eth{number} up"]
        if self.gateway:
            inside.append(f"route add default via {self.gateway}")
        host.run("nsenter", "-t", process, "-n", "ip", "-batch", "-", input="\n".join(inside) + "\n")

    def _listen(self, console):
        """Keeps what the console says, until all that write there are gone."""
        with open(self.folder / "console.log", "ab", buffering=0) as log:
            while True:
                try:
                    part = os.read(console, 65536)
                except OSError:
                    part = b""
                if not part:
                    os.close(console)
                    return
                log.write(part)
                *whole, self.partial = (self.partial + part.decode(errors="replace")).split("\n")
                self.lines += [line.rstrip("\r") for line in whole]

    def cut(self):
        """Ends it at once. What it had in memory is lost; what it had written is not, as the host's cache lives on."""
        if self.process is None:
            return
        # With its init all of them end, and `unshare` after that.
        while init := self.init:
            with contextlib.suppress(ProcessLookupError):
                os.kill(init, signal.SIGKILL)
            time.sleep(0.01)
        self.process.wait()
        self.process = None
        # The network of a dead node lives on for a moment, and its kernel would answer.
        for cable in self.cables:
            with contextlib.suppress(RuntimeError):
                self.world.ip(f"link delete {cable}")
        self.cables = []
        self.world.groups.remove(f"{self.world.name}-{self.name}")

    def restart(self):
        self.cut()
        return self.start()

    def destroy(self):
        """With its disk. What was on its console stays in the reports."""
        self.cut()
        host.run("umount", "--lazy", self.root)
        self.world.keep(self)

    # Inside

    def run(self, *command, timeout=120, check=True, input=None):
        """Runs a command, or a line of bash, in the node; its standard output."""
        words = ["bash", "-c", command[0]] if len(command) == 1 else list(command)
        enter = ["nsenter", "-t", str(self.init), "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w"]
        done = subprocess.run(
            [*enter, "env", "-i", f"PATH={PATH}", "HOME=/root", "TERM=dumb", *words],
            capture_output=True,
            text=True,
            timeout=timeout,
            input=input,
            errors="replace",
        )
        if check and done.returncode:
            raise RuntimeError(f"{self.name}: {shlex.join(words)[:300]}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def kubectl(self, *words, check=True, **options):
        return self.run("k3s", "kubectl", "--kubeconfig=/etc/rancher/k3s/k3s.yaml", *words, check=check, **options)

    def json(self, *words):
        """What kubectl gets as JSON; None where it is not there or nobody answers."""
        try:
            text = self.kubectl("get", *words, "-o", "json", "--ignore-not-found", timeout=30)
        except (RuntimeError, subprocess.TimeoutExpired):
            return None
        return json.loads(text) if text.strip() else None

    # What the bootstrap says

    @property
    def status(self):
        """status.json, or an empty one."""
        try:
            return json.loads(self.read("/run/k3seed/status.json") or "{}")
        except ValueError:
            return {}

    def said(self, words):
        """The console's lines that some words stand in."""
        return [line for line in self.lines if words in line]

    @property
    def cloud_init(self):
        """cloud-init's errors, once it has finished; None before."""
        try:
            return json.loads(self.read("/run/cloud-init/result.json") or "")["v1"]["errors"]
        except (ValueError, KeyError):
            return None
