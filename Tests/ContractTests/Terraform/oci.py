"""A stand-in for the Terraform provider oracle/oci, for checking a configuration without Oracle's cloud.

It knows which arguments there are, of which type, and which must be given (oci_schema.json, see oci_schema.py), and so
finds what the real provider's schema would refuse. It makes nothing: what Oracle would choose (identifiers, addresses)
it makes up, and what Oracle would refuse for another reason it lets pass.

SECRET_VERSION is the version number of every Vault secret that is read, as if someone had put values there.
"""

import hashlib
import json
import os
import pathlib
import sys
import uuid

from tf.blocks import SetNestedBlock
from tf.gen import tfplugin_pb2 as pb
from tf.iface import DataSource, Provider, Resource
from tf.runner import run_provider
from tf.schema import Attribute, Block, Schema
from tf.types import TfType

SCHEMA = json.loads(pathlib.Path(__file__).with_name("oci_schema.json").read_text())
REGION = "eu-frankfurt-1"


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


def ocid(kind, region=REGION):
    # A vault's has one part more than others.
    parts = ["ocid1", kind, "oc1", region] + (["example"] if kind == "vault" else [])
    return ".".join([*parts, "example" + uuid.uuid4().hex])


def version():
    return os.environ.get("SECRET_VERSION", "1")


def vnic(state):
    [details] = state["create_vnic_details"]
    return details


# What Oracle would choose, for those attributes that the example reads.
CHOSEN = {
    "oci_core_instance": {
        "private_ip": lambda state: vnic(state)["private_ip"],
        "public_ip": lambda state: "203.0.113.7" if vnic(state)["assign_public_ip"] == "true" else "",
    },
    "oci_core_public_ip": {"ip_address": lambda state: "203.0.113.41"},
    "oci_core_vcn": {"default_security_list_id": lambda state: ocid("securitylist")},
    "oci_kms_vault": {
        "id": lambda state: ocid("vault"),
        "management_endpoint": lambda state: f"https://example-management.kms.{REGION}.oraclecloud.com",
    },
    "oci_vault_secret": {
        "id": lambda state: ocid("vaultsecret"),
        "current_version_number": lambda state: version(),
    },
}

# And what its data sources find.
FOUND = {
    "images": lambda config: [ocid("image") + hashlib.sha256(config["shape"].encode()).hexdigest()[:8]],
    "private_ips": lambda config: ["ocid1.privateip.oc1.example" + config["ip_address"].replace(".", "-")],
    "services": lambda config: ["ocid1.service.oc1.example"],
    "availability_domains": lambda config: [f"ocid1.availabilitydomain.oc1..example{n}" for n in (1, 2, 3)],
}
NAMES = {"services": "All FRA Services In Oracle Services Network", "availability_domains": "exmp:EU-FRANKFURT-1-AD"}


def described(name, schema):
    class Described:
        def __init__(self, provider):
            pass

        @classmethod
        def get_name(cls):
            return name.removeprefix("oci")

        @classmethod
        def get_schema(cls):
            return Schema(attributes(schema), version=0, block_types=blocks(schema))

    return Described


def resource(name, schema):
    class OCIResource(described(name, schema), Resource):
        def create(self, context, planned):
            chosen = {"id": lambda state: ocid(name.split("_", 2)[2].replace("_", "")), **CHOSEN.get(name, {})}
            computed = {key for key, (_, mode) in schema["attributes"].items() if mode == "computed"}
            return {
                key: chosen[key](planned) if key in chosen else None if key in computed else value
                for key, value in planned.items()
            }

        def read(self, context, current):
            return {**current, "current_version_number": version()} if name == "oci_vault_secret" else current

        def update(self, context, current, planned):
            return planned

        def delete(self, context, current):
            pass

    return OCIResource


def data_source(name, schema):
    # Its list of objects, and what each has.
    [(output, fields)] = [
        (name, kind[1][1]) for name, (kind, _) in schema["attributes"].items() if kind[0] == "list" and kind[1][0] == "object"
    ]

    class OCIDataSource(described(name, schema), DataSource):
        def read(self, context, config):
            found = []
            for number, identifier in enumerate(FOUND[output](config), start=1):
                made = {"id": identifier, "name": NAMES.get(output, "") + (f"-{number}" if number > 1 else "")}
                made["cidr_block"] = "all-fra-services-in-oracle-services-network"
                found.append({field: made.get(field) for field in fields})
            return {**config, output: found, "id": "example"}

    return OCIDataSource


class OCI(Provider):
    def get_model_prefix(self):
        return "oci"

    def get_provider_schema(self, diagnostics):
        return Schema(attributes(SCHEMA["provider"]))

    def full_name(self):
        return "registry.terraform.io/oracle/oci"

    def validate_config(self, diagnostics, config):
        pass

    def configure_provider(self, diagnostics, config):
        pass

    def get_data_sources(self):
        return [data_source(*item) for item in SCHEMA["data_sources"].items()]

    def get_resources(self):
        return [resource(*item) for item in SCHEMA["resources"].items()]


if __name__ == "__main__":
    run_provider(OCI(), sys.argv)
