"""Nodes that are there long before who they wait for."""

from cases import case
from cases.together import ONE, THREE, nodes_of
from world import expect


def gave_up(node):
    """The deadline is over, cloud-init was told so, and the node goes on."""
    return node.said("k3seed: ready: FAILED: not done within") and node.said("tries again")


def says_why(node):
    """k3seed-status shows, while the stage runs, what it has said last."""
    *_, before, last = ["", *node.run("k3seed-status").splitlines()]
    return before.startswith("ready: running, attempt") and last != ""


@case(
    "Agents and a second server that are there long before the first server join it when it comes",
    [
        "the first server comes after every deadline of the others",
        "its machine is started late",
        "they join it when it comes",
    ],
    seconds=150,
)
def late_server(world):
    cluster = {
        "server-1": THREE["server-1"],
        "server-2": THREE["server-2"],
        "worker": ONE["worker"],
        "edge": ONE["edge"],
    }
    nodes = nodes_of(world, cluster, deadlines={"ready": 20})
    first = nodes.pop("server-1")
    for node in nodes.values():
        node.start()
    for node in nodes.values():
        world.until(f"the deadline of {node.name} is over", lambda node=node: gave_up(node), 180)
        # K3s was started, and asks by itself.
        unit = "k3s" if node.name == "server-2" else "k3s-agent"
        state = node.run("systemctl", "show", "-p", "ActiveState", "--value", unit).strip()
        expect(state == "activating", node.name, unit, state)
        world.until(f"k3seed-status of {node.name} says what it waits for", lambda node=node: says_why(node), 120)
    first.start()
    world.complete(first, *nodes.values())
    world.ready(first, cluster)
    return "all join"


@case(
    "Behind a load balancer without members the others wait, and join when it has one",
    ["the load balancer has no member at first", "a TCP proxy at `server_url`", "the others join when it has one"],
    seconds=120,
)
def late_balancer(world):
    cluster = {"server-1": THREE["server-1"], "server-2": THREE["server-2"], "worker": ONE["worker"]}
    settings = "server_url: https://10.0.2.200:6443\n"
    nodes = nodes_of(world, cluster, settings)
    for node in nodes.values():
        node.start()
    first, second, worker = nodes.values()
    world.complete(first)
    expect(first.said("founds a new cluster"), "it does not say that it founds a cluster", first.said("k3seed:"))
    for node in (second, worker):
        expect(node.status.get("state") != "complete", f"{node.name} has joined nobody")
    world.change(balance=["10.0.2.11"])
    world.complete(second, worker)
    world.ready(first, cluster)
    return "all join"
