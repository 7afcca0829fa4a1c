"""The commands of the sweep: every command, in every format, on valid, wrong and broken inputs that are full of secrets."""

import base64
import gzip
import json
import random
from dataclasses import dataclass, field

from detector import core

PLATFORMS = [
    "oci", "aws", "gcp", "azure", "hetzner", "digitalocean", "openstack", "linode", "vsphere", "nocloud",
]
ENCODINGS = ["auto", "plain", "gzip", "base64", "gzip+base64"]
FINDINGS = ["text", "json", "sarif", "junit", "github"]
DIFFS = ["text", "json", "markdown"]
PREVIEWS = [[], ["--json"], ["--html", "-"], ["--html", "page.html"]]
NODES = {
    "a": {"role": "server", "private_ip": "10.0.0.1"},
    "b": {"role": "server"},
    "w": {"role": "agent", "labels": {"disk": "fast"}, "taints": ["a=b:NoSchedule"]},
    "e": {"role": "ingress", "labels": {"role": "ingress"}},
}


def awkward(name: str) -> str:
    """A value that every format escapes in its own way."""
    return f"%&\"\\ü/{core(name)}'$`{{{{<{core(name)}"


def private_key(name: str) -> str:
    body = f"b3BlbnNzaC1rZXktdjEAAAAABG5vbmUA{core(name)}"
    return f"-----BEGIN OPENSSH PRIVATE KEY-----\n{body}\n-----END OPENSSH PRIVATE KEY-----\n"


def bcrypt(name: str) -> str:
    return f"$2b$10${core(name)}{'e' * 29}"


# Every secret input, by the form that its value takes.
SECRETS = {
    "k3s_token": awkward,
    "k3s_agent_token": awkward,
    "cloudflare_api_token": awkward,
    "git_pat": awkward,
    "git_ssh_private_key": private_key,
    "github_webhook_secret": awkward,
    "argocd_admin_password": awkward,
    "argocd_admin_password_hash": bcrypt,
    "registry_password": awkward,
}
# Secrets that stand elsewhere.
OTHERS = ["manifest", "misplaced", "user_data", "other", "url", "template", "repository", "cluster", "vault"]
NAMES = [*SECRETS, *OTHERS]
# What not even user-data may hold.
NEVER = {"argocd_admin_password", "registry_password", "misplaced", "vault"}


@dataclass
class Case:
    name: str
    words: list[str]
    stdin: bytes = b""
    files: dict[str, bytes] = field(default_factory=dict)
    # Whether standard output and the files in `out` are user-data, which holds secrets where the command succeeds.
    payload: bool = False
    # Programs to find first on PATH.
    programs: dict[str, str] = field(default_factory=dict)
    # Canaries that the command line itself holds, which therefore may be in those of children.
    given: tuple[str, ...] = ()
    # Canaries that are no secret where the command succeeds: a value that an input takes which is none.
    accepted: tuple[str, ...] = ()


def as_json(value) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def wrapped(project: dict) -> dict:
    """As `terraform output -json` has it."""
    return {name: {"value": value, "type": "string", "sensitive": name in SECRETS} for name, value in project.items()}


def strings(project: dict) -> dict:
    """As a query of Terraform's external data source has it."""
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in project.items()}


def project(names, **changes) -> dict:
    """A cluster of four nodes that uses these secrets."""
    found = {
        "git_repo_url": "git@git.example.net:a.git" if "git_ssh_private_key" in names else "https://git.example.net/a.git",
        "platform": "nocloud",
        "nodes": NODES,
        "first_server": "a",
        "ingress_public_ip": "192.0.2.7",
        "domain_name": "lab.example.net",
        "acme_email": "ops@example.net",
        "cloudflare_zone_id": "00000000feedfacecafebeef00000000",
        "docs_image": "registry.example.net/docs:1.0.0",
        "gitops_disable": ["vault"],
        "extra_manifests": {
            "m": f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata: {{a: '{core('manifest')}'}}\n"
        },
    }
    found.update({name: SECRETS[name](name) for name in names})
    found.update(changes)
    return {name: value for name, value in found.items() if value is not None}


WITH_TOKEN = ["cloudflare_api_token", "k3s_token", "k3s_agent_token", "git_pat", "argocd_admin_password",
              "github_webhook_secret"]
WITH_KEY = ["cloudflare_api_token", "k3s_token", "git_ssh_private_key", "argocd_admin_password_hash"]
REFERENCE = "ocid1.vaultsecret.oc1.eu-frankfurt-1.amaaaaaaexample"


def projects() -> dict[str, dict]:
    """Projects that render, and together use every secret."""
    in_vault = {"registry_server": "ghcr.io", "registry_password": REFERENCE, "k3s_token": REFERENCE,
                "vault_ocid": "ocid1.vault.oc1.eu-frankfurt-1.example", "platform": "oci",
                "gitops_disable": [], "oci_region": "eu-frankfurt-1"}
    return {
        "token": project(WITH_TOKEN),
        "key": project(WITH_KEY),
        "hardened": project(WITH_TOKEN, hardening="cis", node_labels={"a": "b"}, disable=["traefik"]),
        "vault": project(["cloudflare_api_token", "git_pat", "k3s_agent_token", "argocd_admin_password_hash"], **in_vault),
    }


# MARK: Rendering


