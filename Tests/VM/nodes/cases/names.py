"""Names of nodes that were there before, and who is let in."""

from cases import case
from cases.replaced import expect_advice, replace
from cases.together import ONE, OUTPUTS, nodes_of
from world import expect

TWO = {name: ONE[name] for name in ("server", "worker")}


@case(
    "A Node that was deleted comes back when K3s starts again on its machine",
    ["a Node is deleted while its machine lives", "`kubectl delete node`, then K3s is restarted", "it is back"],
)
def deleted_node_comes_back(world):
    nodes = nodes_of(world, TWO)
    for node in nodes.values():
        node.start()
    world.complete(*nodes.values())
    server, worker = nodes.values()
    world.ready(server, nodes)
    server.kubectl("delete", "node", "worker")
    secret = ("secret", "-n", "kube-system", "worker.node-password.k3s")
    world.until("its password is collected", lambda: server.json(*secret) is None)
    worker.run("systemctl", "restart", "--no-block", "k3s-agent")
    world.ready(server, nodes)
    expect(server.json(*secret), "no password of the new Node")
    return "it is back"


@case(
    "A new machine with the name of a Node that is still there is refused, two commands are said, and they help",
    [
        "an agent is replaced, its Node still there",
        "its machine and disk are made again",
        "refused by its password; two commands are said that help, and then it joins",
    ],
    seconds=120,
)
def same_name_new_disk(world):
    nodes = nodes_of(world, TWO)
    for node in nodes.values():
        node.start()
    world.complete(*nodes.values())
    server, worker = nodes.values()
    world.ready(server, nodes)
    worker = replace(world, worker, deadlines={"ready": 40}).start()
    expect_advice(world, worker)
    expect("Node password rejected" in worker.status["message"], worker.status)
    server.kubectl("delete", "node", "worker")
    server.kubectl("delete", "secret", "-n", "kube-system", "--ignore-not-found", "worker.node-password.k3s")
    world.complete(worker)
    world.ready(server, nodes)
    return "refused until the Node is deleted"


@case(
    "An agent with another token is refused, and only that one fails",
    ["an agent has another token", "its user-data", "it alone fails, in `ready`, and says what the server says"],
)
def wrong_token(world):
    nodes = nodes_of(world, ONE)
    data = nodes["worker"].read("/var/lib/cloud/seed/nocloud-net/user-data")
    other = data.replace("this-is-not-a-join-token-00000", "this-is-not-the-join-token-0")
    expect(other != data, "the payload has no such token")
    nodes["worker"].destroy()
    world.nodes.remove(nodes["worker"])
    nodes["worker"] = world.node("worker", other, address="10.0.2.22", deadlines={"ready": 45})
    for node in nodes.values():
        node.start()
    world.complete(nodes["server"], nodes["edge"])
    worker = nodes["worker"]
    world.until("the deadline is over", lambda: worker.said("k3seed: ready: FAILED: "))
    said = worker.said("k3seed: ready: FAILED: ")[0]
    for words in ("not done within 45 s", "node worker to be Ready", "401 Unauthorized"):
        expect(words in said, said)
    expect("this-is-not-the-join-token" not in "\n".join(worker.lines), "the token is on the console")
    world.until("cloud-init has finished", lambda: worker.cloud_init is not None)
    expect(worker.cloud_init, "cloud-init was not told")
    world.ready(nodes["server"], ["server", "edge"])
    return said.partition("k3seed: ")[2]


@case(
    "With the hash of the cluster's CA an agent sends its token to no other server",
    ["another host answers at the server's address", "`server_ca_sha256` is that of another CA", "it gets no token"],
    seconds=100,
)
def hash_of_the_ca(world):
    (server,) = nodes_of(world, {"server": ONE["server"]}).values()
    server.start()
    world.complete(server)
    digest = server.read("/var/lib/rancher/k3s/server/token").removeprefix("K10").partition("::")[0]
    workers = {}
    for number, wanted in enumerate((digest, "0" * 63 + "1")):
        name, address = f"worker-{number}", f"10.0.2.3{number}"
        nodes = {"server": ONE["server"], name: {"role": "agent", "private_ip": address}}
        payload = world.render({**OUTPUTS, "nodes": nodes, "server_ca_sha256": wanted})[name]
        workers[name] = world.node(name, payload, address=address, deadlines={"ready": 40}).start()
    good, bad = workers.values()
    world.complete(good)
    said = world.until("the deadline is over", lambda: bad.said("k3seed: ready: FAILED: "))[0]
    expect("token CA hash does not match the Cluster CA certificate hash" in said, said)
    world.ready(server, ["server", "worker-0"])
    return said.partition("k3seed: ")[2]
