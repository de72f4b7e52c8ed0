"""make datadog, against a stand-in for Datadog."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from stand_in import API_KEY, APP_KEY, Datadog

FOLDER = pathlib.Path(__file__).resolve().parent.parent


class Apply(unittest.TestCase):
    def setUp(self):
        self.datadog = self.enterContext(Datadog())
        self.keys = {"DD_API_KEY": API_KEY, "DD_APP_KEY": APP_KEY, "DD_URL": self.datadog.url}
        copy = self.enterContext(tempfile.TemporaryDirectory())
        self.folder = pathlib.Path(copy) / "datadog"
        shutil.copytree(FOLDER, self.folder, ignore=shutil.ignore_patterns("tests"))

    def apply(self, *arguments, **environment):
        """Runs it: status, and all that it said."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith("DD_")}
        done = subprocess.run(
            [sys.executable, self.folder / "apply", "--notify=@me", *arguments],
            env={**clean, **self.keys, **environment},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )
        self.assertNotIn("Traceback", done.stdout)
        return done.returncode, done.stdout

    def edit(self, file, before, after):
        path = self.folder / file
        text = path.read_text()
        self.assertIn(before, text)
        path.write_text(text.replace(before, after))

    def test_makes_all_of_it_and_the_second_run_changes_nothing(self):
        status, said = self.apply("--environment=prod")
        self.assertEqual(status, 0, said)
        monitors = len(list(FOLDER.glob("monitors/*.json")))
        self.assertEqual(said.count("made  "), 1 + monitors, said)
        self.assertEqual((len(self.datadog.dashboards), len(self.datadog.monitors)), (1, monitors))
        for monitor in self.datadog.monitors.values():
            self.assertIn("prod", monitor["query"])
            self.assertNotRegex(str(monitor), "<(environment|source|notify|runbook|stack|region)>")
            self.assertTrue(monitor["message"].endswith("@me"), monitor["message"])
        changes = list(self.datadog.changes)
        status, said = self.apply("--environment=prod")
        self.assertEqual((status, said.count("as it should be")), (0, 1 + monitors), said)
        self.assertEqual(self.datadog.changes, changes)

    def test_environments_share_the_dashboard_and_nothing_else(self):
        self.apply("--environment=prod")
        first = dict(self.datadog.monitors)
        status, said = self.apply("--environment=dev")
        self.assertEqual(status, 0, said)
        self.assertIn("as it should be  dashboard.json", said)
        self.assertEqual(len(self.datadog.monitors), 2 * len(first))
        self.assertLessEqual(first.items(), self.datadog.monitors.items())

    def test_production_instances_of_an_environment_have_verdicts_of_their_own(self):
        self.apply("--environment=prod")
        status, said = self.apply("--environment=prod", "--source=IB-0002.example.com")
        self.assertEqual(status, 0, said)
        self.assertIn("as it should be  errors.json", said)
        self.assertNotIn("not from here", said)
        self.assert_has_monitors_of("ib-backup.us-east-1.code418.net", "ib-0002.example.com")

    def test_a_list_of_production_instances_gets_the_monitors_of_each(self):
        status, said = self.apply("--environment=prod", "--source=IB-0001.example.com IB-0002.example.com")
        self.assertEqual(status, 0, said)
        self.assert_has_monitors_of("ib-0001.example.com", "ib-0002.example.com")

    def assert_has_monitors_of(self, *sources):
        """Of each of them the same number, and of the environment each one once."""
        queries = [of["query"] for of in self.datadog.monitors.values()]
        self.assertEqual(len(queries), len(set(queries)))
        files = [json.loads(file.read_text()) for file in FOLDER.glob("monitors/*.json")]
        each = sum("<source>" in of["query"] for of in files)
        for source in sources:
            self.assertEqual(sum(f"source:{source}" in of for of in queries), each, source)
        self.assertEqual(len(queries), len(files) + (len(sources) - 1) * each)

    def test_puts_right_what_a_person_or_a_commit_changed_and_nothing_else(self):
        self.apply()
        monitor = next(of for of in self.datadog.monitors.values() if "too old" in of["name"])
        monitor["message"] = "edited by hand"
        dashboard = next(iter(self.datadog.dashboards.values()))
        dashboard["widgets"].pop()
        self.edit("monitors/slow.json", "1800", "2700")
        self.datadog.changes.clear()
        status, said = self.apply()
        self.assertEqual(status, 0, said)
        self.assertEqual(
            sorted(change.split(" (")[0] for change in self.datadog.changes),
            ["PUT dashboard"] + 2 * ["PUT monitor Infobright backup check"],
        )
        self.assertIn("RUNBOOK.md", self.datadog.monitors[monitor["id"]]["message"])
        self.assertEqual(self.apply()[1].count("changed"), 0)

    def test_dry_run_shows_the_difference_and_changes_nothing(self):
        self.apply()
        self.datadog.changes.clear()
        self.edit("monitors/slow.json", "1800", "2700")
        status, said = self.apply("--dry-run")
        self.assertEqual(status, 0, said)
        self.assertRegex(said, r'(?m)^- +"critical": 1800.0$')
        self.assertRegex(said, r'(?m)^\+ +"critical": 2700$')
        self.assertIn("would be changed  slow.json", said)
        self.assertEqual(self.datadog.changes, [])

    def test_what_is_not_from_here_is_named_and_kept(self):
        self.apply()
        (self.folder / "monitors/slow.json").unlink()
        status, said = self.apply()
        self.assertEqual(status, 0, said)
        self.assertRegex(said, r"not from here    monitor \d+ `.*longer than usual`")

    def test_twins_are_refused(self):
        self.apply()
        twin = next(iter(self.datadog.monitors.values()))
        self.datadog.monitors[1] = {**twin, "id": 1}
        status, said = self.apply()
        self.assertEqual(status, 1)
        self.assertRegex(said, r"there are 2 monitors `.*`: \d+, 1; delete all but one")

    def test_a_query_that_datadog_refuses_stops_it_before_anything_is_changed(self):
        self.edit("monitors/slow.json", "max(last_1d)", "max(sometimes)")
        status, said = self.apply()
        self.assertEqual(status, 1)
        self.assertIn("slow.json: Datadog would not take it: The value provided", said)
        self.assertEqual(self.datadog.changes, [])

    def test_errors_say_what_to_do(self):
        refused = "http://127.0.0.1:9"
        for wanted, environment in [
            ("DD_API_KEY and DD_APP_KEY not set", {"DD_API_KEY": "", "DD_APP_KEY": ""}),
            ("DD_APP_KEY not set", {"DD_APP_KEY": ""}),
            ("answered 403: Forbidden; are both keys right", {"DD_APP_KEY": "another"}),
            (f"cannot reach {refused}: ", {"DD_URL": refused}),
            ("DD_SITE=example.com is no site of Datadog", {"DD_URL": "", "DD_SITE": "example.com"}),
        ]:
            status, said = self.apply(**environment)
            self.assertEqual(status, 1, said)
            self.assertIn(wanted, said)
            self.assertNotIn(API_KEY, said)
        self.assertIn("NOTIFY not set: whom shall monitors tell?", self.apply("--notify=")[1])
        self.assertEqual(self.datadog.changes, [])

    def test_nobody_is_nobody(self):
        status, said = self.apply("--notify=nobody")
        self.assertEqual(status, 0, said)
        for monitor in self.datadog.monitors.values():
            self.assertTrue(monitor["message"].endswith("{{/is_recovery}}"), monitor["message"])

    def test_links_lead_to_the_run_book_that_is_named(self):
        self.apply("--runbook=https://wiki.example.com/ib")
        for monitor in self.datadog.monitors.values():
            self.assertRegex(monitor["message"], r"https://wiki\.example\.com/ib#[a-z-]+[{\n]")
        self.assertIn("(https://wiki.example.com/ib)", str(self.datadog.dashboards))

    def test_links_lead_to_the_console_of_the_region(self):
        self.apply("--environment=prod", "--region=eu-west-1")
        links = re.findall(r"https://[\w.-]*console\S*", " ".join(of["message"] for of in self.datadog.monitors.values()))
        self.assertEqual(len(links), 4, links)
        for link in links:
            self.assertRegex(link, r"^https://eu-west-1\.console\.aws\.amazon\.com/\w+/home\?region=eu-west-1#")
            self.assertRegex(link, r"(/|2F)(prod-ib-backup-step-|\{\{functionname\.name\}\})", link)

    def test_a_monitor_can_be_left_out(self):
        status, said = self.apply("--without=schedule slow")
        self.assertEqual(status, 0, said)
        names = [of["name"] for of in self.datadog.monitors.values()]
        self.assertFalse([of for of in names if "schedule" in of or "longer than usual" in of], names)
        status, said = self.apply("--without=schedules")
        self.assertEqual(status, 1)
        self.assertIn("WITHOUT names no monitor: schedules; there are canary, ", said)

    def test_metrics_get_their_units_once_datadog_has_points_of_them(self):
        self.assertIn("not there yet   10 metrics, such as infobright_backup_valid: run this again", self.apply()[1])
        self.datadog.metrics["infobright_backup_age_seconds"] = {"type": "gauge", "unit": None}
        self.datadog.changes.clear()
        status, said = self.apply("--dry-run")
        self.assertEqual((status, self.datadog.changes), (0, []), said)
        status, said = self.apply()
        self.assertEqual(status, 0, said)
        self.assertEqual(self.datadog.changes, ["PUT metric infobright_backup_age_seconds"])
        self.assertEqual(self.datadog.metrics["infobright_backup_age_seconds"]["unit"], "second")
        self.assertNotIn("unit and description", self.apply()[1])

    def test_a_watch_for_silence_that_datadog_does_not_evaluate_is_named(self):
        self.assertNotIn("would not notice silence", self.apply()[1])
        self.assertIn("no verdict for 26 hours: No Data; it would not notice silence", self.apply()[1])
        for monitor in self.datadog.monitors.values():
            monitor["overall_state"] = "Alert"
        said = self.apply()[1]
        self.assertIn("no verdict for 26 hours: Alert\n", said)
        self.assertNotIn("would not notice silence", said)

    def test_the_check_refuses_what_the_clients_models_do_not_know(self):
        self.assertEqual(self.apply("--check")[0], 0)
        for file, before, after, wanted in [
            ("monitors/slow.json", '"options"', '"opttions"', "no such field"),
            ("monitors/slow.json", '"query alert"', '"query alarm"', "'query alarm' is no value"),
            ("monitors/slow.json", "1800}", '"1800"}', "Invalid type"),
            ("dashboard.json", '"bars"', '"barrs"', "fits none of the models"),
            ("dashboard.json", '"show_legend"', '"show_legends"', "no such field"),
            ("dashboard.json", '"ordered"', '"orderly"', "'orderly' is no value"),
        ]:
            original = (self.folder / file).read_text()
            self.edit(file, before, after)
            status, said = self.apply("--check")
            self.assertEqual(status, 1, (before, after, said))
            self.assertIn(wanted, said)
            (self.folder / file).write_text(original)


if __name__ == "__main__":
    unittest.main()
