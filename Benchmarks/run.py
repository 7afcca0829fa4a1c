"""Measures k3seed's whole-process times and writes them to README.md beside this file, and as JSON to stdout.

Run by `make bench`. The commands take turns in one session, so that what else the machine does meets all of them, and
what is published are ratios of medians. No time makes it fail.
"""

import base64
import copy
import datetime
import gzip
import json
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import yaml

import jinja2_render

ROOT = pathlib.Path(__file__).resolve().parent.parent
HERE = ROOT / "Benchmarks"
K3SEED = str(ROOT / ".build/release/k3seed")
VAULT = ROOT / "examples/oci-vault/outputs.json"
LITERAL = ROOT / "examples/literal/outputs.json"

LINUX = sys.platform == "linux"
WRITTEN = ["-Xlinker", "--no-mmap-output-file"]  # as the Makefile has k3seed written
RUNS = 100  # of each command
FLEET_RUNS = 7
FLEETS = [250, 500, 1000, 2000]  # nodes rendered by one process


def cost(command, stdin):
    """Seconds from starting a process, without a shell, to its end, and seconds of processor time that it took; what it
    writes goes nowhere."""
    redirections = [
        (os.POSIX_SPAWN_OPEN, 0, str(stdin), os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    argv = command.split()
    start = time.perf_counter()
    process = os.posix_spawn(argv[0], argv, os.environ, file_actions=redirections)
    _, status, usage = os.wait4(process, 0)
    elapsed = time.perf_counter() - start
    if status != 0:
        sys.exit(f"bench: failed with wait status {status}: {command}")
    return elapsed, usage.ru_utime + usage.ru_stime


def in_turns(commands, runs, stdin=os.devnull, prepare=lambda name: None):
    """What each command costs, as medians. All run once, then all again, so that a busy moment meets all of them; the
    first turn only warms the caches."""
    costs = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            prepare(name)
            found = cost(command, stdin)
            if turn > 0:
                costs[name].append(found)
    return {
        name: {
            "median_ms": statistics.median(wall for wall, _ in found) * 1000,
            "processor_ms": statistics.median(processor for _, processor in found) * 1000,
            "runs": runs,
        }
        for name, found in costs.items()
    }


def output_of(command, stdin):
    with open(stdin, "rb") as file:
        run = subprocess.run(command.split(), stdin=file, capture_output=True)
    if run.returncode != 0:
        sys.exit(f"bench: failed with exit code {run.returncode}: {command}\n{run.stderr.decode()}")
    return run.stdout


def empty_swift_program(folder, name, *options):
    source = folder / "empty.swift"
    source.write_text("")
    program = str(folder / name)
    subprocess.run(["swiftc", "-O", *options, str(source), "-o", program], check=True)
    return program


def fleet(size):
    """The example's outputs with so many nodes: one server, the rest agents."""
    outputs = copy.deepcopy(json.loads(VAULT.read_text()))
    nodes = {"server": {"role": "server", "private_ip": outputs["server_private_ip"]["value"]}}
    for n in range(1, size):
        nodes[f"worker-{n}"] = {
            "role": "agent",
            "private_ip": f"10.{100 + n // 62500}.{n // 250 % 250}.{n % 250 + 1}",
            "labels": {"role": "worker", "rack": f"r{n % 40}"},
        }
    outputs["nodes"]["value"] = nodes
    outputs["nodes"]["type"] = ["map", "any"]
    return json.dumps(outputs)


def python_cli(folder):
    """The same template for jinja2-cli, the template command of PyPI: it has no functions of ours, so the files that
    the template asks for stand in it already, and the outputs are a plain object. Both leave it less to do."""
    text = (HERE / "server.yaml.j2").read_text()

    def inlined(match):
        name, width = match.groups()
        lines = (ROOT / "templates" / name).read_text().rstrip("\n").splitlines()
        return "{% raw %}" + f"\n{' ' * int(width or 4)}".join(lines) + "{% endraw %}"

    text = re.sub(r'\{\{ file\("([^"]+)"\) \| indent(?:\((\d+)\))? \}\}', inlined, text)
    text = text.replace("{{ bootstrap() }}", jinja2_render.bootstrap())
    # What trim_blocks and lstrip_blocks do, which the command cannot be told.
    text = re.sub(r"(?m)^[ \t]+(\{%)(?! (?:end)?raw)", r"\1", text)
    text = re.sub(r"(?<!raw )%\}\n", "%}", text)
    template, data = folder / "server.yaml.j2", folder / "outputs.json"
    template.write_text(text)
    values = {name: output["value"] for name, output in json.loads(VAULT.read_text()).items()}
    data.write_text(json.dumps({**values, "node": "server"}))
    return f"{pathlib.Path(sys.executable).parent / 'jinja2'} {template} {data} --format json"


def document(user_data):
    """What user-data says, whichever compressor made the bytes within it."""
    found = yaml.safe_load(user_data)
    for file in found["write_files"]:
        if file.pop("encoding", None) == "gz+b64":
            file["content"] = gzip.decompress(base64.b64decode(file["content"])).decode()
    return found


def measure_processes(folder):
    query = folder / "query.json"  # every command gets it on standard input; only `external` reads that
    query.write_text(json.dumps({"node": "server", "outputs": VAULT.read_text()}))
    commands = {
        "true": "/bin/true" if os.path.exists("/bin/true") else "/usr/bin/true",
        "empty": empty_swift_program(folder, "empty", *(["-static-stdlib", *WRITTEN] if LINUX else [])),
        # Linked as k3seed is.
        "empty_static": empty_swift_program(folder, "empty-static", *(["-static-executable", *WRITTEN] if LINUX else [])),
        "render_vault": f"{K3SEED} render --input {VAULT} --node server",
        "render_literal": f"{K3SEED} render --input {LITERAL} --node server",
        "external": f"{K3SEED} external",
        "python_cli": python_cli(folder),
        "python": f"{sys.executable} -I {HERE / 'jinja2_render.py'} {VAULT} server",
    }
    outputs = {name: output_of(command, query) for name, command in commands.items()}
    for name in ["python", "python_cli"]:
        if document(outputs[name]) != document(outputs["render_vault"]):
            # The templates have moved on, and a comparison with another job would say nothing.
            sys.exit(f"bench: {name} does not give the document that k3seed does; bring server.yaml.j2 up to date")
    results = in_turns(commands, RUNS, stdin=query)
    return {name: {**result, "output_bytes": len(outputs[name])} for name, result in results.items()}


def measure_fleets(folder):
    def target(size):
        return folder / f"fleet-{size}"

    commands = {}
    for size in FLEETS:
        source = folder / f"fleet-{size}.json"
        source.write_text(fleet(size))
        commands[size] = f"{K3SEED} render --all --input {source} -o {target(size)}"
    results = in_turns(commands, FLEET_RUNS, prepare=lambda size: shutil.rmtree(target(size), ignore_errors=True))
    for size in FLEETS:
        written = len(list(target(size).iterdir()))
        if written != size:
            sys.exit(f"bench: {size} nodes were asked for, {written} files written")
    return [{"nodes": size, **result} for size, result in results.items()]


def machine():
    cpu = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        models = [line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
        cpu = models[0] if models else cpu
    swift = subprocess.run(["swift", "--version"], check=True, capture_output=True, text=True).stdout
    return {
        "cpu": f"{os.cpu_count()} × {cpu}",
        "system": f"{platform.system()} {platform.machine()}",
        "swift": swift.split("Swift version ", 1)[1].split()[0],
        "python": platform.python_version(),
        "date": datetime.date.today().isoformat(),
    }


def page(results):
    at = results["processes"]
    where = results["machine"]
    titles = {
        "true": "`/bin/true`",
        "empty": "an empty Swift program, static standard library",
        "empty_static": "an empty Swift program, wholly static",
        "render_vault": "`k3seed render`, Vault references",
        "render_literal": "`k3seed render`, literal secrets",
        "external": "`k3seed external`",
        "python_cli": "the same user-data with jinja2-cli",
        "python": "the same user-data with a bare Python script and Jinja2",
    }
    lines = [
        f"Measured on {where['date']}: {where['cpu']}, {where['system']}, Swift {where['swift']},"
        f" Python {where['python']}.",
        "",
        "| whole process | median | × empty Swift program | processor | output |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, title in titles.items():
        row = at[name]
        ratio = row["median_ms"] / at["empty"]["median_ms"]
        lines.append(
            f"| {title} | {row['median_ms']:.2f} ms | {ratio:.2f} | {row['processor_ms']:.2f} ms"
            f" | {row['output_bytes']:,} bytes |"
        )
    lines += ["", "| nodes in one process | median | processor time per node |", "| ---: | ---: | ---: |"]
    per_node = []
    for row in results["fleets"]:
        per_node.append(row["processor_ms"] / row["nodes"] * 1000)
        lines.append(f"| {row['nodes']:,} | {row['median_ms']:.0f} ms | {per_node[-1]:.0f} µs |")
    thousand = next(row for row in results["fleets"] if row["nodes"] == 1000)
    lines += ["", "| the bar | measured |", "| --- | ---: |"]
    for bar, value in [
        ("`render` within 5 times the empty program", f"{results['ratios']['render_to_empty']:.2f} times"),
        ("`external` within 5 times the empty program", f"{results['ratios']['external_to_empty']:.2f} times"),
        ("`render` beside the wholly static empty program", f"{results['ratios']['render_to_empty_static']:.2f} times"),
        ("at least 30 times faster than a Python template CLI", f"{results['ratios']['python_cli_to_render']:.1f} times"),
        ("beside a bare Python script and Jinja2", f"{results['ratios']['python_to_render']:.1f} times faster"),
        ("1,000 nodes in under a second", f"{thousand['median_ms'] / 1000:.2f} s"),
        ("cost linear in nodes: processor time per node, highest to lowest", f"{max(per_node) / min(per_node):.2f}"),
    ]:
        lines.append(f"| {bar} | {value} |")
    return "\n".join(lines)


def summary(results):
    """What the project's README says of it."""
    at = results["ratios"]
    thousand = next(row for row in results["fleets"] if row["nodes"] == 1000)
    return "\n".join([
        "| `k3seed render`, whole process | ratio |",
        "| --- | ---: |",
        f"| beside an empty Swift program with the static standard library | {at['render_to_empty']:.1f} times its time |",
        f"| beside an empty Swift program linked as k3seed is | {at['render_to_empty_static']:.1f} times its time |",
        f"| beside jinja2-cli with the same template | {at['python_cli_to_render']:.0f} times faster |",
        f"| beside a bare Python script that does the same with Jinja2 and checks nothing | {at['python_to_render']:.0f} times faster |",
        f"| 1,000 nodes in one process | {thousand['median_ms'] / 1000:.2f} s |",
    ])


def put(path, begin, text, end):
    before, rest = path.read_text().split(begin)
    _, after = rest.split(end, 1)
    path.write_text(before + begin + text + end + after)


def main():
    with tempfile.TemporaryDirectory(prefix="k3seed-bench-") as name:
        folder = pathlib.Path(name)
        results = {
            "machine": machine(),
            "processes": measure_processes(folder),
            "fleets": measure_fleets(folder),
        }
    at = {name: row["median_ms"] for name, row in results["processes"].items()}
    results["ratios"] = {
        "render_to_empty": at["render_vault"] / at["empty"],
        "render_to_empty_static": at["render_vault"] / at["empty_static"],
        "external_to_empty": at["external"] / at["empty"],
        "python_cli_to_render": at["python_cli"] / at["render_vault"],
        "python_to_render": at["python"] / at["render_vault"],
    }

    put(HERE / "README.md", "<!-- results -->\n", page(results), "\n<!-- /results -->")
    comparison = ROOT / "Sources/K3Seed/K3Seed.docc/Comparison.md"
    put(comparison, "<!-- speed: made by `make bench` -->\n", summary(results), "\n<!-- /speed -->")
    json.dump(results, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
