"""Servers whose machine is destroyed, disk and all, and made again from the same user-data."""

from cases import case
from cases.together import OUTPUTS, THREE, members, nodes_of
from world import expect


def uid(server):
    """Which cluster this is."""
    found = server.json("namespace", "kube-system")
    return found and found["metadata"]["uid"]


def replace(world, node, **options):
    """The same user-data on a new disk."""
    data = node.read("/var/lib/cloud/seed/nocloud-net/user-data")
    address = node.address
    node.destroy()
    world.nodes.remove(node)
    return world.node(node.name, data, address=address, **options)


def expect_advice(world, node):
    """What helps where a name was there before is said: the console has both commands."""
    said = world.until(f"the deadline of {node.name} is over", lambda: node.said("k3seed: ready: FAILED: "), 240)[0]
    for command in (f"kubectl delete node {node.name}", f"{node.name}.node-password.k3s"):
        expect(command in said, said)


@case(
    "The first server of three is destroyed and made again: it joins the others, and there is no second cluster",
    [
        "the first of three servers is replaced, its Node still there",
        "its machine and disk are made again",
        "refused as a duplicate; two commands are said that help, and then it joins",
    ],
    [
        "the first of three servers is replaced, its Node deleted",
        "its machine and disk are made again",
        "it joins the living cluster, and founds no other",
    ],
    seconds=180,
)
def first_of_three_replaced(world):
    nodes = nodes_of(world, THREE)
    for node in nodes.values():
        node.start()
    world.complete(*nodes.values())
    first, second, _ = nodes.values()
    world.ready(second, nodes)
    cluster = uid(second)
    first = replace(world, first, deadlines={"ready": 40}).start()
    world.until("it says that it joins", lambda: first.said("joins the cluster that lives at"))
    expect_advice(world, first)
    second.kubectl("delete", "node", first.name)
    world.complete(first)
    world.ready(second, nodes)
    expect(uid(first) == cluster, "another cluster")
    expect(members(world, second) == sorted(nodes), members(world, second))
    expect(not first.said("founds a new cluster"), first.said("founds"))
    return "joins"


@case(
    "The only server is destroyed and made again: it founds a new cluster, and says so",
    ["the only server is replaced", "its machine and disk are made again", "it founds a new cluster, and says so"],
    seconds=90,
)
def only_server_replaced(world):
    (server,) = nodes_of(world, {"server": {"role": "server", "private_ip": "10.0.2.11"}}).values()
    server.start()
    world.complete(server)
    cluster = uid(server)
    server = replace(world, server).start()
    world.complete(server)
    world.finished(server)
    expect(server.said("founds a new cluster"), server.said("k3seed:"))
    expect(uid(server) != cluster, "the same cluster on another disk")
    return "founds a new cluster"


@case(
    "Where the cluster is said to exist, a first server that finds nobody founds none, and joins when one answers",
    [
        "no other server answers the replaced first one, and `cluster_state` is `existing`",
        "the others are started later",
        "it waits, and joins",
    ],
    seconds=150,
)
def existing_cluster(world):
    two = {name: THREE[name] for name in ("server-1", "server-2")}
    nodes = nodes_of(world, two)
    for node in nodes.values():
        node.start()
    world.complete(*nodes.values())
    first, second = nodes.values()
    cluster = uid(second)
    second.kubectl("delete", "node", first.name)
    world.until("its member is removed", lambda: members(world, second) == ["server-2"])
    outputs = {**OUTPUTS, "nodes": two, "first_server": "server-1", "cluster_state": "existing"}
    payload = world.render(outputs)["server-1"]
    first.destroy()
    world.nodes.remove(first)
    second.cut()
    first = world.node("server-1", payload, address="10.0.2.11").start()
    world.until("it waits for another server", lambda: "no server answers" in first.status.get("message", ""))
    second.start()
    world.complete(first)
    expect(uid(first) == cluster, "another cluster")
    return "waits, and joins"
