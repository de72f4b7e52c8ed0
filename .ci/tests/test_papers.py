"""README.md, RUNBOOK.md and docs/, as far as they speak of the template, of commands and the picture. The Rust tests
(crates/simulation/tests/all/papers) hold them against the functions."""

import importlib
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

import botocore.session
import jmespath
from botocore import xform_name

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / ".ci"))

import template  # noqa: E402

PAPERS = {str(page.relative_to(ROOT)): page.read_text()
          for page in (*ROOT.glob("*.md"), *sorted((ROOT / "docs").glob("*.md")))}
STACK = template.read()


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
    def docs(self, *arguments):
        done = subprocess.run([sys.executable, ROOT / ".ci/docs", *arguments], capture_output=True, text=True, check=False)
        self.assertNotIn("Traceback", done.stderr)
        return done.returncode, done.stderr

    def test_the_tables_are_those_of_the_template_and_of_datadog(self):
        self.assertEqual(self.docs("--check"), (0, ""))

    def test_a_table_that_lags_behind_is_seen_and_written_anew(self):
        root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        shutil.copytree(ROOT / "docs", root / "docs")
        shutil.copytree(ROOT / "datadog", root / "datadog")
        shutil.copy(ROOT / "RUNBOOK.md", root)
        text = template.edited(template.FILE.read_text(), {
            ("Parameters", "SnapshotMaxAgeHours", "Default"): "30", ("Parameters", "VolumeType", "Default"): "''",
            ("Resources", "Step3Role", "Properties", "Policies", 0, "PolicyDocument", "Statement", 1, "Action"): "ec2:DescribeTags",
            ("Resources", "ErrorsAlarm", "Properties", "AlarmName"): "!Sub ${Environment}-ib-backup-failures"})
        (root / "template.yaml").write_text(text)
        (root / "datadog/monitors/paused.json").unlink()
        before = (root / "docs/settings.md").read_text()
        status, said = self.docs("--root", root, "--check")
        self.assertNotEqual(status, 0)
        for table in ("docs/settings.md, table variables", "docs/permissions.md, table permissions",
                      "docs/results.md, table monitors", "docs/results.md, table alarms"):
            self.assertIn(f"{table}: another one would be written; run make docs", said)
        self.assertEqual((root / "docs/settings.md").read_text(), before)
        # What people have to say of it is asked for, and what they said stays.
        status, said = self.docs("--root", root)
        self.assertNotEqual(status, 0)
        for cell in ("variables: write the empty cell of `VOLUME_TYPE`", "permissions: write the empty cell of `ec2:DescribeTags`",
                     "alarms: write the empty cell of `<environment>-ib-backup-failures`"):
            self.assertIn(cell, said)
        (row,) = re.findall(r"(?m)^\| `SNAPSHOT_MAX_AGE_HOURS` .*$", before)
        self.assertIn(row.replace("| `26` |", "| `30` |"), (root / "docs/settings.md").read_text())
        self.assertIn("| `26` |", row)
        self.assertIn("| 3 | `ec2:DescribeTags` | `*` | – |  |", (root / "docs/permissions.md").read_text())
        self.assertNotIn("| `paused` |", (root / "docs/results.md").read_text())

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

    def test_alarms_that_are_named_exist(self):
        alarms = [name.removeprefix("${Environment}") for name in template.named(STACK, "AWS::CloudWatch::Alarm", "AlarmName")]
        seen = [name for text in PAPERS.values() for name in re.findall(r"alarm `dev([^`]+)`", text)]
        self.assertGreater(len(seen), 3)
        self.assertLessEqual(set(seen), set(alarms))

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
        names = [name.removeprefix("${Environment}-ib-backup-") for name in template.named(STACK, template.FUNCTION, "FunctionName")]
        self.assertEqual(re.findall(r'\["(step-[^"]+)"\]', PAPERS["README.md"]), sorted(names))


if __name__ == "__main__":
    unittest.main()
