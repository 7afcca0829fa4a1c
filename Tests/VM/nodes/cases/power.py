"""Power cuts: everything ends at once, and what was in memory is lost."""

import time

from cases import case
from cases.again import cloudflare
from cases.together import SECRETS, nodes_of
from world import expect

# Just as the stage begins, or so many seconds later where it works for longer.
CUTS = {
    "preflight": 0,
    "firewall": 0,
    "download": 1,
    "secrets": 0,
    "install": 0.5,
    "ready": 4,
    "seed": 0.5,
    "gitops": 2,
    "scrub": 0,
    "complete": 0,
}


def cut_in(world, node, stage, delay):
    """Waits for the stage, closely, as most last less than a second; says whether the node was caught in it."""
    end = time.monotonic() + 240
    while True:
        status = node.status
        if status.get("stage") == stage and status.get("state") == "running":
            break
        expect(status.get("state") != "complete", f"{stage} was missed")
        expect(time.monotonic() < end, f"{stage} is not reached; {world.state()}")
        time.sleep(0.005)
    time.sleep(delay)
    node.cut()


@case(
    "A server whose power is cut in every stage, one after the other, comes to the same state",
    *(
        [f"the power is cut in `{stage}`", "all processes end at once", "the next boot goes on, to the same state"]
        for stage in CUTS
    ),
    seconds=240,
)
def power_cuts(world):
    world.k3s.only_stand_in("a stage is waited for that needs Argo CD's chart")
    (server,) = nodes_of(world, {"server": {"role": "server", "private_ip": "10.0.2.11"}}).values()
    server.start()
    for stage, delay in CUTS.items():
        cut_in(world, server, stage, delay)
        server.start()
    world.until("the node is complete", lambda: server.read("/var/lib/k3seed/complete"), 300)
    world.finished(server, seconds=120)
    world.ready(server, ["server"])
    expect(cloudflare(server) == SECRETS["cloudflare_api_token"], "another token")
    expect(server.json("application", "-n", "argocd", "argocd-root"), "no argocd-root")
    left = server.holding([SECRETS["cloudflare_api_token"]])
    expect(not left, "the Cloudflare token is left in", *left)
    return f"the same state after {len(CUTS)} cuts"


@case(
    "An agent whose power is cut while it joins, and again before it knows, is there when it is left alone",
    ["the power of an agent is cut as it joins", "all processes end at once, twice", "it joins"],
)
def power_cuts_of_an_agent(world):
    nodes = nodes_of(
        world,
        {
            "server": {"role": "server", "private_ip": "10.0.2.11"},
            "worker": {"role": "agent", "private_ip": "10.0.2.22"},
        },
    )
    server, worker = nodes.values()
    server.start()
    worker.start()
    for delay in (0.2, 1.5):
        cut_in(world, worker, "ready", delay)
        worker.start()
    world.complete(server)
    world.until("the agent is complete", lambda: worker.read("/var/lib/k3seed/complete"), 300)
    world.ready(server, nodes)
    return "it joins"
