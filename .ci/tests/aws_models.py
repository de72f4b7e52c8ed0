"""Requests and answers, as `simulate --record` writes them, against AWS's own service models, which botocore carries."""

import json
import re
import xml.etree.ElementTree as ET
from urllib.parse import parse_qsl, unquote

from botocore import parsers
from botocore.loaders import Loader
from botocore.model import ServiceModel

# Errors that every service of a JSON protocol may answer: AWS's "Common Errors", of which the models say nothing.
COMMON = {"ThrottlingException", "AccessDeniedException", "ValidationException", "InternalFailure", "ServiceUnavailable"}
LOADER = Loader()
SERVICES = {name: ServiceModel(LOADER.load_service_model(name, "service-2"), name) for name in ("ec2", "ssm", "lambda")}
# Of the query protocol, which has a text for everything.
READ = {"integer": int, "long": int, "float": float, "double": float}


def scalar(shape, text):
    """The value that a text of XML or of the query protocol stands for, or the text where it stands for none."""
    if shape.type_name == "boolean":
        return {"true": True, "false": False}.get(text, text)
    try:
        return READ.get(shape.type_name, str)(text)
    except ValueError:
        return text


# ---- Values against shapes ----


def faults(shape, value, where):
    """What of the value the shape does not allow."""
    check = {"structure": structure, "list": items, "map": pairs}.get(shape.type_name, leaf)
    return check(shape, value, where)


def structure(shape, value, where):
    if not isinstance(value, dict):
        return [f"{where}: {value!r} is no structure"]
    found = [f"{where}: {name} is missing" for name in shape.required_members if name not in value]
    for name, inner in value.items():
        if name in shape.members:
            found += faults(shape.members[name], inner, f"{where}.{name}")
        else:
            found.append(f"{where}: there is no {name}")
    return found


def items(shape, value, where):
    if not isinstance(value, list):
        return [f"{where}: {value!r} is no list"]
    inner = [fault for at, one in enumerate(value) for fault in faults(shape.member, one, f"{where}[{at}]")]
    return length(shape, len(value), where) + inner


def pairs(shape, value, where):
    if not isinstance(value, dict):
        return [f"{where}: {value!r} is no map"]
    found = length(shape, len(value), where)
    for key, inner in value.items():
        found += faults(shape.key, key, f"{where} key") + faults(shape.value, inner, f"{where}.{key}")
    return found


def length(shape, count, where):
    low, high = shape.metadata.get("min", 0), shape.metadata.get("max", float("inf"))
    return [] if low <= count <= high else [f"{where}: {count} where {low} to {high} are allowed"]


def leaf(shape, value, where):
    kind = shape.type_name
    wanted = {"string": str, "boolean": bool, "integer": int, "long": int, "float": (int, float), "double": (int, float),
              "timestamp": (str, int, float), "blob": str}[kind]
    if not isinstance(value, wanted) or (isinstance(value, bool) and kind != "boolean"):
        return [f"{where}: {value!r} is no {kind}"]
    if kind in ("integer", "long"):
        return [] if "min" not in shape.metadata and value < 0 else length(shape, value, where)
    if kind == "timestamp" and isinstance(value, str) and not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", value):
        return [f"{where}: {value!r} is no time"]
    if kind != "string":
        return []
    found = length(shape, len(value), where)
    pattern = shape.metadata.get("pattern")
    # SSM's own times, in milliseconds or empty, do not match its pattern.
    if pattern and shape.name != "StringDateTime" and not re.search(pattern, value):
        found.append(f"{where}: {value!r} does not match {pattern}")
    if shape.enum and value not in shape.enum:
        found.append(f"{where}: {value!r} is none of {shape.enum}")
    return found


# ---- What went over the wire, as values ----


def of_query(body):
    """The parameters of the EC2 query protocol as a tree: `Filter.1.Name=x` is {"Filter": {"1": {"Name": "x"}}}."""
    tree = {}
    for name, text in parse_qsl(body, keep_blank_values=True, strict_parsing=True):
        at, *path = tree, *name.split(".")
        for part in path[:-1]:
            at = at.setdefault(part, {})
        at[path[-1]] = text
    return tree


def queried(shape, tree):
    """That tree by the names of the model."""
    if shape.type_name == "list":
        numbers = sorted(tree, key=int) if isinstance(tree, dict) else []
        if numbers != [str(at + 1) for at in range(len(numbers))] or not numbers:
            return tree
        return [queried(shape.member, tree[number]) for number in numbers]
    if shape.type_name != "structure" or not isinstance(tree, dict):
        return scalar(shape, tree) if isinstance(tree, str) else tree
    names = {sent_as(name, member): name for name, member in shape.members.items()}
    return {names.get(sent, sent): queried(shape.members[names[sent]], inner) if sent in names else inner
            for sent, inner in tree.items()}


