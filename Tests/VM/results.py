"""Writes the page of the VM tests' results from the reports that they left.

    results.py REPORTS XUNIT PAGE

REPORTS has each boot's report, NAME.json, and NAME.faults where a test injects some; XUNIT is the report of `swift test`.
"""

import json
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

reports, xunit, page = map(pathlib.Path, sys.argv[1:])

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

cases = list(ElementTree.parse(xunit).iter("testcase"))
failed = [case.get("name") for case in cases if case.find("failure") is not None]
commit = subprocess.run(
    ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"], capture_output=True, text=True, check=True
).stdout.strip()
verdict = "all hold" if not failed else f"**{len(failed)} do not hold**: {', '.join(map(shown, failed))}"
lines = [
    "# Faults, and what becomes of them",
    "",
    "Every fault that the tests inject into a node as it comes up in a virtual machine, and what was found.",
    "",
    "## Overview",
    "",
    "`make test-matrix` writes this page from the reports of its boots; do not edit it. Each test asserts what is expected, the",
    "words on the console, in `k3seed-status` and in cloud-init's status included; several faults in one boot have the same",
    "result and are each told apart by the test. The node is real but for K3s, for which a stand-in with a real API server",
    "stands, and for OCI, which has an emulator; see <doc:Verify> and `Tests/VM/lab/README.md`.",
    "",
    f"Commit {commit}, {', '.join(sorted(hosts))}: {len(cases)} tests, {verdict}.",
    "",
    "## Faults",
    "",
    *table(["fault", "injected at", "expected", "found", "time", "case"], faults),
    "## Other boots",
    "",
    *table(["case", "image", "found", "time"], others),
]
page.write_text("\n".join(lines).rstrip("\n") + "\n")
