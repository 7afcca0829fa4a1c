"""A stand-in for the runner of GitHub Actions: runs the steps of a composite action as GitHub documents them ("Metadata syntax",
"Contexts", "Evaluate expressions in workflows and actions"), as far as this project's action uses them. What it does not know is
an error, so that the action cannot use it unseen. Steps with `uses` are not run, but what they would get is told.

    action_runner.py FOLDER-OF-ACTION WORKSPACE <request.json >result.json

The request has `inputs`, `github` and `environment`; the result has `steps`, each with what became of it, `outputs` and `summary`.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import yaml

TOKEN = re.compile(r"\s*(?:'((?:[^']|'')*)'|(==|!=|&&|\|\||[()])|([A-Za-z_][\w.-]*))")


def evaluate(text, contexts):
    """The value of an expression: names, strings, == and !=, && and ||, which give one of their sides as GitHub's do."""
    tokens, at = [], 0
    while text[at:].strip():
        match = TOKEN.match(text, at)
        if not match:
            raise SystemExit(f"expression not understood: {text}")
        tokens.append(match)
        at = match.end()

    def peek():
        return tokens[0].group(2) if tokens else None

    def atom():
        token = tokens.pop(0)
        string, sign, name = token.groups()
        if sign == "(":
            value = either()
            if not tokens or tokens.pop(0).group(2) != ")":
                raise SystemExit(f"a parenthesis is open: {text}")
            return value
        if sign:
            raise SystemExit(f"expression not understood: {text}")
        if name is None:
            return string.replace("''", "'")
        value = contexts
        for index, part in enumerate(name.split(".")):
            if index == 0 and part not in contexts:
                raise SystemExit(f"there is no context {part}: {text}")
            value = value.get(part, "") if isinstance(value, dict) else ""
        return value

    def compared():
        value = atom()
        while peek() in ("==", "!="):
            equal = tokens.pop(0).group(2) == "=="
            value = (value == atom()) == equal
        return value

    def chain(sign, part):
        value = part()
        while peek() == sign:
            tokens.pop(0)
            other = part()
            value = other if bool(value) == (sign == "&&") else value
        return value

    def both():
        return chain("&&", compared)

    def either():
        return chain("||", both)

    value = either()
    if tokens:
        raise SystemExit(f"expression not understood: {text}")
    return value


def expand(value, contexts):
    return re.sub(r"\$\{\{(.*?)\}\}", lambda match: str(evaluate(match.group(1), contexts)), str(value))


def command_file(text):
    """The pairs of GITHUB_OUTPUT; its form for several lines is not used here."""
    pairs = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if not equals or "<<" in name:
            raise SystemExit(f"GITHUB_OUTPUT is not understood: {line}")
        pairs[name] = value
    return pairs


def main(action, workspace):
    request = json.load(sys.stdin)
    definition = yaml.safe_load((pathlib.Path(action) / "action.yml").read_text())
    if definition["runs"]["using"] != "composite":
        raise SystemExit("only composite actions are understood")
    unknown = set(request["inputs"]) - set(definition["inputs"])
    if unknown:
        raise SystemExit(f"the action has no input {unknown}")
    contexts = {
        "github": {"action_path": action, "job": "check"} | request["github"],
        "runner": {"os": "Linux", "arch": "X64"},
        "strategy": {"job-index": "0"},
        "steps": {},
    }
    contexts["inputs"] = {
        name: request["inputs"].get(name, expand(entry.get("default", ""), contexts))
        for name, entry in definition["inputs"].items()
    }
    told, failed = [], False
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "temp").mkdir()
        summary = folder / "summary"
        for step in definition["runs"]["steps"]:
            if set(step) - {"name", "id", "if", "shell", "run", "env", "uses", "with"}:
                raise SystemExit(f"step not understood: {step}")
            # A step without always() or failure() in its condition is left out after a failure.
            if failed or ("if" in step and not evaluate(step["if"], contexts)):
                told.append({"name": step["name"], "ran": False})
                continue
            if "uses" in step:
                given = {name: expand(value, contexts) for name, value in step["with"].items()}
                files = {name: pathlib.Path(value).read_text() for name, value in given.items() if value.endswith(".sarif")}
                told.append({"name": step["name"], "ran": True, "with": given, "files": files})
                continue
            if step["shell"] != "bash" or "${{" in step["run"]:
                raise SystemExit(f"a value is pasted into a command, or it is not bash's: {step}")
            script, output = folder / "script", folder / "output"
            script.write_text(step["run"])
            output.write_text("")
            environment = dict(os.environ) | request["environment"]
            environment |= {name: expand(value, contexts) for name, value in step.get("env", {}).items()}
            environment |= {
                "GITHUB_ACTION_PATH": action,
                "GITHUB_OUTPUT": str(output),
                "GITHUB_STEP_SUMMARY": str(summary),
                "GITHUB_WORKSPACE": workspace,
                "RUNNER_TEMP": str(folder / "temp"),
            }
            ended = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
                cwd=workspace, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
            failed = ended.returncode != 0
            if "id" in step:
                contexts["steps"][step["id"]] = {"outputs": command_file(output.read_text())}
            told.append(
                {"name": step["name"], "ran": True, "status": ended.returncode, "log": ended.stdout + ended.stderr})
        outputs = {name: expand(entry["value"], contexts) for name, entry in definition["outputs"].items()}
        work = {
            str(path.relative_to(folder / "temp")): oct(path.stat().st_mode & 0o777)
            for path in sorted((folder / "temp").rglob("*")) if path.is_file() or path.parent == folder / "temp"
        }
        comment = pathlib.Path(outputs["comment"]).read_text() if outputs["comment"] else ""
        json.dump(
            {
                "steps": told, "outputs": outputs, "failed": failed, "comment": comment, "files": work,
                "summary": summary.read_text() if summary.exists() else "",
            },
            sys.stdout)


main(*sys.argv[1:])
