"""Writes oci_schema.json: what oracle/oci takes and gives, for the resources and data sources of our example.

    pip download --no-deps pulumi-oci==5.5.0 && python oci_schema.py pulumi_oci-*.whl >oci_schema.json

The Python package pulumi-oci is generated from the provider's own schema: its classes name every argument, with type and
whether it must be given. Two things are lost there and stand below: names that Pulumi would make up where they are left
out, and the singular of `filter`. An object where the provider has a list of at most one is such a block here again.
"""

import ast
import json
import re
import sys
import zipfile

RESOURCES = """
core/DefaultSecurityList core/Instance core/InternetGateway core/NetworkSecurityGroup
core/NetworkSecurityGroupSecurityRule core/PublicIp core/RouteTable core/RouteTableAttachment core/ServiceGateway
core/Subnet core/Vcn identity/DynamicGroup identity/Policy kms/Key kms/Vault networkloadbalancer/Backend
networkloadbalancer/BackendSet networkloadbalancer/Listener networkloadbalancer/NetworkLoadBalancer vault/Secret
"""
DATA_SOURCES = "core/Images core/PrivateIps core/Services identity/AvailabilityDomains"
SERVICES = {"networkloadbalancer": "network_load_balancer"}
NAMED = {"oci_identity_dynamic_group", "oci_identity_policy"} | {
    f"oci_network_load_balancer_{kind}" for kind in ("backend_set", "listener")
}
SCALARS = {"str": "string", "bool": "bool", "int": "number", "float": "number"}

wheel = zipfile.ZipFile(sys.argv[1])


def classes(path):
    module = ast.parse(wheel.read(f"pulumi_oci/{path}.py"))
    return {node.name: node for node in module.body if isinstance(node, ast.ClassDef)}


def snake(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


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
            found["attributes"][name] = [kind, "required" if required else "optional"]
            continue
        inner = next((nested[name] for name in re.findall(r"'(\w+Args)'", annotation) if name in nested), None)
        if inner is not None:
            one = "Sequence[" not in annotation
            found["blocks"][name] = {"min": int(required), "max": int(one), **block(arguments(inner), nested)}
    return found


def resource(spec):
    service, name = spec.split("/")
    module = classes(f"{service}/{snake(name)}")
    schema = block(arguments(module[f"{name}Args"]), classes(f"{service}/_inputs"))
    for output, annotation, _ in arguments(module[f"_{name}State"]):
        if output not in schema["attributes"] and output not in schema["blocks"] and attribute(annotation):
            schema["attributes"][output] = [attribute(annotation), "computed"]
    schema["attributes"]["id"] = ["string", "computed"]
    title = f"oci_{SERVICES.get(service, service)}_{snake(name)}"
    if title in NAMED:
        schema["attributes"]["name"][1] = "required"
    return title, schema


def data_source(spec):
    """Its result is the one list of objects that it gives; an argument must be given if the result always has it."""
    service, name = spec.split("/")
    path = f"{service}/get_{snake(name)}"
    results = classes(f"{service}/outputs")
    returns = {
        node.name: ast.unparse(node.returns)
        for node in classes(path)[f"Get{name}Result"].body
        if isinstance(node, ast.FunctionDef) and node.returns
    }
    attributes = {"id": ["string", "computed"]}
    for output, annotation in returns.items():
        found = re.search(r"Sequence\['outputs\.(\w+)'\]", annotation)
        if found and output != "filters":
            fields = {field: attribute(kind) for field, kind, _ in arguments(results[found[1]])}
            fields = {field: kind for field, kind in fields.items() if kind}
            attributes[output] = [["list", ["object", fields]], "computed"]
        elif output != "id" and attribute(annotation):
            attributes[output] = [attribute(annotation), "optional" if "Optional" in annotation else "required"]
    filters = {
        "name": ["string", "required"],
        "values": [["list", "string"], "required"],
        "regex": ["bool", "optional"],
    }
    blocks = {"filter": {"min": 0, "max": 0, "attributes": filters, "blocks": {}}}
    return f"oci_{service}_{snake(name)}", {"attributes": attributes, "blocks": blocks}


schemas = {
    "provider": block(arguments(classes("provider")["ProviderArgs"]), {}),
    "resources": dict(resource(spec) for spec in RESOURCES.split()),
    "data_sources": dict(data_source(spec) for spec in DATA_SOURCES.split()),
}
print(f'{{"from": {json.dumps(wheel.filename.rsplit("/", 1)[-1])},')
print(f'"provider": {json.dumps(schemas["provider"], sort_keys=True)},')
for kind in ("resources", "data_sources"):
    lines = [f"{json.dumps(name)}: {json.dumps(schema, sort_keys=True)}" for name, schema in schemas[kind].items()]
    print(f'"{kind}": {{\n' + ",\n".join(lines) + ("\n}," if kind == "resources" else "\n}}"))
