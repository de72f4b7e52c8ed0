"""Each linter of the template catches a fault that is planted for it."""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / ".ci"))

import template  # noqa: E402


def lint(file, linter):
    """Status, and what it said."""
    done = subprocess.run([ROOT / ".ci/lint-template", file, linter],
                          capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


class Planted(unittest.TestCase):
    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.template = pathlib.Path(folder) / "template.yaml"

    def plant(self, *faults, changes={}):
        text = template.edited(template.FILE.read_text(), changes)
        for before, after in faults:
            text, count = re.subn(before, after, text, count=1)
            self.assertEqual(count, 1, before)
        self.template.write_text(text)

    def assertCaught(self, linter, *wanted):
        status, said = lint(self.template, linter)
        self.assertNotEqual(status, 0, said)
        for pattern in wanted:
            self.assertRegex(said, pattern)

    def test_sam(self):
        self.plant(("    MemorySize: 128", "    MemorySize: plenty"))
        self.assertCaught("sam", "MemorySize|plenty")

    def test_cfn_lint_catches_a_parameter_that_is_not_there(self):
        self.plant(("!Ref TestDevice\n", "!Ref TestDevise\n"))
        self.assertCaught("transformed", "TestDevise")

    def test_cfn_lint_catches_a_circle(self):
        itself = r"!Sub arn:\S+function:\$\{Environment\}-ib-backup-step-6-await-result\n"
        self.plant((itself, "!GetAtt Step6Function.Arn\n"))
        self.assertCaught("transformed", "(?i)circular")

    def test_checkov_and_an_exception_without_a_reason(self):
        self.plant(
            (r"      RetentionInDays: !Ref LogRetentionDays\n", ""),
            (r"checkov:skip=CKV_AWS_115: .*", "checkov:skip=CKV_AWS_115"),
        )
        self.assertCaught("checkov", "CKV_AWS_66", "CKV_AWS_115")

    def test_shellcheck_reads_the_parts_of_a_document(self):
        """On a copy of what `make lint-shell` reads."""
        tree = self.template.parent / "tree"
        for folder in (".ci", "datadog", "documents", "crates/rehearsal/host"):
            shutil.copytree(ROOT / folder, tree / folder)
        for file in ("Makefile", "template.yaml"):
            shutil.copy2(ROOT / file, tree)
        with (tree / "documents/test-files.sh").open("a") as part:
            part.write("\nplanted() { rm -rf $SCRATCH/$1; }\nplanted folder\n")
        venv = ROOT / ".tools/venv"
        command = ["make", "--directory", tree, "lint-shell", f"VENV={venv}",
                   f"--assume-old={venv}/ready"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertIn("SC2086", done.stdout)

    def test_a_stack_with_every_switch_set(self):
        """As parameters' defaults, which cfn-lint puts in wherever they are referred to."""
        arn = "arn:aws:{}:000000000000:{}"
        switches = {
            "Environment": "staging",
            "LogKmsKeyArn": arn.format("kms:us-east-1", "key/logs"),
            "LogRetentionDays": "3653",
            "PermissionsBoundaryArn": arn.format("iam:", "policy/developers"),
            "ScriptLogGroup": "/ib-backup/staging/scripts",
            "SecurityGroupIds": "sg-0a1b2c3d",
            "SubnetIds": "subnet-0a1b2c3d,subnet-4e5f6a7b",
            "VolumeTags": "CostCenter=4711,Owner=databases",
        }
        changes = {("Parameters", name, "Default"): value for name, value in switches.items()}
        self.plant(changes=changes)
        for linter in ("sam", "transformed", "checkov"):
            status, said = lint(self.template, linter)
            self.assertEqual(status, 0, said)
        # Both branches of a switch are looked at.
        self.plant((r"SecurityGroupIds: !Ref", "SecurityGroups: !Ref"), changes=changes)
        self.assertCaught("transformed", "'SecurityGroups' was unexpected")


if __name__ == "__main__":
    unittest.main()