def rendering():
    for what, cluster in projects().items():
        for platform in PLATFORMS:
            if what == "vault" and platform != "oci":
                continue
            text = as_json({**cluster, "platform": platform})
            for number, node in enumerate(NODES):
                for encoding in ENCODINGS:
                    if what in ("token", "key") or encoding == "auto":
                        place = ["-o", "out/user-data"] if number % 2 else []
                        yield Case(f"render {what} {platform} {node} {encoding}",
                                   ["render", "--node", node, "--encoding", encoding, *place], text, payload=True)
                yield Case(f"external {what} {platform} {node}", ["external"],
                           as_json({"outputs": text.decode(), "node": node, "encoding": "auto"}), payload=True)
                for style in PREVIEWS[:3] if platform in ("oci", "aws") else [PREVIEWS[number % 2]]:
                    yield Case(f"preview {what} {platform} {node} {style}", ["preview", "--node", node, *style], text)
            yield Case(f"render --all {what} {platform}", ["render", "--all", "-o", "out"], text, payload=True)
        text = as_json(cluster)
        for shape, document in {"wrapped": wrapped(cluster), "state": {"values": {"outputs": wrapped(cluster)}}}.items():
            yield Case(f"preview {what} {shape}", ["preview", "--node", "a", "--input", "in.json"],
                       files={"in.json": as_json(document)})
            yield Case(f"render {what} {shape}", ["render", "--role", "agent", "--input", "in.json"],
                       files={"in.json": as_json(document)}, payload=True)
        yield Case(f"external {what} strings", ["external"], as_json({**strings(cluster), "node": "a"}), payload=True)
        for secret in [None, *SECRETS]:
            yield Case(f"rotate {what} {secret}", ["rotate", *([secret] if secret else [])], text)
        for option in ([], ["--keep"], ["--force"]):
            yield Case(f"gitops render {what} {option}", ["gitops", "render", "--out", "tree", *option], text)
        for form in FINDINGS:
            yield Case(f"validate {what} {form}", ["validate", "--no-tools", "--format", form, "-"], text)
        yield Case(f"preview {what} page", ["preview", "--node", "a", "--html", "page.html"], text)
        # What is wrong about the command, not about its input.
        for words in (
            ["--node", "nobody"], [], ["--role", "server"], ["--config", "/nonexistent"], ["--lock", "/nonexistent"],
            ["--templates", "/nonexistent"], ["--platform", "none"], ["--set", "k3s_token=x"], ["--set", "nodes=x"],
            ["--node", "a", "--role", "agent"], ["--encoding", "rot13"], ["--nodes"],
        ):
            for command in ("render", "preview"):
                yield Case(f"{command} {what} {words}", [command, *words], text, payload=command == "render")
        for place in ("-o", "/nonexistent/x"), ("-o", "/dev/full"), ("-o", "."):
            yield Case(f"render {what} to {place}", ["render", "--node", "a", *place], text, payload=True)
        big = {**cluster, "platform": "aws", "extra_manifests": {
            "m": f"apiVersion: v1\nkind: A\n# {core('manifest')}" + "0123456789abcdef" * 2000}}
        for command in (["render"], ["preview"], ["preview", "--json"], ["render", "--encoding", "plain"]):
            yield Case(f"{command} {what} over the limit", [*command, "--node", "a"], as_json(big), payload=command[0] == "render")


# MARK: Wrong and broken values of secrets

SPOILT = {
    "a control": lambda value: value + "\x07",
    "a NUL": lambda value: "\0" + value,
    "a line break": lambda value: value + "\n" + value,
    "a tab": lambda value: value + "\t",
    "a carriage return": lambda value: value.replace("\n", "\r\n") + "\r",
    "a bidi control": lambda value: "\u202e" + value,
    "a space": lambda value: " " + value,
    "K3s's form": lambda value: "K10" + value,
    "K3s's full form": lambda value: f"K10{'0' * 64}::server:{value}",
    "an OCID": lambda value: "ocid1.vaultsecret." + value,
    "a key of Cloudflare": lambda value: "cfk_" + value,
    "too long": lambda value: value * 40,
    "too much": lambda value: value + "a" * 70_000,
    "cut": lambda value: value[:-1],
    "a name": lambda value: "password=" + value,
    "a header": lambda value: "Bearer " + value,
    "a URL": lambda value: f"https://a:{value}@git.example.net/?token={value}#{value}",
    "a list": lambda value: [value],
    "an object": lambda value: {"value": value},
    "an object of it": lambda value: {value: value},
    "in a list of lists": lambda value: [[value], {"a": value}],
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "a template": lambda value: "${" + value + "}",
    "JSON": lambda value: json.dumps({"token": value}),
}


def spoilt():
    for secret in SECRETS:
        base = WITH_KEY if secret in ("git_ssh_private_key", "argocd_admin_password_hash") else WITH_TOKEN
        for number, (what, spoil) in enumerate(SPOILT.items()):
            cluster = project(base, **{secret: spoil(SECRETS[secret](secret))})
            text, query = as_json(cluster), {**strings(cluster), "node": "a"}
            label = f"{secret} as {what}"
            yield Case(f"render {label}", ["render", "--node", "a"], text, payload=True)
            yield Case(f"preview {label}", ["preview", "--node", "a", *PREVIEWS[number % 2]], as_json(wrapped(cluster)))
            yield Case(f"external {label}", ["external"], as_json(query), payload=True)
            yield Case(f"external outputs {label}", ["external"],
                       as_json({"outputs": text.decode(), "node": "a"}), payload=True)
            form = FINDINGS[number % 5]
            yield Case(f"validate {label}", ["validate", "--no-tools", "--format", form, "outputs.json"],
                       files={"outputs.json": text})
            yield Case(f"gitops {label}", ["gitops", "render", "--out", "tree"], text)
            if number % 3 == 0:
                yield Case(f"rotate {label}", ["rotate", secret], text)


