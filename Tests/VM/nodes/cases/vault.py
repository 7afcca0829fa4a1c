"""Secrets in OCI Vault, for which the emulator of Tests/GuestTests stands in: at the addresses and names of OCI's services."""

import base64
import json

from cases import case
from world import ROOT, expect

EMULATOR = ROOT / "Tests/GuestTests/StandIns/oci_emulator.py"
AUTH = "auth.eu-frankfurt-1.oraclecloud.com"
VAULT = "secrets.vaults.eu-frankfurt-1.oci.oraclecloud.com"

# What the Vault holds for examples/oci-vault, of which nothing may be seen anywhere.
VALUES = {
    "argocd_admin_password_hash": "$2a$10$" + "./Ab9" * 10 + "xyz",
    "cloudflare_api_token": "cfut_EXAMPLE-canary-of-the-vault-0123456789",
    "git_pat": "EXAMPLE-canary/of:the+vault 'git' \"pat\" \\ ${x}",
    "k3s_agent_token": "EXAMPLE-canary-agent-token-4567890123456789",
    "k3s_token": "EXAMPLE-canary-server-token-0123456789456789",
}


class Cloud:
    """The emulator, and a server of examples/oci-vault whose user-data is as rendered."""

    def __init__(self, world, plan=None, values=VALUES, trusts=True, **options):
        self.world, self.folder = world, world.folder / "oci"
        outputs = json.loads((ROOT / "examples/oci-vault/outputs.json").read_text())
        outputs = {name: one["value"] for name, one in outputs.items()}
        outputs.update(nodes={"server": {"role": "server", "private_ip": "10.0.2.11"}}, server_private_ip="10.0.2.11")
        self.outputs, self.references = outputs, outputs["secret_ocids"]
        secrets = {self.references[name]: self.secret(value) for name, value in values.items()}
        world.change(silent=["169.254.169.254"], names={AUTH: "203.0.113.10", VAULT: "203.0.113.11"})
        self.start({"secrets": secrets, **(plan or {})})
        settings = ""
        if trusts:
            lines = "".join(f"    {line}\n" for line in (self.folder / "ca.pem").read_text().splitlines())
            settings = f"ca_certificates:\n  - |\n{lines}"
        self.server = world.node("server", world.render(outputs, settings)["server"], address="10.0.2.11", **options)

    @staticmethod
    def secret(value):
        text = base64.b64encode(value.encode()).decode()
        return {"versions": [{"number": 1, "stages": ["CURRENT", "LATEST"], "base64": text}]}

    def start(self, plan):
        addresses = [
            "--metadata",
            "169.254.169.254:80",
            "--federation",
            "203.0.113.10:443",
            "--secrets",
            "203.0.113.11:443",
        ]
        self.world.serve(EMULATOR, json.dumps(plan), self.folder, *addresses)
        self.world.until("the emulator of OCI listens", (self.folder / "listening.json").exists, 60)

    @property
    def requests(self):
        return [json.loads(line) for line in (self.folder / "requests.jsonl").read_text().splitlines()]

    def expect_done(self):
        """Every Secret has the Vault's bytes; of these, and of what the emulator gave away, nothing is left on the node."""
        world, server = self.world, self.server
        world.complete(server, seconds=400)
        world.finished(server)
        for namespace, name, key, value in (
            ("cert-manager", "cloudflare-api-token", "api-token", "cloudflare_api_token"),
            ("external-dns", "cloudflare-api-token", "api-token", "cloudflare_api_token"),
            ("argocd", "argocd-root-repository", "password", "git_pat"),
            ("argocd", "argocd-secret", "admin.password", "argocd_admin_password_hash"),
        ):
            found = server.json("secret", "-n", namespace, name)
            expect(
                found and base64.b64decode(found["data"][key]).decode() == VALUES[value], f"{namespace}/{name} differs"
            )
        canaries = (self.folder / "canaries").read_text(encoding="latin-1").splitlines()
        tokens = {VALUES["k3s_token"], VALUES["k3s_agent_token"]}
        tokens |= {base64.b64encode(one.encode()).decode() for one in tokens}
        secret = [line for line in canaries if len(line) > 15 and line not in tokens]
        expect(len(secret) > 10, "the emulator says nothing of its canaries")
        left = server.holding(secret)
        expect(not left, "secrets are left in", *left)
        # K3s itself needs its tokens; that these are found shows that the search finds.
        expect(server.holding([VALUES["k3s_token"]]), "the search finds nothing")
        expect(
            not any(line in "\n".join(server.lines) for line in canaries if len(line) > 15),
            "secrets are on the console",
        )


