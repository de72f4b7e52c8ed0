"""make lint-dependencies catches what is planted for it in a copy of the workspace."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HOME = pathlib.Path(os.environ.get("CARGO_HOME") or pathlib.Path.home() / ".cargo")
PLANTED = """[package]
name = "openssl-sys"
version = "0.9.0"
edition = "2024"
license = "GPL-3.0-only"
"""


class Planted(unittest.TestCase):
    def setUp(self):
        self.work = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.tree = self.work / "tree"
        shutil.copytree(ROOT / "crates", self.tree / "crates")
        shutil.copytree(ROOT / ".ci", self.tree / ".ci")
        # The Makefile reads a file of it.
        shutil.copytree(ROOT / "datadog", self.tree / "datadog")
        for file in ("Cargo.toml", "Cargo.lock", "Makefile", "deny.toml", "rust-toolchain.toml"):
            shutil.copy2(ROOT / file, self.tree)
        # With the crates of this machine, and what is cloned goes with the test.
        (self.work / "home").mkdir()
        (self.work / "home/registry").symlink_to(HOME / "registry")

    def run_in(self, folder, *command):
        environment = {**os.environ, "CARGO_HOME": str(self.work / "home"),
                       "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(pathlib.Path.home() / ".rustup"))}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True,
                              check=False)
        return done.returncode, done.stdout + done.stderr

    def depend(self, dependency, code=""):
        """Has `baseline` depend on that."""
        with (self.tree / "crates/bench/baseline/Cargo.toml").open("a") as manifest:
            manifest.write(f"\n[target.'cfg(unix)'.dependencies]\n{dependency}\n")
        with (self.tree / "crates/bench/baseline/src/main.rs").open("a") as main:
            main.write(code)
        status, said = self.run_in(self.tree, "cargo", "update", "--workspace")
        self.assertEqual(status, 0, said)

    def assertCaught(self, *wanted):
        linters = ROOT / ".tools/linters"
        status, said = self.run_in(self.tree, "make", "lint-dependencies", f"LINTERS={linters}",
                                   f"--assume-old={linters}/ready")
        self.assertNotEqual(status, 0, said)
        for text in wanted:
            self.assertIn(text, said)

    def test_a_dependency_that_no_code_names(self):
        self.depend("secrecy.workspace = true")
        self.assertCaught("unused dependency `secrecy`")

    def test_a_crate_of_another_tls_stack_a_licence_and_a_source_that_nobody_allowed(self):
        crate = self.work / "openssl-sys"
        (crate / "src").mkdir(parents=True)
        (crate / "src/lib.rs").touch()
        (crate / "Cargo.toml").write_text(PLANTED)
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        for command in (("init", "--quiet"), ("add", "."), (*who, "commit", "--quiet", "-m", "planted")):
            status, said = self.run_in(crate, "git", *command)
            self.assertEqual(status, 0, said)
        self.depend(f'openssl-sys = {{ git = "file://{crate}" }}', "\nuse openssl_sys as _;\n")
        self.assertCaught("rustls is the one TLS stack", "error[rejected]", "error[source-not-allowed]")


if __name__ == "__main__":
    unittest.main()