def damaged():
    """JSON and YAML that cannot be read, with a secret where it breaks."""
    for secret in ("k3s_token", "argocd_admin_password"):
        value, raw = json.dumps(awkward(secret)), core(secret)
        texts = [
            f'{{"{secret}": {value}', f'{{"{secret}": {value[:-1]}', f'{{"{secret}" {value}}}',
            f'{{"{secret}": {value}, "{secret}": {value}}}', f'{{"{secret}": {raw}}}', value, f"[{value}]",
            f'{{"{secret}": {{"value": {value}}}, "a": 1}}', f'{{"{secret}": {value}}}{raw}', f'{{{raw}: 1}}',
            f'{{"{secret}": "{raw}\\x"}}', f'{{"{secret}": "{raw}\\ud800"}}', f"\ufeff{raw}", f"{secret}={raw}",
            f'{{"lineage": "", "serial": 1, "terraform_version": "1", "{secret}": {value}}}',
            f'{{"version": 4, "outputs": {{"{secret}": {{"value": {value}}}}}}}',
            f'{secret} = "{raw}"\n', f"#cloud-config\n{secret}: {raw}\n", f'{{"nodes": {{"a": {{"{secret}": {value}}}}}}}',
            f'{{"{secret}": {value}, "nodes": {value}}}', f'{{"outputs": {value}}}', raw,
        ]
        for number, text in enumerate(texts):
            for words in (["render"], ["preview", "--json"], ["external"], ["rotate"], ["gitops", "render", "--out", "t"],
                          ["validate", "--no-tools", "-"], ["validate", "--no-tools", "--format", "sarif", "-"]):
                yield Case(f"{words} damaged {secret} {number}", words, text.encode())
            yield Case(f"external nested {secret} {number}", ["external"], as_json({"outputs": text}))
        configs = [
            f"{secret}: {value}\n", f"{secret}: [{value}]\n", f"{secret}: {value}\n{secret}: {value}\n",
            f'{secret}: "{raw}\n', f"cluster_name:\n  {value}: 1\n", f"git_pat: !secret {value}\n", f"{secret}: |\n  {raw}\n",
            f"github_pat: {value}\n", f"k3s_tokn: {value}\n", f"{raw}: a\n", f"a: &{raw} b\nc: *{raw}x\n", f"- {raw}\n",
            f"output_names: {{{secret}: {raw}}}\n", f"output_names: {{{raw}: {secret}}}\n",
            f"cluster_name: {raw}\n", f"a: b\n\t{raw}\n", f"%TAG ! {raw}\n---\na: b\n", f"cluster_name: !{raw} x\n", raw,
        ]
        for number, text in enumerate(configs):
            for words in (["render"], ["preview"], ["gitops", "render", "--out", "t"], ["rotate"]):
                yield Case(f"{words} config {secret} {number}", [*words, "--config", "k3seed.yaml"],
                           as_json(project(WITH_TOKEN)), {"k3seed.yaml": text.encode()}, payload=words == ["render"])
            yield Case(f"validate config {secret} {number}", ["validate", "--no-tools", "k3seed.yaml"],
                       files={"k3seed.yaml": text.encode()})


# MARK: A token in the wrong place


def misplaced(inputs: list[str]):
    token = core("misplaced")
    values = [
        token, f" {token} ", [token], {"a": token}, {token: "a"}, {token: {"role": "server"}}, {"a": {"role": token}},
        {"a": {token: "b"}}, f"https://ada:{token}@git.example.net/a.git", f"https://git.example.net/a?token={token}",
        f"{token}@git.example.net:a/b.git", f"ghp_{token}", [[token]], {"a": [token]}, f"a={token}:NoSchedule",
    ]
    for at, name in enumerate(inputs):
        for number, value in enumerate(values):
            cluster = project(WITH_TOKEN, **{name: value})
            text = as_json(wrapped(cluster) if number % 2 else cluster)
            label = f"{name} {number}"
            words = [
                ["render", "--node", "a"], ["preview", "--node", "a"], ["validate", "--no-tools", "-"], ["rotate"],
                ["gitops", "render", "--out", "tree"], ["validate", "--no-tools", "--format", "json", "-"],
            ]
            # Of each value two commands, so that every command meets every input.
            for choice in (words[(at + number) % 6], words[(at + number * 2 + 3) % 6]):
                yield Case(f"{choice} misplaced {label}", choice, text, payload=choice[0] == "render", accepted=("misplaced",))
            if number % 3 == 0:
                yield Case(f"external misplaced {label}", ["external"], as_json({**strings(cluster), "node": "a"}),
                           payload=True, accepted=("misplaced",))
    text = as_json(project(WITH_TOKEN))
    # Not as a path: what is not there has to be named.
    for where in ("--node", "--role", "--platform", "--encoding"):
        yield Case(f"render {where} token", ["render", where, token], text, given=("misplaced",))
    for name in ("cluster_name", "k3s_token", "git_pat", "nodes", "cloudflare_zone_id", token, "git_repo_url"):
        for command in (["render", "--node", "a"], ["preview", "--node", "a"], ["rotate"], ["gitops", "render", "--out", "t"]):
            yield Case(f"{command} --set {name}", [*command, "--set", f"{name}={token}"], text, given=("misplaced",))
    for words in (["rotate"], ["explain"], ["schema"], [], ["image", "path"], ["image", "remove"], ["image", "pull"],
                  ["verify", "--image"], ["lock", "--show", "--k3s"], ["lock", "--chart"], ["gitops", "refresh"],
                  ["gitops", "status", "--context"],
                  ["help"], ["token"], ["render", "--set"], ["diff", "--format"], ["gitops", "check", "--secret"]):
        yield Case(f"{words} token", [*words, token], text, given=("misplaced",))


