"""One package's tests take the crates that `make build` made: cargo builds a crate, and all that
depends on it, once for each set of features, and aws-sdk-ec2 takes minutes."""

import json
import pathlib
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def cargo(*arguments):
    done = subprocess.run(["cargo", *arguments, "--locked"], cwd=ROOT, check=True, text=True,
                          stdout=subprocess.PIPE)
    return done.stdout


def features(*packages):
    """Each crate that these packages need, with its features."""
    tree = cargo("tree", "--edges", "normal,build,dev", "--prefix", "none", "--format", "{p} {f}",
                 *packages)
    return {line.removesuffix(" (*)") for line in tree.splitlines()}


class Features(unittest.TestCase):
    def test_each_package_takes_the_features_of_all(self):
        of_all = features("--workspace")
        metadata = json.loads(cargo("metadata", "--no-deps", "--format-version", "1"))
        names = [package["name"] for package in metadata["packages"]]
        self.assertIn("step1-snapshot", names)
        # What make bench builds in the release profile alone, and nobody tests.
        names.remove("baseline")
        for name in names:
            with self.subTest(name):
                self.assertEqual(features("--package", name) - of_all, set())


if __name__ == "__main__":
    unittest.main()
