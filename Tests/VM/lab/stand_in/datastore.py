"""The datastore: a real etcd, alone or as a member of a cluster of servers, asked through its own HTTP gateway."""

import base64
import ctypes
import http.client
import json
import os
import secrets
import shutil
import signal
import subprocess
import time
import urllib.parse

from base import HERE, SERVER, fatal, log, read, write

FOLDER = SERVER + "/db/etcd"
CLIENT = "http://127.0.0.1:2379"
# K3s looks after learners every 15 s; here a second server is sooner there.
LEARNERS = 3


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def start(*arguments):
    """As parts of K3s they end with it, however it ends."""
    # Only the main process speaks to systemd; a lazier collector saves an emulated machine seconds.
    environment = {name: value for name, value in os.environ.items() if name != "NOTIFY_SOCKET"}
    environment["GOGC"] = "300"
    command = [HERE + "/" + arguments[0], *arguments[1:]]
    return subprocess.Popen(command, preexec_fn=die_with_parent, env=environment)


class EtcdError(Exception):
    """etcd's own word."""


def ask(url, path, timeout=10, **body):
    host = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(host.hostname, host.port, timeout=timeout)
    try:
        connection.request("POST", path, json.dumps(body))
        response = connection.getresponse()
        text = response.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        raise EtcdError(f"{url}: {error}") from error
    finally:
        connection.close()
    if response.status != 200:
        try:
            raise EtcdError(json.loads(text)["error"])
        except (ValueError, KeyError):
            raise EtcdError(text) from None
    return json.loads(text)


def encoded(text):
    return base64.b64encode(text.encode()).decode()


