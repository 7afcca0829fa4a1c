"""Images whose packet filter turns everything away, looked at from a neighbour and from a pod; see Tests/VM/lab/firewall.sh."""

from cases import case
from cases.together import nodes_of
from world import ROOT, expect

LAB = ROOT / "Tests/VM/lab"
NETFILTER_PERSISTENT = "/usr/bin/run-parts -a start /usr/share/netfilter-persistent/plugins.d"


def loader(command):
    """The image's own service, which loads its rules early in each boot."""
    return f"""[Unit]
DefaultDependencies=no
After=local-fs.target
Before=network-pre.target
Wants=network-pre.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={command}
[Install]
WantedBy=sysinit.target
"""


def server(world, unit, command, rules, path, settings=""):
    files = {
        path: (LAB / rules).read_text(),
        "/usr/share/netfilter-persistent/plugins.d/15-ip4tables": f"#!/bin/sh\nexec /usr/sbin/iptables-restore {path}\n",
        "/usr/local/sbin/lab-firewall": (LAB / "firewall.sh").read_text(),
        f"/etc/systemd/system/{unit}.service": loader(command),
    }
    node = {"server": {"role": "server", "private_ip": "10.0.2.11"}}
    (server,) = nodes_of(world, node, settings, files=files).values()
    wanted = server.root / "etc/systemd/system/sysinit.target.wants"
    wanted.mkdir(parents=True, exist_ok=True)
    (wanted / f"{unit}.service").symlink_to(f"/etc/systemd/system/{unit}.service")
    return server


def looked_at(server, argument=""):
    """What holds, as seen from outside."""
    return server.run(f"lab-firewall {argument}; :", timeout=240).splitlines()


@case(
    "Behind OCI's rules the cluster comes up, pods are kept from the metadata service, and a restart changes nothing of it",
    [
        "OCI's `rules.v4`, which turns everything away, is loaded before the bootstrap and in every boot",
        "the image",
        "what the role needs is open, pods are kept from the metadata service, again after a restart",
    ],
    seconds=110,
)
def oci_rules(world):
    rules = ("netfilter-persistent", NETFILTER_PERSISTENT, "oci-rules.v4", "/etc/iptables/rules.v4")
    node = server(world, *rules).start()
    world.complete(node)
    world.finished(node)
    # As after a change of the image's rules.
    node.run("systemctl", "restart", "netfilter-persistent")
    expect(looked_at(node) == ["firewall: 12 of 12 hold"], *looked_at(node))
    node.restart()
    world.ready(node, ["server"])
    found = looked_at(node)
    expect(found == ["firewall: 12 of 12 hold"], *found)
    return "12 of 12 hold, twice"


@case(
    "The same holds where the image's rules are nft's own, and there is no iptables",
    [
        "rules of nft's own, which turn everything away, and no iptables",
        "the image",
        "what the role needs is open, pods are kept from the metadata service",
    ],
)
def nft_rules(world):
    node = server(world, "nftables", "/usr/sbin/nft -f /etc/nftables.conf", "nft-rules.conf", "/etc/nftables.conf")
    for tool in (node.root / "usr/sbin").glob("ip*tables*"):
        tool.unlink()
    node.start()
    world.complete(node)
    world.finished(node)
    node.run("systemctl", "restart", "nftables")
    found = looked_at(node)
    expect(found == ["firewall: 11 of 11 hold"], *found)
    return "11 of 11 hold"


@case("A switch opens the metadata service to pods, and nothing else; what looks from outside sees the difference")
def open_metadata(world):
    rules = ("netfilter-persistent", NETFILTER_PERSISTENT, "oci-rules.v4", "/etc/iptables/rules.v4")
    node = server(world, *rules, settings="pod_metadata_access: allowed\n").start()
    world.complete(node)
    found = looked_at(node, "open")
    expect(found == ["firewall: 12 of 12 hold"], *found)