# MARK: User-data of others

# CANARY is a secret in the ways in which people have them in user-data. These `--content` does not show either.
KNOWN = [
    "export K3S_TOKEN=CANARY", "DB_PASSWORD='CANARY' /opt/app", "PGPASSWORD=\"CANARY\" psql -h db", "MYSQL_PWD=CANARY mysql",
    "AWS_SECRET_ACCESS_KEY=CANARY", "TOKEN=${TOKEN:-CANARY}", "TOKEN=$(echo CANARY)", "AUTH=`printf %s u:CANARY | base64`",
    "DB_PASSWORD=$(cat <<EOF\nCANARY\nEOF\n)", "curl -u user:CANARY https://h", "curl -H 'Authorization: Bearer CANARY' h",
    "curl -H 'X-Auth-Key: CANARY' h", "curl --header \"X-Vault-Token: CANARY\" h", "mysql -pCANARY db",
    "sshpass -p CANARY ssh h", "docker login -u x -p CANARY h", "tailscale up --authkey=CANARY", "tailscale up --auth-key CANARY",
    "k3s agent -t CANARY", "k3s server --token CANARY", "usermod -p \"$(openssl passwd -6 'CANARY')\" app",
    "echo root:CANARY | chpasswd", "chpasswd <<EOF\nroot:CANARY\nEOF", "echo -e 'CANARY\\nCANARY' | passwd root",
    "psql -c \"ALTER USER app WITH PASSWORD 'CANARY'\"", "mysqladmin -u root password CANARY", "requirepass CANARY",
    "useradd -m -p CANARY app", "echo CANARY | sudo -S true", "aws configure set aws_secret_access_key CANARY",
    "vault login CANARY", "cloudflared service install CANARY", "AccountKey=CANARY;EndpointSuffix=x",
    "curl 'https://h/a?sv=1&sig=CANARY&se=2'", "NRIA_LICENSE_KEY=CANARY", "# the password is CANARY",
    "sed -i 's/__DB_PASSWORD__/CANARY/' f", "kubeadm join h --token CANARY --certificate-key CANARY",
    "nmcli dev wifi connect Home password CANARY", "zip -P CANARY a b", "git clone https://ada:CANARY@git.example.org/a.git",
    "wget https://h/a?token=CANARY", "kubectl create secret generic x --from-literal=a=CANARY",
    "x ghp_CANARY", "cfut_CANARY", "AKIACANARY", "K10CANARYCANARY::server:CANARY",
    "-----BEGIN PRIVATE KEY-----\nCANARY\n-----END PRIVATE KEY-----",
]
# And these nobody could recognise, which is why no text is shown unless it is asked for.
UNKNOWN = [
    "echo CANARY > /etc/motd", "sesame is CANARY", "/opt/app CANARY", "CANARY", "f CANARY g | h", "X=CANARY",
    "printf '%s' CANARY | openssl enc", "curl h/CANARY", "if [ \"$1\" = CANARY ]; then id; fi", "case x in CANARY) ;; esac",
]
STRUCTURES = [
    "password: CANARY", "chpasswd: {list: 'root:CANARY'}", "chpasswd: {users: [{name: a, password: CANARY, type: text}]}",
    "users: [{name: a, passwd: CANARY}, {name: b, plain_text_passwd: CANARY}]", "ssh_keys: {rsa_private: CANARY}",
    "runcmd: [[mysql, -pCANARY], [k3s, --token, CANARY], [curl, -u, 'a:CANARY', h]]", "rh_subscription: {password: CANARY}",
    "write_files: [{path: /etc/a, permissions: '0600', content: CANARY}]", "ubuntu_advantage: {token: CANARY}",
    "puppet: {conf: {agent: {password: CANARY}}}", "apt: {sources: {a: {source: 'deb https://u:CANARY@h/ s main'}}}",
    "write_files: [{path: /root/.pgpass, content: 'h:5432:*:u:CANARY'}]", "landscape: {client: {registration_key: CANARY}}",
    "write_files: [{path: /etc/a.yaml, content: 'token: CANARY'}]", "salt_minion: {private_key: CANARY}",
    "chef: {validation_key: CANARY}", "wireguard: {interfaces: [{name: wg0, content: 'PrivateKey = CANARY'}]}",
    "write_files: [{path: /a, encoding: b64, content: BASE64}]", "write_files: [{path: /a, encoding: gz+b64, content: GZIP}]",
]
UNKNOWN_STRUCTURES = [
    "write_files: [{path: /a, content: CANARY}]", "runcmd: [[a, CANARY]]", "foo: CANARY", "hostname: [CANARY]",
    "packages: [[CANARY, 1]]", "ntp: {enabled: CANARY}", "timezone: {a: CANARY}", "locale: [CANARY]", "swap: CANARY",
    "runcmd: CANARY", "users: CANARY", "write_files: CANARY", "write_files: [{path: /a, permissions: CANARY, content: a}]",
    "ssh_authorized_keys: CANARY", "ssh_pwauth: CANARY", "manage_etc_hosts: CANARY", "growpart: {mode: CANARY}",
    "disable_root: CANARY", "a: &CANARY b", "mounts: [[CANARY]]", "power_state: {mode: CANARY, delay: CANARY}",
    "write_files: [{path: /a, encoding: CANARY, content: a}]", "write_files: [{path: /a, owner: [CANARY], content: a}]",
    "apt: {sources: CANARY}", "phone_home: {url: 'http://h/', tries: CANARY}", "ca_certs: {trusted: [CANARY]}",
    "bootcmd: [CANARY, [CANARY]]", "fqdn: {CANARY: a}", "a: 'CANARY", "a: [CANARY", "\tCANARY", "a: *CANARY",
    "hostname: CANARY_x", "yum_repos: {a: {baseurl: 'https://u:CANARY@h/'}}", "runcmd:\n- 'echo \"CANARY'",
]


