"""The reader of template.yaml, on small templates; and that nobody else reads it."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / ".ci"))

import template  # noqa: E402

SMALL = """# checkov:skip=CKV_1: a reason
# checkov:skip=CKV_2:
Description: small  # a comment
Parameters:
  Architecture:
    Default: x86_64
    AllowedValues: [x86_64, arm64]
Resources:
  One:
    Type: AWS::SSM::Document
    Properties:
      Name: !Sub ${Environment}-one
      Content:
        mainSteps:
          - inputs:
              timeoutSeconds: '5'
              Fn::Transform:
                Name: AWS::Include
                Parameters:
                  Location: one.json

  # What follows.
  Two: {Type: AWS::IAM::Role, Properties: {A: !GetAtt One.Arn.X, B: !If [Is, [!Ref One], !Sub ['${C}', {C: !Ref One}]], D: !Condition Is}}
"""
SCRIPT = "a\n\n   \n\tb  \n'\"${x}$(y)\\\n# end\nk: v\n- |\n%TAG\n---\n"


class Reader(unittest.TestCase):
    def test_short_forms_are_read_as_long_ones(self):
        read = template.read(SMALL)
        self.assertEqual(template.of_type(read, "AWS::IAM::Role")["Two"]["Properties"], {
            "A": {"Fn::GetAtt": ["One", "Arn.X"]},
            "B": {"Fn::If": ["Is", [{"Ref": "One"}], {"Fn::Sub": ["${C}", {"C": {"Ref": "One"}}]}]},
            "D": {"Condition": "Is"},
        })
        self.assertEqual(template.named(read, "AWS::SSM::Document", "Name"), ["${Environment}-one"])

    def test_it_reads_the_project_as_the_sam_cli_does(self):
        from samtranslator.yaml_helper import yaml_parse
        self.assertEqual(template.read(), yaml_parse(template.FILE.read_text()))
        self.assertEqual(len(template.functions(template.read())), 6)

    def test_an_exception_without_a_reason_is_none(self):
        self.assertEqual(template.exceptions(SMALL), ["CKV_1"])

    def test_an_edit_leaves_all_else_as_it_is(self):
        made = template.edited(SMALL, {
            ("Parameters", "Architecture", "AllowedValues"): "[arm64]", ("Description",): "small (and new)",
            ("Resources", "One", "Properties", "Content", "mainSteps", 0, "inputs", "timeoutSeconds"): "7"})
        wanted = SMALL.replace("[x86_64, arm64]", "[arm64]").replace("small  #", "small (and new)  #").replace("'5'", "7")
        self.assertEqual(made, wanted)
        for path in [("Resources", "Three"), ("Resources", "One", "Properties", "Content", "mainSteps", 1)]:
            with self.assertRaisesRegex(template.Refused, f"template.yaml has no {'/'.join(map(str, path))}$"):
                template.edited(SMALL, {path: "x"})

    def test_what_is_included_reads_the_same_in_the_template(self):
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaisesRegex(template.Refused, "includes one.json, which is missing: make documents makes it"):
                template.expanded(SMALL, pathlib.Path(folder))
            pathlib.Path(folder, "one.json").write_text(json.dumps({"runCommand": [SCRIPT, "second\n"]}))
            made = template.expanded(SMALL, pathlib.Path(folder))
        read = template.read(made)
        (step,) = read["Resources"]["One"]["Properties"]["Content"]["mainSteps"]
        self.assertEqual(step["inputs"], {"timeoutSeconds": "5", "runCommand": [SCRIPT, "second\n"]})
        self.assertTrue(made.endswith(SMALL[SMALL.index("\n  # What follows."):]))

    def test_nobody_else_in_python_parses_yaml(self):
        """But for CircleCI's file, which is no template."""
        listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", ".ci", "datadog", "documents", "crates"],
                                cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
        parsers = re.compile(r"^ *(?:import|from) (?:yaml|ruamel|samtranslator\.yaml_helper|samcli\.yamlhelper|cfnlint\.decode)\b", re.MULTILINE)
        found = {name for name in listed if (ROOT / name).is_file() and parsers.search((ROOT / name).read_bytes().decode("latin-1"))}
        self.assertEqual(found, {".ci/template.py", ".ci/tests/test_circleci.py", ".ci/tests/test_template.py"})


if __name__ == "__main__":
    unittest.main()
