"""Measures the bars of what reads: hostile inputs, `gitops check` beside argocd-source-lint, `validate` beside cloud-init's own check.

    python3 Benchmarks/readers.py .build/release/k3seed

`make bench-readers` runs it. It writes the tables into README.md beside this file, and exits with 1 where a bar is not held. The
commands take turns, and what counts is the ratio of their processor times, which move less than times where the machine is busy.
"""

import datetime
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile

import gitops_tree
import hostile

ROOT = pathlib.Path(__file__).resolve().parent.parent
APPLICATIONS = 1000
# Peer, how many times k3seed is to be as fast, and what both are given.
CHECK_BAR, VALIDATE_BAR = 20, 50
RUNS = 5  # of k3seed; of a peer that takes seconds two are enough


def tool(name: str) -> str:
    """A program of .venv, which is where the Python that runs this lies, or of PATH."""
    beside = pathlib.Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        sys.exit(f"bench: no {name} in .venv or on PATH: make setup")
    return found


def cost(command: list[str], folder: pathlib.Path) -> float:
    """Seconds of processor time of a whole process, which may find faults."""
    with open(os.devnull, "wb") as nowhere:
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=nowhere, stderr=nowhere)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        sys.exit(f"bench: {' '.join(command)} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def beside(ours: list[str], theirs: list[str], folder: pathlib.Path) -> tuple[float, float]:
    """The medians of both, taken in turns; the first turn only warms the caches."""
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(RUNS + 1):
        for found, command in zip(times, (ours, theirs)):
            if command is ours or turn < 3:
                found.append(cost(command, folder))
    return statistics.median(times[0][1:]), statistics.median(times[1][1:])


def repository(folder: pathlib.Path) -> None:
    """A repository that knows its own URL, as the peer takes Applications of another for none of its business."""
    gitops_tree.main(folder, APPLICATIONS)
    for words in (["init", "--quiet"], ["remote", "add", "origin", gitops_tree.URL]):
        subprocess.run(["git", "-C", str(folder), *words], check=True)


def main() -> int:
    program = str(pathlib.Path(sys.argv[1]).absolute())
    runs = []
    for kind, command, result in hostile.measure(program):
        runs.append((kind, command, result))
        print(hostile.line(kind, command, result), flush=True)
    over = sum(hostile.is_over(result) for _, _, result in runs)
    slowest = max(runs, key=lambda run: run[2][0])
    largest = max(runs, key=lambda run: run[2][1])

    with tempfile.TemporaryDirectory(prefix="k3seed-bench-") as name:
        folder = pathlib.Path(name)
        repository(folder / "tree")
        check = beside([program, "gitops", "check", "tree"], [tool("argocd-source-lint"), "tree", "--format", "json"], folder)
        outputs = ROOT / "examples/literal/outputs.json"
        payload = subprocess.run([program, "render", "--input", outputs, "--node", "server"], check=True, capture_output=True)
        (folder / "user-data").write_bytes(payload.stdout)
        validate = beside([program, "validate", "--no-tools", "user-data"],
                          [tool("cloud-init"), "schema", "--config-file", "user-data"], folder)

    def named(run: tuple[str, list[str], tuple[float, float, int]]) -> str:
        return f"`{' '.join(word for word in run[1] if word.islower() or word.startswith('-'))}`, {run[0]}"

    faster = [check[1] / check[0], validate[1] / validate[0]]
    lines = [
        f"Measured on {datetime.date.today().isoformat()} by `make bench-readers`: {os.cpu_count()} processors,"
        f" {platform.system()} {platform.machine()}; processor times of whole processes, and load beside them:"
        f" {os.getloadavg()[1]:.0f}.",
        "",
        "| the bar | measured |",
        "| --- | --- |",
        f"| any 25 MB input to any command: at most {hostile.SECONDS:g} s of processor time | {slowest[2][0]:.2f} s at most of"
        f" {len(runs)} runs ({named(slowest)}) |",
        f"| and at most {hostile.MEGABYTES} MB of memory | {largest[2][1]:.0f} MB at most ({named(largest)}) |",
        f"| runs that are over either, or end by a signal | {over} |",
        f"| `gitops check` of {APPLICATIONS:,} Applications at least {CHECK_BAR} times as fast as"
        f" [argocd-source-lint](https://pypi.org/project/argocd-source-lint/) | {faster[0]:.0f} times: {check[0]:.2f} s, {check[1]:.1f} s |",
        f"| `validate --no-tools` of a server's user-data at least {VALIDATE_BAR} times as fast as `cloud-init schema` |"
        f" {faster[1]:.0f} times: {validate[0] * 1000:.1f} ms, {validate[1] * 1000:.0f} ms |",
    ]
    page = ROOT / "Benchmarks/README.md"
    begin, end = "<!-- readers -->\n", "\n<!-- /readers -->"
    before, rest = page.read_text().split(begin)
    page.write_text(before + begin + "\n".join(lines) + end + rest.split(end, 1)[1])
    print("\n".join(lines))
    return 1 if over or faster[0] < CHECK_BAR or faster[1] < VALIDATE_BAR else 0


if __name__ == "__main__":
    sys.exit(main())