def filled(text: str, secret: str) -> str:
    script = f"#!/bin/sh\nTOKEN={secret}\n".encode()
    text = text.replace("BASE64", base64.b64encode(script).decode())
    text = text.replace("GZIP", base64.b64encode(gzip.compress(script, mtime=0)).decode())
    return text.replace("CANARY", secret)


def in_mime(text: bytes, kind: str, encoding: str) -> bytes:
    body = base64.encodebytes(text) if encoding == "base64" else text
    return (f"Content-Type: multipart/mixed; boundary=\"b\"\nMIME-Version: 1.0\n\n--b\nContent-Type: text/{kind}\n"
            f"Content-Transfer-Encoding: {encoding}\n\n").encode() + body + b"\n--b--\n"


def wrappings(text: bytes, kind: str) -> dict[str, bytes]:
    return {
        "plain": text,
        "gzip": gzip.compress(text, mtime=0),
        "base64": base64.b64encode(text),
        "gzip+base64": base64.encodebytes(gzip.compress(text, mtime=0)),
        "MIME": in_mime(text, kind, "7bit"),
        "MIME in base64": in_mime(text, kind, "base64"),
        "archive": b"#cloud-config-archive\n- " + json.dumps(text.decode()).encode() + b"\n",
        "jinja": b"## template: jinja\n" + text,
        "cut": gzip.compress(text, mtime=0)[:-9],
        "cut base64": base64.b64encode(text)[:-3] + b"!",
        "unended MIME": in_mime(text, kind, "base64")[:-8].replace(b"base64", b"x-none"),
    }


def user_data():
    secret, other = core("user_data"), core("other")
    kinds = [("known", KNOWN, "#!/bin/sh\n", "x-shellscript"), ("unknown", UNKNOWN, "#!/bin/sh\n", "x-shellscript"),
             ("structure", STRUCTURES, "#cloud-config\n", "cloud-config"),
             ("unknown structure", UNKNOWN_STRUCTURES, "#cloud-config\n", "cloud-config")]
    for kind, idioms, head, mime in kinds:
        texts = [head + idiom + "\n" for idiom in idioms]
        if head == "#!/bin/sh\n":
            texts.append(head + "\n".join(idioms) + "\n")
        for number, idiom in enumerate(texts):
            old, new = filled(idiom, secret).encode(), filled(idiom, other).encode()
            label = f"{kind} {number}"
            content = [] if kind.startswith("unknown") else [["--content"]]
            ways = list(wrappings(old, mime))
            for at in range(3):
                way = ways[(number * 3 + at) % len(ways)]
                files = {"old": wrappings(old, mime)[way], "new": wrappings(new, mime)[way]}
                yield Case(f"inspect {label} {way}", ["inspect", "old"], files=files)
                form = DIFFS[(number + at) % 3]
                yield Case(f"diff {label} {way}", ["diff", "old", "new", "--format", form], files=files)
                yield Case(f"validate {label} {way}",
                           ["validate", "--no-tools", "old", "--format", FINDINGS[(number + at) % 5]], files=files)
                # What cannot be unpacked is no text, and is not shown as such.
                if "cut" not in way and way not in ("unended MIME", "jinja"):
                    for option in content:
                        yield Case(f"inspect --content {label} {way}", ["inspect", *option, "-"], files["old"])
                        yield Case(f"diff --content {label} {way}",
                                   ["diff", *option, "old", "new", "--format", DIFFS[number % 3]], files=files)
            if number % 6 == 0:
                yield Case(f"validate with tools {label}", ["validate", "old"], files={"old": old})
            if number % 4 == 0:
                yield Case(f"diff of none {label}", ["diff", "empty", "old", "--platform", PLATFORMS[number % 10]],
                           files={"old": old, "empty": b"#cloud-config\n{}\n"})


