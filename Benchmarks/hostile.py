"""Inputs of 25 MB that are made to cost much, given to every command that reads.

    python3 Benchmarks/hostile.py .build/release/k3seed [--only KIND] [--megabytes N]

Each run must end within 2 seconds of processor time and 400 MB of memory, by itself: refusing what no platform takes is a
fine answer, a signal or a traceback is none. Prints a line a run; exits with 1 where one is over the bar.
"""

import argparse
import base64
import gzip
import io
import json
import os
import pathlib
import random
import resource
import subprocess
import sys
import tempfile

SECONDS, MEGABYTES = 2.0, 400


def filled(text: bytes, size: int) -> bytes:
    """The text over and over."""
    return text * (size // len(text) + 1)


def nested_mime(size: int) -> bytes:
    """Messages in messages, each line of which is looked at by every one of them."""
    head, tail = b"", b""
    for depth in range(7):
        head += b'Content-Type: multipart/mixed; boundary="b%d"\nMIME-Version: 1.0\n\n--b%d\n' % (depth, depth)
        tail = b"--b%d--\n" % depth + tail
    return head + b"Content-Type: text/x-shellscript\n\n#!/bin/sh\n" + filled(b"--b9\n", size) + tail


def gzip_of(data: bytes) -> bytes:
    target = io.BytesIO()
    with gzip.GzipFile(fileobj=target, mode="wb", mtime=0) as stream:
        stream.write(data)
    return target.getvalue()


def bombs(levels: int) -> bytes:
    """A billion laughs: each level names the one below ten times."""
    lines = ["a0: &a0 [" + ", ".join(["x"] * 10) + "]"]
    for level in range(1, levels):
        lines.append(f"a{level}: &a{level} [" + ", ".join([f"*a{level - 1}"] * 10) + "]")
    return "\n".join(lines).encode() + b"\n"


def user_data(size: int) -> dict[str, bytes]:
    config, script = b"#cloud-config\n", b"#!/bin/sh\n"
    noise = random.Random(1).randbytes(size)
    return {
        "line breaks": config + b"\n" * size,
        "carriage returns": config + b"\r\n" * (size // 2),
        "continuations": script + filled(b"a \\\n", size),
        "pipes": script + filled(b"echo a |\n", size),
        "one long line": script + filled(b"token=a ", size),
        "one long word": script + filled(b"a", size),
        "quotes": script + filled(b"PASSWORD='", size),
        "brackets": config + b"a: " + b"[" * size,
        "braces": config + filled(b"{a: ", size),
        "keys": config + b"".join(b"k%d: v\n" % n for n in range(size // 11)),
        "same key": config + filled(b"a: b\n", size),
        "files": config + b"write_files:\n" + filled(b"- {path: /a, content: b}\n", size),
        "documents": config + filled(b"---\na: b\n", size),
        "aliases": config + bombs(9) + filled(b"# x\n", size),
        "many anchors": config + b"".join(b"k%d: &a%d v\n" % (n, n) for n in range(size // 17)),
        "odd line breaks": config + filled("a\u2028".encode(), size),
        "tabs": config + filled(b"a:\tb\n", size),
        "nested MIME": nested_mime(size),
        "parts": b'Content-Type: multipart/mixed; boundary="b"\nMIME-Version: 1.0\n\n' + filled(b"--b\n\n#!/bin/sh\n", size),
        "headers": b"MIME-Version: 1.0\n" + filled(b"A: b\n", size),
        "folded header": b"MIME-Version: 1.0\nA: b\n" + filled(b" c\n", size),
        "base64": base64.b64encode(config + b"a\n" * (size * 3 // 8)),
        "gzip of zeros": gzip_of(b"\0" * size),
        "gzip of line breaks": gzip_of(config + b"\n" * (64 * size)),
        "gzip of noise": gzip_of(noise),
        "noise": noise,
        "zeros": b"\0" * size,
        "UTF-8": config + filled("ä🙂\u202e".encode(), size),
        "broken UTF-8": config + filled(b"\xf0\x9f", size),
        "templates": config + filled(b"{{ x ", size),
        "dollars": script + filled(b"${", size),
        "key starts": script + filled(b"LS0tLS1CRUdJTi/", size),
        "private keys": script + filled(b"-----BEGIN PRIVATE KEY-----\n", size),
        "URLs": script + filled(b"://a", size),
        "here-documents": script + filled(b"cat <<EOF\n", size),
    }


def outputs(size: int) -> dict[str, bytes]:
    return {
        "deep JSON": b'{"a":' + b"[" * size,
        "wide JSON": b'{"nodes":[' + filled(b"1,", size) + b"1]}",
        "keys of JSON": b"{" + b",".join(b'"k%d":1' % n for n in range(size // 12)) + b"}",
        "same key of JSON": b"{" + filled(b'"a":1,', size) + b'"a":1}',
        "long string": b'{"k3s_token":"' + filled(b"a", size) + b'"}',
        "escapes": b'{"k3s_token":"' + filled(b"\\u0000", size) + b'"}',
        "nodes": b'{"nodes":{' + b",".join(b'"n%d":{"role":"agent"}' % n for n in range(size // 28)) + b"}}",
        "spaces": b" " * size,
        "query": json.dumps({"outputs": "[" * size}).encode(),
    }


def tree(kind: str, folder: pathlib.Path, size: int) -> None:
    """A repository of that many bytes."""
    application = (
        b"apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a%d, namespace: argocd}\n"
        b"spec: {project: default, source: {repoURL: 'https://git.example.net/a.git', path: p%d, targetRevision: HEAD},"
        b" destination: {server: 'https://kubernetes.default.svc', namespace: a}}\n"
    )
    files = {
        "bombs": (bombs(6) for _ in range(size // 400)),
        "applications": (application % (n, n) for n in range(size // 300)),
        "one file": iter([filled(application % (1, 1) + b"---\n", size)]),
        "small files": (b"a: 1\n" for _ in range(min(size // 5, 50_000))),
        "noise": iter([random.Random(2).randbytes(size)]),
    }[kind]
    for number, data in enumerate(files):
        place = folder / f"d{number // 500}"
        place.mkdir(exist_ok=True)
        (place / f"f{number}.yaml").write_bytes(data)


TREES = ["bombs", "applications", "one file", "small files", "noise"]
# Commands by what they read; FILE is the input.
USER_DATA = [
    ["inspect", "FILE"],
    ["inspect", "--content", "FILE"],
    ["diff", "FILE", "OTHER"],
    ["diff", "--content", "OTHER", "FILE"],
    ["validate", "--no-tools", "FILE"],
]
OUTPUTS = [
    ["render", "--input", "FILE"],
    ["render", "--all", "--input", "FILE", "-o", "OUT"],
    ["preview", "--json", "--input", "FILE"],
    ["validate", "--no-tools", "FILE"],
    ["gitops", "render", "--input", "FILE", "--out", "OUT"],
    ["external"],
]
SETTINGS = [
    ["render", "--config", "FILE", "--input", "INPUT"],
    ["render", "--lock", "FILE", "--input", "INPUT"],
    ["lock", "--show", "--lock", "FILE"],
]


# A small process starts each command: the memory of whoever starts a program counts as the program's own until it runs, and the
# inputs lie in ours. What does not end is ended, and counts. wait4 gives the usage, and has no timeout.
LAUNCHER = """
import os, sys, time
source, words, nowhere = os.open(sys.argv[1], os.O_RDONLY), sys.argv[2:], os.open(os.devnull, os.O_WRONLY)
streams = [(os.POSIX_SPAWN_DUP2, source, 0), (os.POSIX_SPAWN_DUP2, nowhere, 1), (os.POSIX_SPAWN_DUP2, nowhere, 2)]
process, deadline = os.posix_spawn(words[0], words, os.environ, file_actions=streams), time.monotonic() + 120
while True:
    number, status, usage = os.wait4(process, os.WNOHANG)
    if number:
        break
    if time.monotonic() > deadline:
        os.kill(process, 9)
    time.sleep(0.005)
print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status))
"""


def run(program: str, command: list[str], places: dict[str, str], standard_input: str) -> tuple[float, float, int]:
    """Seconds of processor time, megabytes at most, and the exit code."""
    words = [program] + [places.get(word, word) for word in command]
    launched = subprocess.run([sys.executable, "-I", "-S", "-c", LAUNCHER, standard_input, *words], check=True,
                              capture_output=True, text=True)
    seconds, megabytes, code = launched.stdout.split()
    return float(seconds), float(megabytes), int(code)


def is_over(result: tuple[float, float, int]) -> bool:
    seconds, megabytes, code = result
    return seconds > SECONDS or megabytes > MEGABYTES or code not in (0, 1, 2)


def measure(program: str, only: str | None = None, megabytes: int = 25):
    """Each input with each command that reads it: kind, command and result, one after another."""
    size = megabytes * 1_000_000
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    program = str(pathlib.Path(program).absolute())
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "other").write_bytes(b"#cloud-config\npackages: [a]\n")
        (folder / "input").write_bytes(b"{}")
        places = {"OTHER": str(folder / "other"), "INPUT": str(folder / "input"), "OUT": str(folder / "out")}
        (folder / "out").mkdir()
        for inputs, commands in ((user_data, USER_DATA), (outputs, OUTPUTS), (user_data, SETTINGS)):
            for kind, data in inputs(size).items():
                if only and only != kind:
                    continue
                file = folder / "file"
                file.write_bytes(data[: size + 4096] if not kind.startswith("gzip") else data)
                for command in commands:
                    yield kind, command, run(program, command, places | {"FILE": str(file)}, str(file))
        for kind in TREES:
            if only and only != kind:
                continue
            repository = folder / kind.replace(" ", "-")
            repository.mkdir()
            tree(kind, repository, size)
            for command in (["gitops", "check", "FILE"], ["gitops", "graph", "FILE"]):
                yield f"repository of {kind}", command, run(program, command, {"FILE": str(repository)}, os.devnull)


def line(kind: str, command: list[str], result: tuple[float, float, int]) -> str:
    seconds, megabytes, code = result
    mark = "OVER" if is_over(result) else "    "
    return f"{mark} {seconds:7.2f} s {megabytes:7.0f} MB  exit {code:3}  {kind}: {' '.join(command)}"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--only", help="one kind of input")
    parser.add_argument("--megabytes", type=int, default=25)
    options = parser.parse_args()
    over = 0
    for kind, command, result in measure(options.program, options.only, options.megabytes):
        over += is_over(result)
        print(line(kind, command, result), flush=True)
    print(f"{over} over {SECONDS:g} s or {MEGABYTES} MB" if over else "all within the bars")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
