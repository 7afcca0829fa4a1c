"""Writes the reference of the commands from what the program says of itself: a page of the documentation, and the
manual pages.

  reference.py K3SEED FOLDER     below FOLDER: Commands.md, and man/k3seed*.1
"""

import json
import pathlib
import subprocess
import sys
import textwrap

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


def roff(said):
    escaped = said.replace("\\", "\\e").replace("-", "\\-")
    # A line that begins with a control character would be a request.
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in escaped.split("\n"))


def manual(path, command, version):
    name = "-".join(path)
    lines = [f'.\\" {NOTE}', f'.TH {name.upper()} 1 "" "k3seed {version}" "k3seed"']
    lines += [".SH NAME", f"{roff(name)} \\- {roff(command.get('abstract', '').rstrip('.'))}"]
    lines += [".SH SYNOPSIS", f".B {roff(' '.join(path))}", roff(" ".join(usage(path, command)[1:]))]
    if command.get("discussion"):
        lines += [".SH DESCRIPTION", roff(command["discussion"])]
    if shown(command.get("arguments")):
        lines += [".SH OPTIONS"]
        for one in shown(command.get("arguments")):
            lines += [".TP", f".B {roff(', '.join(names(one)))}", roff(text(one))]
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
