"""Runs the cases whose nodes are containers, and writes a report of each.

    python nodes REPORTS [--smoke] [--jobs N] [--only NAME]...

$K3SEED_LAB is what scripts/lab made, $K3SEED_IMAGE the disk of the image, $K3SEED_REAL_K3S a folder of releases of K3s, if
any; see k3s.py. Where nodes cannot be started, all is skipped and the reason is said.
"""

import argparse
import concurrent.futures
import fnmatch
import json
import os
import pathlib
import shutil
import signal
import sys
import time
import traceback
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import cases
import host
from k3s import K3s, Skipped
from world import Failure, World


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("reports", type=pathlib.Path)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--jobs", type=int, default=3)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def chosen(options):
    found = [one for one in cases.load() if not options.smoke or one.smoke]
    if options.only:
        found = [one for one in found if any(fnmatch.fnmatch(one.name, name) for name in options.only)]
    return sorted(found, key=lambda one: -one.seconds)


def run_case(one, store, groups, k3s, options):
    began = time.monotonic()
    report = {"name": one.name, "sentence": one.sentence, "faults": one.faults, "found": None, "failure": None}
    try:
        with World(one.name, store, groups, k3s, options.reports) as world:
            report["found"] = one.run(world)
    except Failure as failure:
        report["failure"] = str(failure)
    except Skipped as why:
        report["skipped"] = str(why)
    except Exception:
        report["failure"] = traceback.format_exc()
    report["seconds"] = round(time.monotonic() - began, 1)
    if "skipped" not in report:
        (options.reports / f"{one.name}.json").write_text(json.dumps(report, indent=1))
    verdict = "failed" if report["failure"] else "skipped" if "skipped" in report else "ok"
    print(f"{verdict}: {one.name}: {one.sentence} ({report['seconds']:.0f} s)", flush=True)
    if report["failure"]:
        print("  " + report["failure"].replace("\n", "\n  "), flush=True)
    return report


def write_xunit(path, reports, skipped=None, **properties):
    suite = ElementTree.Element("testsuite", name="nodes")
    known = ElementTree.SubElement(suite, "properties")
    for name, value in properties.items():
        ElementTree.SubElement(known, "property", name=name, value=value)
    for one in reports:
        test = ElementTree.SubElement(suite, "testcase", classname="nodes", name=one["name"], time=str(one["seconds"]))
        if one["failure"]:
            ElementTree.SubElement(test, "failure", message=one["failure"])
        if skipped or one.get("skipped"):
            ElementTree.SubElement(test, "skipped").text = skipped or one["skipped"]
    ElementTree.ElementTree(suite).write(path, encoding="unicode", xml_declaration=True)


def inside(options):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began = time.monotonic()
    store, k3s = host.Store(os.environ["K3SEED_NODES"]), K3s()
    groups = host.ControlGroups(k3s.is_real, store.folder / "cgroup2")
    groups.remove()
    store.unpack(os.environ["K3SEED_IMAGE"])
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        futures = [pool.submit(run_case, one, store, groups, k3s, options) for one in chosen(options)]
        reports = [future.result() for future in futures]
    groups.remove()
    minutes = f"{(time.monotonic() - began) / 60:.0f}"
    write_xunit(options.reports / "nodes.xml", reports, k3s=k3s.name, minutes=minutes)
    sys.exit(any(one["failure"] for one in reports))


def main():
    options = arguments()
    if options.inside:
        inside(options)
    shutil.rmtree(options.reports, ignore_errors=True)
    options.reports.mkdir(parents=True)
    why = host.why_not()
    if why:
        skipped = [{"name": one.name, "seconds": 0, "failure": None} for one in chosen(options)]
        write_xunit(options.reports / "nodes.xml", skipped, skipped=why)
        return
    store = host.Store(os.environ["K3SEED_NODES"])
    store.lock()
    try:
        status = host.enclosed([*sys.argv[1:], "--inside"])
    finally:
        store.sweep()
    sys.exit(status)


main()
