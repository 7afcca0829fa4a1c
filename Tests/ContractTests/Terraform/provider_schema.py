"""Writes NAME_schema.json: what a cloud's provider takes and gives, for the resources and data sources of our example.

    pip download --no-deps pulumi-oci==5.5.0 && python provider_schema.py oci pulumi_oci-*.whl >oci_schema.json

The Python packages pulumi-oci, pulumi-aws and pulumi-hcloud are generated from the providers' own schemas: their classes name
every argument, with type and whether it must be given. What is lost there stands below: names that Pulumi would make up
where they are left out, and the singular of blocks. An object where the provider has a list of at most one is such a
block here again.
"""

import ast
import json
import re
import sys
import zipfile

# For each provider its resources and data sources, as module/Class of the package, with the provider's own name after
# "=" where that differs; which resources need a name; and whether the provider has its blocks in the singular, of which
# Pulumi makes the plural.
PROVIDERS = {
    "oci": {
        "resources": """
            bastion/Bastion core/DefaultSecurityList core/Instance core/InternetGateway core/NetworkSecurityGroup
            core/NetworkSecurityGroupSecurityRule core/PublicIp core/RouteTable core/RouteTableAttachment
            core/ServiceGateway core/Subnet core/Vcn identity/DynamicGroup identity/Policy kms/Key kms/Vault
            networkloadbalancer/Listener=network_load_balancer_listener
            networkloadbalancer/NetworkLoadBalancer=network_load_balancer_network_load_balancer
            networkloadbalancer/NetworkLoadBalancersBackendSetsUnified=network_load_balancer_network_load_balancers_backend_sets_unified
            vault/Secret
        """,
        "data_sources": "core/Images core/PrivateIps core/Services core/Shapes identity/AvailabilityDomains",
        "named": """
            identity_dynamic_group identity_policy network_load_balancer_listener
            network_load_balancer_network_load_balancers_backend_sets_unified
        """,
        "singular": False,
    },
    "aws": {
        "resources": """
            ec2/Eip=eip ec2/Instance=instance ec2/InternetGateway=internet_gateway ec2/KeyPair=key_pair ec2/Route=route
            ec2/RouteTable=route_table ec2/RouteTableAssociation=route_table_association
            ec2/SecurityGroup=security_group ec2/Subnet=subnet ec2/Vpc=vpc
            lb/Listener=lb_listener lb/LoadBalancer=lb lb/TargetGroup=lb_target_group
            lb/TargetGroupAttachment=lb_target_group_attachment
            vpc/SecurityGroupEgressRule=vpc_security_group_egress_rule
            vpc/SecurityGroupIngressRule=vpc_security_group_ingress_rule
        """,
        "data_sources": "ec2/Ami=ami AvailabilityZones=availability_zones",
        "named": "",
        "singular": True,
    },
    "hcloud": {
        "resources": """
            Firewall LoadBalancer LoadBalancerNetwork LoadBalancerService LoadBalancerTarget Network NetworkSubnet
            PlacementGroup PrimaryIp Server SshKey
        """,
        "data_sources": "",
        "named": "firewall load_balancer network placement_group primary_ip server ssh_key",
        "singular": True,
    },
}
SCALARS = {"str": "string", "bool": "bool", "int": "number", "float": "number"}
# Lists that Pulumi puts into the plural, and the provider has in the singular.
RENAMED = {"client_cidr_block_allow_lists": "client_cidr_block_allow_list"}
FILTER = {"name": ["string", "required"], "values": [["list", "string"], "required"]}

provider, archive = sys.argv[1:]
settings = PROVIDERS[provider]
wheel = zipfile.ZipFile(archive)


def classes(path):
    module = ast.parse(wheel.read(f"pulumi_{provider}/{path}.py"))
    return {node.name: node for node in module.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}


