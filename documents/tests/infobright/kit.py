"""The test script on the healthy data directories and the damaged ones, with the stand-in for the server."""

import os
import pathlib
import shutil
import subprocess
import tempfile

import damage
import host

HERE = pathlib.Path(__file__).resolve().parent


class Kit:
    """The script, and the healthy directories, each without and with its manifest."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.script = host.assembled(folder)
        self.plain = damage.unpack_variants(self.folder)
        self.plain["golden"] = self.folder / "golden"
        self.listed, self.asked = {}, {}

    def with_manifest(self, name):
        """By the script itself, from the stand-in server on the healthy directory."""
        if name not in self.listed:
            self.listed[name] = self.folder / "listed" / name
            shutil.copytree(self.plain[name], self.listed[name])
            self.write_manifest(name)
        return self.listed[name]

    def write_manifest(self, name):
        socket, pid = self.folder / "s", self.folder / "pid"
        settings = self.folder / "server.cnf"
        settings.write_text(f"datadir = {self.listed[name]}\nsocket = {socket}\npid-file = {pid}\nlog-error = {self.folder}/log\n")
        asked = self.folder / "asked"
        asked.unlink(missing_ok=True)
        variables = os.environ | {"IB_CASE": name, "IB_HEALTHY": str(self.plain[name]), "IB_ASKED": str(asked)}
        server = subprocess.Popen([HERE / "server", f"--defaults-file={settings}"], env=variables)
        try:
            while not pid.exists() or not socket.exists():
                if server.poll() is not None:
                    raise SystemExit("the stand-in server did not start")
            command = ["bash", host.assembled(self.folder, "manifest"), "--data", self.listed[name], "--socket", socket]
            done = subprocess.run([*command, "--client", HERE / "client"], capture_output=True, text=True)
            if done.returncode:
                raise SystemExit(f"{name}: {done.stderr}")
            self.asked[name] = statements(asked)
        finally:
            server.terminate()
            server.wait()
            pid.unlink(missing_ok=True)
            socket.unlink(missing_ok=True)

    def run(self, case, manifest=False, **more):
        """The script on a copy of a healthy directory, or of one with the case applied: what it printed, and asked."""
        name = case if isinstance(case, str) else case.get("variant", "golden")
        healthy = self.listed[name] if manifest else self.plain[name]
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            volume = pathlib.Path(folder) / "volume"
            shutil.copytree(healthy, volume / "mysql")
            if not isinstance(case, str):
                damage.apply(case, healthy, volume / "mysql")
            number = case if isinstance(case, str) else case["case"]
            # In the state directory, since the server can write nowhere else.
            asked = volume.parent / "state/asked"
            more |= {"IB_CASE": number, "IB_HEALTHY": str(self.plain[name]), "IB_ASKED": str(asked)}
            variables = host.environment(volume.parent, volume, HERE / "server", HERE / "client", **more)
            done = subprocess.run(["bash", self.script], env=variables, capture_output=True, text=True)
            done.asked = statements(asked) if asked.exists() else []
            return done


def statements(asked):
    """What the stand-in server was asked, in order."""
    return [statement for statement in asked.read_text().split("\0") if statement]
