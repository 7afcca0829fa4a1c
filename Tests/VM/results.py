"""Writes the page of the VM tests' results from the reports that they left.

    results.py REPORTS PAGE
"""

import json
import pathlib
import sys

reports, page = map(pathlib.Path, sys.argv[1:])
rows = []
hosts = set()
for path in sorted(reports.glob("*.json")):
    report = json.loads(path.read_text())
    checks = report["checks"]
    cause = report["cause"]["code"] if report["cause"] else ""
    failed = sorted({check["name"] for check in checks if check["outcome"] == "failed"})
    host = report["host"]
    if host:
        hosts.add(f"QEMU {host['qemu']} with {host['accelerator']}")
    rows.append(
        [
            path.stem,
            host["image"].rsplit("/")[-1] if host else "",
            "warm" if host and host["warm"] else "cold" if host else "",
            f"**{report['verdict']}** ({report['exit_code']})",
            ", ".join([cause] * bool(cause) + failed),
            f"{sum(check['outcome'] == 'passed' for check in checks)}",
            f"{report['seconds']:.0f} s",
        ]
    )
lines = [
    "# Results of the VM tests",
    "",
    "Made by `make test-matrix` from the reports of its boots; do not edit. What each case is stands in the tests beside it.",
    f"Run with {', '.join(sorted(hosts))}.",
    "",
    "| case | image | start | verdict (exit code) | cause, failed checks | checks that hold | time |",
    "| --- | --- | --- | --- | --- | ---: | ---: |",
]
lines += ["| " + " | ".join(row) + " |" for row in rows]
page.write_text("\n".join(lines) + "\n")
