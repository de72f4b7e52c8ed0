"""What dashboard and monitors speak of exists: metrics, their tags, and headings of the run book."""

import fnmatch
import json
import pathlib
import re
import sys
import unittest

FOLDER = pathlib.Path(__file__).resolve().parent.parent
ROOT = FOLDER.parent
CLIENT = ROOT / "crates/common/src/datadog"
sys.path.append(str(ROOT / ".ci"))

import template  # noqa: E402

# Of Datadog's integration with AWS, and what it tags them with.
FROM_AWS = {
    f"aws.lambda.{name}": {"functionname"}
    for name in ("errors", "duration", "duration.maximum", "invocations", "throttles")
} | {"aws.events.invocations": {"rulename"}}


METRIC = r"(?:avg|min|max|sum):[\w.]+\{[^}]*\}(?: by \{[^}]*\})?"


def sent():
    """Each metric that the functions send, with the keys of its tags, out of the client's code."""
    always = set(re.findall(r'format!\("(\w+):\{\}", ', (CLIENT.with_suffix(".rs")).read_text()))
    code = (CLIENT / "gauge.rs").read_text()
    gauges = re.findall(r'(?:Some\(format!\("(\w+):.*\n.*)?Self::of\(\s*"([\w.]+)"', code)
    assert len(always) == 2 and len(gauges) == code.count("Self::of("), (always, gauges)
    return {metric: always | ({own} - {""}) for own, metric in gauges}


def monitors():
    """Each file and its monitor."""
    files = sorted((FOLDER / "monitors").glob("*.json"))
    return [(file.name, json.loads(file.read_text())) for file in files]


def queries():
    """Each query with where it stands."""
    metric = [(name, of) for name, of in monitors() if of["type"] == "query alert"]
    # One that compares two queries has both.
    found = [(name, text) for name, of in metric for text in re.findall(METRIC, of["query"])]
    dashboard = json.loads((FOLDER / "dashboard.json").read_text())
    for widget in dashboard["widgets"]:
        for request in widget["definition"].get("requests", []):
            found += [(widget["definition"]["title"], of["query"]) for of in request["queries"]]
    return found


def variables():
    """The tag of each of the dashboard's variables."""
    dashboard = json.loads((FOLDER / "dashboard.json").read_text())
    return {"$" + of["name"]: of["prefix"] for of in dashboard["template_variables"]}


def parts(query):
    """A query's metric and the keys of all tags that it names."""
    found = re.search(r"(?:avg|min|max|sum):([\w.]+)\{([^}]*)\}(?: by \{([^}]*)\})?", query)
    metric, scope, groups = found.groups()
    keys = {variables()[of] if of[0] == "$" else of.lstrip("!").partition(":")[0] for of in scope.split(",")}
    return metric, keys | set((groups or "").split(",")) - {""}


