"""Reads texts with every YAML reader there is, each nested document as often as is asked for.

Standard input is {"levels": number, "texts": [text, …]}, standard output {reader: [value, …]}.
"""

import json
import sys

import yaml

READERS = {"PyYAML": lambda text: yaml.load(text, yaml.SafeLoader)}
if yaml.__with_libyaml__:
    READERS["PyYAML with libyaml"] = lambda text: yaml.load(text, yaml.CSafeLoader)
try:
    import ruamel.yaml

    READERS["ruamel.yaml"] = lambda text: ruamel.yaml.YAML(typ="safe", pure=True).load(text)
except ImportError:
    pass


def read(load, text, levels):
    value = load(text)
    return read(load, value["document"], levels - 1) if levels else value


request = json.load(sys.stdin)
json.dump(
    {name: [read(load, text, request["levels"]) for text in request["texts"]] for name, load in READERS.items()},
    sys.stdout,
)
