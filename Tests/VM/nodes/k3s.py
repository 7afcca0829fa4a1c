"""Which K3s the nodes get: the lab's stand-in, or a real one.

$K3SEED_REAL_K3S names a folder of releases, as a mirror has them: <version>/{k3s,install.sh}, and there too, if the pods are to
run without a registry, k3s-airgap-images-amd64.tar.zst. Payloads are rendered for the first version and its hashes; where
there is a second one, it is what nodes are upgraded to.
"""

import hashlib
import os
import pathlib
import re

IMAGES = "k3s-airgap-images-amd64.tar.zst"
NOTHING = "0" * 64


class Skipped(Exception):
    """Why a case has not been run."""


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


class K3s:
    def __init__(self):
        folder = os.environ.get("K3SEED_REAL_K3S")
        self.is_real = bool(folder)
        lab = pathlib.Path(os.environ["K3SEED_LAB"])
        # Its last part is in the address that the lab's payloads have.
        self.mirror = pathlib.Path(folder).resolve() if folder else lab / "mirror"
        releases = sorted(
            self.mirror.glob("v*/k3s"), key=lambda path: [int(n) for n in re.findall(r"\d+", path.parent.name)]
        )
        if not releases:
            raise SystemExit(f"nodes: {self.mirror} has no release of K3s: <version>/k3s and <version>/install.sh")
        self.version = releases[0].parent.name
        self.next = releases[1].parent.name if len(releases) > 1 else None
        self.name = f"K3s {self.version}" if self.is_real else "the stand-in for K3s"
        self.settings = self._settings(releases[0].parent) if self.is_real else self._of_lab(lab)

    @staticmethod
    def _of_lab(lab):
        """Without the address of a single server in QEMU's user network."""
        lines = (lab / "k3seed.yaml").read_text().splitlines(True)
        return "".join(line for line in lines if not line.startswith("server_private_ip:"))

    def _settings(self, release):
        lines = [
            "platform: nocloud",
            f"k3s_version: {self.version}",
            'k3s_mirrors: ["http://10.0.2.100/mirror"]',
            "k3s_sha256:",
        ]
        lines += [f"  amd64: {sha256(release / 'k3s')}", f'  arm64: "{NOTHING}"']
        lines += [f"  install_script: {sha256(release / 'install.sh')}"]
        if (release / IMAGES).exists():
            lines += ["k3s_airgap_sha256:", f"  amd64: {sha256(release / IMAGES)}", f'  arm64: "{NOTHING}"']
        return "\n".join(lines) + "\n"

    def only_stand_in(self, why):
        """Ends a case that a real K3s has no part in."""
        if self.is_real:
            raise Skipped(why)
