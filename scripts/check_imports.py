"""Checks that every target imports only what Package.swift gives it.

SwiftPM itself lets a file import any module that happens to have been built before, so without this the rooms' doors
would stand open. Prints one line a finding; exits with 1 where there is one.
"""

import json
import pathlib
import re
import subprocess
import sys

# Modules that come with the toolchain or the system and need no declaration.
TOOLCHAIN = set(
    "CRT Darwin Dispatch Foundation FoundationEssentials Glibc Musl PackagePlugin Synchronization Testing".split()
)
IMPORT = re.compile(
    r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?import\s+"
    r"(?:(?:struct|class|enum|protocol|typealias|func|let|var)\s+)?(\w+)"
)
# Python within a Swift string imports nothing here.
TEXT = re.compile(r'(#*)""".*?"""\1', re.DOTALL)
FOLDERS = {"test": "Tests", "plugin": "Plugins"}

package = json.loads(subprocess.run(["swift", "package", "dump-package"], check=True, stdout=subprocess.PIPE).stdout)
findings = 0
for target in package["targets"]:
    # Each dependency is {kind: [name, …]}; products carry the name of their module.
    declared = {names[0] for dependency in target["dependencies"] for names in dependency.values()}
    folder = pathlib.Path(target.get("path") or f"{FOLDERS.get(target['type'], 'Sources')}/{target['name']}")
    for file in sorted(folder.rglob("*.swift")):
        code = TEXT.sub(lambda text: "\n" * text[0].count("\n"), file.read_text())
        for number, line in enumerate(code.split("\n"), start=1):
            found = IMPORT.match(line)
            if found and found[1] not in declared | TOOLCHAIN | {target["name"]}:
                print(
                    f"{file}:{number}: {target['name']} imports {found[1]}, which Package.swift does not list among"
                    f" its dependencies; list it there where the room may know it",
                    file=sys.stderr,
                )
                findings += 1
sys.exit(findings > 0)
