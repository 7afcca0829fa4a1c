"""Says what YAML 1.1 and YAML 1.2 make of each plain scalar, as [what 1.1 makes of it, what 1.2 does].

For 1.1 PyYAML is asked; the core schema of 1.2 is written from section 10.3.2 of its specification.
"""

import json
import re
import sys

import yaml

LOADER = yaml.SafeLoader("")


def typed(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"bool {value}".lower()
    if isinstance(value, (int, float)):
        return f"number {float(value) + 0!r}"
    return f"string {value}" if isinstance(value, str) else f"other {value}"


def yaml11(text):
    tag = LOADER.resolve(yaml.ScalarNode, text, (True, False))
    try:
        return typed(LOADER.construct_object(yaml.ScalarNode(tag, text)))
    except Exception as error:
        return f"error {error}"


def yaml12(text):
    if re.fullmatch(r"null|Null|NULL|~|", text):
        return typed(None)
    if re.fullmatch(r"true|True|TRUE|false|False|FALSE", text):
        return typed(text.lower() == "true")
    if re.fullmatch(r"[-+]?[0-9]+", text):
        return typed(int(text))
    if re.fullmatch(r"0o[0-7]+", text):
        return typed(int(text[2:], 8))
    if re.fullmatch(r"0x[0-9a-fA-F]+", text):
        return typed(int(text, 16))
    if re.fullmatch(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", text):
        return typed(float(text))
    if re.fullmatch(r"[-+]?(\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN", text):
        return f"number {text}"
    return typed(text)


json.dump([[yaml11(text), yaml12(text)] for text in json.load(sys.stdin)], sys.stdout)
