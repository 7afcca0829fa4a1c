"""Clusters that come up at once."""

import json

from cases import case
from world import expect

SECRETS = {
    "k3s_token": "EXAMPLE-this-is-not-a-join-token-00000",
    "cloudflare_api_token": "EXAMPLE-this-is-not-a-cloudflare-token-0",
}
OUTPUTS = {"cluster_name": "lab", "git_repo_url": "https://git.example/cluster.git", **SECRETS}
ONE = {
    "server": {"role": "server", "private_ip": "10.0.2.11"},
    "worker": {"role": "agent", "private_ip": "10.0.2.22", "labels": {"tier": "work"}},
    "edge": {"role": "ingress", "private_ip": "10.0.2.20"},
}
THREE = {f"server-{number}": {"role": "server", "private_ip": f"10.0.2.1{number}"} for number in (1, 2, 3)}


def nodes_of(world, nodes, settings="", **options):
    """The nodes of a cluster by their names, none of them running yet."""
    servers = [name for name, node in nodes.items() if node["role"] == "server"]
    first = {"first_server": servers[0]} if len(servers) > 1 else {}
    payloads = world.render({**OUTPUTS, "nodes": nodes, **first}, settings)
    return {
        name: world.node(name, payloads[name], address=node["private_ip"], **options) for name, node in nodes.items()
    }


def members(world, server):
    """The names of the nodes in etcd that vote."""
    if world.k3s.is_real:
        # Its etcd wants certificates; K3s itself says on each Node what became of its member.
        nodes = server.json("nodes", "-l", "node-role.kubernetes.io/etcd=true")["items"]
        voters = [one for one in nodes for kind in one["status"]["conditions"] if kind["type"] == "EtcdIsVoter"]
        return sorted(one["metadata"]["name"] for one in voters)
    text = server.run("curl -fsS -d '{}' http://127.0.0.1:2379/v3/cluster/member/list")
    voters = [one.get("name", "") for one in json.loads(text)["members"] if not one.get("isLearner")]
    return sorted(name.rpartition("-")[0] for name in voters)


@case("Server, agent and ingress boot together and join", smoke=True)
def together(world):
    nodes = nodes_of(world, ONE)
    for node in nodes.values():
        node.start()
    world.complete(*nodes.values())
    world.finished(*nodes.values())
    world.ready(nodes["server"], nodes)
    if not world.k3s.is_real:
        expect(nodes["server"].json("application", "-n", "argocd", "argocd-root"), "no argocd-root")


@case("Three servers boot together and form one cluster, which lives on without one of them", seconds=150)
def three_servers(world):
    nodes = nodes_of(world, THREE)
    for node in nodes.values():
        node.start()
    world.complete(*nodes.values())
    world.finished(*nodes.values())
    first, second, third = nodes.values()
    world.ready(first, nodes)
    for server in (first, second, third):
        expect(members(world, server) == sorted(nodes), members(world, server))
    uid = first.json("namespace", "kube-system")["metadata"]["uid"]
    expect(third.json("namespace", "kube-system")["metadata"]["uid"] == uid, "two clusters")
    first.cut()
    world.until(
        "the others answer without the first",
        lambda: (third.json("namespace", "kube-system") or {"metadata": {}})["metadata"].get("uid") == uid,
    )
    third.kubectl("create", "configmap", "written-without-the-first")
    first.start()
    world.until(
        "the first one is back and has what was written", lambda: first.json("configmap", "written-without-the-first")
    )
