"""Columns of any number of pack rows: their headers, pack nodes and Knowledge Grid, and brighthouse.pl's questions about them.

The files are of the form that the real server writes; they have no pack files, because brighthouse.pl reads none. A pack row
has two values only, its least and its greatest: the Knowledge Grid keeps no bit for those, so that its blocks are empty.
"""

import pathlib
import struct
import subprocess

PROGRAMS = pathlib.Path(__file__).resolve().parent.parent.parent
ROWS = 65536
# 2024-01-02 and 2024-03-04, as the server packs them.
DAYS = [(2024 << 37) + (month << 33) + (day << 28) for month, day in ((1, 2), (3, 4))]


class Made:
    """What a column is made of: type, character set, longest value, least and greatest raw value, and a value as printed."""

    def __init__(self, type_, shown, least=0, most=0, charset="-", longest=0, lookup=False):
        self.type, self.shown, self.least, self.most = type_, shown, least, most
        self.charset, self.longest, self.lookup = charset, longest, lookup

    def total(self):
        """A sum that such a pack row may have, modulo 2^64: half of the values are the least."""
        total = (ROWS // 2 * (self.least + self.most)) % 2**64
        return total - 2**64 if total >= 2**63 else total

    def node(self):
        if self.type in ("float", "double"):
            return struct.pack("<iIdddHHB", 1, 0, 0.5, 1.5, float(ROWS), ROWS - 1, 0, 0)
        if self.longest:
            return struct.pack("<iI8s8sqHHB", 1, 0, b"a" * 8, b"z" * 8, self.longest, ROWS - 1, 0, 0)
        return struct.pack("<iIqqqHHB", 1, 0, self.least, self.most, self.total(), ROWS - 1, 0, 0)


def write(data, number, column, packs):
    """The files of a column of the table t in d."""
    folder, grid = data / "d/t.bht", data / "BH_RSI_Repository"
    folder.mkdir(parents=True, exist_ok=True)
    grid.mkdir(exist_ok=True)
    rows = packs * ROWS
    words = struct.pack("<17xI7xHH2s", 2, 1, 1, b"AB") if column.lookup else b""
    header = struct.pack("<4s4xBq13x4i", b"RS10", 1 if column.lookup else 129, rows, packs, 0, 46, 46 + len(words)) + words + bytes(60)
    (folder / f"TA{number:05}.ctb").write_bytes(header)
    (folder / f"TA{number:05}DPN.ctb").write_bytes(column.node() * (packs + 1))
    (folder / "Table.ctb").write_bytes(bytes(40))
    kind, head, block = ("CMAP", 28, 32 * min(column.longest, 64)) if column.longest else ("HIST", 30, 128)
    half = struct.pack("<xq", rows).ljust(head // 2, b"\0")
    (grid / f"{kind}.0.{number}.rsi").write_bytes(half * 2 + bytes(block * (packs + 1)))


def answer(column, kind, expected):
    """What a healthy server says."""
    if kind.startswith("sum "):
        powers = [int(power) for power in kind.split()[1:]]
        total = int(expected)
        return "\t".join(str(part) for part in ([total >> powers[0], total % 2 ** powers[0]] if len(powers) == 2 else [total >> powers[0]]))
    return {
        "text": f"1\t{expected}",
        "plain": expected,
        "float": "1",
        "alike": "1\t1",
        # The code of B is 1.
        "words": f"42\t{expected}",
        "codes": "41\t1\n42\t1",
        "histogram": "0\t" + "\t".join(expected.split()),
        "characters": "",
        "sample": column.shown,
        "find": "1",
        "count": "1",
    }.get(kind, "0")


def plan_line(number, name, column, manifest):
    value = (column.shown if column.longest or column.lookup else column.shown.encode().hex()) + "=1"
    fields = [0, "64", "74", "d/t.bht", number, name.encode().hex(), column.type, column.charset, 0, 0, int(manifest), *[value] * 3 * manifest]
    return "\t".join(map(str, fields)) + "\n"


def asked(program, folder, made, packs, day, manifest=False):
    """brighthouse.pl's statements about a table of these columns: those of the first column, then those of the next. They are
    those of each column planned alone, as the script plans large ones."""
    names = list(made)
    for number, column in enumerate(made.values()):
        write(folder / "data", number, column, packs)
    plan, questions, answers, failed = (folder / name for name in ("plan", "questions", "answers", "failed"))
    plan.write_text("".join(plan_line(number, name, made[name], manifest) for number, name in enumerate(names)))
    answers.write_text("")
    failed.write_text("")
    found = {name: [] for name in names}
    while True:
        command = ["perl", program, folder / "data", plan, questions, answers, failed, day]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        bad = [line for line in said if line.startswith(("fail", "error"))]
        if bad or said[-1:] != ["end"]:
            raise SystemExit(f"a healthy table of {packs} pack rows: {bad or said}")
        fields = questions.read_text().split("\0")[:-1]
        pairs = list(zip(fields[::2], fields[1::2]))
        if not pairs:
            return [statement for statements in found.values() for statement in statements]
        texts = []
        for place, (meta, sql) in enumerate(pairs):
            _, number, _, kind, _, expected = meta.split("\t")
            name = names[int(number)]
            texts.append("#-\n" + answer(made[name], kind, expected) + f"\n#{place}\n")
            found[name] += [sql.rstrip(";")] if sql else []
        answers.write_text("".join(texts))


def joined(folder):
    """brighthouse.pl with its parts, as documents/build joins them."""
    program = pathlib.Path(folder) / "brighthouse"
    program.write_text("\n".join((PROGRAMS / f"{part}.pl").read_text() for part in ("brighthouse", "nodes", "grid", "answers")))
    return program


MADE = {
    "int": Made("int", "5", 0, 1_000_000),
    "bigint": Made("bigint", "5", 0, 1_000_000_000),
    "bigint, sum beyond 64 bits": Made("bigint", "5", 0, 2**62),
    "decimal": Made("decimal", "5.00", 0, 1_000_000_00),
    "decimal, sum beyond 64 bits": Made("decimal", "5.00", 0, 10**17),
    "date": Made("date", "2024-01-02", *DAYS),
    "datetime": Made("datetime", "2024-01-02 00:00:00", *DAYS),
    "timestamp": Made("timestamp", "2024-01-02 00:00:00", *DAYS),
    "time": Made("time", "00:00:05", 0, 86_399),
    "year": Made("year", "2024", 2000 << 37, 2024 << 37),
    "double": Made("double", "1.0"),
    "lookup, varchar": Made("varchar", "42", 0, 1, "latin1", lookup=True),
    "varchar(40)": Made("varchar", "4142", charset="latin1", longest=40),
    "varchar(120)": Made("varchar", "4142", charset="latin1", longest=120),
    "text, 120 bytes": Made("text", "4142", charset="latin1", longest=120),
}
