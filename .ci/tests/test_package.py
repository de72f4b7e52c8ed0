"""make package, as far as it needs no build: what it refuses, and that its bytes do not change."""

import os
import pathlib
import platform
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# The compiler's programs are for this one.
HERE, OTHER = ("x86_64", "arm64") if platform.machine() == "x86_64" else ("arm64", "x86_64")
STEPS = ["step1-snapshot", "step2-volume", "step3-attach", "step4-mount", "step5-run-test",
         "step6-await-result"]
# A program that asks for what glibc got with 2.38, and one that asks for nothing new.
TOO_NEW = "extern int f(void) __asm__(\"__isoc23_strtol\"); int main(void) { return f(); }"
PLAIN = "int main(void) { return 0; }"
# Stands in for a C library that is newer than this machine's.
NEWER = "int __isoc23_strtol(void) { return 0; }"
VERSIONS = "GLIBC_2.38 { global: __isoc23_strtol; };"


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.plain = cls.compile("plain", PLAIN)
        (cls.folder / "versions").write_text(VERSIONS)
        library = cls.compile("libnewer.so", NEWER, "-shared", "-fPIC",
                              f"-Wl,--version-script={cls.folder}/versions")
        cls.too_new = cls.compile("too-new", TOO_NEW, str(library))

    @classmethod
    def compile(cls, name, code, *arguments):
        source = cls.folder / f"{name}.c"
        source.write_text(code)
        subprocess.run(["gcc", "-o", cls.folder / name, source, *arguments], check=True)
        return cls.folder / name

    def setUp(self):
        self.work = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def built(self, folder="built", **instead):
        for step in STEPS:
            bootstrap = self.work / folder / step / "bootstrap"
            bootstrap.parent.mkdir(parents=True)
            shutil.copy(instead.get(step.replace("-", "_"), self.plain), bootstrap)
        return self.work / folder

    def package(self, *arguments, **environment):
        done = subprocess.run([sys.executable, ROOT / ".ci/package", *arguments],
                              env={**os.environ, **environment}, capture_output=True, text=True)
        self.assertNotIn("Traceback", done.stderr)
        return done.returncode, done.stdout + done.stderr

    def test_six_zips_a_template_and_sums(self):
        status, said = self.package(HERE, "--built", self.built(), "--into", self.work / "dist")
        self.assertEqual(status, 0, said)
        folder = self.work / f"dist/{HERE}"
        zips = [f"{step}-{HERE}.zip" for step in STEPS]
        self.assertEqual(sorted(path.name for path in folder.iterdir()),
                         ["SHA256SUMS", *zips, f"template-{HERE}.yaml"])
        for name in zips:
            (entry,) = zipfile.ZipFile(folder / name).infolist()
            self.assertEqual(entry.filename, "bootstrap")
            self.assertEqual(stat.filemode(entry.external_attr >> 16), "-rwxr-xr-x")
            self.assertIn(f"{name:34} {(folder / name).stat().st_size:12,}", said)
        template = (folder / f"template-{HERE}.yaml").read_text()
        for name in zips:
            self.assertIn(f"      CodeUri: {name}\n", template)
        self.assertNotIn("CodeUri: crates", template)
        self.assertNotIn("AWS::Include", template)
        self.assertEqual(template.count("#!/bin/bash\n"), 5)
        self.assertIn(f"    Default: {HERE}\n    AllowedValues: [{HERE}]\n", template)
        self.assertRegex(template, r"(?m)^Description: Infobright backup check - .* \(commit [0-9a-f]{40}")
        self.assertRegex(template, r"(?m)^          COMMIT: [0-9a-f]{40}")
        check = subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=folder, capture_output=True)
        self.assertEqual(check.returncode, 0, check.stdout)

    def test_same_programs_same_bytes(self):
        first, second = self.built("first"), self.built("second")
        for path in second.rglob("bootstrap"):
            os.utime(path, (0, 0))
            path.chmod(0o600)
        for built in (first, second):
            self.package(HERE, "--built", built, "--into", self.work / f"of-{built.name}")
        sums = [(self.work / f"of-{of}/{HERE}/SHA256SUMS").read_text() for of in ("first", "second")]
        self.assertEqual(*sums)

    def test_what_an_earlier_run_left_is_gone(self):
        stray = self.work / f"dist/{HERE}/step7-{HERE}.zip"
        stray.parent.mkdir(parents=True)
        stray.touch()
        self.package(HERE, "--built", self.built(), "--into", self.work / "dist")
        self.assertFalse(stray.exists())

    def test_a_program_for_a_newer_glibc_is_refused(self):
        built = self.built(step4_mount=self.too_new)
        status, said = self.package(HERE, "--built", built, "--into", self.work / "dist")
        self.assertEqual(status, 1)
        self.assertIn("step4-mount/bootstrap asks for glibc 2.38; provided.al2023 has 2.34", said)
        self.assertFalse((self.work / "dist").exists())

    def test_a_program_of_the_other_architecture_is_refused(self):
        status, said = self.package(OTHER, "--built", self.built(), "--into", self.work / "dist")
        self.assertEqual(status, 1)
        self.assertIn(f", not {OTHER}", said)

    def test_a_missing_program_is_named(self):
        built = self.built()
        (built / "step2-volume/bootstrap").unlink()
        status, said = self.package(HERE, "--built", built, "--into", self.work / "dist")
        self.assertEqual(status, 1)
        self.assertIn("step2-volume/bootstrap is missing", said)

    def test_no_standard_library_is_said_before_anything_is_built(self):
        """With a rustc that has only its host's, as most have."""
        tools = self.work / "tools"
        tools.mkdir()
        (self.work / "lib").mkdir()
        for name, does in [("rustc", f"echo {self.work}/lib"), ("cargo", f"touch {self.work}/built")]:
            (tools / name).write_text(f"#!/bin/sh\n{does}\n")
            (tools / name).chmod(0o755)
        status, said = self.package("arm64", "--into", self.work / "dist",
                                    PATH=f"{tools}:{os.environ['PATH']}")
        self.assertEqual(status, 1)
        self.assertIn("the standard library of aarch64-unknown-linux-gnu is not installed", said)
        self.assertIn("rustup target add aarch64-unknown-linux-gnu", said)
        self.assertFalse((self.work / "built").exists())


if __name__ == "__main__":
    unittest.main()