def own_user_data(render):
    """What k3seed rendered itself, read by what reads user-data. `render` gives the bytes."""
    for what, cluster in projects().items():
        changed = {**cluster, "cloudflare_api_token": awkward("other")}
        for node in NODES:
            for encoding in ENCODINGS[1:]:
                files = {
                    "old": render(["--node", node, "--encoding", encoding], as_json(cluster)),
                    "new": render(["--node", node, "--encoding", encoding], as_json(changed)),
                }
                if not files["old"]:
                    continue  # over the platform's limit in that encoding
                for option in ([], ["--content"]):
                    yield Case(f"inspect own {what} {node} {encoding} {option}", ["inspect", "old", *option], files=files)
                    for form in DIFFS if encoding == "plain" else DIFFS[:1]:
                        yield Case(f"diff own {what} {node} {encoding} {option} {form}",
                                   ["diff", "old", "new", *option, "--format", form], files=files)
                yield Case(f"validate own {what} {node} {encoding}", ["validate", "--no-tools", "old"], files=files)
            whole = files["old"]
            for at in range(1, 4):
                part = {"old": whole[: len(whole) * at // 4], "new": whole}
                yield Case(f"inspect cut {what} {node} {at}", ["inspect", "old"], files=part)
                yield Case(f"diff cut {what} {node} {at}", ["diff", "old", "new", "--content"], files=part)
                yield Case(f"validate cut {what} {node} {at}", ["validate", "--no-tools", "old"], files=part)


# MARK: Templates of one's own

FILES = ["/etc/motd", "/usr/local/bin/run", "/var/lib/k3seed/secrets/x", "/opt/a b/ü", "/root/.netrc", "/a.yaml", "/a.json"]
MODES = ["'0600'", "'0644'", "'0755'", "'0400'", None]
CONTENTS = [
    "!secret item.value", "!yaml {a: !secret item.value}", "!json {a: [!secret item.value]}", "!env {A: !secret item.value}",
    "!gzip [!secret item.value]", "!yaml {a: {b: !yaml {c: !secret item.value}}}", "!json {a: !json {b: !secret item.value}}",
    "!gzip [!yaml {a: !secret item.value}]", "!yaml mine.yaml", "!json {a: !env {B: !secret item.value}}",
    "!format 'a ${item.value} b'", "!value item.value", "!env {A: !value item.value}", "!json {value: !gzip [!secret item.value]}",
]


def templates():
    text = as_json(project(WITH_TOKEN, extra_manifests=None))
    for number, content in enumerate(CONTENTS):
        for at, path in enumerate(FILES):
            mode = MODES[(number + at) % len(MODES)]
            encoding = "    encoding: gz+b64\n" if content.startswith("!gzip") else ""
            permissions = f"    permissions: {mode}\n" if mode else ""
            entry = f"- !each\n  node.literals:\n    path: {json.dumps(path, ensure_ascii=False)}\n{permissions}{encoding}    content: {content}\n"
            files = {
                "mine/cloud-init/files.yaml": entry.encode(),
                "mine/mine.yaml": b"deep: [{a: !secret item.value}]\n",
            }
            label = f"{content} {path} {mode}"
            yield Case(f"preview template {label}",
                       ["preview", "--node", "a", "--templates", "mine", *PREVIEWS[(number + at) % 3]], text, files)
            yield Case(f"render template {label}", ["render", "--node", "w", "--templates", "mine"], text, files, payload=True)
            if at == 0:
                for style in PREVIEWS[:3]:
                    yield Case(f"preview template {label} {style}",
                               ["preview", "--node", "w", "--templates", "mine", *style], text, files)
                yield Case(f"validate template {label}", ["validate", "--no-tools", "--templates", "mine"], b"", files)
                yield Case(f"render all template {label}", ["render", "--all", "-o", "out", "--templates", "mine"], text, files,
                           payload=True)
    # A secret in every other place of a cloud-config.
    for number, entry in enumerate([
        "- !each {node.literals: [echo, !secret item.value]}", "- !each {node.literals: !secret item.value}",
        "- [sh, -c, !each {node.literals: !secret item.value}]", "- !each {node.literals: !yaml {a: !secret item.value}}",
        "- !each {node.literals: {a: !secret item.value}}", "- !format '${node.literals}'", "- !value node.literals",
        "- !each {node.literals: !secret item.nope}", "- !secret node.literals", "- !secret cluster_name",
        "- !each {node.literals: !value item.name}", "- !when {node.literals: !secret node.name}",
        f"- [mysql, -p{core('template')}, !value nope]", f"- !file {core('template')}", f"- !include {core('template')}.yaml",
        f"- !value {core('template')}", f"- !{core('template')} x", f"- '{core('template')}", f"- !format '${{{core('template')}}}'",
    ]):
        files = {"mine/cloud-init/runcmd.yaml": (entry + "\n").encode()}
        for style in PREVIEWS[:3]:
            yield Case(f"preview runcmd {number} {style}", ["preview", "--node", "w", "--templates", "mine", *style], text, files)
        for words in (["render", "--node", "w"], ["render", "--node", "w", "--encoding", "gzip"]):
            yield Case(f"{words} runcmd {number}", [*words, "--templates", "mine"], text, files, payload=True)
        for form in FINDINGS:
            yield Case(f"validate runcmd {number} {form}",
                       ["validate", "--no-tools", "--templates", "mine", "--format", form], b"", files)


# MARK: Repositories and clusters


def repositories():
    secret, url = core("repository"), core("url")
    application = {
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "a", "namespace": "argocd"},
        "spec": {"project": "default", "destination": {"server": "https://kubernetes.default.svc", "namespace": "a"},
                 "source": {"repoURL": "https://git.example.net/a.git", "path": "a", "targetRevision": "HEAD"}},
    }

    def changed(**source) -> dict:
        found = json.loads(json.dumps(application))
        found["spec"]["source"].update(source)
        return found

    trees: dict[str, dict[str, object]] = {
        "Secret": {"a/s.yaml": {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": {"a": secret}}},
        "Secret in base64": {"a/s.yaml": {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"},
                                          "data": {"a": base64.b64encode(secret.encode()).decode()}}},
        "values": {"b.yaml": changed(chart="x", helm={"valuesObject": {"env": [{"name": "TOKEN", "value": secret}]}})},
        "text of values": {"b.yaml": changed(chart="x", helm={"values": f"password: {secret}\na: [\n"})},
        "parameters": {"b.yaml": changed(chart="x", helm={"parameters": [{"name": "adminPassword", "value": secret}]})},
        "URL": {"b.yaml": changed(repoURL=f"https://ada:{url}@git.example.net/b.git")},
        "URL without name": {"b.yaml": changed(repoURL=f"https://{url}@git.example.net/b.git", path="none")},
        "query": {"b.yaml": changed(repoURL=f"https://git.example.net/b.git?token={url}")},
        "token": {"a/t.txt": f"ghp_{secret}\n", "a/.env": f"TOKEN={secret}\n", "a/key": private_key("repository")},
        "broken": {"a/x.yaml": f"a: b\n\t{secret}", "a/y.yaml": f"a: '{secret}", "a/z.json": f'{{"a": {secret}'},
        "ConfigMap": {"a/c.yaml": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"p": secret}}},
        "generator": {"a/kustomization.yaml": {"secretGenerator": [{"name": "s", "literals": [f"a={secret}"]}]}},
        "Issuer": {"a/i.yaml": {"apiVersion": "cert-manager.io/v1", "kind": "ClusterIssuer", "metadata": {"name": "a"},
                                "spec": {"acme": {"server": "https://a", "email": secret, "privateKeySecretRef": secret}}}},
        "HelmChart": {"a/h.yaml": {"apiVersion": "helm.cattle.io/v1", "kind": "HelmChart", "metadata": {"name": "a"},
                                   "spec": {"chart": "x", "valuesContent": f"password: {secret}\n"}}},
        "Deployment": {"a/d.yaml": {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {
            "template": {"spec": {"containers": [{"name": "a", "image": "a:1", "env": [{"name": "TOKEN", "value": secret}]}]}}}}},
        "duplicate key": {"a/k.yaml": f"token: {secret}\ntoken: {secret}\n"},
        "wrong types": {"b.yaml": changed(path=[secret], targetRevision={"a": secret}), "c.yaml": changed(helm=secret)},
        "annotation": {"b.yaml": {**application, "metadata": {"name": "b", "namespace": "argocd", "annotations": {
            "argocd.argoproj.io/sync-wave": secret, "kubectl.kubernetes.io/last-applied-configuration": secret}}}},
        "repository credentials": {"a/r.yaml": {"apiVersion": "v1", "kind": "Secret", "metadata": {
            "name": "r", "labels": {"argocd.argoproj.io/secret-type": "repository"}}, "stringData": {
                "url": f"https://ada:{url}@git.example.net/a.git", "password": secret}}},
    }
    for what, extra in trees.items():
        files = {"tree/apps.yaml": as_json(application)}
        for path, text in extra.items():
            files[f"tree/{path}"] = text.encode() if isinstance(text, str) else as_json(text)
        files["outputs.json"] = as_json(project(WITH_TOKEN))
        for form in FINDINGS:
            yield Case(f"gitops check {what} {form}", ["gitops", "check", "tree", "--format", form], files=files)
        yield Case(f"gitops check {what} with inputs", ["gitops", "check", "tree", "--input", "outputs.json", "--strict"],
                   files=files)
        for form in ("mermaid", "dot", "svg"):
            yield Case(f"gitops graph {what} {form}", ["gitops", "graph", "tree", "--format", form], files=files)
        yield Case(f"gitops graph {what} file", ["gitops", "graph", "tree", "-o", "graph.svg", "--format", "svg"], files=files)
        for kind, text in files.items():
            yield Case(f"validate {what} {kind}", ["validate", "--no-tools", kind], files=files)
        yield Case(f"gitops check --repo-url {what}",
                   ["gitops", "check", "tree", "--repo-url", f"https://ada:{url}@git.example.net/a.git"], files=files,
                   given=("url",))
    # Trees that k3seed wrote, changed by hand.
    for what, cluster in projects().items():
        for option in ([], ["--keep"], ["--force"]):
            files = {"tree/applications.yaml": f"# mine\ntoken: {secret}\n".encode(), "tree/kustomization.yaml": b"a: [\n"}
            yield Case(f"gitops render over {what} {option}", ["gitops", "render", "--out", "tree", *option],
                       as_json(cluster), files)


def clusters():
    secret = core("cluster")
    item = {
        "metadata": {"name": "a", "namespace": "argocd", "annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": secret, "argocd.argoproj.io/refresh": secret}},
        "spec": {"source": {"repoURL": f"https://ada:{secret}@git.example.net/a.git", "path": "a", "helm": {
            "values": f"password: {secret}", "parameters": [{"name": "token", "value": secret}]}},
                 "destination": {"server": "https://kubernetes.default.svc"}},
        "status": {"sync": {"status": "OutOfSync", "revision": "1"}, "health": {"status": "Degraded"}, "resources": [
            {"kind": "Deployment", "name": "a", "namespace": "a", "status": "OutOfSync", "health": {"status": "Degraded"}}]},
    }
    answers = {
        "applications": json.dumps({"apiVersion": "v1", "kind": "List", "items": [item]}),
        "broken": json.dumps({"items": [item]})[:-20],
        "wrong types": json.dumps({"items": [{"metadata": {"name": [secret]}, "spec": secret, "status": secret}]}),
        "none": secret,
    }
    kubeconfig = f"apiVersion: v1\nusers: [{{name: a, user: {{token: {secret}}}}}]\n".encode()
    for what, answer in answers.items():
        programs = {"kubectl": f"#!/bin/sh\ncat <<'EOF'\n{answer}\nEOF\n"}
        for words in (["status"], ["status", "--format", "json"], ["status", "--kubeconfig", "config"], ["refresh", "a"],
                      ["refresh", "a", "--hard", "--sync"], ["refresh", "--all-in-phase", "1"]):
            yield Case(f"gitops {words} {what}", ["gitops", *words], files={"config": kubeconfig}, programs=programs)


