"""What the stack asks of logs is what stands in logs: queries and metric filters, held against the
run book's log lines, which are lines of real nights (crates/simulation/tests/all/papers)."""

import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / ".ci"))

import template  # noqa: E402

TEMPLATE = template.read()["Resources"]
RUN = 'INFO run{run_id="rehearsal-request-0000"}: '
REPORT = r'{"command_id":"c","status":"%s","response_code":1,"stdout":"FAIL  x\n{\"valid\":false}","stderr":"%s"} }]'


def lines():
    """The log lines that the run book shows."""
    blocks = re.findall(r"(?ms)^ *```log\n(.*?)^ *```$", (ROOT / "RUNBOOK.md").read_text())
    return [line.strip() for line in "\n".join(blocks).splitlines() if line.strip()]


class Query:
    """The part of Logs Insights' language that the queries use."""

    def __init__(self, name):
        self.properties = TEMPLATE[name]["Properties"]
        text = re.sub(r"(?m)^#.*\n", "", self.properties["QueryString"])
        self.commands = [command.strip() for command in re.split(r"(?m)^\s*\|", text)]

    def of(self, line):
        """What the query makes of a line: its fields, or None where it leaves it out."""
        fields = {}
        for command in self.commands:
            word = command.split()[0]
            if word == "filter":
                _, wanted, pattern, text = re.fullmatch(
                    r'filter @message (not )?(like) (?:/(.*)/|"(.*)")', command).group(0, 1, 3, 4)
                found = re.search(pattern, line) if pattern else text in line
                if bool(found) == bool(wanted):
                    return None
            elif word == "parse":
                pattern = re.fullmatch(r"parse @message /(.*)/", command)[1]
                found = re.search(pattern.replace("(?<", "(?P<"), line)
                fields |= found.groupdict() if found else {}
            else:
                assert word in ("fields", "display", "sort", "limit"), command
        return fields


class Logs(unittest.TestCase):
    def test_the_trail_has_every_line_of_a_run_and_all_six_groups(self):
        query = Query("TrailQuery")
        groups = [f"Step{step}Logs" for step in range(1, 7)]
        self.assertEqual([of["Ref"] for of in query.properties["LogGroupNames"]], groups)
        query.commands = [of.replace("put the run id here", "rehearsal-request-0000")
                          for of in query.commands]
        for line in lines():
            self.assertIsNotNone(query.of(line), line)
        self.assertIsNone(query.of('INFO run{run_id="another"}: look'))

    def test_verdicts_of_all_three_kinds(self):
        query = Query("VerdictsQuery")
        found = [fields for line in lines() if (fields := query.of(line)) is not None]
        self.assertEqual({fields["run"] for fields in found}, {"rehearsal-request-0000"})
        verdicts = "\n".join(fields["verdict"] for fields in found)
        for wanted in ("DBBackupValid=False on snap-", "no verdict: dev-ib-backup-step-1-snapshot"):
            self.assertIn(wanted, verdicts)
        self.assertIsNone(query.of(RUN + "the run has ended, and holds nothing any more"))

    def test_reports_are_those_of_commands_that_have_ended(self):
        query = Query("ReportQuery")
        shown = [fields for line in lines() if (fields := query.of(line))]
        self.assertEqual([of["status"] for of in shown], ["Failed"])
        for script in ("mount", "test"):
            line = f"{RUN}{script} cmd job status resp=[{{'ib02': {REPORT}"
            fields = query.of(line % ("Failed", "oh"))
            self.assertEqual(
                [fields[of] for of in ("run", "script", "status", "errors")],
                ["rehearsal-request-0000", script, "Failed", "oh"],
            )
            self.assertIn("FAIL  x", fields["report"])
            self.assertIsNone(query.of(line % ("InProgress", "")))

    def test_the_alarms_metrics_count_lines_that_step_6_writes(self):
        code = (ROOT / "crates/step6-await-result/src/record.rs").read_text()
        self.assertIn('"DBBackupValid={} on {id}: {}"', code)
        tag = (ROOT / "crates/common/src/verdict.rs").read_text()
        self.assertIn('"False"', tag)
        for name, counted in [("VerdictMetric", 1), ("InvalidMetric", 1)]:
            term = TEMPLATE[name]["Properties"]["FilterPattern"].strip('"')
            self.assertEqual(sum(term in line for line in lines()), counted, name)
        self.assertNotIn(
            TEMPLATE["InvalidMetric"]["Properties"]["FilterPattern"].strip('"'),
            "DBBackupValid=True on snap-1: 4 tables",
        )

    def test_the_alarms_read_the_metrics_that_the_filters_write(self):
        for alarm, metric in [("NoVerdictAlarm", "VerdictMetric"), ("InvalidAlarm", "InvalidMetric")]:
            read = TEMPLATE[alarm]["Properties"]
            (written,) = TEMPLATE[metric]["Properties"]["MetricTransformations"]
            self.assertEqual(
                (read["Namespace"], read["MetricName"]),
                (written["MetricNamespace"], written["MetricName"]),
            )
        no_verdict = TEMPLATE["NoVerdictAlarm"]["Properties"]
        self.assertEqual(no_verdict["Period"] * no_verdict["EvaluationPeriods"], 26 * 3600)

    def test_the_alarms_of_all_functions_look_at_all_functions(self):
        for alarm in ("ErrorsAlarm", "DroppedAlarm"):
            metrics = TEMPLATE[alarm]["Properties"]["Metrics"][1:]
            functions = [of["MetricStat"]["Metric"]["Dimensions"][0]["Value"]["Ref"] for of in metrics]
            self.assertEqual(functions, [f"Step{step}Function" for step in range(1, 7)])


if __name__ == "__main__":
    unittest.main()
