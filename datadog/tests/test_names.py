"""What dashboard and monitors speak of exists: metrics, their tags, and headings of the run book."""

import fnmatch
import json
import pathlib
import re
import unittest

FOLDER = pathlib.Path(__file__).resolve().parent.parent
ROOT = FOLDER.parent
CLIENT = ROOT / "crates/common/src/datadog"

# Of Datadog's integration with AWS, and what it tags them with.
FROM_AWS = {
    f"aws.lambda.{name}": {"functionname"}
    for name in ("errors", "duration", "duration.maximum", "invocations", "throttles")
}


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
    found = [(name, monitor["query"]) for name, monitor in monitors()]
    dashboard = json.loads((FOLDER / "dashboard.json").read_text())
    for widget in dashboard["widgets"]:
        for request in widget["definition"]["requests"]:
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
    keys = {variables()[of] if of[0] == "$" else of.partition(":")[0] for of in scope.split(",")}
    return metric, keys | set((groups or "").split(",")) - {""}


class Names(unittest.TestCase):
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
        event = (ROOT / "crates/common/src/event.rs").read_text()
        phases = re.findall(r'Self::\w+ => "(\w+)",', event)
        self.assertIn("release", phases)
        asked = [phase for _, query in queries() for phase in re.findall(r"phase:(\w+)", query)]
        self.assertGreater(len(asked), 0)
        self.assertLessEqual(set(asked), set(phases))

    def test_the_patterns_of_function_names_fit_the_functions(self):
        template = (ROOT / "template.yaml").read_text()
        ends = re.findall(r"FunctionName: !Sub \$\{Environment\}(\S+)", template)
        self.assertEqual(len(ends), 6)
        dashboard = (FOLDER / "dashboard.json").read_text()
        scopes = [scope for _, query in queries() for scope in re.findall(r"functionname:([^,}]+)", query)]
        patterns = scopes + re.findall(r'"([^"]*-step-\*)"', dashboard)
        self.assertGreaterEqual(len(patterns), 5)
        for pattern in patterns:
            for end in ends:
                names = [f"{environment}{end}" for environment in ("sand", "dev", "prod")]
                pattern = pattern.replace("<environment>", "dev")
                self.assertTrue(fnmatch.filter(names, pattern), f"{pattern}: {names}")

    def test_every_monitor_names_a_heading_of_the_run_book(self):
        headings = re.findall(r"(?m)^#+ (.+)$", (ROOT / "RUNBOOK.md").read_text())
        for name, monitor in monitors():
            named = re.findall(r'"([^"]+)" in RUNBOOK\.md', monitor["message"])
            self.assertEqual(len(named), 1, name)
            self.assertIn(named[0], headings, name)

    def test_thresholds_are_those_of_the_queries_and_of_the_stack(self):
        for name, monitor in monitors():
            number = float(monitor["query"].rsplit(" ", 1)[1])
            self.assertEqual(number, monitor["options"]["thresholds"]["critical"], name)
        template = (ROOT / "template.yaml").read_text()
        hours = re.search(r"SnapshotMaxAgeHours:\n(?: {4}.*\n)*? {4}Default: (\d+)", template)[1]
        too_old = dict(monitors())["too-old.json"]
        self.assertEqual(too_old["options"]["thresholds"]["critical"], int(hours) * 3600)
        patience = (ROOT / "crates/common/src/step.rs").read_text()
        test = re.search(r"TEST: Duration = Duration::from_hours\((\d+)\)", patience)[1]
        budget = re.search(r"TestBudgetSeconds:\n(?: {4}.*\n)*? {4}Default: (\d+)", template)[1]
        near = dict(monitors())["near-limit.json"]["options"]["thresholds"]["critical"]
        self.assertTrue(int(budget) < near < int(test) * 3600, near)


if __name__ == "__main__":
    unittest.main()
