"""What nodes need of the host: a mount and a process namespace for all of a run, control groups, a root file system.

Everything of a run lives in namespaces that end with its first process, and that process ends with whoever started it:
mounts, interfaces and processes are gone however a run ends. Only control groups and files stay behind a run that was
killed, and the next run removes them.
"""

import contextlib
import ctypes
import fcntl
import os
import pathlib
import shutil
import signal
import subprocess
import sys

GROUPS = "k3seed-nodes"


def run(*command, **options):
    """Runs a command; what it says is the error where it fails."""
    done = subprocess.run([str(word) for word in command], text=True, capture_output=True, **options)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def why_not():
    """Why no node can be started here; None where they can."""
    if sys.platform != "linux":
        return "nodes are Linux namespaces"
    if os.geteuid():
        return "needs root, for namespaces, mounts and control groups"
    for tool in ("unshare", "nsenter", "ip", "mount", "qemu-img"):
        if not shutil.which(tool):
            return f"needs the command {tool}"
    tried = subprocess.run(
        ["unshare", "--mount", "--pid", "--net", "--cgroup", "--fork", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
        capture_output=True,
        text=True,
    )
    if tried.returncode:
        return f"namespaces and mounts are not allowed here: {tried.stderr.strip()}"
    return None


def enclosed(arguments):
    """Runs this program again as the first process of new namespaces, and returns its exit code."""

    def end_with_parent():
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG

    namespaces = ["--mount", "--pid", "--net", "--ipc", "--fork", "--kill-child", "--mount-proc"]
    process = subprocess.Popen(
        ["unshare", *namespaces, sys.executable, "-B", sys.argv[0], *arguments], preexec_fn=end_with_parent
    )
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: process.terminate())
    return process.wait()


class ControlGroups:
    """A control group for each node: in version 2, and in every hierarchy of version 1 where that is asked for.

    systemd needs no controllers, and version 2 is on every host that has any; a kubelet needs them wherever they are.
    """

    def __init__(self, with_controllers, folder):
        """folder: where version 2 is mounted if it is not yet."""
        mounts = [line.split() for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()]
        kinds = {fields[4]: fields[fields.index("-") + 1] for fields in mounts}
        own = [line.split(":", 2)[1:] for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines()]
        root = next((place for place, kind in kinds.items() if kind == "cgroup2"), None)
        if root is None:
            root = folder
            root.mkdir(exist_ok=True)
            run("mount", "-t", "cgroup2", "cgroup2", root)
        # At its root, as a group that has processes of its own gives no controllers to those below it.
        self.folders = {"unified": pathlib.Path(root)}
        for name, path in own if with_controllers else []:
            place = f"/sys/fs/cgroup/{name.removeprefix('name=')}"
            if name and kinds.get(place) == "cgroup":
                # Below those of whoever started this, whose limits hold for nodes, too.
                self.folders[name] = pathlib.Path(place + path)
        if with_controllers:
            self._enable(self.folders["unified"])

    @staticmethod
    def _enable(folder):
        for controller in (folder / "cgroup.controllers").read_text().split():
            with contextlib.suppress(OSError):
                (folder / "cgroup.subtree_control").write_text("+" + controller)

    @property
    def words(self):
        """For init.sh: the hierarchies."""
        return list(self.folders)

    def make(self, name):
        """The folders of a new group, into which a process goes by its number in `cgroup.procs`."""
        made = []
        for hierarchy, parent in self.folders.items():
            folder = parent / GROUPS / name
            for each in (folder.parent, folder):
                each.mkdir(exist_ok=True)
                if hierarchy == "cpuset":
                    # A set of processors that is empty takes no process.
                    for file in ("cpuset.cpus", "cpuset.mems"):
                        (each / file).write_text((each.parent / file).read_text())
            if hierarchy == "unified":
                self._enable(folder.parent)
            made.append(folder)
        return made

    def remove(self, name=""):
        """Removes a node's groups, or all, from the innermost on."""
        for parent in self.folders.values():
            for folder, _, _ in os.walk(parent / GROUPS / name, topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(folder)


class Store:
    """Where a run keeps its files, and the root file system that all nodes start from."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.scratch = self.folder / "run"
        self.raw = self.folder / "root.raw"
        self.image = self.folder / "root"

    def lock(self):
        """One run at a time has the store; what a killed one left is removed."""
        self.held = open(self.folder / "lock", "w")
        try:
            fcntl.flock(self.held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("nodes: waiting for another run to end", flush=True)
            fcntl.flock(self.held, fcntl.LOCK_EX)
        self.sweep()

    def sweep(self):
        shutil.rmtree(self.scratch, ignore_errors=True)

    def unpack(self, disk):
        """Mounts the image that the virtual machines boot, for reading; its raw form is kept."""
        stamp = f"{disk} {os.stat(disk).st_mtime_ns}\n"
        kept = self.folder / "root.stamp"
        if not self.raw.exists() or not kept.exists() or kept.read_text() != stamp:
            kept.unlink(missing_ok=True)
            run("qemu-img", "convert", "-O", "raw", disk, self.raw)
            kept.write_text(stamp)
        self.image.mkdir(exist_ok=True)
        # `noload`: the journal is left as it is, as nothing is ever written. The loop device goes with the mount.
        run("mount", "-o", "ro,noload,loop", self.raw, self.image)
