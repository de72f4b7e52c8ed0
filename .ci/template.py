"""Reads template.yaml. All of .ci/ and of datadog/tests goes through this; in Rust it is crates/aws-stand-in/src/template.rs.

It needs PyYAML and nothing else, so that make package can use it: SAM's own parser brings the whole SAM CLI along.
"""

import json
import pathlib
import re

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
FILE = ROOT / "template.yaml"
FUNCTION = "AWS::Serverless::Function"
TRANSFORM = "Fn::Transform"


class Refused(Exception):
    """What the template lacks, and what to do about it."""


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms: !Sub x is read as {"Fn::Sub": x}."""


def long_form(loader, name, node):
    """The value of a tag."""
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        # Its short form takes a dot, the long one a list.
        value = value.split(".", 1) if name == "GetAtt" else value
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


Loader.add_multi_constructor("!", long_form)


# ---- What it says ----


def read(text=None):
    """The template as Python's values, intrinsic functions in their long form: the project's own, or another's text."""
    return yaml.load(FILE.read_text(encoding="utf-8") if text is None else text, Loader)


def of_type(template, kind):
    """The resources of a type, by their logical id."""
    return {name: of for name, of in template["Resources"].items() if of["Type"] == kind}


def functions(template):
    """The six functions in the order of the chain, by their logical id."""
    return of_type(template, FUNCTION)


def named(template, kind, key):
    """What resources of a type are called, with ${Environment} in it."""
    return [of["Properties"][key]["Fn::Sub"] for of in of_type(template, kind).values()]


def variables(function):
    """The environment variables of a function."""
    return function["Properties"]["Environment"]["Variables"]


def exceptions(text):
    """The checks of checkov that a comment with a reason excepts the template from. YAML has no comments."""
    return re.findall(r"(?m)^ *# *checkov:skip=([A-Z0-9_]+): \S", text)


# ---- The same text with some of it changed ----


def child(node, key):
    """The node under a key or at an index, or None."""
    if isinstance(node, yaml.MappingNode):
        return next((value for name, value in node.value if name.value == key), None)
    return node.value[key] if isinstance(node, yaml.SequenceNode) and key < len(node.value) else None


def end(node):
    """Where a node's text ends. PyYAML has a block end where the next thing begins, behind comments."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style or not node.value:
        return node.end_mark.index
    last = node.value[-1]
    return end(last[1] if isinstance(node, yaml.MappingNode) else last)


def replaced(text, spans):
    """The text with other text from each start to its end."""
    for (start, stop), new in sorted(spans.items(), reverse=True):
        text = text[:start] + new + text[stop:]
    return text


def edited(text, changes):
    """The text with another value at each of these paths; comments and layout stay."""
    root, spans = yaml.compose(text, Loader), {}
    for path, new in changes.items():
        node = root
        for key in path:
            node = child(node, key)
            if node is None:
                raise Refused(f"template.yaml has no {'/'.join(map(str, path))}")
        spans[node.start_mark.index, end(node)] = new
    return replaced(text, spans)


def transforms(node):
    """Key and value of each Fn::Transform in a node."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == TRANSFORM:
                yield key, value
            else:
                yield from transforms(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from transforms(value)


def expanded(text, folder=ROOT):
    """The text with what each AWS::Include names in its place: scripts, under the key that runs them."""
    spans = {}
    for key, value in transforms(yaml.compose(text, Loader)):
        location = child(child(value, "Parameters"), "Location").value
        try:
            included = json.loads((folder / location).read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise Refused(f"template.yaml includes {location}, which is missing: make documents makes it") from error
        lines = []
        for name, scripts in included.items():
            lines.append(f"{name}:")
            for script in scripts:
                lines += ["  - |", *(f"    {line}" if line else "" for line in script.splitlines())]
        margin = " " * key.start_mark.column
        made = "\n".join(margin + line if line else "" for line in lines)
        spans[key.start_mark.index, end(value)] = made.removeprefix(margin)
    return replaced(text, spans)
