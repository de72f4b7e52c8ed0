"""make release, against a stand-in for gh that keeps state; and the deploy command that it prints."""

import datetime
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import unittest

import test_links
from aws import Aws

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path += [str(HERE.parent), str(ROOT / "datadog/tests")]

import release_notes  # noqa: E402
import template  # noqa: E402
from stand_in import API_KEY, APP_KEY, Datadog  # noqa: E402

# What /bin/true is built for.
HOST = "x86_64" if platform.machine() == "x86_64" else "arm64"
STEPS = ["step1-snapshot", "step2-volume", "step3-attach", "step4-mount", "step5-run-test",
         "step6-await-result"]


def commit():
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip()


def today():
    return datetime.datetime.now(datetime.timezone.utc).date().isoformat()


class Release(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """make package's own work, of a program that this machine has."""
        folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.packed = folder / "dist"
        for step in STEPS:
            (folder / step).mkdir()
            shutil.copy("/bin/true", folder / step / "bootstrap")
        subprocess.run([sys.executable, ROOT / ".ci/package", HOST, "--built", folder, "--into",
                        cls.packed], check=True, stdout=subprocess.DEVNULL)

    def setUp(self):
        self.work = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.dist = self.work / "dist"
        tools = self.work / "tools"
        tools.mkdir()
        (tools / "gh").symlink_to(HERE / "gh")
        self.path = f"{tools}:{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"
        self.file = self.work / "state"
        self.keep(tags={"2026-01-02-1": "c0"}, releases=[])
        shutil.copytree(self.packed, self.dist)

    def keep(self, **changes):
        state = json.loads(self.file.read_text()) if self.file.exists() else {}
        self.file.write_text(json.dumps({**state, **changes}))

    @property
    def state(self):
        return json.loads(self.file.read_text())

    def run_script(self, script, *arguments, **environment):
        environment = {**os.environ, "GH_TOKEN": "good", "GH_STATE": str(self.file),
                       "PATH": self.path, **environment}
        done = subprocess.run([sys.executable, ROOT / ".ci" / script, *arguments], text=True,
                              env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertNotIn("Traceback", done.stdout)
        return done.returncode, done.stdout

    def release(self, *arguments, **environment):
        return self.run_script("release", "--dist", self.dist, *arguments, **environment)

    def test_a_release_with_all_its_files_and_notes(self):
        status, said = self.release()
        self.assertEqual(status, 0, said)
        release = self.state["releases"][-1]
        tag = f"{today()}-1"
        self.assertEqual((release["tag_name"], release["draft"]), (tag, False))
        self.assertEqual(self.state["tags"][tag], commit())
        names = [f"{step}-{HOST}.zip" for step in STEPS]
        names += [f"document-{of}.sh" for of in ("mount", "test", "release", "manifest")]
        names += [f"template-{HOST}.yaml", "samconfig.toml", "README.md", "RUNBOOK.md", "operator-kit.tar.gz",
                  "SHA256SUMS"]
        self.assertEqual(sorted(of["name"] for of in release["assets"]), sorted(names))
        self.assertTrue(release["body"].startswith(f"Commit {commit()}.\n"), release["body"])
        self.assertIn("## For operators, since 2026-01-02-1\n\nNot compared: commit c0 is not", release["body"])
        self.assertIn("## What's Changed", release["body"])
        told = (ROOT / "docs/deploy.md").read_text().split("| file of a release |")[1].split("\n\n")[0]
        for name in re.findall(r"`([\w.-]+-x86_64\.\w+|[a-zA-Z][\w-]+\.\w+|SHA256SUMS)`", told):
            self.assertIn(name.replace("x86_64", HOST), [*names, "template-arm64.yaml"], "docs/deploy.md")
        sums = subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=self.dist / "release",
                              capture_output=True, text=True)
        self.assertEqual(sums.returncode, 0, sums.stdout)

    def test_run_again_for_the_same_commit_it_makes_no_second_one(self):
        self.release()
        before = self.state["releases"]
        status, said = self.release()
        self.assertEqual(status, 0, said)
        self.assertIn(f"this commit is released already: https://github.com/aminopay/infobright-backup-check/releases/tag/{today()}-1", said)
        self.assertEqual(self.state["releases"], before)

    def test_the_second_commit_of_a_day_is_number_two_and_counts_by_number(self):
        self.keep(tags={**self.state["tags"], f"{today()}-9": "c1", f"{today()}-10": "c1"})
        self.release()
        self.assertEqual(self.state["releases"][-1]["tag_name"], f"{today()}-11")

    def test_what_broke_off_is_a_draft_and_is_made_anew(self):
        self.keep(uploads_left=3)
        status, said = self.release()
        self.assertEqual(status, 1)
        self.assertIn("error connecting to uploads.github.com; GitHub was not reached; run this again", said)
        self.assertEqual([of["draft"] for of in self.state["releases"]], [True])
        self.keep(uploads_left=100)
        status, said = self.release()
        self.assertEqual(status, 0, said)
        release = self.state["releases"][-1]
        self.assertEqual((release["draft"], len(release["assets"])), (False, 16))

    def test_the_first_release_of_all_though_somebody_tagged_the_commit(self):
        self.keep(tags={"v1": commit()})
        status, said = self.release()
        self.assertEqual(status, 0, said)
        self.assertIn(f"released: https://github.com/aminopay/infobright-backup-check/releases/tag/{today()}-1", said)

    def test_a_dry_run_makes_nothing(self):
        before = self.state["releases"]
        status, said = self.release("--dry-run")
        self.assertEqual(status, 0, said)
        self.assertIn("## Deploy", said)
        self.assertEqual(self.state["releases"], before)

    def test_errors_say_what_to_do(self):
        for wanted, environment, state in [
            ("GH_TOKEN is not set: give it a token", {"GH_TOKEN": ""}, {}),
            ("HTTP 401); is GH_TOKEN right, and not expired?", {"GH_TOKEN": "old"}, {}),
            ("GitHub was not reached; run this again", {}, {"offline": True}),
        ]:
            self.keep(offline=False)
            self.keep(**state)
            status, said = self.release(**{"GITHUB_TOKEN": "", **environment})
            self.assertEqual(status, 1, said)
            self.assertIn(wanted, said)
        self.assertEqual(self.state["releases"], [])

    def test_a_tag_that_somebody_takes_meanwhile(self):
        """Between the question for a free tag and the release: a release that GitHub hides."""
        self.keep(tags={**self.state["tags"]}, hidden=f"{today()}-1")
        status, said = self.release()
        self.assertEqual(status, 1)
        self.assertIn("already exists", said)
        self.assertIn("the tag was taken meanwhile; run this again", said)
        self.assertTrue(self.state["releases"][-1]["draft"])

    def test_what_is_packed_must_be_what_was_summed(self):
        (self.dist / f"{HOST}/step3-attach-{HOST}.zip").write_bytes(b"other")
        status, said = self.release()
        self.assertEqual(status, 1)
        self.assertIn(f"step3-attach-{HOST}.zip is not what SHA256SUMS says", said)
        shutil.rmtree(self.dist / HOST)
        self.assertIn("run make package first", self.release()[1])

    def operator(self, command, prepare=lambda folder: None):
        """Runs it as somebody who has the release and no AWS: its account, and what was said."""
        (printed,) = re.findall(r"(?s)```bash\n(.*?)\n```", self.state["releases"][-1]["body"])
        command = command or printed
        folder = self.work / "operator" / re.search(r"--dir (\S+)", printed)[1]
        # gh's own part of it: the files of the release.
        shutil.rmtree(folder.parent, ignore_errors=True)
        shutil.copytree(self.dist / "release", folder)
        # What a source checkout has.
        shutil.copytree(self.dist, folder.parent / "dist")
        shutil.copy(ROOT / "samconfig.toml", folder.parent)
        prepare(folder)
        tools = folder.parent / "tools"
        tools.mkdir()
        (tools / "gh").symlink_to("/bin/true")
        with Aws() as aws:
            environment = {**os.environ, **aws.environment, "PATH": f"{tools}:{self.path}"}
            done = subprocess.run(["bash", "-c", command], cwd=folder.parent, env=environment,
                                  text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertNotEqual(done.returncode, 0)
        return aws, done.stdout

    def test_the_printed_command_deploys_as_far_as_there_is_no_aws(self):
        self.release()
        aws, said = self.operator(None)
        self.assertEqual(aws.calls[0], "DescribeStacks aws-sam-cli-managed-default", said)
        self.assertEqual(aws.calls[-1], "CreateChangeSet ib-backup-dev", said)
        self.assertIn("as far as it goes without AWS", said)
        zips = {file.read_bytes() for file in (self.dist / "release").glob("*.zip")}
        self.assertLessEqual(zips, set(aws.objects.values()), "uploaded as they are")
        policy = json.loads((ROOT / "docs/deployer-policy.json").read_text())
        allowed = {action for of in policy["Statement"] for action in of["Action"]}
        asked = {"cloudformation:" + call.split()[0] for call in aws.calls}
        self.assertIn("cloudformation:CreateChangeSet", asked)
        self.assertLessEqual(asked, allowed, "what the deployer's policy lets sam deploy ask for")
        # Whatever it named besides would undo what the site has set.
        self.assertEqual(aws.parameters, {"Environment": "dev", "Architecture": HOST})
        self.assertEqual(aws.capabilities, ["CAPABILITY_IAM"])

    def test_the_printed_command_stops_at_a_file_that_was_damaged_on_its_way(self):
        self.release()
        aws, said = self.operator(
            None, lambda folder: (folder / f"step1-snapshot-{HOST}.zip").write_bytes(b"half"))
        self.assertIn(f"step1-snapshot-{HOST}.zip: FAILED", said)
        self.assertEqual(aws.calls, [])

    def test_the_commands_of_readme_and_docs_deploy_each_environment_with_samconfig(self):
        self.release()
        commands = [
            re.search(r"sam deploy --template-file .*", (ROOT / page).read_text().replace("x86_64", HOST))[0]
            for page in ("README.md", "docs/deploy.md")
        ]
        of_release, of_source = commands
        for command, before, after, wanted in [
            (f"export HOME=$PWD/home; mkdir ~; cp samconfig.toml ~/ib-backup.toml; cd ib-* && {of_release}", "prod", "prod",
             {"ScheduleState": "DISABLED", "AlarmTopicArn": "<ARN-of-the-SNS-topic>"}),
            (of_source, "dev", "sand", {"ScheduleState": "DISABLED", "DatadogApiKeySsmName": ""}),
        ]:
            self.assertIn(f"--config-env {before}", command)
            aws, said = self.operator(command.replace(f"--config-env {before}", f"--config-env {after}"))
            self.assertEqual(aws.calls[-1:], [f"CreateChangeSet ib-backup-{after}"], said)
            wanted["Environment"] = after
            self.assertLessEqual(wanted.items(), aws.parameters.items())

    def test_what_prod_has_to_replace_in_samconfig_is_refused_by_the_template(self):
        """So a first production stack cannot run with another's instances, or alarm nobody."""
        prod = tomllib.loads((ROOT / "samconfig.toml").read_text())["prod"]["deploy"]["parameters"]
        given = dict(of.split("=", 1) for of in prod["parameter_overrides"])
        parameters = template.read()["Parameters"]
        refused = {name for name, value in given.items() if "<" in value}
        self.assertEqual(refused, {"ProductionInstanceName", "TestInstanceName", "AlarmTopicArn"})
        for name in refused:
            self.assertIsNone(re.fullmatch(parameters[name]["AllowedPattern"], given[name]), name)
        self.assertEqual(given["ScheduleState"], "DISABLED")

    def unpacked(self):
        """The release's folder as an operator has it, the archive unpacked in it."""
        self.release()
        folder = self.work / "operator"
        shutil.copytree(self.dist / "release", folder)
        subprocess.run(["tar", "xzf", "operator-kit.tar.gz"], cwd=folder, check=True)
        return folder

    def test_a_new_operator_has_all_that_the_pages_refer_to(self):
        folder = self.unpacked()
        sums = subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=folder, check=False)
        self.assertEqual(sums.returncode, 0, "unpacking changes none of them")
        for name in ("docs/settings.md", "docs/deployer-policy.json", "datadog/apply", "documents/structure.pl", "document-manifest.sh"):
            self.assertTrue((folder / name).is_file(), name)
        seen = 0
        for page in folder.rglob("*.md"):
            text = test_links.prose(page.read_text())
            for target in re.findall(r"\]\(([^)\s]+)\)", text):
                path, _, anchor = target.partition("#")
                if "://" in target:
                    at_commit = re.match(r"https://github.com/aminopay/infobright-backup-check/blob/(\w+)/(.*)", path)
                    if at_commit and at_commit[1] != "master":
                        self.assertEqual(at_commit[1], commit(), target)
                        self.assertTrue((ROOT / at_commit[2]).exists(), target)
                    continue
                seen += 1
                file = (page.parent / path).resolve() if path else page
                self.assertTrue(file.exists(), f"{page.name}: {target}")
                if anchor:
                    self.assertIn(anchor, test_links.headings(file.read_text()), f"{page.name}: {target}")
        self.assertGreater(seen, 100)

    def test_a_new_operator_gets_to_a_stack_and_its_monitors_from_the_folder_alone(self):
        folder = self.unpacked()
        steps = (folder / "README.md").read_text().split("## Deploy\n")[1].replace("x86_64", HOST)
        copy, deploy = re.findall(r"(?m)^ +(cp samconfig.toml .*|sam deploy .*)$", steps)
        values = {"<Name-of-the-production-instance>": "ib.example.com", "<Name-of-the-test-instance>": "ib-test.example.com",
                  "<ARN-of-the-SNS-topic>": "arn:aws:sns:us-east-1:123456789012:databases"}
        edit = "; ".join(f"sed -i 's|{old}|{new}|' ~/ib-backup.toml" for old, new in values.items())
        with Aws() as aws:
            environment = {**os.environ, **aws.environment, "PATH": self.path, "HOME": str(self.work)}
            done = subprocess.run(["bash", "-ec", f"{copy}; {edit}; {deploy}"], cwd=folder, env=environment, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(aws.calls[-1:], ["CreateChangeSet ib-backup-prod"], done.stdout)
        self.assertLessEqual({"ProductionInstanceName": "ib.example.com", "ScheduleState": "DISABLED"}.items(),
                             aws.parameters.items())
        # These tests are started by make themselves.
        alone = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
        listed = subprocess.run(["make"], cwd=folder, env=alone, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual((listed.returncode, re.findall(r"(?m)^\S+", listed.stdout)),
                         (0, ["help", "datadog", "datadog-fire"]), listed.stdout)
        # The lock's packages are those of this Python: none is fetched.
        ready = folder / ".tools/datadog/bin"
        ready.mkdir(parents=True)
        (ready / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        (ready / "python").chmod(0o755)
        (ready.parent / "ready").touch()
        with Datadog() as datadog:
            keys = {"DD_API_KEY": API_KEY, "DD_APP_KEY": APP_KEY, "DD_URL": datadog.url}
            for target, count in [("datadog SOURCE=ib.example.com NOTIFY=@me", 11), ("datadog-fire NOTIFY=@me", 19)]:
                done = subprocess.run(["make", *target.split()], cwd=folder, env={**os.environ, **keys}, text=True,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                self.assertEqual(done.returncode, 0, done.stdout)
                self.assertEqual(len(datadog.dashboards) + len(datadog.monitors), count, done.stdout)

    def test_the_archive_has_the_same_bytes_each_time(self):
        self.release()
        first = (self.dist / "release/operator-kit.tar.gz").read_bytes()
        self.release("--dry-run")
        self.assertEqual((self.dist / "release/operator-kit.tar.gz").read_bytes(), first)

    def test_the_notes_tell_operators_what_changed(self):
        text, page = template.FILE.read_text(), (ROOT / "docs/events.md").read_text()
        same = release_notes.changes((text, page), (text, page))
        self.assertEqual(same, ["Parameters, permissions and payload are as they were.", ""])
        before = text.replace("  SnapshotMaxAgeHours:", "  OldName:", 1)
        before = before.replace("Default: 9000", "Default: 7200").replace("ec2:DeleteVolume", "ec2:DeleteVolumes")
        older = re.sub(r"\| `device` \| 3 .*\n", "", page)
        self.assertNotIn("| `device` | 3", older)
        notes = "\n".join(release_notes.changes((before, older), (text, page)))
        for line in ("- new: `SnapshotMaxAgeHours` (`26`)", "- gone: `OldName`",
                     "- changed: `TestBudgetSeconds`: now `9000`, before `7200`", "- gone: Step6Role: `ec2:DeleteVolumes`",
                     "- new: `device` (step 3)"):
            self.assertIn(line, notes)
        self.assertIn("- new: Step6Role: `ec2:DeleteVolume` (", notes)

    def test_the_notes_compare_with_the_release_before(self):
        self.keep(tags={"2026-01-02-9": "no-commit", "2026-01-02-10": commit() + "^{commit}"})
        status, said = self.release("--dry-run")
        self.assertEqual(status, 0, said)
        self.assertIn("## For operators, since 2026-01-02-10\n\nParameters, permissions and payload are as they were.", said)


if __name__ == "__main__":
    unittest.main()
