"""Writes the reference of the commands from what the program says of itself: a page of the documentation, and the
manual pages.

  reference.py K3SEED FOLDER     below FOLDER: Commands.md, and man/k3seed*.1
"""

import json
import pathlib
import re
import subprocess
import sys
import textwrap

# What a person types, by the command: what it is for, and the line.
EXAMPLES = {
    "k3seed": [
        ("Look at what a server will do when it boots:", "terraform output -json | k3seed preview --node server"),
        ("Prove it in a local virtual machine:", "k3seed verify server.yaml --image debian-12"),
    ],
    "k3seed render": [
        ("One node:", "terraform output -json | k3seed render --node server -o server.yaml"),
        ("All nodes, with secrets that Terraform does not have:",
         "k3seed render --input outputs.json --secrets <(sops decrypt secrets.yaml) --all -o nodes"),
    ],
    "k3seed external": [
        ("By hand, as Terraform runs it:", "echo '{\"outputs\": \"{}\", \"node\": \"server\"}' | k3seed external"),
    ],
    "k3seed preview": [
        ("At the terminal:", "k3seed preview --input outputs.json --node server"),
        ("As a page for a browser:", "k3seed preview --input outputs.json --node server --html server.html"),
    ],
    "k3seed inspect": [("What others' user-data is made of:", "k3seed inspect user-data")],
    "k3seed token": [("A new join token, into a file of your own:", "(umask 077; k3seed token > k3s_token)")],
    "k3seed schema": [("For an editor:", "k3seed schema config > k3seed.schema.json")],
    "k3seed image": [("What there is:", "k3seed image list")],
    "k3seed image list": [("What there is:", "k3seed image list")],
    "k3seed image pull": [("Fetch and check the default image:", "k3seed image pull ubuntu-24.04")],
    "k3seed image build": [("Build one from Debian's packages:", "k3seed image build debian-12")],
    "k3seed image path": [("Where its disk is:", "k3seed image path debian-12")],
    "k3seed image remove": [("Remove one:", "k3seed image remove debian-12")],
    "k3seed verify": [
        ("Boot one node, and once more after a restart:", "k3seed verify server.yaml --image debian-12 --thorough"),
        ("Boot a cluster, with reports for a browser and for continuous integration:",
         "k3seed verify --cluster nodes --image debian-12 --report html=report.html --report junit=junit.xml"),
    ],
    "k3seed rotate": [
        ("The commands for a new Cloudflare token:",
         "k3seed rotate cloudflare_api_token --input outputs.json"),
    ],
    "k3seed diff": [("What a change does to a node:", "k3seed diff old/server.yaml new/server.yaml")],
    "k3seed validate": [
        ("Terraform's outputs and k3seed.yaml together:", "k3seed validate outputs.json k3seed.yaml"),
        ("For GitHub's code scanning:", "k3seed validate --format sarif user-data > findings.sarif"),
    ],
    "k3seed explain": [("What a finding means:", "k3seed explain curl-pipe-shell")],
    "k3seed lock": [
        ("A newer K3s:", "k3seed lock --k3s v1.36.4+k3s1"),
        ("Whether what was locked is still as published:", "k3seed lock --check"),
    ],
    "k3seed init": [("A first k3seed.yaml:", "terraform output -json | k3seed init -o k3seed.yaml")],
    "k3seed gitops": [("Check a repository:", "k3seed gitops check .")],
    "k3seed gitops render": [("Write the tree into a repository:", "k3seed gitops render --input outputs.json --out argocd")],
    "k3seed gitops check": [("Check a repository:", "k3seed gitops check .")],
    "k3seed gitops graph": [("The order of the Applications, as a picture:", "k3seed gitops graph . --format svg > graph.svg")],
    "k3seed gitops status": [("What those that are stuck wait for:", "k3seed gitops status --context prod")],
    "k3seed gitops refresh": [("Read the repository at once:", "k3seed gitops refresh web")],
}

ENVIRONMENT = {
    "K3SEED_CACHE": "The folder of images and snapshots. Default: k3seed in XDG_CACHE_HOME, or in ~/.cache.",
    "NO_COLOR": "If set and not empty, nothing is coloured; neither is it where TERM is dumb.",
    "TMPDIR": "Where temporary files and virtual machines' disks are made.",
    "CURL_CA_BUNDLE, HTTPS_PROXY, NO_PROXY": "As curl takes them, for lock and image pull.",
}

FILES = {
    "k3seed.yaml": "Inputs that are not Terraform's business; see k3seed schema config.",
    "k3seed.lock": "The versions to install, with the digests of their files; see k3seed-lock (1).",
    "~/.netrc": "User names and passwords for lock.",
}

NOTE = "Made by scripts/reference.py; K3SEED_RECORD=1 make test writes it anew."


def shown(arguments):
    """The arguments that people are told of, but for those that every command has."""
    def is_everywhere(one):
        return one["kind"] == "flag" and [name["name"] for name in one["names"]][-1] in ("help", "version")

    return [one for one in arguments or [] if one["shouldDisplay"] and not is_everywhere(one)]


def names(argument):
    """As it is typed: `-o`, `--output <path>`, `<file>`."""
    if argument["kind"] == "positional":
        return [f"<{argument['valueName']}>" + ("..." if argument["isRepeating"] else "")]
    spelled = [("-" if name["kind"] == "short" else "--") + name["name"] for name in argument["names"]]
    if argument["kind"] == "option":
        spelled[-1] += f" <{argument['valueName']}>" + (" ..." if argument["isRepeating"] else "")
    return spelled