def sent_as(name, member):
    """A member's name in a request of EC2."""
    told = member.serialization
    if "queryName" in told:
        return told["queryName"]
    name = told.get("name", name)
    return name[0].upper() + name[1:]


def of_xml(shape, element):
    """An element of EC2's answer by the names of the model."""
    if shape.type_name == "list":
        return [of_xml(shape.member, inner) for inner in element]
    if shape.type_name != "structure":
        return scalar(shape, element.text or "")
    names = {member.serialization.get("name", name): name for name, member in shape.members.items()}
    value = {}
    for inner in element:
        tag = inner.tag.split("}")[-1]
        name = names.get(tag)
        value[name or tag] = of_xml(shape.members[name], inner) if name else inner.text
    return value


# ---- One request and its answer ----


def of_exchange(exchange):
    """What AWS's models say against it."""
    service = SERVICES[exchange["service"]]
    if exchange["action"] not in service.operation_names:
        return [f"{exchange['service']} has no {exchange['action']}"]
    operation = service.operation_model(exchange["action"])
    return in_request(operation, exchange["request"]) + in_answer(operation, exchange["answer"])


def in_request(operation, request):
    where, shape = f"{operation.name} asks", operation.input_shape
    protocol = operation.service_model.metadata["protocol"]
    if protocol == "ec2":
        tree = of_query(request["body"])
        version = operation.service_model.api_version
        named = [] if (tree.pop("Action"), tree.pop("Version")) == (operation.name, version) else [f"{where}: not {version}"]
        return named + faults(shape, queried(shape, tree), where)
    if protocol == "json":
        return faults(shape, json.loads(request["body"]), where)
    # Lambda: a path, headers, and the payload of Invoke as the body.
    names = {member.serialization["name"].lower(): name
             for name, member in shape.members.items() if member.serialization.get("location") == "header"}
    value = {names.get(name, name): text for name, text in request["headers"] if name != "content-type" and name.startswith("x-amz-")
             and name not in ("x-amz-date", "x-amz-user-agent")}
    pattern = re.escape(operation.http["requestUri"].split("?")[0]).replace(r"\{FunctionName\}", "([^/]+)")
    path = re.fullmatch(pattern, request["path"].split("?")[0])
    if not path:
        return [f"{where}: {request['path']} is not {operation.http['requestUri']}"]
    body = {"Payload": request["body"]} if "Payload" in shape.members else {}
    return faults(shape, {**value, **body, "FunctionName": unquote(path[1])}, where)


def in_answer(operation, answer):
    where, shape = f"{operation.name} answers", operation.output_shape
    protocol = operation.service_model.metadata["protocol"]
    wire = {"status_code": answer["status"], "headers": dict(answer["headers"]), "body": answer["body"].encode()}
    try:
        parsed = parsers.create_parser(protocol).parse(wire, shape)
    except (parsers.ResponseParserError, ValueError) as error:
        return [f"{where}: what botocore cannot read: {error}"]
    if answer["status"] >= 300:
        return in_error(operation, parsed, where)
    if protocol == "ec2":
        root = ET.fromstring(answer["body"])
        name = root.tag.split("}")[-1]
        if name != f"{operation.name}Response":
            return [f"{where}: with {name}"]
        for known in [inner for inner in root if inner.tag.split("}")[-1] == "requestId"]:
            root.remove(known)
        if shape is None:
            # `<return>true</return>`, of operations without an output.
            return [f"{where}: there is no {inner.tag}" for inner in root if inner.tag.split("}")[-1] != "return"]
        return faults(shape, of_xml(shape, root), where)
    if protocol == "json":
        return faults(shape, json.loads(answer["body"]), where)
    if operation.name == "Invoke":
        return faults(shape.members["StatusCode"], answer["status"], where)
    return faults(shape, json.loads(answer["body"]), where)


def in_error(operation, parsed, where):
    code = parsed.get("Error", {}).get("Code")
    if not code or not parsed["Error"].get("Message", "").strip():
        return [f"{where}: an error without a code or a message: {parsed.get('Error')}"]
    # EC2's model names no errors.
    known = {shape.metadata.get("error", {}).get("code", shape.name) for shape in operation.error_shapes}
    known |= {shape.name for shape in operation.error_shapes} | COMMON
    return [] if operation.service_model.metadata["protocol"] == "ec2" or code in known else [f"{where}: no error {code}"]
