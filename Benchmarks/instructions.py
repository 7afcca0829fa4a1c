"""Counts the instructions of four commands, and fails where one takes over 5 % more than Benchmarks/instructions.json has.

    python3 Benchmarks/instructions.py .build/release/k3seed

`make instructions` runs it. With K3SEED_RECORD=1 the counts are written anew; say in the commit why they grew. callgrind counts what
the program executes, so a busy machine changes nothing. What else could, and what is done about it:

- The seed of Swift's hash tables is drawn for each process: SWIFT_DETERMINISTIC_HASHING fixes it.
- Environment, arguments and paths lie on the stack and are copied: the environment is empty but for that variable, and paths are
  short, relative and the same everywhere.
- Addresses are valgrind's own, not the kernel's: the same in each run.
- The C library chooses its copies of memory functions by the processor. valgrind presents one of a few fixed processors, a Haswell
  to any host with AVX2, so hosts since 2013 give the same; others are told that their counts are not compared.
- Files are read in the order in which the file system lists them, which moves `gitops check` by a few comparisons of a sort.
- Random bytes for names and keys have a fixed length, and cost the same.

Another compiler, C library or valgrind gives other counts: they are recorded too, and named where they differ.
"""

import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
RECORD = ROOT / "Benchmarks/instructions.json"
TOLERANCE = 0.05
APPLICATIONS = 100
COMMANDS = {
    "render": ["render", "--input", "outputs.json", "--node", "server"],
    "external": ["external"],
    "validate": ["validate", "--no-tools", "faults.yaml", "user-data"],
    "gitops check": ["gitops", "check", "tree"],
}


def prepare(program: str, folder: pathlib.Path) -> None:
    """The inputs, all from the repository, under short names."""
    outputs = (ROOT / "examples/literal/outputs.json").read_bytes()
    (folder / "outputs.json").write_bytes(outputs)
    vault = (ROOT / "examples/oci-vault/outputs.json").read_text()
    (folder / "query.json").write_text(json.dumps({"node": "server", "outputs": vault}))
    (folder / "faults.yaml").write_bytes((ROOT / "examples/user-data-with-faults/web.yaml").read_bytes())
    (folder / "user-data").write_bytes(
        subprocess.run([program, *COMMANDS["render"]], cwd=folder, check=True, capture_output=True).stdout)
    subprocess.run([sys.executable, ROOT / "Benchmarks/gitops_tree.py", folder / "tree", str(APPLICATIONS)], check=True)


def count(program: str, command: list[str], folder: pathlib.Path) -> int:
    words = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, *command]
    with open(folder / "query.json", "rb") as query:
        run = subprocess.run(words, cwd=folder, stdin=query, capture_output=True,
                             env={"PATH": os.environ["PATH"], "SWIFT_DETERMINISTIC_HASHING": "1"})
    found = re.search(r"Collected : (\d+)", run.stderr.decode(errors="replace"))
    if run.returncode not in (0, 1) or not found:
        sys.exit(f"instructions: {' '.join(command)} ended with {run.returncode}\n{run.stderr.decode(errors='replace')}")
    return int(found[1])


def conditions() -> dict[str, str]:
    """What the counts depend on beside the program."""
    def first(*words: str) -> str:
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines()[0].strip()

    processor = {"avx2", "bmi2", "movbe"} <= set(re.findall(r"\w+", pathlib.Path("/proc/cpuinfo").read_text()))
    return {
        "architecture": platform.machine(),
        "processor": "with AVX2" if processor else "without AVX2",
        "swift": re.sub(r".*Swift version (\S+).*", r"\1", first("swift", "--version")),
        "C library": " ".join(platform.libc_ver()),
        "valgrind": first("valgrind", "--version"),
    }


def main() -> int:
    program = str(pathlib.Path(sys.argv[1]).absolute())
    with tempfile.TemporaryDirectory(prefix="k3seed-") as name:
        folder = pathlib.Path(name)
        # Without what valgrind's older releases cannot read, and under a path of the same length everywhere.
        subprocess.run(["strip", "-o", folder / "k3seed", program], check=True)
        prepare(program, folder)
        counts = {title: count("./k3seed", command, folder) for title, command in COMMANDS.items()}
    here = conditions()
    if os.environ.get("K3SEED_RECORD"):
        RECORD.write_text(json.dumps({"conditions": here, "instructions": counts}, indent=2) + "\n")
        print(f"wrote {RECORD.relative_to(ROOT)}: {counts}")
        return 0

    recorded = json.loads(RECORD.read_text())
    changed = [f"{name} {recorded['conditions'].get(name)}, here {value}"
               for name, value in here.items() if recorded["conditions"].get(name) != value]
    if changed:
        print(f"instructions: recorded with {'; '.join(changed)}")
    if here["architecture"] != recorded["conditions"]["architecture"] or here["processor"] != recorded["conditions"]["processor"]:
        print("instructions: not compared: another processor")
        return 0
    failed = False
    for title, now in counts.items():
        before = recorded["instructions"][title]
        growth = now / before - 1
        verdict = "MORE THAN 5 % MORE" if growth > TOLERANCE else "less: record it" if growth < -TOLERANCE else "ok"
        failed |= growth > TOLERANCE
        print(f"{title:14} {before:14,} → {now:14,} {growth:+7.2%}  {verdict}")
    if failed:
        print("instructions: where that is what it costs, record it with K3SEED_RECORD=1 make instructions, and say why")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
