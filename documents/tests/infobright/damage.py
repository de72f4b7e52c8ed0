"""Applies cases of damage.tsv and variants.tsv to copies of healthy directories, with the file times of the original: damage on a disk changes none."""

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


def second_cases():
    """Those of the second set, each with its variant's name and its number."""
    with open(HERE / "variants.tsv", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [row | {"case": f"{row['variant']}:{row['case']}"} for row in rows]


def variants():
    """The names of the second set's healthy data directories."""
    with tarfile.open(HERE / "variants.tar.xz") as archive:
        return sorted(name.split("/")[1] for name in archive.getnames() if name.startswith("variants/") and name.count("/") == 1)


def unpack(name, folder):
    """golden, or a variant, below the folder."""
    return unpack_golden(folder) if name == "golden" else unpack_variants(folder)[name]


def into_the_past(folder, members):
    """Its times, for machines whose clock is behind its maker's."""
    newest = max(member.mtime for member in members)
    for path in [folder, *folder.rglob("*")]:
        when = path.stat().st_mtime - newest + 1_500_000_000
        os.utime(path, (when, when))


def unpack_golden(folder):
    """golden below the folder."""
    with tarfile.open(HERE / "golden.tar.xz") as archive:
        archive.extractall(folder)
        members = archive.getmembers()
    golden = pathlib.Path(folder) / "golden"
    into_the_past(golden, members)
    return golden


def unpack_variants(folder):
    """All variants below the folder, by name. What they leave out they have from golden."""
    folder = pathlib.Path(folder)
    golden = folder / "golden" if (folder / "golden").is_dir() else unpack_golden(folder)
    with tarfile.open(HERE / "variants.tar.xz") as archive:
        members = [member for member in archive.getmembers() if member.name.startswith("variants/")]
        archive.extractall(folder, members)
    found = {path.name: path for path in sorted((folder / "variants").iterdir())}
    for path in found.values():
        for name in ("mysql", "sys_infobright"):
            shutil.copytree(golden / name, path / name)
        shutil.copy2(golden / "ib_data_version", path)
        into_the_past(path, members)
    return found


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
