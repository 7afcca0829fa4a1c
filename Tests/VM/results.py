"""Writes the page of results from the reports that the tests in machines and those in containers left.

    results.py MACHINES XUNIT NODES PAGE

MACHINES has each boot's report, NAME.json, and NAME.faults where a test injects some; XUNIT is the report of `swift test`.
NODES has nodes.xml, and each case's NAME.json; see Tests/VM/nodes.
"""

import json
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

reports, xunit, nodes, page = map(pathlib.Path, sys.argv[1:])

# How many characters of a message's beginning, and of its end, are shown.
WORDS = 160


def shown(text):
    """As the cell of a table, without the folders that a test makes for itself."""
    text = re.sub(r"/\S*/k3seed-test-[0-9A-F-]+/", "", text)
    return text.replace("|", "\\|").replace("*", "\\*").replace("<", "\\<").replace("_", "\\_")


def found(report):
    """What became of a boot, in the words of the machine itself where it has some."""
    failed = [check for check in report["checks"] if check["outcome"] == "failed"]
    if report["verdict"] == "PASS":
        held = sum(check["outcome"] == "passed" for check in report["checks"])
        return f"**converges**: {held} checks hold"
    said = [line.partition("k3seed: ")[2] for line in report.get("console") or [] if ": FAILED: " in line]
    if said:
        stage, _, why = said[-1].partition(": FAILED: ")
        why = why.rpartition(" (/run/k3seed/")[0] or why
        return f"**`{stage}` fails**: {shown(why if len(why) <= 2 * WORDS else why[:WORDS] + ' … ' + why[-WORDS:])}"
    why = report["cause"]["message"] if report["cause"] else ", ".join(sorted({check["name"] for check in failed}))
    return f"**{report['verdict']}**: {shown(why)}"


def table(head, rows):
    return ["| " + " | ".join(cells) + " |" for cells in [head, ["---"] * len(head), *rows]] + [""]


hosts, faults, others = set(), [], []
for path in sorted(reports.glob("*.json")):
    report = json.loads(path.read_text())
    host = report["host"]
    if host:
        hosts.add(f"QEMU {host['qemu']} with {host['accelerator']}")
    end = [found(report), f"{report['seconds']:.0f} s"]
    notes = path.with_suffix(".faults")
    injected = json.loads(notes.read_text()) if notes.exists() else []
    for fault in injected:
        faults.append([fault["fault"], fault["place"], fault["expected"], *end, path.stem])
    if not injected:
        image = f"{host['image'].rsplit('/')[-1]}, {'warm' if host['warm'] else 'cold'}" if host else ""
        others.append([path.stem, image, *end])

contained, rest = [], []
for path in sorted(nodes.glob("*.json")):
    report = json.loads(path.read_text())
    end = (
        f"**fails**: {shown(report['failure'][: 2 * WORDS])}"
        if report["failure"]
        else shown(report["found"] or "holds")
    )
    row = [end, f"{report['seconds']:.0f} s", report["name"]]
    contained += [[*fault, *row] for fault in report["faults"]]
    if not report["faults"]:
        rest.append([report["sentence"], *row])


def verdict(xunit):
    """How many tests a report has, and which do not hold."""
    cases = list(ElementTree.parse(xunit).iter("testcase"))
    skipped = sum(case.find("skipped") is not None for case in cases)
    failed = [case.get("name") for case in cases if case.find("failure") is not None]
    end = "all hold" if not failed else f"**{len(failed)} do not hold**: {', '.join(map(shown, failed))}"
    return f"{len(cases) - skipped} tests, {end}" + (f", {skipped} skipped" if skipped else "")


properties = {one.get("name"): one.get("value") for one in ElementTree.parse(nodes / "nodes.xml").iter("property")}
commit = subprocess.run(
    ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"], capture_output=True, text=True, check=True
).stdout.strip()
lines = [
    "# Faults, and what becomes of them",
    "",
    "Every fault that the tests inject into a node as it comes up, and what was found.",
    "",
    "## Overview",
    "",
    "`make test-matrix` writes this page from the reports of its boots; do not edit it. Each test asserts what is expected, the",
    "words on the console, in `k3seed-status` and in cloud-init's status included; several faults in one boot have the same",
    "result and are each told apart by the test. In a virtual machine kernel and disk are the node's own; a container has the",
    "host's, and systemd, cloud-init, network and the unchanged user-data of its own. For OCI stands an emulator, for K3s",
    "a stand-in with a real API server and a real etcd, unless another one is named; see <doc:Verify>, `Tests/VM/lab/README.md`",
    "and `Tests/VM/nodes/README.md`.",
    "",
    f"Commit {commit}. In virtual machines, {', '.join(sorted(hosts))}: {verdict(xunit)}. In containers, with",
    f"{properties.get('k3s', 'no K3s')}, in {properties.get('minutes', '?')} minutes: {verdict(nodes / 'nodes.xml')}.",
    "",
    "## Faults in virtual machines",
    "",
    *table(["fault", "injected at", "expected", "found", "time", "case"], faults),
    "## Faults in containers",
    "",
    *table(["fault", "injected at", "expected", "found", "time", "case"], contained),
    "## Other boots",
    "",
    *table(["case", "image", "found", "time"], others),
    *table(["in containers", "found", "time", "case"], rest),
]
page.write_text("\n".join(lines).rstrip("\n") + "\n")
