"""Gives every command inputs full of secrets, and looks for them in all that it leaves behind but user-data.

    python3 Tests/Canaries/sweep.py PROGRAM [--every N] [--only WORD] [--jobs N]

Each command runs in a folder of its own, watched by strace. Every canary is looked for in standard output, in standard error,
in the names and the text of files that it leaves, in what it or a child of its writes into any other file, and in the arguments
and environment of its children. User-data is left out, but for secrets that not even that may hold. Before that the sweep tries
itself: a program that leaks in each of these ways has to be found. The same program gives the same sweep. Exits with 1 where
anything is shown, and with 70 where the sweep itself is at fault.
"""

import argparse
import collections
import concurrent.futures
import functools
import itertools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import cases
import detector
from cases import Case

TIMEOUT = 600  # much more than any command takes, as a busy machine is no finding
TRACE = ["strace", "-f", "-y", "-qq", "-v", "-s", "1048576", "--seccomp-bpf", "-e", "signal=none",
         "-e", "trace=execve,write,pwrite64,writev"]
# What a traced write goes into: a pipe, a socket and a terminal are none of a disk's.
WRITE = re.compile(rb"^(?:\d+ +)?(?:write|pwrite64|writev)\((\d+)<([^>]*)>, (.*)$", re.M)
EXECUTION = re.compile(rb"^(?:\d+ +)?execve\((.*)$", re.M)
# Where the one writer of files puts them before they take their place, in the folder of the file.
UNFINISHED = re.compile(rb"\.k3seed-[0-9a-f]{32}$")
# Broken programs, not broken inputs.
CRASHES = {70, 132, 133, 134, 135, 136, 139}


class Outcome:
    def __init__(self):
        self.checks = 0
        self.findings: list[str] = []
        self.found_in_payload: set[str] = set()
        self.status = 0
        self.case: Case | None = None


def search(outcome: Outcome, place: str, data: bytes, names) -> None:
    names = set(names)
    outcome.checks += len(names)
    for name, way in finder().find(data).items():
        if name in names:
            outcome.findings.append(f"{name} in {place}, {way}")


@functools.cache
def finder() -> detector.Detector:
    return detector.Detector(cases.NAMES)


def traced(trace: bytes, folder: pathlib.Path) -> tuple[bytes, bytes]:
    """The arguments and environments of children, and what was written into files other than the two streams and user-data."""
    children = b"\n".join(EXECUTION.findall(trace)[1:])
    payloads = os.fsencode(str(folder / "case/out"))
    written = []
    for number, path, text in WRITE.findall(trace):
        if number in (b"1", b"2") or path.startswith((b"pipe:", b"socket:", b"/dev/", b"anon_inode:")):
            continue
        if path.startswith(payloads + b"/"):
            continue
        written.append(path + b": " + text)
    return children, b"\n".join(written)


def contents(folder: pathlib.Path) -> dict[str, bytes]:
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            found[str(path.relative_to(folder))] = os.fsencode(os.readlink(path))
        elif path.is_file():
            found[str(path.relative_to(folder))] = path.read_bytes()
    return found


