"""Prints a node's user-data from `terraform output -json` through a Jinja2 template, as a Python CLI would.

    jinja2_render.py outputs.json server

What k3seed is measured against; nothing else uses it. It checks nothing, so it does less than k3seed does.
"""

import base64
import gzip
import json
import pathlib
import sys

import jinja2

HERE = pathlib.Path(__file__).resolve().parent
TEMPLATES = HERE.parent / "templates"


def file(name):
    return (TEMPLATES / name).read_text().rstrip("\n")


def script(name):
    """A shell script without its comment lines and blank lines."""
    lines = file(name).splitlines()
    kept = [line for line in lines if line.strip() and not line.lstrip().startswith("#") or line.startswith("#!")]
    return "\n".join(kept) + "\n"


def compressed(text):
    """A text as `encoding: gz+b64` of write_files has it."""
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def bootstrap():
    """The bootstrap, its parts one after another."""
    return compressed("".join(script(f"guest/{part}.sh") for part in ["bootstrap", "firewall", "vault", "engine"]))


def packed(name):
    """A file beside this one."""
    return compressed((HERE / name).read_text())


def main():
    path, node = sys.argv[1:]
    with open(path, encoding="utf-8") as outputs:
        values = {name: output["value"] for name, output in json.load(outputs).items()}
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        keep_trailing_newline=True,
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    template = environment.get_template(values["nodes"][node]["role"] + ".yaml.j2")
    sys.stdout.write(template.render(values, node=node, file=file, bootstrap=bootstrap, packed=packed))


if __name__ == "__main__":
    main()
