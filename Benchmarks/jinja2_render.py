"""Prints a node's user-data from `terraform output -json` through a Jinja2 template, as a Python CLI would.

    jinja2_render.py outputs.json server

What k3seed is measured against; nothing else uses it. It checks nothing, so it does less than k3seed does.
"""

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
    first, *rest = file(name).splitlines()
    return "\n".join([first] + [line for line in rest if line.strip() and not line.lstrip().startswith("#")])


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
    sys.stdout.write(template.render(values, node=node, file=file, script=script))


main()
