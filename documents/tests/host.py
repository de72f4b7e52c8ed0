"""A test host for the kits: the real script on a volume that is a folder, as the mount script would leave it."""

import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
RUN = "run-1"
VOLUME = "vol-0rehearsal1"


def assembled(folder, document="test"):
    """A document's script as the host gets it."""
    path = pathlib.Path(folder) / document
    path.write_bytes(subprocess.run([HERE / "assemble", document], capture_output=True, check=True).stdout)
    # broken-checks breaks one thing, and wants to see red.
    if "IB_BREAK" in os.environ:
        subprocess.run(["perl", "-0777", "-pi", "-e", os.environ["IB_BREAK"], path], check=True)
    return path


def program(name):
    return shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin") or sys.exit(f"no {name} on this machine")


def user():
    return subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()


def start(server, client, data, folder, *options):
    """A server on the data as production has it, and its socket. Not with others' temporary tables: it removes them."""
    socket, pid = folder / "s", folder / "pid"
    process = subprocess.Popen(
        [server, "--no-defaults", f"--user={user()}", f"--datadir={data}", f"--socket={socket}", f"--pid-file={pid}"]
        + [f"--tmpdir={folder}", "--skip-networking", "--skip-grant-tables", "--innodb-log-file-size=4M", f"--log-error={folder}/log", *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while subprocess.run([client, "--no-defaults", f"--socket={socket}", "-e", "SELECT 1"], capture_output=True).returncode:
        if process.poll() is not None:
            sys.exit((folder / "log").read_text())
    return process, socket


@contextlib.contextmanager
def running(*arguments):
    """Its socket, while it is needed."""
    process, socket = start(*arguments)
    try:
        yield socket
    finally:
        process.terminate()
        process.wait()


def environment(host, volume, server, client, **more):
    """Its variables, with the volume mounted; the rehearsal's stand-in for a mount table."""
    state, mount, table = host / "state", host / "mnt", host / "mountinfo"
    state.mkdir(exist_ok=True)
    mount.symlink_to(volume)
    table.write_text(f"1 1 0:0 / {mount} rw - xfs {volume} rw\n")
    (state / "mounted").write_text(f"{RUN} {VOLUME} {volume} none {mount}\n")
    return os.environ | {
        "SSM_runId": RUN,
        "SSM_volumeId": VOLUME,
        "SSM_snapshotId": "snap-0rehearsal1",
        "SSM_mountPoint": str(mount),
        "SSM_stateDirectory": str(state),
        "SSM_dataDirectory": "mysql",
        "SSM_server": str(server),
        "SSM_client": str(client),
        "SSM_serverUser": user(),
        "IB_MOUNTINFO": str(table),
        "IB_WORKERS": "1",
        "IB_START_WAIT": "60",
        # On a machine that has more to do.
        "IB_INDEX_SECONDS": "60",
        **more,
    }


class Finding:
    """What the script said, held to its contract."""

    def __init__(self, done):
        self.done = done
        self.lines = done.stdout.splitlines()
        self.summary = json.loads(self.lines[-1])
        self.valid = self.summary["valid"]
        self.reason = self.summary["reason"]
        matches = (re.match(r"FAIL  ([^:]+): ", line) for line in self.lines)
        self.failed = [match.group(1) for match in matches if match]
        assert done.returncode == {True: 0, False: 1, None: 75}[self.valid], done
        assert len(done.stdout) < 24000, len(done.stdout)
        assert (self.reason == "") == (self.valid is True), done

    def marks(self):
        """The lines that want somebody's eye."""
        marked = [line for line in self.lines if line.split()[0] in ("FAIL", "ERROR", "WARN")]
        # That this machine has no namespaces is none of the data's.
        return [line for line in marked if not re.match(r"WARN +namespaces:", line)]

    @property
    def verdict(self):
        return {True: "valid", False: "invalid", None: "undetermined"}[self.valid]


def at_once(work, items):
    """The results in order, from twice as many at once as there are cores, with a count for whoever watches."""
    results = []
    # Each waits for its server about as long as it works.
    with concurrent.futures.ThreadPoolExecutor(2 * os.cpu_count()) as pool:
        for number, result in enumerate(pool.map(work, items), 1):
            results.append(result)
            if sys.stderr.isatty():
                print(f"\r{number} of {len(items)}", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    return results


def rows(head, body):
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


PAPER = HERE.parent.parent / "docs/integrity-test.md"


def cut_paper(name):
    """What stands before a part of the paper, the part, and what stands behind it."""
    begin, end = f"<!-- begin: documents/tests/{name} -->", f"<!-- end: documents/tests/{name} -->"
    before, found, rest = PAPER.read_text().partition(begin)
    part, ended, after = rest.partition(end)
    if not found or not ended:
        sys.exit(f"{PAPER} has no part {begin}")
    return before + begin, part, end + after


def part_of_paper(name):
    return cut_paper(name)[1]


def into_paper(name, made, check, same=""):
    """Puts a part into docs/integrity-test.md, or says that another stands there. A part of which `same` is not in the
    paper was made with something else, and may differ: its verdicts have been held to what they should be."""
    before, old, after = cut_paper(name)
    if not check:
        PAPER.write_text(f"{before}\n\n{made}\n\n{after}")
    elif same not in old:
        print(f"{same} The paper was made with another, and is not compared.")
    elif old.strip() != made.strip():
        print(made)
        sys.exit(f"{PAPER} says something else: documents/tests/{name} --write")