def text(argument):
    said = argument.get("abstract", "")
    if argument.get("allValues") and "values:" not in said:
        said += f" One of {', '.join(argument['allValues'])}."
    if argument.get("defaultValue") and argument["kind"] != "flag":
        said += f" Default: {argument['defaultValue']}."
    return said.strip()


def usage(path, command):
    words = [" ".join(path)]
    for one in shown(command.get("arguments")):
        # One flag of a family that excludes each other stands for all.
        spelled = names(one)[-1]
        words.append(f"[{spelled}]" if one["isOptional"] or one["kind"] == "flag" else spelled)
    if subcommands(command):
        words.append("<subcommand>")
    return words


def subcommands(command):
    return [one for one in command.get("subcommands", []) if one["commandName"] != "help" and one["shouldDisplay"]]


def walk(command, path=()):
    path = (*path, command["commandName"])
    yield path, command
    for one in subcommands(command):
        yield from walk(one, path)


def page(root):
    lines = ["# Commands", "", "Every command, with its arguments and options, as `--help` has them.", ""]
    lines += [f"<!-- {NOTE} -->", ""]
    lines += ["Each command also takes `--help`, and `k3seed --version` says which version it is. Completions for your"]
    lines += ["shell are printed by `k3seed --generate-completion-script bash`, `zsh` or `fish`.", ""]
    for path, command in walk(root):
        lines += ["#" * min(len(path) + 1, 3) + " " + " ".join(path), "", command.get("abstract", ""), ""]
        lines += ["```", *textwrap.wrap(" ".join(usage(path, command)), 100, subsequent_indent="    "), "```", ""]
        if command.get("discussion"):
            lines += [*textwrap.wrap(command["discussion"], 120, break_long_words=False), ""]
        for one in shown(command.get("arguments")):
            spelled = ", ".join(f"`{name}`" for name in names(one))
            lines += [f"- {spelled}: {text(one)}"]
        lines += [""] if shown(command.get("arguments")) else []
    return "\n".join(lines).rstrip("\n") + "\n"


def statuses(said):
    """The discussion without its exit codes, and these: `0` and what it means."""
    before, found, after = (said or "").partition("Exit codes: ")
    codes, dot, rest = after.partition(".")
    pairs = [one.strip().partition(" ") for one in codes.split(";")] if found else []
    return (before + rest).strip(), [(code, meaning) for code, _, meaning in pairs]


def check(path, command):
    """Refuses examples with options that the command has not."""
    known = {name["name"] for one in command.get("arguments") or [] for name in one.get("names") or []}
    for _, line in EXAMPLES[" ".join(path)]:
        own = line.partition(" ".join(path))[2]
        for option in re.findall(r"(?<!\S)--?([a-z0-9][a-z0-9-]*)", own.partition("<(")[0]):
            if option not in known:
                sys.exit(f"reference: {' '.join(path)} has no option {option}: {line}")


def roff(said):
    escaped = said.replace("\\", "\\e").replace("-", "\\-")
    # A line that begins with a control character would be a request.
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in escaped.split("\n"))


def manual(path, command, version):
    name = "-".join(path)
    lines = [f'.\\" {NOTE}', f'.TH {name.upper()} 1 "" "k3seed {version}" "k3seed"']
    lines += [".SH NAME", f"{roff(name)} \\- {roff(command.get('abstract', '').rstrip('.'))}"]
    lines += [".SH SYNOPSIS", f".B {roff(' '.join(path))}", roff(" ".join(usage(path, command)[1:]))]
    # Those of a command with subcommands are theirs.
    if not subcommands(command):
        check(path, command)
    said, codes = statuses(command.get("discussion"))
    if said:
        lines += [".SH DESCRIPTION", roff(said)]
    if shown(command.get("arguments")):
        lines += [".SH OPTIONS"]
        for one in shown(command.get("arguments")):
            lines += [".TP", f".B {roff(', '.join(names(one)))}", roff(text(one))]
    if codes:
        lines += [".SH EXIT STATUS"]
        for code, meaning in codes:
            lines += [".TP", f".B {code}", roff(meaning[:1].upper() + meaning[1:] + ".")]
    if len(path) == 1:
        for title, table in (("ENVIRONMENT", ENVIRONMENT), ("FILES", FILES)):
            lines += [f".SH {title}"]
            for key, meaning in table.items():
                lines += [".TP", f".B {roff(key)}", roff(meaning)]
    lines += [".SH EXAMPLES"]
    for meaning, line in EXAMPLES[" ".join(path)]:
        lines += [".PP", roff(meaning), ".PP", ".nf", ".RS", roff(line), ".RE", ".fi"]
    others = [*path[:-1]] and [path[:-1]] or []
    others += [(*path, one["commandName"]) for one in subcommands(command)]
    if others:
        lines += [".SH SEE ALSO", ",\n".join(f".BR {roff('-'.join(other))} (1)" for other in others).replace(",\n", " ,\n")]
    return "\n".join(line for line in lines if line) + "\n"


def main(program, folder):
    help_of_all = subprocess.run([program, "--experimental-dump-help"], check=True, stdout=subprocess.PIPE).stdout
    root = json.loads(help_of_all)["command"]
    version = subprocess.run([program, "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    out = pathlib.Path(folder)
    (out / "man").mkdir(parents=True, exist_ok=True)
    (out / "Commands.md").write_text(page(root))
    for path, command in walk(root):
        (out / "man" / f"{'-'.join(path)}.1").write_text(manual(path, command, version))


if __name__ == "__main__":
    main(*sys.argv[1:])