def snake(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def parts(spec):
    """The module's folder with a slash after it, the class, and the provider's name for it."""
    spec, _, title = spec.partition("=")
    folder, _, name = spec.rpartition("/")
    return folder + "/" if folder else "", name, title or "_".join(filter(None, [folder, snake(name)]))


def arguments(cls):
    """Name, annotation and whether it must be given, of each keyword of the class's initialiser."""
    for node in cls.body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            for word, default in zip(node.args.kwonlyargs, node.args.kw_defaults):
                yield word.arg, ast.unparse(word.annotation), default is None


def attribute(annotation):
    """The type in Terraform's words; None where it holds objects."""
    scalar = next((SCALARS[word] for word in re.findall(r"_builtins\.(\w+)", annotation)[-1:]), None)
    if "Args'" in annotation or "outputs." in annotation or scalar is None:
        return None
    if "Mapping[" in annotation:
        return ["map", scalar]
    return ["list", scalar] if "Sequence[" in annotation else scalar


def block(words, nested):
    found = {"attributes": {}, "blocks": {}}
    for name, annotation, required in words:
        kind = attribute(annotation)
        if kind is not None:
            found["attributes"][RENAMED.get(name, name)] = [kind, "required" if required else "optional"]
            continue
        inner = next((nested[name] for name in re.findall(r"'(\w+Args)'", annotation) if name in nested), None)
        if inner is not None:
            one = "Sequence[" not in annotation
            plural = settings["singular"] and not one and not name.endswith("ss")
            title = name.removesuffix("s") if plural else name
            found["blocks"][title] = {"min": int(required), "max": int(one), **block(arguments(inner), nested)}
    return found


def resource(spec):
    folder, name, title = parts(spec)
    module = classes(f"{folder}{snake(name)}")
    # Init: where a block of another resource has the name already.
    words = module.get(f"{name}Args") or module[f"{name}InitArgs"]
    schema = block(arguments(words), classes(f"{folder}_inputs"))
    for output, annotation, _ in arguments(module[f"_{name}State"]):
        output = RENAMED.get(output, output)
        if output not in schema["attributes"] and output not in schema["blocks"] and attribute(annotation):
            schema["attributes"][output] = [attribute(annotation), "computed"]
    schema["attributes"]["id"] = ["string", "computed"]
    if title in settings["named"].split():
        schema["attributes"]["name"][1] = "required"
    return f"{provider}_{title}", schema


def data_source(spec):
    """An argument must be given if the result always has it; what is no argument is the result's."""
    folder, name, title = parts(spec)
    module = classes(f"{folder}get_{snake(name)}")
    given = {word.arg for word in module[f"get_{snake(name)}"].args.args}
    returns = {
        node.name: ast.unparse(node.returns)
        for node in module[f"Get{name}Result"].body
        if isinstance(node, ast.FunctionDef) and node.returns
    }
    attributes = {"id": ["string", "computed"]}
    for output, annotation in returns.items():
        found = re.search(r"Sequence\['outputs\.(\w+)'\]", annotation)
        if found and output != "filters":
            results = classes(f"{folder}outputs")
            fields = {field: attribute(kind) for field, kind, _ in arguments(results[found[1]])}
            fields = {field: kind for field, kind in fields.items() if kind}
            attributes[output] = [["list", ["object", fields]], "computed"]
        elif output != "id" and attribute(annotation):
            mode = "computed" if output not in given else "optional" if "Optional" in annotation else "required"
            # These AWS gives also where none were given.
            attributes[output] = [attribute(annotation), "optional" if output in ("region", "tags") else mode]
    words = FILTER | ({"regex": ["bool", "optional"]} if provider == "oci" else {})
    blocks = {"filter": {"min": 0, "max": 0, "attributes": words, "blocks": {}}}
    return f"{provider}_{title}", {"attributes": attributes, "blocks": blocks}


own = classes("_inputs") if f"pulumi_{provider}/_inputs.py" in wheel.namelist() else {}
# AWS's endpoints are one for each of its services, and we give none.
words = (word for word in arguments(classes("provider")["ProviderArgs"]) if word[0] != "endpoints")
schemas = {
    "provider": block(words, own),
    "resources": dict(resource(spec) for spec in settings["resources"].split()),
    "data_sources": dict(data_source(spec) for spec in settings["data_sources"].split()),
}
print(f'{{"from": {json.dumps(archive.rsplit("/", 1)[-1])},')
print(f'"provider": {json.dumps(schemas["provider"], sort_keys=True)},')
for kind in ("resources", "data_sources"):
    lines = [f"{json.dumps(name)}: {json.dumps(schema, sort_keys=True)}" for name, schema in schemas[kind].items()]
    print(f'"{kind}": {{\n' + ",\n".join(lines) + ("\n}," if kind == "resources" else "\n}}"))
