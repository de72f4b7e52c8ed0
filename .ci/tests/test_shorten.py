"""What make rehearse shows on a terminal, and that it still ends as the rehearsal does."""

import os
import pathlib
import pty
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SHORTEN = ROOT / "crates/rehearsal/host/shorten"
RUN = 'run{run_id="rehearsal-request-0000"}'
LOG = f"""\
14:50:09  step-1-snapshot     INFO {RUN}: Invoked lambda, name=dev-ib-backup-step-2-volume, event={{"run_id":"x","a":{{}}}}
14:50:17  step-6-await-result INFO {RUN}: test cmd job status resp=[{{'ib02': {{"command_id":"c","status":"Failed","stdout":"…{{}}"}} }}]
14:50:17  step-6-await-result INFO {RUN}: DBBackupValid=False on snap-rehearsal0001: shop.orders: Corrupt
14:50:18  step-6-await-result ERROR {RUN}: {'x' * 200}

verdict       invalid
left          nothing
"""


def shortened(text, **environment):
    done = subprocess.run([SHORTEN], input=text, capture_output=True, text=True, check=True,
                          env={**os.environ, "COLUMNS": "110", **environment})
    return done.stdout.splitlines()


class Shorten(unittest.TestCase):
    def test_payloads_and_run_ids_are_left_out_and_lines_fit(self):
        lines = shortened(LOG, NO_COLOR="1")
        self.assertEqual(lines[0], "14:50:09  step-1-snapshot     INFO: Invoked lambda, "
                                   "name=dev-ib-backup-step-2-volume, event={…}")
        self.assertEqual(lines[1], "14:50:17  step-6-await-result INFO: test cmd job status "
                                   "resp=[{'ib02': {…\"status\":\"Failed\"…} }]")
        self.assertEqual(lines[2][30:], "INFO: DBBackupValid=False on snap-rehearsal0001: shop.orders: Corrupt")
        self.assertEqual((len(lines[3]), lines[3][-1]), (110, "…"))
        self.assertEqual(lines[4:], LOG.splitlines()[4:])

    def test_verdicts_and_errors_have_their_colours(self):
        red, green, yellow = "\x1b[31m", "\x1b[32m", "\x1b[33m"
        for text, colour in [
            ("verdict       valid", green), ("verdict       canary caught", green), ("verdict       invalid", red),
            ("verdict       undetermined", yellow), ("left          vol-1", red), (LOG.splitlines()[3], red),
            (LOG.splitlines()[2], red), ("14:50:18  step-1-snapshot     WARN r: odd", yellow),
        ]:
            (line,) = shortened(text, NO_COLOR="")
            self.assertTrue(line.startswith(colour), line)
        self.assertEqual(shortened("left          nothing", NO_COLOR=""), ["left          nothing"])

    def make(self, log, terminal):
        """What make rehearse prints of a program that prints the log and ends with 1."""
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        shutil.copy(ROOT / "Makefile", folder)
        for name in ("datadog/datadog.mk", "crates/rehearsal/host/shorten"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
        (folder / "log").write_text(LOG)
        (folder / "rehearse").write_text(f"#!/bin/sh\ncat {folder}/log\nexit 1\n")
        (folder / "rehearse").chmod(0o755)
        command = ["make", "--silent", "--old-file=setup-host", "--old-file=build", "rehearse",
                   f"REHEARSE={folder}/rehearse", f"LOG={log}"]
        ours, theirs = pty.openpty()
        output = theirs if terminal else subprocess.PIPE
        done = subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, "COLUMNS": "110"})
        os.close(theirs)
        if not terminal:
            text = done.communicate()[0].decode()
        else:
            text = ""
            while True:
                try:
                    piece = os.read(ours, 65536)
                except OSError:
                    break
                if not piece:
                    break
                text += piece.decode()
        os.close(ours)
        self.assertEqual(done.wait(), 2)
        return text.replace("\r\n", "\n")

    def test_a_terminal_gets_it_short_and_anything_else_whole(self):
        short = self.make("", terminal=True)
        self.assertIn("event={…}", short)
        self.assertIn("\x1b[31mverdict       invalid", short)
        self.assertRegex(short, r"exit status 1 of \S+/rehearse --backup good")
        for log, terminal in [("full", True), ("", False)]:
            whole = self.make(log, terminal)
            self.assertIn(LOG, whole)
            self.assertNotIn("\x1b", whole)
            self.assertRegex(whole, r"exit status 1 of \S+/rehearse --backup good")


if __name__ == "__main__":
    unittest.main()
