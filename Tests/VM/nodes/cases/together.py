"""A whole cluster at once."""

from cases import case
from world import expect

OUTPUTS = {
    "cluster_name": "lab",
    "nodes": {
        "server": {"role": "server", "private_ip": "10.0.2.11"},
        "worker": {"role": "agent", "private_ip": "10.0.2.12", "labels": {"tier": "work"}},
        "edge": {"role": "ingress", "private_ip": "10.0.2.10"},
    },
    "k3s_token": "EXAMPLE-this-is-not-a-join-token-00000",
    "cloudflare_api_token": "EXAMPLE-this-is-not-a-cloudflare-token-0",
    "git_repo_url": "https://git.example/cluster.git",
}


@case("Server, agent and ingress boot together and join", smoke=True)
def together(world):
    payloads = world.render(OUTPUTS)
    nodes = [
        world.node(name, payloads[name], address=address).start()
        for name, address in (("server", "10.0.2.11"), ("worker", "10.0.2.12"), ("edge", "10.0.2.10"))
    ]
    world.complete(*nodes)
    world.finished(*nodes)
    world.ready(nodes[0], ["server", "worker", "edge"])
    expect(nodes[0].json("application", "-n", "argocd", "argocd-root"), "no argocd-root")
