"""`k3seed-bootstrap again`, after a change of a secret, and what it leaves alone."""

import base64

from cases import case
from cases.together import ONE, OUTPUTS, SECRETS, nodes_of
from world import expect

SERVER = {"server": {"role": "server", "private_ip": "10.0.2.11"}}
ANOTHER = "EXAMPLE-this-is-another-join-token-0000"


def one_server(world, **options):
    (server,) = nodes_of(world, SERVER, **options).values()
    server.start()
    world.complete(server)
    world.finished(server)
    return server


def give(server, **secrets):
    """Puts literal secrets where `again` looks for them: all of them, as they were or as given."""
    for name, value in {**SECRETS, **secrets}.items():
        if value is not None:
            server.run(
                f"install -dm 700 /var/lib/k3seed/secrets; umask 077; cat >/var/lib/k3seed/secrets/{name}", input=value
            )


def cloudflare(server):
    secret = server.json("secret", "-n", "cert-manager", "cloudflare-api-token")
    return base64.b64decode(secret["data"]["api-token"]).decode()


@case(
    "Another server token is refused by `again`, the cluster lives on, and the way that is said works",
    ["another `k3s_token` and `again`", "the secret's file", "`install` refuses it; K3s starts again as before"],
    ["`k3s token rotate`, then the new `k3s_token` and `again`", "as the refusal says", "complete"],
    smoke=True,
)
def another_server_token(world):
    server = one_server(world)
    give(server, k3s_token=ANOTHER, cloudflare_api_token="EXAMPLE-this-is-another-cloudflare-token-0")
    said = server.run("k3seed-bootstrap again", check=False)
    refusal = next((line for line in said.splitlines() if "FAILED" in line), said)
    expect("k3s token rotate" in refusal, said)
    expect(ANOTHER not in said, "the token is said")
    expect(cloudflare(server) == SECRETS["cloudflare_api_token"], "half of it was done")
    server.run("systemctl", "restart", "k3s", timeout=180)
    world.ready(server, ["server"])
    # As the refusal says.
    server.run(f"k3s token rotate --token {SECRETS['k3s_token']} --new-token {ANOTHER}")
    server.write("/etc/rancher/k3s/token", ANOTHER, 0o600)
    server.run("k3seed-bootstrap again", timeout=240)
    expect(server.status.get("state") == "complete", server.status)
    server.run("systemctl", "restart", "k3s", timeout=180)
    world.ready(server, ["server"])
    return f"refused: {refusal.partition('FAILED: ')[2]}"


@case(
    "Another Cloudflare token is in the cluster after `again`, and K3s' environment stays as somebody wrote it",
    ["another Cloudflare token and `again`", "the secret's file", "it is in the cluster"],
    ["`k3s.service.env` is edited by hand, then `again`", "the file", "it stays"],
)
def another_cloudflare_token(world):
    server = one_server(world)
    line = "HTTPS_PROXY=http://proxy.example:3128\n"
    environment = "/etc/systemd/system/k3s.service.env"
    server.write(environment, line + "NO_PROXY=127.0.0.0/8,10.0.0.0/8\n", 0o600)
    given = "EXAMPLE-this-is-another-cloudflare-token-0"
    give(server, cloudflare_api_token=given, k3s_token=None)
    server.run("k3seed-bootstrap again", timeout=240)
    expect(server.status.get("state") == "complete", server.status)
    expect(cloudflare(server) == given, "the old token is still there")
    expect(line in (server.read(environment) or ""), server.read(environment))
    left = server.run("find /var/lib/k3seed/secrets /run/k3seed/seed -type f 2>/dev/null", check=False).split()
    expect(not left, "secrets are left", *left)
    found = server.run("grep -rl -F -e another-cloudflare-token /var/lib/k3seed /var/lib/cloud /run /etc /var/log || :")
    expect(not found.strip(), "the token is in", found)
    return "done"


@case(
    "Another agent token is refused by `again` on a server, and the way that is said brings it to the agents",
    [
        "another `k3s_agent_token` and `again`",
        "the secret's file of a server",
        "`install` refuses it, and says the way",
    ],
    ["another `k3s_agent_token` on the servers, then `again` on an agent", "as the refusal says", "the agent has it"],
    seconds=120,
)
def another_agent_token(world):
    old, new = "EXAMPLE-this-is-not-an-agent-token-0000", "EXAMPLE-this-is-another-agent-token-000"
    outputs = {**OUTPUTS, "k3s_agent_token": old}
    cluster = {name: ONE[name] for name in ("server", "worker")}
    payloads = world.render({**outputs, "nodes": cluster})
    server, worker = (
        world.node(name, payloads[name], address=node["private_ip"]).start() for name, node in cluster.items()
    )
    world.complete(server, worker)
    give(server, k3s_agent_token=new)
    said = server.run("k3seed-bootstrap again", check=False)
    refusal = next((line for line in said.splitlines() if "FAILED" in line), said)
    for words in ("k3s_agent_token", "/etc/rancher/k3s/agent-token", "k3seed-bootstrap again"):
        expect(words in refusal, said)
    expect(new not in said, "the token is said")
    # As the refusal says.
    server.write("/etc/rancher/k3s/agent-token", new, 0o600)
    server.run("systemctl", "restart", "k3s", timeout=180)
    give(worker, k3s_token=None, cloudflare_api_token=None, k3s_agent_token=new)
    worker.run("k3seed-bootstrap again", timeout=240)
    expect(worker.status.get("state") == "complete", worker.status)
    token = worker.run("cat /etc/rancher/k3s/agent-token /etc/rancher/k3s/token 2>/dev/null || :")
    expect(new in token and old not in token, "the agent has another token")
    world.ready(server, cluster)
    return f"refused: {refusal.partition('FAILED: ')[2]}"
