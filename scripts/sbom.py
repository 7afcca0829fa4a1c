"""Writes the bill of materials of a released program as SPDX 2.3 in JSON.

  sbom.py PROGRAM VERSION URL

The Swift packages are those that the build resolved (Package.resolved), the C libraries those of the machine that linked them.
$SOURCE_DATE_EPOCH is the time it names.
"""

import datetime
import hashlib
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# By the name that pkg-config has.
LIBRARIES = {
    "yaml-0.1": ("libyaml", "MIT"), "libsodium": ("libsodium", "ISC"), "zlib": ("zlib", "Zlib"),
    "libxcrypt": ("libxcrypt", "LGPL-2.1-or-later"),
}


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def package(name, version, licence, location="NOASSERTION", **more):
    return {
        "SPDXID": "SPDXRef-" + name.replace("_", "-"), "name": name, "versionInfo": version, "downloadLocation": location,
        "licenseConcluded": licence, "licenseDeclared": licence, "copyrightText": "NOASSERTION", "filesAnalyzed": False,
        **more,
    }


def parts():
    swift = run("swift", "--version").split("Swift version ")[1].split()[0]
    yield package("swift-runtime", swift, "Apache-2.0", "https://www.swift.org/install")
    for pin in json.loads((ROOT / "Package.resolved").read_text())["pins"]:
        state = pin["state"]
        yield package(pin["identity"], state.get("version", state["revision"]), "Apache-2.0", f"git+{pin['location']}@{state['revision']}")
    for module, (name, licence) in LIBRARIES.items():
        yield package(name, run("pkg-config", "--modversion", module), licence)
    yield package("glibc", os.confstr("CS_GNU_LIBC_VERSION").split()[1], "LGPL-2.1-or-later")


def main(program, version, url):
    digest = hashlib.sha256(pathlib.Path(program).read_bytes()).hexdigest()
    own = package(
        "k3seed", version, "Apache-2.0", url, packageFileName=os.path.basename(program),
        checksums=[{"algorithm": "SHA256", "checksumValue": digest}], primaryPackagePurpose="APPLICATION",
    )
    others = sorted(parts(), key=lambda one: one["name"])
    time = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.timezone.utc)
    described = {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
        "name": os.path.basename(program), "documentNamespace": f"{url}/spdx/{os.path.basename(program)}-{digest}",
        "creationInfo": {"created": time.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": ["Tool: k3seed-scripts/sbom.py"]},
        "packages": [own, *others],
        "relationships": [
            {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": own["SPDXID"]},
            *({"spdxElementId": one["SPDXID"], "relationshipType": "STATIC_LINK", "relatedSpdxElement": own["SPDXID"]}
              for one in others),
        ],
    }
    json.dump(described, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main(*sys.argv[1:])
