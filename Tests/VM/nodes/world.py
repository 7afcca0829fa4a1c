"""A world for one case: networks and servers around its nodes, payloads rendered for it, and what is waited for."""

import itertools
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import host
from node import Node

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]


class Failure(Exception):
    """What a case expected and did not find."""


def expect(condition, *found):
    if not condition:
        raise Failure("; ".join(map(str, found)) or "an expectation does not hold")


class World:
    """Everything of one case; `with` ends it all."""

    def __init__(self, name, store, groups, k3s, reports):
        self.name, self.store, self.groups, self.k3s, self.reports = name, store, groups, k3s, reports
        self.folder = store.scratch / name
        self.nodes, self.programs, self.rendered = [], [], 0
        self.ports = itertools.count()

    def __enter__(self):
        self.folder.mkdir(parents=True)
        config = {"mirror": str(self.k3s.mirror), "log": str(self.folder / "world.log")}
        self.servers = subprocess.Popen(
            ["unshare", "--net", sys.executable, "-B", HERE / "servers.py", json.dumps(config)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        expect(self.servers.stdout.readline() == "ready\n", "the world around the nodes does not start")
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            for node in self.nodes:
                self.explain(node)
        for node in self.nodes:
            if node.folder.exists():
                node.destroy()
        for program in self.programs:
            program.kill()
            program.wait()
        self.servers.stdin.close()
        self.servers.wait()
        shutil.copy(self.folder / "world.log", self.reports / f"{self.name}.world.log")
        shutil.rmtree(self.folder, ignore_errors=True)

    def explain(self, node):
        """Of a node of a case that failed: what K3s and the bootstrap said."""
        if node.init is None:
            return
        units = [word for unit in ("k3s", "k3s-agent", "k3seed-bootstrap") for word in ("-u", unit)]
        text = node.run("journalctl", "--no-pager", "-q", *units, check=False)
        (self.reports / f"{self.name}.{node.name}.journal.log").write_text(text)

    def keep(self, node):
        """Keeps what a node left that is no more: its console goes to the reports."""
        for file in ("console.log", "init.log"):
            if (node.folder / file).exists():
                with open(self.reports / f"{self.name}.{node.name}.{file}", "ab") as kept:
                    kept.write((node.folder / file).read_bytes())
        shutil.rmtree(node.folder, ignore_errors=True)

    def ip(self, *lines):
        host.run("nsenter", "-t", self.servers.pid, "-n", "ip", "-batch", "-", input="\n".join(lines) + "\n")

    def change(self, **what):
        """Changes the world: see servers.py."""
        self.servers.stdin.write(json.dumps(what) + "\n")
        self.servers.stdin.flush()
        expect(self.servers.stdout.readline() == "done\n", "the world around the nodes has ended")

    def serve(self, *command):
        """Starts another Python program in the network of the world; it ends with the case."""
        process = subprocess.Popen(
            ["nsenter", "-t", str(self.servers.pid), "-n", sys.executable, "-I", *map(str, command)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.programs.append(process)
        return process

    # Payloads

    def render(self, outputs, settings=""):
        """A payload for each node, by its name, as `k3seed render --all` makes them for the lab's mirror."""
        self.rendered += 1
        folder = self.folder / f"render-{self.rendered}"
        folder.mkdir()
        (folder / "k3seed.yaml").write_text(self.k3s.settings + settings)
        (folder / "outputs.json").write_text(json.dumps(outputs))
        self.k3seed("render", "--all", *self.given(folder), "-o", folder / "cluster")
        return {file.stem: file.read_text() for file in (folder / "cluster").glob("*.yaml")}

    @staticmethod
    def given(folder):
        return "--input", folder / "outputs.json", "--config", folder / "k3seed.yaml"

    @staticmethod
    def k3seed(*words):
        command = os.environ.get("K3SEED_COMMAND", ROOT / ".build/debug/k3seed")
        done = subprocess.run([command, *words], capture_output=True, text=True)
        if done.returncode:
            raise Failure(f"k3seed {words[0]}: {done.stderr}")
        return done.stdout

    def node(self, name, user_data, address=None, interfaces=None, deadlines=None, faults=(), files=None, **options):
        """A node that is not running yet; deadlines are of the bootstrap's stages, in seconds."""
        files = dict(files or {})
        if faults:
            self.k3s.only_stand_in("it injects a fault of the stand-in for K3s")
            files["/etc/k3seed-lab/faults"] = " ".join(faults)
        if deadlines:
            lines = [f"Environment=K3SEED_DEADLINE_{stage}={seconds}" for stage, seconds in deadlines.items()]
            files["/etc/systemd/system/k3seed-bootstrap.service.d/lab.conf"] = "\n".join(["[Service]", *lines, ""])
        node = Node(self, name, user_data, interfaces or [("br0", f"{address}/24")], files=files, **options)
        self.nodes.append(node)
        return node

    @staticmethod
    def tar(folder, node, path):
        """Packs a folder into a file of the node."""
        host.run("tar", "-C", folder, "-cf", node.root / path.lstrip("/"), ".")

    # Waiting

    def until(self, what, condition, seconds=240):
        """Waits until a condition gives something true, and returns that."""
        end = time.monotonic() + seconds
        while True:
            found = condition()
            if found:
                return found
            if time.monotonic() > end:
                raise Failure(f"not within {seconds} s: {what}; {self.state()}")
            # Files and answers of nodes are looked at again and again; nothing tells when they change.
            time.sleep(0.25)

    def state(self):
        return "; ".join(
            f"{node.name}: {node.status.get('state')} {node.status.get('stage')} {node.status.get('message', '')[:300]}"
            for node in self.nodes
            if node.process
        )

    def complete(self, *nodes, seconds=300):
        """Waits until the bootstrap of each node is complete; with a real K3s until it waits for Argo CD's chart, which comes
        from the internet."""

        def is_done(node):
            status = node.status
            return status.get("state") == "complete" or self.k3s.is_real and status.get("stage") == "gitops"

        for node in nodes:
            self.until(f"{node.name} is complete", lambda node=node: is_done(node), seconds)

    def finished(self, *nodes, seconds=60):
        """Waits until cloud-init has finished, and expects no error of it."""
        for node in nodes:
            if self.k3s.is_real and node.status.get("stage") == "gitops":
                continue
            self.until(f"cloud-init of {node.name} finishes", lambda node=node: node.cloud_init is not None, seconds)
            expect(node.cloud_init == [], f"cloud-init of {node.name} has errors", node.cloud_init)

    def ready(self, server, names, seconds=180):
        """Waits until exactly these Nodes are there and Ready."""

        def found():
            nodes = (server.json("nodes") or {}).get("items", [])
            ready = {
                one["metadata"]["name"]
                for one in nodes
                for condition in one.get("status", {}).get("conditions", [])
                if condition["type"] == "Ready" and condition["status"] == "True"
            }
            return ready == set(names) and len(nodes) == len(names)

        self.until(f"Nodes {', '.join(sorted(names))} are Ready", found, seconds)
