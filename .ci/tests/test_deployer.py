"""docs/deployer-policy.json is what the template needs, and IAM reads it as it is meant."""

import fnmatch
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
POLICY = json.loads((ROOT / "docs/deployer-policy.json").read_text())
# Policy Sentry carries what AWS documents of each action; it comes with checkov.
ASK = """
import json, sys
from policy_sentry.querying.actions import get_action_data
for action in json.load(sys.stdin):
    found = get_action_data(*action.split(":")) or {}
    known = [one for service in found.values() for one in service if one["action"].lower() == action.lower()]
    print(json.dumps([action, [one["resource_arn_format"] for one in known]]))
"""


def generated(template):
    return subprocess.run([sys.executable, ROOT / ".ci/deployer-policy", template],
                          capture_output=True, text=True, check=False)


def on(action):
    """The resources that the policy allows this action on."""
    return {arn for of in POLICY["Statement"] if action in of["Action"] for arn in of["Resource"]}


class Deployer(unittest.TestCase):
    def test_the_file_is_what_the_template_needs(self):
        done = generated(ROOT / "template.yaml")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout), POLICY, "run make docs")

    def test_a_new_type_of_resource_has_to_be_entered(self):
        text = (ROOT / "template.yaml").read_text()
        topic = "\nResources:\n  Topic: {Type: AWS::SNS::Topic}\n"
        with tempfile.TemporaryDirectory() as folder:
            template = pathlib.Path(folder) / "template.yaml"
            template.write_text(text.replace("\nResources:\n", topic))
            done = generated(template)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("AWS::SNS::Topic is new in the template", done.stderr)

    def test_iam_takes_it_as_one_managed_policy(self):
        self.assertLessEqual(len(re.sub(r"\s", "", json.dumps(POLICY))), 6144)

    def test_each_action_exists_and_can_be_held_to_these_resources(self):
        actions = sorted({action for of in POLICY["Statement"] for action in of["Action"]})
        done = subprocess.run([ROOT / ".tools/linters/bin/python", "-c", ASK], input=json.dumps(actions),
                              capture_output=True, text=True, check=True)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([action for action, _ in answers], actions)
        for action, formats in answers:
            with self.subTest(action):
                self.assertTrue(formats, "AWS knows no such action")
                # AWS's forms as patterns: what stands for a name may be anything.
                forms = [re.sub(r"\$\{\w+\}", "*", form) for form in formats]
                for arn in on(action):
                    self.assertTrue(any(fnmatch.fnmatch(arn, form) for form in forms), f"{arn}: {forms}")

    def test_what_gives_rights_is_held_to_the_stacks_own(self):
        for action in ("iam:PassRole", "iam:AttachRolePolicy"):
            statements = [of for of in POLICY["Statement"] if action in of["Action"]]
            self.assertTrue(all("Condition" in of for of in statements), action)
        for statement in POLICY["Statement"]:
            if statement["Resource"] == ["*"]:
                changes = [of for of in statement["Action"] if not re.search(r":(Describe|Get|List)", of)]
                self.assertLessEqual(set(changes), {"logs:DeleteQueryDefinition", "logs:PutQueryDefinition",
                                                    "logs:DeleteResourcePolicy", "logs:PutResourcePolicy"})


if __name__ == "__main__":
    unittest.main()
