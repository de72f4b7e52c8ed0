"""README.md, RUNBOOK.md and docs/, as far as they speak of roles, commands and the picture. The Rust tests
(crates/simulation/tests/papers) hold them against the functions."""

import importlib
import json
import pathlib
import re
import shlex
import unittest

import botocore.session
import jmespath
from botocore import xform_name
from samtranslator.yaml_helper import yaml_parse

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PAPERS = {str(page.relative_to(ROOT)): page.read_text()
          for page in (*ROOT.glob("*.md"), *sorted((ROOT / "docs").glob("*.md")))}
RESOURCES = yaml_parse((ROOT / "template.yaml").read_text())["Resources"]


# ---- The table of what the functions may do ----


def listed(value):
    return value if isinstance(value, list) else [value]


def resource(step, value):
    """A statement's resource in the table's words."""
    if isinstance(value, dict):
        ((name, argument),) = value.items()
        if name == "Fn::GetAtt":
            target = argument[0] if isinstance(argument, list) else argument.split(".")[0]
            if target == f"Step{step}Logs":
                return "its own log group"
            return {f"Step{step + 1}Function": "the next step", "Step6Function": "step 6"}[target]
        if name == "Ref":
            return f"the key `{argument}`"
        if isinstance(argument, list):
            return "its own document"
        own = RESOURCES[f"Step{step}Function"]["Properties"]["FunctionName"]["Fn::Sub"]
        if argument.endswith(f":function:{own}"):
            return "itself"
        if "parameter${" in argument:
            return f"the parameter `{re.search(r'parameter.{2}(.*)}', argument)[1]}`"
        value = argument.rsplit(":", 1)[1]
    return f"`{value}`"


def where(statement):
    """A statement's condition in the table's words."""
    found = []
    for operator, keys in statement.get("Condition", {}).items():
        for key, value in keys.items():
            if operator == "Null":
                found.append(f"`{key}` {'absent' if value == 'true' else 'present'}")
                continue
            value = value["Ref"] if isinstance(value, dict) else ",".join(listed(value))
            found.append(f"`{key}={value}`")
    return "; ".join(found)


def granted():
    """Step, action, resource and condition of everything that the roles allow."""
    for step in range(1, 7):
        (policy,) = RESOURCES[f"Step{step}Role"]["Properties"]["Policies"]
        statements = [(statement, "") for statement in policy["PolicyDocument"]["Statement"]]
        in_subnets = RESOURCES["NetworkInterfaces"]["Properties"]["PolicyDocument"]["Statement"]
        statements += [(statement, "if `SubnetIds` is set") for statement in in_subnets]
        for statement, condition in statements:
            if "Fn::If" in statement:
                statement, condition = statement["Fn::If"][1], "if it is set"
            if statement["Effect"] == "Deny":
                continue
            words = "; ".join(filter(None, [condition, where(statement)])) or "–"
            for action in listed(statement["Action"]):
                for value in listed(statement["Resource"]):
                    yield str(step), action, resource(step, value), words


def told():
    """The same, as docs/permissions.md has it."""
    rows = re.search(r"(?m)^\| step \| action .*\n\|[-|]+\n((?:\|.*\n)+)", PAPERS["docs/permissions.md"])[1]
    for row in rows.splitlines():
        steps, actions, on, words, why = (cell.strip() for cell in row.strip("|").split(" | "))
        assert why, row
        for step in steps.split(", "):
            for action in re.findall(r"`([^`]+)`", actions):
                yield step, action, on, words


# ---- Commands ----


def commands(program):
    """Each command of this program in the papers, its words; continued lines are one."""
    for name, text in PAPERS.items():
        text = re.sub(r"\\\n\s*", " ", text)
        for line in text.splitlines():
            # A variable may stand before it.
            found = re.match(rf"\s+(?:\w+=\S+ )?{program} (.*)", line)
            if found:
                words = re.split(r" \| |;| #|\|$", found[1])[0]
                yield name, shlex.split(words.replace("…", "x"))


def words(text):
    """How many words one reads: the target of a link is none, nor is the border of a table."""
    return sum(re.search(r"\w", of) is not None for of in re.sub(r"\]\([^)]*\)", "]", text).split())


def options(words):
    return {word.split("=")[0] for word in words if word.startswith("--")}


# Those of the AWS CLI itself, and its own commands, which are no operations of the API.
GLOBAL = {"--query", "--output", "--cli-binary-format", "--region"}
OWN = {("logs", "tail"): {"--follow", "--since", "--format", "--filter-pattern", "--log-stream-name-prefix"}, ("ec2", "wait"): {"--volume-ids"}}