class Store:
    """etcd of this node. Without cluster-init, and where it joins nobody, it stands for K3s' SQLite: `is_managed` is false,
    and nobody else reaches it."""

    def __init__(self, config, address):
        self.address = address
        self.joins = config["server"]
        self.is_managed = self.was_managed() or bool(config["cluster-init"] or self.joins)
        self.folder = FOLDER if self.is_managed else SERVER + "/db/sqlite"
        self.process = None
        self.looked = 0.0
        self.name = "default"

    @staticmethod
    def was_managed():
        return os.path.isdir(FOLDER + "/member/wal")

    def leave(self):
        """Of a member that was removed, the data go, so that it may join again."""
        if os.path.exists(FOLDER + "/tombstone"):
            if not self.joins:
                fatal(
                    "tombstone file has been detected but --server is empty: backup and delete ${datadir}/server/db to "
                    "create a new cluster, or set --server to rejoin the cluster"
                )
            log("info", "tombstone file has been detected, removing ${datadir}/server/db to rejoin the cluster")
            shutil.rmtree(FOLDER)

    def take_name(self, node):
        """A member is called after its node, with an end that each new datastore has anew. K3s does this when it has what
        it needs of the others, so before that there is no folder."""
        if not self.is_managed:
            return
        if not os.path.exists(FOLDER + "/name"):
            write(FOLDER + "/name", f"{node}-{secrets.token_hex(4)}")
        self.name = read(FOLDER + "/name")

    @property
    def peer(self):
        return f"http://{self.address}:2380" if self.is_managed else "http://127.0.0.1:2380"

    @property
    def is_initialized(self):
        return os.path.isdir(self.folder + "/member/wal")

    # Starting and joining

    def start(self, cluster=None, state="new"):
        if not self.is_managed:
            # Where kine has SQLite's file (kine: pkg/drivers/sqlite/sqlite.go), for those who look for it.
            write(SERVER + "/db/state.db", "")
        own = [CLIENT, *([f"http://{self.address}:2379"] if self.is_managed else [])]
        peers = ["http://127.0.0.1:2380", *([self.peer] if self.is_managed else [])]
        self.process = start(
            *("etcd", "--logger", "zap", "--log-level", "error", "--name", self.name, "--data-dir", self.folder),
            *("--listen-client-urls", ",".join(own), "--advertise-client-urls", own[-1]),
            *("--listen-peer-urls", ",".join(peers), "--initial-advertise-peer-urls", self.peer),
            *("--initial-cluster", cluster or f"{self.name}={self.peer}", "--initial-cluster-state", state),
        )

    def join(self, remote, node):
        """Becomes a learner of the cluster that another server is in; asks until it may."""
        while True:
            try:
                return self._join(remote.members(), node)
            except EtcdError as error:
                words = str(error)
                if "too many learner" in words or "unhealthy" in words:
                    log("info", f"Waiting for other members to finish joining etcd cluster: {words}")
                else:
                    log("info", f"Waiting to retrieve etcd cluster member list: {words}")
            time.sleep(1)

    def _join(self, members, node):
        cluster, is_there = [], False
        for member in members:
            # One that has not started yet has no name; if it has our address, it is us.
            name = member.get("name") or (self.name if self.peer in member["peerURLs"] else "")
            if name == self.name and self.peer in member["peerURLs"]:
                is_there = True
            elif name.rpartition("-")[0] == node:
                os.unlink(FOLDER + "/name")
                fatal("etcd cluster join failed: duplicate node name found, please use a unique name for this node")
            cluster += [f"{name}={url}" for url in member["peerURLs"][:1]]
        if not is_there:
            log("info", f"Adding member {self.name}={self.peer} to etcd cluster {cluster}")
            voters = [one for one in members if not one.get("isLearner") and one.get("clientURLs")]
            if not voters:
                raise EtcdError("no member can be asked")
            self._add(voters)
            cluster.append(f"{self.name}={self.peer}")
        log("info", f"Starting etcd to join cluster with members {cluster}")
        self.start(",".join(cluster), "existing")

    def _add(self, voters):
        """One of them can be down; they agree on what any of them is told."""
        for place, member in enumerate(voters):
            try:
                return ask(member["clientURLs"][0], "/v3/cluster/member/add", 20, peerURLs=[self.peer], isLearner=True)
            except EtcdError as error:
                if place + 1 == len(voters) or not str(error).startswith("http://"):
                    raise

    def wait(self):
        """Until this member votes, and the cluster has a leader."""
        said = None
        while True:
            self.check()
            try:
                status = self.status()
                if status.get("isLearner"):
                    why = "this server has not yet been promoted from learner to voting member"
                elif int(status.get("leader", 0)) == 0:
                    why = "etcdserver: no leader"
                else:
                    return
            except EtcdError as error:
                why = str(error)
            if why != said and self.is_managed:
                log("info", f"Failed to test etcd connection: {why}")
            said = why
            time.sleep(0.5)

    def check(self):
        """Ends K3s where etcd has ended: by itself with 0 once it was removed from its cluster."""
        code = self.process.poll()
        if code is None:
            return
        if code == 0:
            write(FOLDER + "/tombstone", "")
            fatal("this node has been removed from the cluster - please restart k3s to rejoin the cluster")
        fatal(f"etcd exited: {code}")

    # Asking

    def ask(self, path, **body):
        return ask(CLIENT, path, **body)

    def status(self):
        return self.ask("/v3/maintenance/status", timeout=3)

    def is_leader(self):
        """Whether the controllers that only one server runs are this one's: those of etcd's leader."""
        if not self.is_managed:
            return True
        try:
            status = self.status()
        except EtcdError:
            return False
        return status["header"]["member_id"] == status.get("leader")

    def members(self):
        return self.ask("/v3/cluster/member/list").get("members", [])

    def keys(self, prefix):
        """The keys with a prefix, as this member has them: also where the cluster has no leader."""
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        found = self.ask("/v3/kv/range", key=encoded(prefix), range_end=encoded(end), serializable=True, keys_only=True)
        return [base64.b64decode(one["key"]).decode() for one in found.get("kvs", [])]

    def put(self, key, value):
        self.ask("/v3/kv/put", key=encoded(key), value=encoded(value))

    def delete(self, key):
        self.ask("/v3/kv/deleterange", key=encoded(key))

    def promote_learners(self):
        """What etcd's leader does for members that have caught up."""
        if not self.is_managed or time.monotonic() < self.looked + LEARNERS:
            return
        self.looked = time.monotonic()
        try:
            for member in self.members() if self.is_leader() else []:
                if member.get("isLearner") and member.get("name"):
                    self.ask("/v3/cluster/member/promote", ID=member["ID"])
                    log("info", f"Promoted learner {member['name']}")
        except EtcdError as error:
            log("info", f"Learner is not promoted yet: {error}")

    def remove(self, name, address):
        """Removes a member by its name and address; who leads lets another lead first."""
        for member in self.members():
            if member.get("name") != name or f"http://{address}:2380" not in member["peerURLs"]:
                continue
            others = [one for one in self.members() if one["ID"] != member["ID"] and not one.get("isLearner")]
            if self.status().get("leader") == member["ID"]:
                if not others:
                    raise EtcdError("etcdserver: re-configuration failed due to not enough started members")
                self.ask("/v3/maintenance/transfer-leadership", targetID=others[0]["ID"])
            log("info", f"Removing name={name} id={member['ID']} address={address} from etcd")
            self.ask("/v3/cluster/member/remove", ID=member["ID"])
