"""The stand-in for oracle/oci; see cloud.py.

SECRET_VERSION is the version number of every Vault secret that is read, as if someone had put values there. The shape
VM.Standard.E2.1.Micro is in the second availability domain only.
"""

import hashlib
import os
import uuid

import cloud

REGION = "eu-frankfurt-1"
DOMAINS = [f"exmp:EU-FRANKFURT-1-AD-{number}" for number in (1, 2, 3)]
SERVICES = "All FRA Services In Oracle Services Network"


def ocid(kind):
    # A vault's has one part more than others.
    parts = ["ocid1", kind, "oc1", REGION] + (["example"] if kind == "vault" else [])
    return ".".join([*parts, "example" + uuid.uuid4().hex])


def version():
    return os.environ.get("SECRET_VERSION", "1")


def vnic(state):
    [details] = state["create_vnic_details"]
    return details


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


def objects(name, *fields):
    """The one list of objects that a data source of Oracle gives, with null for what is not made up."""
    kinds = cloud.schemas("oci")["data_sources"][name]["attributes"]
    [(output, keys)] = [
        (output, kind[1][1]) for output, (kind, _) in kinds.items() if kind[0] == "list" and kind[1][0] == "object"
    ]
    return {output: [{key: made.get(key) for key in keys} for made in fields]}


def images(config):
    identifier = ocid("image") + hashlib.sha256(config["shape"].encode()).hexdigest()[:8]
    return objects("oci_core_images", {"id": identifier})


def private_ips(config):
    # The same for the same address, as Oracle has it while the machine is there.
    identifier = "ocid1.privateip.oc1.example" + config["ip_address"].replace(".", "-")
    return objects("oci_core_private_ips", {"id": identifier})


def services(config):
    block = "all-fra-services-in-oracle-services-network"
    return objects("oci_core_services", {"id": "ocid1.service.oc1.example", "name": SERVICES, "cidr_block": block})


def shapes(config):
    names = ["VM.Standard.A1.Flex"]
    if config["availability_domain"] in (None, DOMAINS[1]):
        names.append("VM.Standard.E2.1.Micro")
    return objects("oci_core_shapes", *({"name": name} for name in names))


def domains(config):
    return objects("oci_identity_availability_domains", *({"id": name, "name": name} for name in DOMAINS))


FOUND = {
    "oci_core_images": images,
    "oci_core_private_ips": private_ips,
    "oci_core_services": services,
    "oci_core_shapes": shapes,
    "oci_identity_availability_domains": domains,
}

if __name__ == "__main__":
    cloud.run(
        "oracle/oci",
        identifier=lambda name: ocid(name.split("_", 2)[2].replace("_", "")),
        chosen=CHOSEN,
        found=FOUND,
        refreshed=lambda name: {"current_version_number": version()} if name == "oci_vault_secret" else {},
    )