class Papers(unittest.TestCase):
    def test_the_table_of_the_roles(self):
        told_of, allowed = sorted(told()), sorted(granted())
        self.assertEqual(len(told_of), len(set(told_of)), "a row twice")
        self.assertEqual(sorted(set(told_of)), sorted(set(allowed)))

    def test_aws_commands_exist_with_their_options(self):
        session, seen = botocore.session.get_session(), 0
        for paper, (service, operation, *rest) in commands("aws"):
            seen += 1
            for query in (rest[i + 1] for i, word in enumerate(rest) if word == "--query"):
                jmespath.compile(query)
            if (service, operation) in OWN:
                known = OWN[service, operation]
            else:
                model = session.get_service_model(service)
                named = {xform_name(of, "-"): of for of in model.operation_names}
                self.assertIn(operation, named, f"{paper}: aws {service} {operation}")
                shape = model.operation_model(named[operation]).input_shape
                known = {f"--{xform_name(member, '-')}" for member in shape.members}
            self.assertLessEqual(options(rest) - GLOBAL, known, f"{paper}: {service} {operation}")
        self.assertGreater(seen, 15)

    def test_sam_commands_exist_with_their_options(self):
        seen = set()
        for paper, (name, *rest) in commands("sam"):
            command = importlib.import_module(f"samcli.commands.{name}.command").cli
            known = {option for of in command.params for option in of.opts}
            self.assertLessEqual(options(rest), known, f"{paper}: sam {name}")
            seen.add(name)
        self.assertEqual(seen, {"build", "deploy", "delete"})

    def test_make_targets_exist(self):
        targets = re.findall(r"(?m)^([a-z-]+):.*##", (ROOT / "Makefile").read_text() + (ROOT / "datadog/datadog.mk").read_text())
        for name, text in PAPERS.items():
            for target in re.findall(r"`make ([a-z-]+)|^ {4}make ([a-z-]+)", text):
                self.assertIn(target[0] or target[1], targets, name)

    def test_the_table_of_alarms(self):
        rows = re.search(r"(?m)^\| alarm \| when \|\n\|[-|]+\n((?:\|.*\n)+)", PAPERS["docs/results.md"])[1]
        named = re.findall(r"`<environment>([^`]+)`", rows)
        alarms = [of["Properties"]["AlarmName"]["Fn::Sub"].removeprefix("${Environment}")
                  for of in RESOURCES.values() if of["Type"] == "AWS::CloudWatch::Alarm"]
        self.assertEqual(sorted(named), sorted(alarms))
        for text in PAPERS.values():
            for name in re.findall(r"alarm `dev([^`]+)`", text):
                self.assertIn(name, alarms)

    def test_the_table_of_monitors(self):
        rows = re.search(r"(?m)^\| monitor \| alerts if .*\n\|[-|]+\n((?:\|.*\n)+)", PAPERS["docs/results.md"])[1]
        cells = [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows.splitlines()]
        told = {name.strip("`"): (int(priority), "every two hours" in what) for name, what, priority in cells}
        files = {file.stem: json.loads(file.read_text()) for file in (ROOT / "datadog/monitors").glob("*.json")}
        made = {name: (of["priority"], of["options"].get("renotify_interval") == 120) for name, of in files.items()}
        self.assertEqual(told, made)

    def test_the_tables_of_graphs_and_queries(self):
        def first_cells(head):
            table = re.search(rf"(?m)^\| {head} \|.*\n\|[-|]+\n((?:\|.*\n)+)", PAPERS["RUNBOOK.md"])
            return [row.split(" | ")[0].strip("| `") for row in table[1].splitlines()]

        dashboard = json.loads((ROOT / "datadog/dashboard.json").read_text())
        titles = [of["definition"].get("title", "").lower() for of in dashboard["widgets"]]
        for cell in first_cells("graph"):
            for graph in cell.lower().split(", "):
                self.assertTrue([of for of in titles if of.startswith(graph)], graph)
        for title in filter(None, titles):
            told = [cell for cell in first_cells("graph") if title.startswith(cell.lower())]
            self.assertTrue(told, f"the run book does not tell of {title}")
        queries = [of["Properties"]["Name"]["Fn::Sub"].replace("${Environment}", "dev")
                   for of in RESOURCES.values() if of["Type"] == "AWS::Logs::QueryDefinition"]
        self.assertEqual(sorted(first_cells("query")), sorted(queries))

    def test_the_first_right_action_is_found_within_a_minute(self):
        """From the top of the run book by its table to the first step, at 250 words a minute."""
        page = PAPERS["RUNBOOK.md"]
        lines, seen = page.splitlines(), {}
        for number, line in enumerate(lines):
            found = re.search(r"\[([^\]]+)\]\(#[\w-]+\) \|$", line)
            if found:
                section = page[re.search(rf"(?m)^#+ {re.escape(found[1])}$", page).start():]
                # The first step, or the first command where there are no steps.
                step = re.search(r"(?ms)\A.*?^(?:1\. .*?(?=^2\. |^#)|    aws .*?\n\n)", section)
                seen[found[1]] = words("\n".join(lines[:number + 1])) + words(step[0])
            if line.startswith("- ["):
                break
        self.assertGreater(len(seen), 8)
        self.assertEqual({name: count for name, count in seen.items() if count > 250}, {})

    def test_the_picture_names_the_functions_in_their_order(self):
        names = [of["Properties"]["FunctionName"]["Fn::Sub"].removeprefix("${Environment}-ib-backup-")
                 for of in RESOURCES.values() if of["Type"] == "AWS::Serverless::Function"]
        self.assertEqual(re.findall(r'\["(step-[^"]+)"\]', PAPERS["README.md"]), sorted(names))


if __name__ == "__main__":
    unittest.main()
