"""Downloads that go wrong, with a real curl; see Tests/VM/lab/faulty_mirror.py."""

import re

from cases import case
from cases.together import OUTPUTS
from world import ROOT, expect

FAULTS = ("dripping", "wrong", "corrupt", "truncated", "lost")
SERVER = {"server": {"role": "server", "private_ip": "10.0.2.11"}}


def payload(world, binaries, script):
    """With other sources of K3s; the user-data is as rendered otherwise."""
    text = world.render({**OUTPUTS, "nodes": SERVER})["server"]
    for name, value in (("K3S_BINARY_URLS", " ".join(binaries)), ("K3S_INSTALL_URLS", script)):
        text, count = re.subn(f"{name}='[^']*'", f"{name}='{value}'", text)
        expect(count == 1, f"the payload has no {name}")
    return text


@case(
    "One source after another fails in its own way, the network is gone for a minute, and the node comes up",
    ["a mirror without a name in the DNS", "K3s' first source", "the next source is used"],
    ["a mirror that is down", "the next source: nobody listens", "the next source is used"],
    ["a mirror that drips ten bytes a second", "the next source", "given up after 30 s, the next is used"],
    ["another program, with another hash", "the next source", "never executed, the next is used"],
    ["one byte is another", "the next source", "never executed, the next is used"],
    ["the last byte is missing", "the next source", "never executed, the next is used"],
    [
        "the network is lost for a minute, half of K3s having arrived",
        "the last source, and then all of them",
        "tried again until it is back",
    ],
    seconds=200,
)
def download_faults(world):
    log, version = world.folder / "mirror.log", world.k3s.version
    escaped = version.replace("+", "%2B")
    mirror = world.serve(ROOT / "Tests/VM/lab/faulty_mirror.py", world.k3s.mirror, log, "10.0.2.2")
    host = f"http://10.0.2.2:{mirror.stdout.readline().strip()}"
    sources = ["https://no-such-mirror.invalid", "http://10.0.2.2:1"]
    sources += [f"{host}/{fault}/{escaped}" for fault in FAULTS]
    server = world.node("server", payload(world, sources, f"{host}/lost/{escaped}/install.sh"), address="10.0.2.11")
    server.start()
    world.complete(server, seconds=400)
    world.finished(server)
    expect(server.read("/etc/k3seed-lab/ran-unverified") is None, "what nobody had verified was executed")
    requests = log.read_text().splitlines()
    for fault in FAULTS[:-1]:
        expect(any(line.startswith(f"{fault} {version}/k3s ") for line in requests), fault, *requests)
    # Half of K3s came; then whoever asked was cut for a minute, and all of it came at last.
    k3s = [line for line in requests if line.startswith(f"lost {version}/k3s ")]
    expect(k3s[0].endswith("cut") and sum(line.endswith("sent") for line in k3s) == 1, *requests)
    expect(sum(line.endswith(" cut") for line in requests) > 2, *requests)
    expect(requests[-1] == f"lost {version}/install.sh sent", *requests)
    return "converges"


@case(
    "Without DNS the console says so, within the stage's deadline",
    ["DNS is dead", "every source", "`download` fails within its deadline, and says to check DNS"],
    seconds=70,
)
def dead_dns(world):
    text = payload(world, ["https://no-such-mirror.invalid"], "https://no-such-mirror.invalid/install.sh")
    server = world.node("server", text, address="10.0.2.11", deadlines={"download": 30}).start()
    world.until("the deadline is over", lambda: server.said("k3seed: download: FAILED: "))
    said = server.said("k3seed: download: FAILED: ")[0]
    for words in ("not done within 30 s", "no-such-mirror.invalid", "check DNS"):
        expect(words in said, said)
    world.until("cloud-init has finished", lambda: server.cloud_init is not None)
    expect(server.cloud_init, "cloud-init was not told")
    expect(server.read("/usr/local/bin/k3s") is None, "there is a k3s")
    return said.partition("k3seed: ")[2]
