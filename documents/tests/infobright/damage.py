"""Applies cases of damage.tsv to copies of golden, with the file times of the original: damage on a disk changes none."""

import csv
import os
import pathlib
import shutil
import tarfile

HERE = pathlib.Path(__file__).resolve().parent


def cases():
    """The cases as dictionaries, in order."""
    with open(HERE / "damage.tsv", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def unpack_golden(folder):
    """golden below the folder. All its times are moved into the past, for machines whose clock is behind its maker's."""
    with tarfile.open(HERE / "golden.tar.xz") as archive:
        archive.extractall(folder)
        newest = max(member.mtime for member in archive.getmembers())
    golden = pathlib.Path(folder) / "golden"
    for path in [golden, *golden.rglob("*")]:
        when = path.stat().st_mtime - newest + 1_500_000_000
        os.utime(path, (when, when))
    return golden


def change(content, case, golden):
    """The new content of a file."""
    offset, arg = case["offset"], case["arg"]
    if case["op"] == "flip":
        at = int(offset)
        return content[:at] + bytes([content[at] ^ 1 << int(arg)]) + content[at + 1 :]
    if case["op"] == "zero":
        at, count = int(offset), int(arg)
        return content[:at] + bytes(count) + content[at + count :]
    if case["op"] == "truncate":
        return content[: int(arg)]
    if case["op"] == "copy":
        return (golden / arg).read_bytes()
    text = arg.replace("\\n", "\n").replace("\\0", "\0").encode()
    if case["op"] == "append":
        return content + text
    if case["op"] == "write":
        return text
    raise ValueError(f"case {case['case']}: unknown op {case['op']}")


def apply(case, golden, copy):
    """Spoils the copy of golden as the case says."""
    path = copy / case["path"]
    folder = os.stat(path.parent)
    if case["op"] == "delete":
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    elif case["op"] == "create":
        path.write_bytes(b"")
        os.utime(path, ns=(folder.st_mtime_ns, folder.st_mtime_ns))
    else:
        before = os.stat(path)
        path.write_bytes(change(path.read_bytes(), case, golden))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    os.utime(path.parent, ns=(folder.st_atime_ns, folder.st_mtime_ns))
