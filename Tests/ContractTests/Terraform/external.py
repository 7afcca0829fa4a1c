"""A stand-in for the Terraform provider hashicorp/external, for machines that cannot download the real one.

It follows that provider's documentation (docs/data-sources/external.md) and what its release 2.3 does where that says
nothing: a query without what is null, the program found on PATH and run without a shell in working_dir, a result of
strings only, standard error in the diagnostic, standard output passed over where the exit code is not 0. The titles
of its diagnostics are the provider's; their text is its own. It has the data source only, not the resource of later
releases.
"""

import json
import os
import shutil
import subprocess
import sys

from tf.iface import DataSource, Provider
from tf.runner import run_provider
from tf.schema import Attribute, Schema
from tf.types import List, Map, String


class External(DataSource):
    def __init__(self, provider):
        pass

    @classmethod
    def get_name(cls):
        return ""

    @classmethod
    def get_schema(cls):
        return Schema(
            attributes=[
                Attribute("program", List(String()), required=True),
                Attribute("working_dir", String(), optional=True),
                Attribute("query", Map(String()), optional=True),
                Attribute("result", Map(String()), computed=True),
                Attribute("id", String(), computed=True),
            ]
        )

    def read(self, context, config):
        def fail(title, detail):
            context.diagnostics.add_error(title, detail, path=["program"])

        program = [word for word in config["program"] if word]
        if not program:
            return fail("External Program Missing", "program holds no word that is not empty.")
        # A path with a slash is taken as it is, from the working directory.
        path = program[0] if "/" in program[0] else shutil.which(program[0])
        if path is None or not os.access(os.path.join(config["working_dir"] or "", path), os.X_OK):
            return fail(
                "External Program Lookup Failed",
                f"The program is not on PATH, or cannot be run.\n\nProgram: {program[0]}",
            )
        query = {key: value for key, value in (config["query"] or {}).items() if value is not None}
        run = subprocess.run(
            [path, *program[1:]],
            input=json.dumps(query, sort_keys=True, separators=(",", ":")).encode(),
            capture_output=True,
            cwd=config["working_dir"] or None,
        )
        if run.returncode != 0:
            state = f"signal: {-run.returncode}" if run.returncode < 0 else f"exit status {run.returncode}"
            said = run.stderr.decode(errors="replace")
            told = f"Error Message: {said}" if said else "It wrote nothing to standard error."
            return fail(
                "External Program Execution Failed", f"The program failed.\n\nProgram: {path}\n{told}\nState: {state}"
            )
        try:
            result = strings(json.loads(run.stdout))
        except ValueError as error:
            return fail(
                "Unexpected External Program Results",
                f"The program has to write a JSON object whose values are strings.\n\nProgram: {path}\n"
                f"Result Error: {error}",
            )
        return {**config, "result": result, "id": "-"}


def strings(document):
    """The object, as Go reads it into a map of strings: null is the empty value, anything else but a string an error."""
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ValueError(f"cannot unmarshal {type(document).__name__} into a map of strings")
    for key, value in document.items():
        if not isinstance(value, str | None):
            raise ValueError(f"cannot unmarshal {type(value).__name__} into a string: {key}")
    return {key: value or "" for key, value in document.items()}


class ExternalProvider(Provider):
    def get_model_prefix(self):
        return "external"

    def get_provider_schema(self, diagnostics):
        return Schema()

    def full_name(self):
        return "registry.terraform.io/hashicorp/external"

    def validate_config(self, diagnostics, config):
        pass

    def configure_provider(self, diagnostics, config):
        pass

    def get_data_sources(self):
        return [External]

    def get_resources(self):
        return []


if __name__ == "__main__":
    run_provider(ExternalProvider(), sys.argv)
