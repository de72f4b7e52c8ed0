"""What dashboard and monitors show and tell on invented nights: two databases, gaps, a bad night, never
a verdict."""

import json
import pathlib
import re
import sys
import unittest

FOLDER = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(FOLDER))

import kit  # noqa: E402
from evaluate import DAY, HOUR, Series, colours, graph, scalars, timeseries, Unknown  # noqa: E402
from monitor import ALERT, OK, Monitor  # noqa: E402

# A midnight, UTC.
START = 20_000 * DAY
A, B, C = (f"ib-{letter}.example.com" for letter in "abc")
ALL = {"env": "*", "source": "*"}
RED, GREEN = "white_on_red", "white_on_green"
MINUTE = 60


def night(series, number, source, valid=None, env="prod", at=2 * HOUR, seconds=20 * MINUTE, **others):
    """A run's metrics. `valid` is None on a night without a verdict."""
    begin = START + number * DAY + at
    end = begin + seconds
    tags = {"env": env, "source": source}
    series.send(begin, "infobright_backup_age_seconds", others.get("age", 2 * HOUR), **tags)
    if valid is not None:
        series.send(end, "infobright_backup_valid", valid, **tags)
        series.send(end, "infobright_backup_check.verdicts", 1, **tags)
        series.send(end, "infobright_backup_check.coverage", 100, **tags)
        series.send(end, "infobright_backup_check.duration_seconds", others.get("test", 900), phase="test", **tags)
        series.send(end, "infobright_backup_check.duration_seconds", 60, phase="mount", **tags)


def tile(title):
    dashboard = json.loads((FOLDER / "dashboard.json").read_text())
    (found,) = [of["definition"] for of in dashboard["widgets"] if of["definition"].get("title", "").startswith(title)]
    return found


def monitor(name, source=A, environment="prod"):
    words = kit.words(environment, None, "@me", None)
    (_, body, _), = kit.read(words, [source], set(kit.monitor_names()) - {name})[1:]
    return Monitor(body)


def play(watching, series, days, events=()):
    """Evaluates every ten minutes, from the start on."""
    for now in range(START, START + int(days * DAY) + 1, 10 * MINUTE):
        watching.evaluate(seen(series, now), events, now)
    return [(at - START, state) for at, state, _ in watching.told]


def seen(series, now):
    """What has been sent by then."""
    known = Series()
    known.sent = [point for point in series.sent if point[0] <= now]
    return known


class LastVerdict(unittest.TestCase):
    def assert_red_while_bad(self, series, begin, end, variables, bad):
        for now in range(START + begin, START + end, 30 * MINUTE):
            shown = colours(tile("Last verdict"), seen(series, now), now, variables)
            first = next(iter(shown.values()))
            self.assertEqual(first, RED, f"{(now - START) / HOUR} h: {shown}")
            if len(shown) > 1:
                self.assertEqual([of for of, colour in shown.items() if colour == RED], bad)

    def test_is_red_while_any_database_is_bad_though_another_was_good_later(self):
        series = Series()
        for number in range(10):
            night(series, number, A, valid=number != 5)
            night(series, number, B, valid=1, at=3 * HOUR)
        bad = 5 * DAY + 2 * HOUR + 20 * MINUTE
        self.assert_red_while_bad(series, bad, bad + DAY, ALL, [("prod", A)])
        after = START + 6 * DAY + 4 * HOUR
        shown = colours(tile("Last verdict"), seen(series, after), after, ALL)
        self.assertEqual(set(shown.values()), {GREEN})

    def test_is_red_while_production_is_bad_though_dev_was_good_later(self):
        series = Series()
        for number in range(3):
            night(series, number, A, valid=0, env="prod")
            night(series, number, A, valid=1, env="dev", at=4 * HOUR)
        self.assert_red_while_bad(series, DAY, 3 * DAY, ALL, [("prod", A)])
        only_dev = colours(tile("Last verdict"), series, START + 3 * DAY, {"env": "dev", "source": "*"})
        self.assertEqual(only_dev, {("dev", A): GREEN})

    def test_stays_red_through_nights_without_a_verdict(self):
        series = Series()
        night(series, 0, A, valid=0)
        for number in range(20):
            night(series, number, A)
            night(series, number, B, valid=1)
        self.assert_red_while_bad(series, 3 * HOUR, 20 * DAY, ALL, [("prod", A)])

    def test_is_green_again_once_a_newer_backup_was_found_good(self):
        series = Series()
        night(series, 0, A, valid=0)
        night(series, 0, A, valid=1, at=9 * HOUR)
        now = START + 10 * HOUR
        self.assertEqual(colours(tile("Last verdict"), series, now, ALL), {("prod", A): GREEN})

    def test_points_of_the_alarms_test_are_left_out(self):
        series = Series()
        night(series, 0, A, valid=1)
        night(series, 0, "alarm-test-invalid", valid=0, env="alarm-test")
        for title in ("Last verdict", "Databases"):
            self.assertEqual(list(colours(tile(title), series, START + 4 * HOUR, ALL)), [("prod", A)])


