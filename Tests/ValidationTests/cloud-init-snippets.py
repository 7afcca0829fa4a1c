"""Takes the cloud-configs out of cloud-init's own tests of its schema, and says which of them the schema refuses.

    python3 cloud-init-snippets.py CHECKOUT

CHECKOUT is a checkout of cloud-init; its code is the judge. Standard output is JSON: a list of {where, text, ok}.
"""

import ast
import glob
import json
import os
import re
import sys
import textwrap

import yaml

checkout = sys.argv[1]
sys.path.insert(0, checkout)
sys.dont_write_bytecode = True

from cloudinit.config import schema as judge  # noqa: E402

SCHEMA = judge.get_schema()


class Unknown:
    """Stands for what a test's argument needs and its cloud-config does not: marks, errors that are expected."""

    def __getattr__(self, name):
        return Unknown()

    def __call__(self, *arguments, **options):
        return Unknown()

    def __getitem__(self, key):
        return Unknown()

    def __or__(self, other):
        return Unknown()


NAMES = {"textwrap": textwrap, "dedent": textwrap.dedent, "re": re}
NAMES |= {name: Unknown() for name in ("pytest", "does_not_raise", "mock", "SchemaValidationError")}


def evaluated(node, names):
    return eval(compile(ast.Expression(node), "test", "eval"), names)


def configs(function, names):
    """The values of the parameter called config, or like it, of a test that is run with several."""
    for mark in function.decorator_list:
        if not (isinstance(mark, ast.Call) and ast.unparse(mark.func).endswith("parametrize")):
            continue
        parameters = evaluated(mark.args[0], names)
        if isinstance(parameters, str):
            parameters = [name.strip() for name in parameters.split(",") if name.strip()]
        column = next((index for index, name in enumerate(parameters) if "config" in name), None)
        if column is None or not isinstance(mark.args[1], (ast.List, ast.Tuple)):
            continue
        for row in mark.args[1].elts:
            if isinstance(row, ast.Call) and ast.unparse(row.func).endswith("param"):
                cells = row.args
            else:
                cells = row.elts if isinstance(row, (ast.Tuple, ast.List)) else [row]
            if column >= len(cells):
                continue
            try:
                value = evaluated(cells[column], names)
            except Exception:  # What cannot be had without running the test is left out.
                continue
            if isinstance(value, dict):
                value = yaml.safe_dump(value, sort_keys=False)
            if isinstance(value, str):
                yield row.lineno, value


def is_accepted(text):
    """Whether the schema accepts a cloud-config; None where it is none. What is deprecated is accepted."""
    try:
        config = yaml.safe_load(text)
    except Exception:
        return None
    if not isinstance(config, dict):
        return None
    try:
        judge.validate_cloudconfig_schema(config, SCHEMA, strict=True)
    except judge.SchemaValidationError as error:
        return not error.schema_errors
    return True


found = {}
for path in sorted(glob.glob(os.path.join(checkout, "tests/unittests/config/*.py"))):
    with open(path, encoding="utf-8") as file:
        tree = ast.parse(file.read())
    names = dict(NAMES)
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            try:
                exec(compile(ast.Module([statement], []), path, "exec"), names)
            except Exception:
                pass
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        if "validate_cloudconfig_schema" not in ast.unparse(function):
            continue
        for line, text in configs(function, names):
            ok = is_accepted(text)
            if ok is not None:
                found[text] = {"where": f"{os.path.basename(path)}:{line}", "text": text, "ok": ok}
json.dump(list(found.values()), sys.stdout)
