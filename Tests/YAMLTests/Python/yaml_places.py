"""Says where each node of each text stands: [line, column, then what it holds], a pair for each entry of a mapping."""

import json
import sys

import yaml


def place(node):
    here = [node.start_mark.line + 1, node.start_mark.column + 1]
    if isinstance(node, yaml.MappingNode):
        return here + [[place(key), place(value)] for key, value in node.value]
    if isinstance(node, yaml.SequenceNode):
        return here + [place(item) for item in node.value]
    return here


json.dump([place(yaml.compose(text, yaml.SafeLoader)) for text in json.load(sys.stdin)], sys.stdout)
