"""What goes wrong in the cluster while the node comes up: faults of the stand-in for K3s."""

from cases import case
from cases.together import nodes_of
from world import expect

SERVER = {"server": {"role": "server", "private_ip": "10.0.2.11"}}


def failed(world, fault, stage, *words, seconds=40):
    """The stage fails within its deadline, says why on the console and to cloud-init, and is tried again; what it says."""
    (server,) = nodes_of(world, SERVER, faults=[fault], deadlines={stage: seconds}).values()
    server.start()
    world.until(f"{stage} has failed", lambda: server.said(f"k3seed: {stage}: FAILED: "))
    said = server.said(f"k3seed: {stage}: FAILED: ")[0]
    for word in (f"not done within {seconds} s", *words):
        expect(word in said, said)
    world.until("cloud-init has finished", lambda: server.cloud_init is not None)
    expect(server.cloud_init, "cloud-init was not told")
    return server, said.partition("k3seed: ")[2]


@case(
    "K3s that ends at every start is restarted until the deadline, and when it is mended, the node comes up",
    [
        "K3s ends at once, at every start",
        "the stand-in for K3s",
        "`ready` fails at its deadline with K3s' own words; the node comes up once it is mended",
    ],
    seconds=150,
)
def crash_loop(world):
    server, said = failed(world, "crash-loop", "ready", "the fault crash-loop")
    server.run("rm /etc/k3seed-lab/faults")
    world.complete(server)
    return said


@case(
    "Argo CD's chart that never brings its CRDs fails the stage that waits for it, and when it does, the node goes on",
    [
        "Argo CD's chart never brings its CRDs",
        "the stand-in for K3s",
        "`gitops` fails within its deadline, with the last words of the chart's job",
    ],
    seconds=150,
)
def missing_crd(world):
    server, said = failed(world, "no-crd", "gitops", "INSTALLATION FAILED: the fault no-crd")
    server.run("rm /etc/k3seed-lab/faults; systemctl restart k3s", timeout=240)
    world.complete(server)
    return said


@case(
    "Controllers that never work fail the stage that waits for them",
    [
        "nothing makes ServiceAccounts",
        "the stand-in for K3s",
        "`ready` fails within its deadline, and says what is missing",
    ],
)
def controllers_never(world):
    _, said = failed(world, "controllers-never", "ready", "the controllers")
    return said


@case(
    "A Node that never becomes Ready fails the stage that waits for it, with the Node's own words",
    ["the Node stays NotReady", "the stand-in for K3s", "`ready` fails within its deadline, with the Node's own words"],
)
def node_never_ready(world):
    _, said = failed(world, "node-never-ready", "ready", "container runtime network not ready")
    return said


@case(
    "Where Argo CD's images never come, the bootstrap is complete all the same, and k3seed-status says what is not ready",
    [
        "Argo CD's images never come",
        "the stand-in for K3s",
        "complete, as it is installed; `k3seed-status` says what waits",
    ],
)
def images_never(world):
    (server,) = nodes_of(world, SERVER, faults=["images-never"]).values()
    server.start()
    world.complete(server)
    world.finished(server)
    said = world.until(
        "k3seed-status names the pods",
        lambda: [one for one in [server.run("k3seed-status")] if "argocd-server-0" in one],
    )[0]
    expect("0 of 3 pods ready" in said and "ImagePullBackOff" in said, said)
    return "complete; 0 of 3 pods ready"
