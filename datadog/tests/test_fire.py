"""make datadog-fire, against a stand-in for Datadog."""

import json
import os
import pathlib
import subprocess
import sys
import unittest

from stand_in import API_KEY, APP_KEY, Datadog

FOLDER = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(FOLDER))

from evaluate import Series  # noqa: E402
from monitor import ALERT, Monitor  # noqa: E402


class Fire(unittest.TestCase):
    def setUp(self):
        self.datadog = self.enterContext(Datadog())

    def run_program(self, name, *arguments):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("DD_")}
        keys = {"DD_API_KEY": API_KEY, "DD_APP_KEY": APP_KEY, "DD_URL": self.datadog.url}
        done = subprocess.run([sys.executable, FOLDER / name, *arguments], env={**clean, **keys},
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def state_of(self, monitor):
        """What a monitor says of all that was sent."""
        series, now = Series(), 0
        for of in self.datadog.points:
            tags = dict(tag.split(":", 1) for tag in of["tags"])
            for point in of["points"]:
                series.send(point["timestamp"], of["metric"], point["value"], **tags)
                now = max(now, point["timestamp"])
        events = [{"at": now, **of} for of in self.datadog.events]
        watching = Monitor({**monitor, "options": {**monitor["options"]}})
        watching.evaluate(series, events, now + watching.options.get("evaluation_delay", 0))
        return watching.state[()]

    def test_each_of_its_monitors_goes_off_and_no_real_one(self):
        self.run_program("apply", "--environment=prod", "--notify=@me")
        real = list(self.datadog.monitors)
        said = self.run_program("fire", "--notify=@me")
        made = [of for key, of in self.datadog.monitors.items() if key not in real]
        files = {file.stem for file in FOLDER.glob("monitors/*.json")}
        self.assertEqual(len(made), len(files) - 2)
        for monitor in made:
            self.assertIn("env:alarm-test", monitor["tags"])
            self.assertTrue(monitor["message"].endswith("@me"))
            self.assertEqual(self.state_of(monitor), ALERT, monitor["name"])
        self.assertIn("not fired errors and slow", said)
        for key in real:
            of = self.datadog.monitors[key]
            if of["query"].startswith("sum("):
                continue
            self.assertNotEqual(self.state_of(of), ALERT, of["name"])

    def test_nothing_that_is_sent_has_the_tags_of_a_real_database(self):
        self.run_program("fire", "--notify=@me")
        self.assertEqual(len(self.datadog.points), 5)
        for of in [*self.datadog.points, *self.datadog.events]:
            self.assertIn("env:alarm-test", of["tags"])
        for of in json.loads((FOLDER / "dashboard.json").read_text())["widgets"]:
            for request in of["definition"].get("requests", []):
                for query in request["queries"]:
                    if "infobright" in query["query"]:
                        self.assertIn("!env:alarm-test", query["query"])

    def test_the_end_removes_its_monitors_and_no_others(self):
        self.run_program("apply", "--environment=prod", "--notify=@me")
        real = dict(self.datadog.monitors)
        self.run_program("fire", "--notify=@me")
        self.assertGreater(len(self.datadog.monitors), len(real))
        self.run_program("fire", "--end")
        self.assertEqual(self.datadog.monitors, real)


if __name__ == "__main__":
    unittest.main()