@case(
    "Both Secrets hold the Vault's bytes, whatever is late, and of them nothing is left on the node",
    ["the metadata service is late", "the emulator of OCI", "tried again"],
    ["federation throttles (429, `Retry-After`)", "the emulator of OCI", "waits as long as it says"],
    ["the dynamic group is late: a token without it, then one with it", "the emulator of OCI", "federates anew"],
    ["the token expires after two secrets", "the emulator of OCI", "federates anew for the rest"],
    seconds=120,
)
def vault_late(world):
    faults = [
        {"at": "metadata", "seconds": 4, "do": "drop"},
        {"at": "federation", "times": 1, "do": {"status": 429, "retry_after": 3}},
    ]
    cloud = Cloud(world, {"faults": faults, "group_after": {"tokens": 1}, "tokens": [{}, {"uses": 2}]})
    cloud.server.start()
    cloud.expect_done()
    why = [one["why"] for one in cloud.requests]
    for fault in ("fault: drop", "'status': 429", "the token is from before the dynamic group", "the token has"):
        expect(any(fault in one for one in why), fault, *why)
    expect(sum(one["at"] == "secrets" and one["status"] == 200 for one in cloud.requests) == 5, *why)
    return "converges"


@case(
    "Services that fail, drip and break off are survived",
    ["federation answers 500", "the emulator of OCI", "tried again"],
    ["the Vault drips four bytes a second", "the emulator of OCI", "given up after 20 s, tried again"],
    ["the Vault's answer is truncated", "the emulator of OCI", "never used, tried again"],
    seconds=120,
)
def vault_broken(world):
    faults = [
        {"at": "federation", "times": 1, "do": {"status": 500}},
        {"at": "secrets", "times": 1, "do": "drip"},
        {"at": "secrets", "times": 1, "do": "truncate"},
    ]
    cloud = Cloud(world, {"faults": faults})
    cloud.server.start()
    cloud.expect_done()
    why = [one["why"] for one in cloud.requests]
    for fault in ("'status': 500", "fault: drip", "fault: truncate"):
        expect(any(fault in one for one in why), fault, *why)
    return "converges"


def explained(world, words, **options):
    """The stage fails within its deadline, and says why; what it says."""
    cloud = Cloud(world, deadlines={"secrets": 30}, **options)
    server = cloud.server.start()
    world.until("the stage has failed", lambda: server.said("k3seed: secrets: FAILED: "))
    said = server.said("k3seed: secrets: FAILED: ")[0]
    for word in words:
        expect(word in said, said)
    world.until("cloud-init has finished", lambda: server.cloud_init is not None)
    expect(server.cloud_init, "cloud-init was not told")
    return said.partition("k3seed: ")[2]


@case(
    "A wrong OCID or a missing policy is explained",
    [
        "the OCID is wrong, or the policy is missing",
        "the emulator of OCI",
        "`secrets` fails within its deadline, and says why",
    ],
    seconds=70,
)
def vault_wrong_ocid(world):
    values = {name: value for name, value in VALUES.items() if name != "cloudflare_api_token"}
    words = [
        "not done within 30 s; ",
        f"secret cloudflare_api_token: {VAULT}",
        " answers 404, NotAuthorizedOrNotFound, ",
    ]
    return explained(world, [*words, "let the node's dynamic group read secret-bundles"], values=values)


@case(
    "A certificate of somebody else is explained",
    ["a certificate of somebody else", "the emulator of OCI", "`secrets` fails within its deadline, and says why"],
    seconds=70,
)
def vault_bad_certificate(world):
    return explained(world, [AUTH, "check its certificate, and the clock"], trusts=False)


@case(
    "A Cloudflare token of the wrong type is explained at once",
    ["a Cloudflare token of the wrong type", "the value in the Vault", "`secrets` fails at once, and says why"],
    seconds=50,
)
def vault_global_key(world):
    words = ["secret cloudflare_api_token in OCI Vault is a Global API Key; create an API token with Zone-DNS-Edit"]
    return explained(world, words, values={**VALUES, "cloudflare_api_token": "cfk_EXAMPLE-global-key-0123456789"})


@case("The Applications of the tree apply phase by phase, and every Secret that they refer to is there", seconds=80)
def gitops_tree(world):
    world.k3s.only_stand_in("it needs the CRDs of Argo CD's chart")
    cloud = Cloud(world)
    cloud.server.start()
    example, tree = ROOT / "examples/oci-vault", world.folder / "tree"
    world.k3seed(
        *("gitops", "render", "--input", example / "outputs.json", "--config", example / "k3seed.yaml", "--out", tree)
    )
    world.tar(tree, cloud.server, "/root/tree.tar")
    cloud.server.write("/root/apply_tree.py", (ROOT / "Tests/VM/lab/apply_tree.py").read_text())
    cloud.expect_done()
    cloud.server.run("python3", "-I", "/root/apply_tree.py", "/root/tree.tar", timeout=300)
    world.until(
        "its last words are on the console",
        lambda: cloud.server.said("every reference") or cloud.server.said("NOT THERE"),
    )
    said = [line.partition("tree: ")[2] for line in cloud.server.said("tree: ")]
    expect(said[-1:] == ["every reference resolves"], *said)
    expect(sum(line.startswith("phase ") for line in said) == 4, *said)
    return "; ".join(said)