class Names(unittest.TestCase):
    stack = template.read()
    functions = [name.removeprefix("${Environment}") for name in template.named(stack, template.FUNCTION, "FunctionName")]

    def test_every_metric_and_tag_is_sent(self):
        known = {**sent(), **FROM_AWS}
        asked = {}
        for where, query in queries():
            metric, keys = parts(query)
            self.assertIn(metric, known, where)
            self.assertLessEqual(keys, known[metric], f"{where}: {query}")
            asked[metric] = query
        self.assertLessEqual(sent().keys(), asked.keys(), "a metric that nothing shows")

    def test_every_phase_is_one(self):
        event = (ROOT / "crates/common/src/event/run.rs").read_text()
        phases = re.findall(r'Self::\w+ => "(\w+)",', event)
        self.assertIn("release", phases)
        asked = [phase for _, query in queries() for phase in re.findall(r"phase:(\w+)", query)]
        self.assertGreater(len(asked), 0)
        self.assertLessEqual(set(asked), set(phases))

    def test_the_patterns_of_function_names_fit_the_functions(self):
        self.assertEqual(len(self.functions), 6)
        dashboard = (FOLDER / "dashboard.json").read_text()
        scopes = [scope for _, query in queries() for scope in re.findall(r"functionname:([^,}]+)", query)]
        self.assertGreaterEqual(len(scopes), 5)
        for pattern in scopes:
            for end in self.functions:
                name = f"dev{end}"
                for placeholder in ("<environment>", "$env.value"):
                    pattern = pattern.replace(placeholder, "dev")
                self.assertTrue(fnmatch.fnmatchcase(name, pattern), f"{pattern}: {name}")

    def test_the_pattern_of_the_schedules_name_fits_the_rule(self):
        # CloudFormation calls it by the stack, and by what SAM calls the function's event.
        (event,) = self.stack["Resources"]["Step1Function"]["Properties"]["Events"]
        rule = f"ib-backup-dev-Step1Function{event}-1ABCDEFGHIJKL".lower()
        (scope,) = re.findall(r"rulename:([^}]+)", dict(monitors())["schedule.json"]["query"])
        self.assertTrue(fnmatch.fnmatchcase(rule, scope.replace("<stack>", "ib-backup-dev")), rule)

    def test_every_metric_has_a_unit_and_a_description_for_datadog(self):
        units = json.loads((FOLDER / "metrics.json").read_text())
        self.assertEqual(units.keys(), sent().keys())
        for name, of in units.items():
            self.assertEqual(of.get("unit") == "second", name.endswith("_seconds"), name)
            self.assertGreater(len(of["description"]), 10, name)

    def test_the_event_that_is_searched_for_is_the_one_that_is_sent(self):
        code = (ROOT / "crates/step6-await-result/src/error_event.rs").read_text()
        titles = re.findall(r'"(Infobright backup check: [^"]+)"', code)
        self.assertEqual(len(titles), 2)
        (words,) = re.findall(r'\\"([^"]+)\\"', dict(monitors())["event.json"]["query"])
        for title in titles:
            self.assertTrue(title.startswith(words), title)

    def test_every_monitor_names_a_heading_of_the_run_book_and_links_to_it(self):
        headings = re.findall(r"(?m)^#+ (.+)$", (ROOT / "RUNBOOK.md").read_text())
        for name, monitor in monitors():
            named = re.findall(r'"([^"]+)" in RUNBOOK\.md, <runbook>#([\w-]+)', monitor["message"])
            self.assertEqual(len(named), 1, name)
            ((heading, anchor),) = named
            self.assertIn(heading, headings, name)
            self.assertEqual(anchor, heading.lower().replace(" ", "-"), name)

    def test_links_lead_to_functions_of_the_stack(self):
        seen = [name for _, monitor in monitors()
                for name in re.findall(r"console\.aws\S+(?:functions/|lambda\$252F)<environment>([\w-]+)", monitor["message"])]
        self.assertLessEqual(set(seen), set(self.functions))
        self.assertEqual(len(seen), 3, seen)

    def test_thresholds_are_those_of_the_queries_and_of_the_stack(self):
        for name, monitor in monitors():
            number = float(monitor["query"].rsplit(" ", 1)[1])
            self.assertEqual(number, monitor["options"]["thresholds"]["critical"], name)
        hours = self.stack["Parameters"]["SnapshotMaxAgeHours"]["Default"]
        too_old = dict(monitors())["too-old.json"]
        self.assertEqual(too_old["options"]["thresholds"]["critical"], int(hours) * 3600)
        limits = (ROOT / "crates/common/src/polling.rs").read_text()
        test = re.search(r"TEST: Duration = Duration::from_hours\((\d+)\)", limits)[1]
        budget = self.stack["Parameters"]["TestBudgetSeconds"]["Default"]
        near = dict(monitors())["near-limit.json"]["options"]["thresholds"]["critical"]
        self.assertTrue(int(budget) < near < int(test) * 3600, near)


if __name__ == "__main__":
    unittest.main()
