"""What counts as a circle between the files of a crate."""

import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


class Circles(unittest.TestCase):
    def setUp(self):
        self.crate = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def circles(self, **files):
        """Status, and what is said of a crate with these files."""
        for name, text in files.items():
            path = self.crate / f"{name.replace('__', '/')}.rs"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        done = subprocess.run([ROOT / ".ci/circles", self.crate], capture_output=True, text=True, check=False)
        self.assertEqual(done.stderr, "")
        return done.returncode, done.stdout

    def assertCircle(self, **files):
        status, said = self.circles(lib="mod a;\nmod b;\n", **files)
        self.assertEqual(status, 1)
        self.assertRegex(said, "a uses b uses a|b uses a uses b")

    def test_two_files_that_import_each_other(self):
        self.assertCircle(a="use crate::b::B;\npub struct A(B);\n", b="use super::a::A;\npub fn b(_: A) {}\n")

    def test_a_path_in_the_text(self):
        self.assertCircle(a="pub fn a() { crate::b::b(); }\n", b="pub fn b() { super::a::a(); }\n")

    def test_a_group_of_imports(self):
        self.assertCircle(a="use crate::{b::{self, B as Other}};\nfn a(_: Other) { b::b() }\n",
                          b="use crate::a;\npub struct B;\npub fn b() { a::a() }\n")

    def test_an_item_that_another_file_passes_on(self):
        status, said = self.circles(lib="mod a;\nmod b;\npub use a::A;\npub use b::B;\n",
                                    a="use crate::B;\npub struct A(B);\n", b="use super::A;\npub fn b(_: A) {}\n")
        self.assertEqual(status, 1)
        self.assertNotIn("lib", said)

    def test_a_folder_and_a_file_in_it(self):
        status, said = self.circles(lib="mod a;\n", a="mod b;\npub struct A;\nfn a() { b::b() }\n",
                                    a__b="use super::A;\npub fn b() { let _ = A; }\n")
        self.assertEqual(status, 1)
        self.assertIn("a::b", said)

    def test_an_import_of_another_crate_by_its_own_name(self):
        alone = self.circles(lib="mod a;\n", a="use other::{self, b::other as c};\npub fn a() { other::f(c()) }\n")
        self.assertEqual(alone, (0, ""))

    def test_no_circle(self):
        """One way only; what is passed on and not used; tests; words in texts and comments."""
        one_way = self.circles(
            lib="mod a;\nmod b;\npub use a::A;\npub use b::B;\n",
            a="use crate::b::B;\npub struct A(B);\n",
            b='// crate::a::A\npub struct B;\npub fn b() { print("crate::a::A") }\n'
              "#[cfg(test)]\nmod tests {\n    use crate::a::A;\n    fn t(_: A) {}\n}\n",
        )
        self.assertEqual(one_way, (0, ""))


if __name__ == "__main__":
    unittest.main()
