"""What CircleCI's schema does not say of .circleci/config.yml."""

import pathlib
import re
import subprocess
import tempfile
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FILE = ROOT / ".circleci/config.yml"
CONFIG = yaml.safe_load(FILE.read_text())


def runs(steps):
    """The commands of the steps, those of our own command `make` filled in."""
    for step in steps:
        if "make" in step:
            yield f"make {step['make']['target']}"
        elif "run" in step:
            yield step["run"]


def workflow():
    """Each job of the workflow by the name it has there, with what it says of it."""
    jobs = {}
    for entry in CONFIG["workflows"]["commit"]["jobs"]:
        ((job, said),) = entry.items() if isinstance(entry, dict) else [(entry, {})]
        for architecture in said.get("matrix", {}).get("parameters", {}).get("architecture", [""]):
            name = said.get("name", job).replace("<< matrix.architecture >>", architecture)
            jobs[name] = {**said, "job": job}
    return jobs


class CircleCi(unittest.TestCase):
    def test_the_schema_catches_a_planted_fault(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            file.write(FILE.read_text().replace("resource_class: medium", "resource_class: [medium]"))
            file.flush()
            command = [ROOT / ".tools/linters/bin/check-jsonschema", "--builtin-schema",
                       "vendor.circle-ci", file.name]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("resource_class", done.stdout)

    def test_every_job_is_one_make_target(self):
        targets = re.findall(r"(?m)^([a-z-]+):.*##", (ROOT / "Makefile").read_text())
        for name, job in CONFIG["jobs"].items():
            commands = list(runs(job["steps"]))
            self.assertEqual(len(commands), 1, name)
            word, target = commands[0].split()[:2]
            self.assertEqual(word, "make")
            self.assertIn(target, targets)
            self.assertEqual(target, name)

    def test_the_release_comes_after_all_other_jobs_and_on_master_alone(self):
        jobs = workflow()
        release = jobs.pop("release")
        self.assertEqual(sorted(release["requires"]), sorted(jobs))
        self.assertEqual(release["filters"], {"branches": {"only": "master"}})

    def test_what_a_job_works_on_was_left_by_one_that_it_requires(self):
        """The release and the rehearsal of the zips."""
        leaves = {name for name, job in CONFIG["jobs"].items()
                  if any("persist_to_workspace" in step for step in job["steps"])}
        taking = []
        for name, said in workflow().items():
            steps = CONFIG["jobs"][said["job"]]["steps"]
            attached = any("attach_workspace" in step or "attach" in step.get("make", {})
                           for step in steps if step != "checkout")
            if attached or any("dist/" in command for command in runs(steps)):
                taking.append(name)
                self.assertTrue(attached, name)
                required = {workflow()[of]["job"] for of in said["requires"]}
                self.assertLessEqual(leaves, required, name)
        self.assertEqual(taking, ["rehearse", "release"])

    def test_what_another_job_requires_runs_wherever_that_does(self):
        jobs = workflow()
        for name, said in jobs.items():
            for required in said.get("requires", []):
                self.assertIn(required, jobs, name)
                self.assertIn(jobs[required].get("filters"), (None, said.get("filters")), required)

    def test_what_builds_has_the_memory_for_it_and_the_time(self):
        for name, job in CONFIG["jobs"].items():
            if name == "release":
                continue
            executor = job["executor"].replace("<< parameters.architecture >>", "arm64")
            self.assertIn(CONFIG["executors"][executor]["resource_class"], ("large", "arm.large"))
        runs_make = [step["run"] for step in CONFIG["commands"]["make"]["steps"]
                     if "run" in step and step["run"]["command"].startswith("make ")]
        (minutes,) = [run["no_output_timeout"] for run in runs_make]
        self.assertGreater(int(minutes.rstrip("m")), 10)

    def test_a_cache_is_of_one_cargo_lock_and_found_under_the_key_it_is_saved_under(self):
        text = FILE.read_text()
        keys = set(re.findall(r"'(1-.*)'", text))
        self.assertEqual(len(keys), 1, keys)
        self.assertIn('{{ arch }}', min(keys))
        self.assertIn('{{ checksum "Cargo.lock" }}', min(keys))


if __name__ == "__main__":
    unittest.main()