class Databases(unittest.TestCase):
    def test_have_a_row_each_the_worst_first_and_one_without_a_verdict_is_not_green(self):
        series = Series()
        for number in range(3):
            night(series, number, A, valid=1, at=3 * HOUR)
            night(series, number, B, valid=0)
            night(series, number, C)
        now = START + 3 * DAY
        rows = scalars(tile("Databases"), series, now, ALL)
        self.assertEqual([of for of, _ in rows], [("prod", B), ("prod", A), ("prod", C)])
        self.assertEqual([values[0] for _, values in rows], [0, 1, None])
        self.assertEqual([values[2] for _, values in rows], [2 * HOUR] * 3, "the snapshot's age")
        shown = colours(tile("Databases"), series, now, ALL)
        self.assertEqual(list(shown.values()), [RED, GREEN, None])

    def test_a_canary_that_was_missed_stays_though_another_database_caught_its_own(self):
        series = Series()
        for at, source, caught in [(0, A, 0), (5, B, 1)]:
            series.send(START + at * DAY, "infobright_backup_check.canary_caught", caught, env="prod", source=source)
        shown = colours(tile("Last canary"), series, START + 40 * DAY, ALL)
        self.assertEqual(list(shown.items()), [(("prod", A), RED), (("prod", B), GREEN)])


class Graphs(unittest.TestCase):
    def test_verdicts_have_one_bar_a_day_for_each_database_and_none_for_a_night_without(self):
        series = Series()
        for number in range(29):
            night(series, number, A, valid=None if number in (4, 5) else number != 9)
            night(series, number, B, valid=1, at=3 * HOUR)
        # The bad one was repeated on the same day: the day stays bad.
        night(series, 9, A, valid=1, at=12 * HOUR)
        bars = graph(tile("Verdicts: "), series, START + 29 * DAY, ALL)
        of_a = bars["valid", ("prod", A)]
        self.assertEqual(sorted(of_a), [START + n * DAY for n in range(29) if n not in (4, 5)])
        self.assertEqual({n for n in range(29) if of_a.get(START + n * DAY) == 0}, {9})
        self.assertEqual(set(bars["valid", ("prod", B)].values()), {1})
        self.assertEqual(len(bars["valid", ("prod", B)]), 29)
        invalid = bars["invalid", ("prod", A)]
        self.assertEqual([begin for begin, value in invalid.items() if value], [START + 9 * DAY])

    def test_of_functions_follow_the_choice_of_the_environment(self):
        series = Series()
        for env in ("dev", "prod"):
            name = f"{env}-ib-backup-step-2-volume"
            for metric in ("errors", "duration.maximum", "invocations", "throttles"):
                series.send(START, f"aws.lambda.{metric}", 1, functionname=name)
        series.send(START, "aws.lambda.errors", 7, functionname="prod-something-else")
        for title in ("Errors", "Longest", "Invocations"):
            for env, expected in [("dev", {"dev"}), ("*", {"dev", "prod"})]:
                drawn = graph(tile(title), series, START + HOUR, {"env": env, "source": "*"})
                names = {of[0] for _, of in drawn}
                self.assertEqual(names, {f"{one}-ib-backup-step-2-volume" for one in expected}, title)

    def test_every_query_of_the_dashboard_can_be_evaluated(self):
        dashboard = json.loads((FOLDER / "dashboard.json").read_text())
        series, kinds = Series(), []
        night(series, 0, A, valid=1)
        for of in dashboard["widgets"]:
            definition = of["definition"]
            kinds.append(definition["type"])
            if definition["type"] == "timeseries":
                graph(definition, series, START + DAY, ALL)
            elif definition["type"] != "note":
                scalars(definition, series, START + DAY, ALL)
        self.assertGreater(kinds.count("timeseries"), 8)

    def test_another_form_of_query_is_refused(self):
        for query in ("top(min:a{*}, 5)", "min:a{*}", "min:a{env:prod OR env:dev}", "min:a{x:1}.fill(zero)"):
            series = Series()
            series.send(START, "a", 1, env="prod")
            with self.assertRaises(Unknown, msg=query):
                timeseries(query, series, START - 1, START, 60)