def run(program: list[str], case: Case) -> Outcome:
    outcome = Outcome()
    outcome.case = case
    with tempfile.TemporaryDirectory(prefix="k3seed-sweep-") as name:
        folder = pathlib.Path(name)
        work = folder / "case"
        for place in ("case/out", "home", "tmp", "bin"):
            (folder / place).mkdir(parents=True)
        for path, data in case.files.items():
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            (work / path).write_bytes(data)
        for path, text in case.programs.items():
            (folder / "bin" / path).write_text(text)
            (folder / "bin" / path).chmod(0o755)
        environment = {
            "PATH": f"{folder}/bin:{os.environ['PATH']}", "HOME": f"{folder}/home", "TMPDIR": f"{folder}/tmp",
            "K3SEED_CACHE": f"{folder}/home/cache", "LANG": "C.UTF-8",
        }
        trace = [*TRACE, "-o", f"{folder}/trace"] if shutil.which("strace") else []
        try:
            process = subprocess.run([*trace, *program, *case.words], input=case.stdin, capture_output=True, cwd=work,
                                     env=environment, timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            outcome.findings.append(f"no end within {TIMEOUT} s")
            return outcome
        outcome.status = process.returncode
        if process.returncode < 0 or process.returncode in CRASHES:
            outcome.findings.append(f"a crash: exit code {process.returncode}")

        everything = set(cases.NAMES)
        is_payload = case.payload and process.returncode == 0
        # Of what the command is for; standard error and children get none of them in any case.
        hidden = set(cases.NEVER) if is_payload else everything
        hidden = hidden - set(case.accepted) if process.returncode == 0 else hidden
        shown = process.stdout
        if is_payload and case.words[0] == "external":
            answer = json.loads(process.stdout)
            payload = answer.pop("user_data", "").encode() + b"\n" + answer.pop("user_data_base64", "").encode()
            search(outcome, "the rest of the answer", json.dumps(answer).encode(), everything - set(case.accepted))
            outcome.found_in_payload |= set(finder().find(payload))
            search(outcome, "user-data", payload, hidden)
        else:
            search(outcome, "standard output", shown, hidden)
            if is_payload:
                outcome.found_in_payload |= set(finder().find(shown))
        search(outcome, "standard error", process.stderr, everything)

        left = contents(folder)
        for path, data in left.items():
            is_input = path.startswith("case/") and case.files.get(path[5:]) == data
            if is_input or path == "trace" or path.startswith("bin/"):
                continue
            is_rendered = is_payload and path.startswith("case/out/")
            if is_rendered:
                outcome.found_in_payload |= set(finder().find(data))
            search(outcome, f"the file {path}", data, hidden if path.startswith("case/") and (is_rendered or case.accepted)
                   else everything)
        names = "\n".join(path for path in left if path.removeprefix("case/") not in case.files)
        search(outcome, "the names of files", names.encode(), everything)
        if trace:
            # Without the folder's own name, so that lines repeat from run to run.
            children, written = traced((folder / "trace").read_bytes(), folder)
            children = children.replace(name.encode(), b"FOLDER")
            search(outcome, "the arguments or environment of a child", children, everything - set(case.given))
            search(outcome, "a file that was written in passing", written, everything - set(case.accepted))
    return outcome


# MARK: The sweep of the sweep

# A program that shows a secret in one way, which every part of the sweep has to find. LEAK is the secret in some form.
LEAKS = {
    "standard output": "print(LEAK)",
    "standard error": "print(LEAK, file=sys.stderr)",
    "the file": "open('left', 'w').write(LEAK)",
    "the names of files": "open(LEAK, 'w')",
    "a file that was written in passing": "open(os.environ['TMPDIR'] + '/x', 'w').write(LEAK); os.remove(os.environ['TMPDIR'] + '/x')",
    "the arguments or environment of a child": "subprocess.run(['/bin/true', LEAK])",
    "the arguments or environment of a child ": "subprocess.run(['/bin/true'], env={'A': LEAK})",
    "a crash": "os.abort()",
}


def check_itself() -> list[str]:
    faults = detector.check_itself(cases.NAMES[:1])
    name = "k3s_token"
    plain, encoded = detector.core(name), detector.ENCODERS["base64, second alignment"](detector.core(name).encode()).decode()
    for (place, statement), leak in itertools.product(LEAKS.items(), (plain, encoded)):
        if not shutil.which("strace") and ("passing" in place or "child" in place):
            continue
        script = f"import os, subprocess, sys\nLEAK = {leak!r}\n{statement}"
        outcome = run([sys.executable, "-I", "-c", script], Case("a leak", []))
        if not any(place.strip() in finding for finding in outcome.findings):
            faults.append(f"not found: {statement}, {leak}: {outcome.findings}")
    outcome = run([sys.executable, "-I", "-c", "print('nothing')"], Case("no leak", []))
    return faults + outcome.findings


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--every", type=int, default=1, help="run one case in so many")
    parser.add_argument("--only", default="", help="run the cases whose names hold this")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    program = str(pathlib.Path(options.program).absolute())

    faults = check_itself()
    if faults:
        print("The sweep does not find what it looks for:", *faults, sep="\n  ")
        return 70
    if not shutil.which("strace"):
        print("strace is not installed: children, and files that are removed again, are not watched")

    schema = json.loads(subprocess.run([program, "schema", "inputs"], check=True, capture_output=True).stdout)
    inputs = list(schema["properties"])
    unknown = set(cases.SECRETS) - set(inputs)
    if unknown:
        print("no inputs any more:", *sorted(unknown))
        return 70

    @functools.cache
    def render(words: tuple[str, ...], text: bytes) -> bytes:
        return subprocess.run([program, "render", *words], input=text, capture_output=True).stdout

    swept = cases.everything([name for name in inputs if name not in cases.SECRETS],
                             lambda words, text: render(tuple(words), text))
    swept = [case for case in swept if options.only in case.name][:: options.every]
    statuses: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)
    checks, shown, in_payload = 0, [], set()
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        for number, outcome in enumerate(pool.map(functools.partial(run, [program]), swept, chunksize=8), 1):
            case = outcome.case
            statuses[" ".join(case.words[:1])][outcome.status] += 1
            checks += outcome.checks
            in_payload |= outcome.found_in_payload
            for finding in outcome.findings:
                shown.append(finding)
                print(f"FOUND {finding}: {case.name}: k3seed {' '.join(case.words)}", flush=True)
            if number % 500 == 0:
                print(f"{number} of {len(swept)} commands, {checks:,} checks, {len(shown)} findings", flush=True)

    for command, found in sorted(statuses.items()):
        print(f"  {command or '(none)':30} {', '.join(f'{count} × exit {status}' for status, count in sorted(found.items()))}")
    # A sweep whose commands all fail, or whose secrets are in no user-data, would find nothing either.
    if options.every == 1 and not options.only:
        missing = set(cases.SECRETS) - cases.NEVER - in_payload
        silent = {"render", "external", "preview", "inspect", "diff", "validate", "rotate", "gitops"} - {
            command for command, found in statuses.items() if found[0]}
        if missing or silent:
            print(f"in no user-data: {sorted(missing)}; never succeeded: {sorted(silent)}")
            return 70
    print(f"{len(swept):,} commands, {checks:,} checks, {len(shown)} findings")
    return 1 if shown else 0


if __name__ == "__main__":
    sys.exit(main())
