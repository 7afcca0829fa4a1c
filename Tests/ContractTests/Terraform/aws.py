"""The stand-in for hashicorp/aws; see cloud.py."""

import uuid

import cloud

DOMAIN = "elb.eu-central-1.amazonaws.com"


def identifier(name):
    return name.removeprefix("aws_").replace("_", "-") + "-" + uuid.uuid4().hex[:17]


CHOSEN = {
    "aws_eip": {"public_ip": lambda state: "203.0.113.50", "allocation_id": lambda state: identifier("eipalloc")},
    "aws_instance": {"public_ip": lambda state: "203.0.113.51"},
    "aws_lb": {
        "arn": lambda state: "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/net/example",
        "dns_name": lambda state: f"{state['name']}-0123456789abcdef.{DOMAIN}",
    },
    "aws_lb_target_group": {
        "arn": lambda state: f"arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/{state['name']}",
    },
}

FOUND = {
    "aws_ami": lambda config: {"id": "ami-0123456789abcdef0"},
    "aws_availability_zones": lambda config: {"names": [f"eu-central-1{letter}" for letter in "abc"]},
}

if __name__ == "__main__":
    cloud.run("hashicorp/aws", identifier=identifier, chosen=CHOSEN, found=FOUND)
