"""Where a node's addresses are."""

from cases import case
from cases.together import OUTPUTS
from world import expect

PRIVATE = {
    "server": {"role": "server", "private_ip": "10.20.1.11"},
    "worker": {"role": "agent", "private_ip": "10.20.1.12"},
}


@case(
    "Where the private address is on the second interface, flannel takes that one",
    [
        "the default route is on another interface than `private_ip`",
        "two interfaces",
        "flannel takes that of `private_ip`",
    ],
    smoke=True,
)
def second_interface(world):
    payloads = world.render({**OUTPUTS, "nodes": PRIVATE})
    nodes = {
        name: world.node(
            name, payloads[name], interfaces=[("br0", f"10.0.2.{10 + number}/24"), ("br1", f"{node['private_ip']}/24")]
        ).start()
        for number, (name, node) in enumerate(PRIVATE.items())
    }
    world.complete(*nodes.values())
    world.ready(nodes["server"], nodes)
    for name, node in PRIVATE.items():
        found = nodes["server"].json("node", name)
        used = found["metadata"]["annotations"]["flannel.alpha.coreos.com/public-ip"]
        expect(used == node["private_ip"], f"flannel of {name} uses {used}")
    return "flannel uses `private_ip`"