# MARK: What needs no machine of verify, downloads, and the rest


def machines(render):
    cluster = projects()["token"]
    payload = render(["--node", "a"], as_json(cluster))
    machine = "#!/bin/sh\necho 'qemu: no such machine' >&2\nexit 1\n"
    vault = as_json({"k3s_token": awkward("vault"), "git_pat": core("vault")})
    files = {"user-data": payload, "vault.json": vault, "disk.img": b"QFI\xfb" + b"\0" * 600, "raw.img": b"\0" * 4096,
             "broken.json": vault[:-3], "wrong.json": as_json({"k3s_token": [core("vault")], core("vault"): "a"})}
    for emulator in (None, machine):
        programs = {"qemu-system-x86_64": emulator, "qemu-img": emulator} if emulator else {}
        for image in ("./disk.img", "./raw.img", "./none.img", "debian-12", "nonsense"):
            for words in ([], ["--vault", "vault.json"], ["--vault", "broken.json"], ["--vault", "wrong.json"],
                          ["--report", "json=r.json", "--report", "html=r.html", "--report", "junit=r.xml"],
                          ["--keep", "kept"], ["--warm"], ["--cut", "seed"], ["--cut", "nonsense"], ["--memory", "1"],
                          ["--mirror", "."], ["--console"]):
                yield Case(f"verify {image} {words} {bool(emulator)}",
                           ["verify", "user-data", "--image", image, "--accel", "tcg", "--timeout", "5", *words],
                           files=files, programs=programs)
    yield Case("verify nothing of ours", ["verify", "-", "--image", "./disk.img"], f"#!/bin/sh\n{core('user_data')}\n".encode(), files)
    yield Case("verify --cluster", ["verify", "--cluster", ".", "--image", "./disk.img"], files=files)


