"""A stand-in for a cloud's Terraform provider, for checking a configuration without that cloud.

It knows which arguments there are, of which type, and which must be given (NAME_schema.json, see provider_schema.py), and so
finds what the real provider's schema would refuse. It makes nothing: what the cloud would choose (identifiers, addresses)
it makes up, and what the cloud would refuse for another reason it lets pass.
"""

import json
import pathlib
import sys

from tf.blocks import SetNestedBlock
from tf.gen import tfplugin_pb2 as pb
from tf.iface import DataSource, Provider, Resource
from tf.runner import run_provider
from tf.schema import Attribute, Block, Schema
from tf.types import TfType


class Type(TfType):
    """A type in Terraform's own words, whose values are handed on."""

    def __init__(self, words):
        self.words = words

    def encode(self, value):
        return value

    def decode(self, value):
        return value

    def tf_type(self):
        return json.dumps(self.words).encode()


class Nested(SetNestedBlock):
    """A list of blocks."""

    def __init__(self, name, schema):
        super().__init__(name, Block(attributes(schema), blocks(schema)))
        self.schema = schema

    def to_pb(self):
        return pb.Schema.NestedBlock(
            type_name=self.type_name,
            block=self.block.to_pb(),
            min_items=self.schema["min"],
            max_items=self.schema["max"],
            nesting=pb.Schema.NestedBlock.NestingMode.LIST,
        )

    def semantically_equal(self, one, other):
        return one == other


def attributes(schema):
    return [Attribute(name, Type(kind), **{mode: True}) for name, (kind, mode) in schema["attributes"].items()]


def blocks(schema):
    return [Nested(name, inner) for name, inner in schema["blocks"].items()]


def schemas(name):
    return json.loads(pathlib.Path(__file__).with_name(f"{name}_schema.json").read_text())


def run(source, identifier, chosen, found, refreshed=lambda name: {}):
    """Serves the provider until Terraform ends it.

    - source: its address, such as oracle/oci.
    - identifier: a new identifier for a resource of this type.
    - chosen: what the cloud would choose, by type and attribute, from what was planned.
    - found: what its data sources find, by type: the attributes, from what was asked for.
    - refreshed: what has changed since, by type.
    """
    provider_name = source.split("/")[1]
    known = schemas(provider_name)

    def described(name, schema):
        class Described:
            def __init__(self, provider):
                pass

            @classmethod
            def get_name(cls):
                return name.removeprefix(provider_name)

            @classmethod
            def get_schema(cls):
                return Schema(attributes(schema), version=0, block_types=blocks(schema))

        return Described

    def resource(name, schema):
        class CloudResource(described(name, schema), Resource):
            def create(self, context, planned):
                choices = {"id": lambda state: identifier(name), **chosen.get(name, {})}
                computed = {key for key, (_, mode) in schema["attributes"].items() if mode == "computed"}
                return {
                    key: choices[key](planned) if key in choices else None if key in computed else value
                    for key, value in planned.items()
                }

            def read(self, context, current):
                return {**current, **refreshed(name)}

            def update(self, context, current, planned):
                return planned

            def delete(self, context, current):
                pass

        return CloudResource

    def data_source(name, schema):
        class CloudDataSource(described(name, schema), DataSource):
            def read(self, context, config):
                return {**config, "id": "example", **found[name](config)}

        return CloudDataSource

    class Cloud(Provider):
        def get_model_prefix(self):
            return provider_name

        def get_provider_schema(self, diagnostics):
            return Schema(attributes(known["provider"]), block_types=blocks(known["provider"]))

        def full_name(self):
            return f"registry.terraform.io/{source}"

        def validate_config(self, diagnostics, config):
            pass

        def configure_provider(self, diagnostics, config):
            pass

        def get_data_sources(self):
            return [data_source(*item) for item in known["data_sources"].items()]

        def get_resources(self):
            return [resource(*item) for item in known["resources"].items()]

    run_provider(Cloud(), sys.argv)
