"""The script on a volume with a data directory of a real MariaDB server, changed as a case says."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import host

from . import damages, production

SCRIPTS = host.HERE.parent.parent / "crates/rehearsal/host"
ROWS = "8000"


class Kit:
    """The script, production's data, and the same with a manifest; with the server of this machine, or one that
    fetch-servers has unpacked."""

    def __init__(self, folder, programs=None):
        self.folder = pathlib.Path(folder)
        self.script = host.assembled(folder)
        self.programs = programs
        self.server, self.client = host.program("mariadbd"), host.program("mariadb")
        self.path, self.basedir, self.others = os.environ["PATH"], [], []
        if programs:
            self.server = programs / "usr/sbin/mariadbd"
            self.path = f"{programs}/bin:{self.path}"
            self.basedir = [f"--basedir={programs}/usr"]
        said = subprocess.run([self.server, "--no-defaults", "--version"], capture_output=True, text=True).stdout
        self.version = re.search(r"Ver (\d+\.\d+)", said).group(1)
        self.production(self.folder / "production", ROWS)
        self.plain = self.folder / "production/data"
        self.sql(self.plain, damages.MORE_TABLES)
        self.listed = self.folder / "listed"
        shutil.copytree(self.plain, self.listed)
        # Where a test says which changes came later, the manifest has to be the later one.
        for path in self.listed.rglob("*"):
            os.utime(path, (1_500_000_000, 1_500_000_000))
        self.write_manifest(self.listed, self.folder)

    def production(self, folder, rows):
        quiet = {"stdout": subprocess.DEVNULL, "check": True, "env": os.environ | {"PATH": self.path}}
        subprocess.run([SCRIPTS / "production.sh", folder, rows], **quiet)

    def plugins(self):
        """The folder with the server's plugins."""
        return (self.programs or pathlib.Path("/")) / "usr/lib/mysql/plugin"

    def can(self, case):
        if case.needs == "another server":
            return bool(self.others)
        return not case.needs or (self.plugins() / f"{case.needs}.so").exists()

    def sql(self, data, statements, *options):
        """Statements, one a line, on a stopped data directory."""
        done = subprocess.run(
            [self.server, "--no-defaults", *self.basedir, f"--user={host.user()}", f"--datadir={data}"]
            + [f"--tmpdir={pathlib.Path(data).parent.parent}", "--bootstrap", "--loose-innodb-log-file-size=4M", *options],
            input="SET NAMES utf8mb4;\n" + re.sub("; (?=[A-Z]+ )", ";\n", statements),
            text=True,
            capture_output=True,
        )
        if done.returncode:
            raise SystemExit(f"{statements}: {done.stderr[-2000:]}")

    def running_at(self, place, *options):
        return self.running(place.data, place.root, *options)

    def say(self, socket, statements):
        subprocess.run([self.client, "--no-defaults", f"--socket={socket}", "-e", statements], check=True)

    def running(self, data, folder, *options):
        """A server on the data, and its socket."""
        return host.start(self.server, self.client, data, folder, *self.basedir, *options)

    def write_manifest(self, data, folder, *options):
        server, socket = self.running(data, folder, *options)
        command = ["bash", host.assembled(self.folder, "manifest"), "--data", data, "--socket", socket, "--client", self.client]
        done = subprocess.run(command, capture_output=True, text=True)
        server.terminate()
        server.wait()
        if done.returncode:
            sys.exit(f"no manifest: {done.stderr}")

    def run(self, case):
        """The script on a volume that was changed as the case says: what it printed."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            root = pathlib.Path(folder)
            os.chmod(root, 0o755)
            data = root / "volume/mysql"
            shutil.copytree(self.listed if case.manifest else self.plain, data, copy_function=shutil.copy2)
            variables = host.environment(root, root / "volume", self.server, self.client)
            place = Place(self, root, data, variables)
            prefix = case.change(place) or []
            done = subprocess.run([*prefix, "bash", self.script], env=place.variables, stdin=subprocess.DEVNULL, capture_output=True, text=True)
            return done


class Place:
    """What a case may change."""

    def __init__(self, kit, root, data, variables):
        self.kit, self.root, self.data, self.variables = kit, root, data, variables

    def sql(self, statements, *options):
        self.kit.sql(self.data, statements, *options)

    def options(self, text):
        self.variables["SSM_serverOptions"] = text

    def fresh(self, *options):
        """Another data directory in its place, made with these options from the beginning."""
        shutil.rmtree(self.data)
        done = subprocess.run(
            ["mariadb-install-db", "--no-defaults", "--force", "--skip-name-resolve", "--skip-test-db", f"--user={host.user()}"]
            + ["--auth-root-authentication-method=normal", "--innodb-log-file-size=4M", f"--datadir={self.data}", *options],
            # Two at once must not share their temporary tables.
            env=os.environ | {"PATH": self.kit.path, "TMPDIR": str(self.root)},
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)
        self.sql(production.SMALL_SHOP, *options)

    def client(self, script):
        """A client of the case's own; $REAL is the real one, $SQL the statements."""
        path = self.root / "client"
        path.write_text(f'#!/bin/bash\nREAL={self.kit.client}\nPID={self.root}/state/runs/{host.RUN}/scratch/pid\nSQL=$(cat)\n{script}\nexec "$REAL" "$@" <<<"$SQL"\n')
        path.chmod(0o755)
        self.variables["SSM_client"] = str(path)

    def server(self, script):
        """A server that runs these lines first; $REAL is the real one. It finds its files as the real one does."""
        path = self.root / "usr/sbin/mariadbd"
        path.parent.mkdir(parents=True)
        for name in ("share", "lib"):
            (self.root / "usr" / name).symlink_to((self.kit.programs or pathlib.Path("/")) / "usr" / name)
        path.write_text(f'#!/bin/bash\nREAL={self.kit.server}\n{script}\nexec "$REAL" "$@"\n')
        path.chmod(0o755)
        self.variables["SSM_server"] = str(path)