def downloads():
    """Mirrors with a password in the URL, none of which answers."""
    address = f"http://ada:{core('url')}@127.0.0.1:1/{core('url')}"
    text = as_json(project(WITH_TOKEN, k3s_mirrors=[address]))
    yield Case("render with a password in a mirror", ["render", "--node", "a"], text)
    for words in (
        ["lock", "--k3s-mirror", address], ["lock", "--channels", address, "--k3s", "stable"],
        ["lock", "--repository", f"argo-cd={address}", "--chart", "argo-cd=1.2.3"],
        ["image", "pull", "debian-12", "--from", address], ["lock", "--check", "--k3s-mirror", address],
    ):
        yield Case(f"{words[0]} {words[1]} from a URL with a password", [*words, *(["--timeout", "2"] if words[0] == "lock" else [])],
                   given=("url",))
    lock = f"k3s: {{version: '{core('other')}', repository: '{address}'}}\n{core('other')}: [\n".encode()
    for words in (["lock", "--show", "--lock", "k3seed.lock"], ["lock", "--check", "--lock", "k3seed.lock", "--timeout", "2"],
                  ["validate", "--no-tools", "k3seed.lock"]):
        for broken in (lock, lock[:-30], b"{}\n" + lock):
            yield Case(f"{words} {len(broken)}", words, files={"k3seed.lock": broken})


def rest():
    text = as_json(project(WITH_TOKEN))
    for shell in ("bash", "zsh", "fish"):
        yield Case(f"completions {shell}", ["--generate-completion-script", shell], text)
    for words in (["--version"], ["--help"], ["token"], ["schema"], ["explain"], ["image", "list"], ["lock", "--show"], ["nonsense"], []):
        yield Case(f"{words}", words, text)
    for name in ("inputs", "config", "lock", "verification"):
        yield Case(f"schema {name}", ["schema", name], text)
    for code in ("curl-pipe-shell", "committed-secret", "input-value", "nonsense"):
        yield Case(f"explain {code}", ["explain", code], text)
    for command in ("render", "external", "preview", "inspect", "token", "schema", "image", "verify", "rotate", "diff",
                    "validate", "explain", "gitops", "lock"):
        yield Case(f"help {command}", ["help", command], text)
        yield Case(f"{command} --nonsense", [command, "--nonsense"], text)


def everything(inputs: list[str], render) -> list[Case]:
    """All cases. Those that cost much are spread evenly, so that none is waited for at the end."""
    cases = [
        *rendering(), *spoilt(), *damaged(), *misplaced(inputs), *user_data(), *own_user_data(render), *templates(),
        *repositories(), *clusters(), *machines(render), *downloads(), *rest(),
    ]
    random.Random(1).shuffle(cases)
    return cases