class Monitors(unittest.TestCase):
    def test_a_bad_backup_alarms_again_and_again_until_a_good_one_and_says_which(self):
        series = Series()
        night(series, 0, A, valid=1)
        night(series, 1, A, valid=0)
        night(series, 1, B, valid=1, at=3 * HOUR)
        night(series, 2, A, valid=1)
        watching = monitor("invalid")
        told = play(watching, series, 3)
        bad, good = DAY + 2 * HOUR + 20 * MINUTE, 2 * DAY + 2 * HOUR + 20 * MINUTE
        self.assertEqual(told[0], (bad, ALERT))
        self.assertEqual(told[1], (bad + 2 * HOUR, ALERT))
        self.assertEqual(told[-1], (good, OK))
        self.assertEqual(len(told), 12 + 1)
        self.assertEqual(play(monitor("invalid", source=B), series, 3), [])
        self.assertIn("take a new one", watching.text(ALERT))
        self.assertNotIn("take a new one", watching.text(OK))
        self.assertIn("no fault was found", watching.text(OK))

    def test_a_stack_that_never_had_a_verdict_alarms_from_its_beginning(self):
        silent = monitor("no-verdict")
        self.assertEqual(play(silent, Series(), 2), [(0, ALERT)])
        # Undetermined nights are no verdicts, and another database's verdict is none of this one.
        series = Series()
        for number in range(3):
            night(series, number, A)
            night(series, number, B, valid=1)
        self.assertEqual(play(monitor("no-verdict"), series, 3), [(0, ALERT)])
        # What would not do: to notify of missing data that never were there, or to add up a gauge.
        missing = monitor("no-verdict")
        missing.options["on_missing_data"] = "show_and_notify_no_data"
        self.assertEqual(play(missing, Series(), 2), [])
        body = monitor("no-verdict").body
        gauge = re.sub(r"sum:infobright_backup_check.verdicts(.*)\.as_count\(\)", r"max:infobright_backup_valid\1 + 1", body["query"])
        self.assertNotEqual(gauge, body["query"])
        self.assertEqual(play(Monitor({**body, "query": gauge}), Series(), 2), [])

    def test_silence_after_verdicts_alarms_and_a_verdict_of_either_kind_ends_it(self):
        for valid in (1, 0):
            series = Series()
            for number in (0, 1, 4):
                night(series, number, A, valid=valid)
            told = play(monitor("no-verdict"), series, 5)
            first, last, again = (n * DAY + 2 * HOUR + 20 * MINUTE for n in (0, 1, 4))
            self.assertEqual([state for _, state in told], [ALERT, OK, ALERT, OK])
            self.assertEqual((told[1][0], told[3][0]), (first, again))
            self.assertTrue(0 < told[2][0] - (last + 26 * HOUR) <= 20 * MINUTE, told)

    def test_a_schedule_that_is_off_alarms_also_where_it_never_was_on(self):
        series = Series()
        for number in (0, 1):
            series.send(START + number * DAY + 2 * HOUR, "aws.events.invocations", 1,
                        rulename="ib-backup-prod-step1functionnightly-1abc")
        series.send(START + 2 * DAY, "aws.events.invocations", 1, rulename="ib-backup-dev-step1functionnightly-1abc")
        told = play(monitor("schedule"), series, 3)
        self.assertEqual([state for _, state in told], [ALERT, OK, ALERT])
        self.assertAlmostEqual(told[2][0], DAY + 28 * HOUR + 15 * MINUTE, delta=20 * MINUTE)
        self.assertEqual(play(monitor("schedule"), Series(), 1), [(0, ALERT)])

    def test_the_event_of_a_failed_run_alarms_in_its_environment(self):
        event = {"at": START + 3 * HOUR, "title": "Infobright backup check: no verdict", "alert_type": "error",
                 "tags": ["env:prod", f"source:{A}"]}
        told = play(monitor("event"), Series(), 1, [event])
        self.assertEqual([state for _, state in told], [ALERT, OK])
        self.assertEqual(told[0][0], 3 * HOUR)
        for other in ({"title": "Deployed"}, {"tags": ["env:dev"]}, {"alert_type": "info"}):
            self.assertEqual(play(monitor("event"), Series(), 1, [{**event, **other}]), [])
        self.assertIn("{{event.text}}", monitor("event").text(ALERT))
        self.assertNotIn("{{event.text}}", monitor("event").text(OK))

    def test_a_slow_run_is_compared_with_the_day_a_week_before(self):
        series = Series()
        for number in range(12):
            night(series, number, A, valid=1, test=900 if number < 8 else 2800)
            # A second run of the day, such as by hand, that a fault cut short.
            night(series, number, A, valid=0, at=12 * HOUR, test=10)
        told = play(monitor("slow"), series, 12)
        self.assertEqual(told, [(9 * DAY, ALERT)])
        even = Series()
        for number in range(12):
            night(even, number, A, valid=1, at=(23 if number % 2 else 21) * HOUR, seconds=2 * HOUR)
        self.assertEqual(play(monitor("slow"), even, 12), [])

    def test_a_monitor_with_a_rollup_waits_until_its_interval_is_over(self):
        for name in kit.monitor_names():
            body = monitor(name).body
            for interval in re.findall(r"rollup\(\w+, (\d+)\)", body["query"]):
                self.assertGreaterEqual(body["options"].get("evaluation_delay", 0), int(interval), name)
            # What AWS's integration brings is up to 20 minutes late.
            if "aws." in body["query"]:
                self.assertGreaterEqual(body["options"].get("evaluation_delay", 0), 900, name)

    def test_the_others_alarm_beyond_their_limit_and_not_at_it(self):
        tags = {"env": "prod", "source": A}
        check = "infobright_backup_check."
        for name, metric, good, bad, more in [
            ("canary", check + "canary_caught", 1, 0, {}),
            ("too-old", "infobright_backup_age_seconds", 93600, 93601, {}),
            ("near-limit", check + "duration_seconds", 9900, 9901, {"phase": "test"}),
            ("paused", check + "production_paused_seconds", 3600, 3601, {}),
        ]:
            for value, expected in [(good, []), (bad, [ALERT])]:
                series = Series()
                series.send(START + HOUR, metric, value, **tags, **more)
                self.assertEqual([state for _, state in play(monitor(name), series, 0.1)], expected, name)
            recovered = Series()
            recovered.send(START + HOUR, metric, bad, **tags, **more)
            recovered.send(START + 20 * HOUR, metric, good, **tags, **more)
            self.assertEqual(play(monitor(name), recovered, 1)[-1], (20 * HOUR, OK), name)

    def test_errors_alarm_for_the_function_that_failed_and_end(self):
        series = Series()
        series.send(START + HOUR, "aws.lambda.errors", 1, functionname="prod-ib-backup-step-2-volume")
        series.send(START + HOUR, "aws.lambda.errors", 0, functionname="prod-ib-backup-step-1-snapshot")
        series.send(START + HOUR, "aws.lambda.errors", 1, functionname="dev-ib-backup-step-3-attach")
        watching = monitor("errors")
        self.assertEqual([state for _, state in play(watching, series, 1)], [ALERT, OK])
        self.assertEqual({of for _, _, of in watching.told}, {("prod-ib-backup-step-2-volume",)})

    def test_every_message_says_something_else_once_it_is_over_and_the_first_priority_repeats(self):
        for name in kit.monitor_names():
            watching = monitor(name)
            alarm, recovery = watching.text(ALERT), watching.text(OK)
            self.assertIn("What to do", alarm, name)
            self.assertNotIn("What to do", recovery, name)
            self.assertGreater(len(recovery), len("@me") + 20, name)
            for text in (alarm, recovery):
                self.assertTrue(text.endswith("@me"), name)
                self.assertNotRegex(text, "<[a-z]+>|is_alert", name)
            repeats = watching.options.get("renotify_interval", 0) > 0
            self.assertEqual(repeats, watching.body["priority"] == 1, name)


if __name__ == "__main__":
    unittest.main()
