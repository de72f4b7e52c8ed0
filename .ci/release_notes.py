"""What changed for operators since the last release: parameters, grants, payload."""

import re

import template


def parameters(text):
    """Each parameter with its default."""
    found = template.read(text)["Parameters"]
    return {f"`{name}`": f"`{of['Default']}`" if str(of.get("Default", "")) else "empty" for name, of in found.items()}


def listed(value):
    return value if isinstance(value, list) else [value]


def words(value):
    """A resource or a condition, in short."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {words(of)}" for key, of in value.items())
    if isinstance(value, list):
        return ", ".join(map(words, value))
    return str(value)


def grants(text):
    """Each action of each role, with the resources and conditions that it has."""
    found = {}
    for role, of in template.of_type(template.read(text), "AWS::IAM::Role").items():
        for policy in of["Properties"].get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                condition, inner = "", statement
                if "Fn::If" in statement:
                    condition, inner = f" if {statement['Fn::If'][0]}", statement["Fn::If"][1]
                more = words(inner["Resource"]) + (f", {words(inner['Condition'])}" if "Condition" in inner else "")
                for action in listed(inner["Action"]):
                    found.setdefault(f"{role}: `{action}`", set()).add(more + condition)
    return {name: "; ".join(sorted(on)) for name, on in found.items()}


def payload(page):
    """Each field of the payload with the step that adds it, from the table in the documentation."""
    table = re.search(r"(?m)^\| field \| from step \|.*\n\|[-|]+\n((?:\|.*\n)+)", page)
    rows = table[1].splitlines() if table else []
    return {row.split("|")[1].strip(): f"step {row.split('|')[2].strip()}" for row in rows}


def difference(before, after):
    """Lines for what is new, gone or other."""
    lines = [f"- new: {name} ({after[name]})" for name in after if name not in before]
    lines += [f"- gone: {name}" for name in before if name not in after]
    lines += [f"- changed: {name}: now {after[name]}, before {before[name]}"
              for name in after if name in before and after[name] != before[name]]
    return lines


def changes(before, after):
    """The section of the notes. Each of the two is a template and the page that has the payload."""
    lines = []
    for title, read, index in [("Parameters", parameters, 0), ("Permissions", grants, 0), ("Payload", payload, 1)]:
        found = difference(read(before[index]), read(after[index]))
        lines += [f"### {title}", "", *found, ""] if found else []
    return lines or ["Parameters, permissions and payload are as they were.", ""]
