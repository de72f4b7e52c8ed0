"""What is known of the healthy data directories: what the real server said of them, and what their files hold."""

import functools
import json
import pathlib
import re
import struct
import tarfile

HERE = pathlib.Path(__file__).resolve().parent
PACK_ROWS = 65536
NAME = r"`((?:[^`]|``)+)`"


def hexed(text):
    return text.encode().hex().upper()


def plain(quoted):
    """The name in backquotes."""
    return quoted.replace("``", "`")


# ---- the files ----


class Column:
    """A column of a healthy table, as its files have it."""

    def __init__(self, folder, number, grid):
        current = "B" if (folder / "ab_switch").exists() else "A"
        header = (folder / f"T{current}{number:05}.ctb").read_bytes()
        self.kind, self.rows = struct.unpack_from("<Bq", header, 8)
        (self.scale,) = struct.unpack_from("<H", header, 28)
        self.packs, _, words, special = struct.unpack_from("<4i", header, 30)
        self.number, self.grid = number, grid
        self.table = struct.unpack("<i", (folder / "Table.ctb").read_bytes()[-4:])[0]
        # 0: a char, 1: a varchar; without a dictionary they have another bit.
        self.lookup = self.kind in (0, 1)
        self.words = self.read_words(header[words:special]) if self.lookup else []
        slots = (folder / f"TA{number:05}DPN.ctb").read_bytes() if self.packs else b""
        last = 1 if header[special + 22] else 0
        self.nodes = [Node(slots, slot) for slot in [*range(2, self.packs + 1), last][: self.packs]]

    @staticmethod
    def read_words(part):
        if len(part) < 28:
            return []
        (count,) = struct.unpack_from("<I", part, 17)
        lengths = struct.unpack_from(f"<{count}H", part, 28)
        at, words = 28 + 2 * count, []
        for length in lengths:
            words.append(part[at : at + length].hex().upper())
            at += length
        return words

    def stored(self):
        return [pack for pack, node in enumerate(self.nodes) if node.file >= 0]

    def total(self, packs=None):
        """The sum modulo 2^64, or None of NULLs only."""
        nodes = [self.nodes[pack] for pack in (range(self.packs) if packs is None else packs)]
        sums = [node.sum for node in nodes if node.file != -1]
        return sum(sums) % 2**64 if sums else None

    def longest(self, packs=None):
        # The nodes of a lookup column hold the sum of the codes.
        if self.words:
            return max(len(word) // 2 for word in self.words)
        nodes = [self.nodes[pack] for pack in (range(self.packs) if packs is None else packs)]
        return max((node.sum for node in nodes if node.file != -1), default="NULL")

    def block(self, what, pack):
        """The Knowledge Grid's bits of a pack: the numbers of those that are set, or nothing."""
        head = {"HIST": 30, "CMAP": 28}[what]
        path = self.grid / f"{what}.{self.table}.{self.number}.rsi"
        bytes_ = path.read_bytes() if path.exists() else b""
        each, rest = divmod(len(bytes_) - head, self.packs + 1)
        if each <= 0 or rest:
            return None
        at = head + each * self.nodes[pack].slot
        value = int.from_bytes(bytes_[at : at + each], "little")
        return [bit for bit in range(8 * each) if value >> bit & 1]


class Node:
    """What a node says of its pack."""

    def __init__(self, slots, slot):
        self.slot = slot
        self.file, _, self.min, self.max, self.sum, less, self.nulls = struct.unpack_from("<iIqqqHH", slots, 37 * slot)
        self.least, self.most, self.real = struct.unpack_from("<8xddd", slots, 37 * slot)
        self.begin, self.end = slots[37 * slot + 8 :][:8], slots[37 * slot + 16 :][:8]
        self.rows = less + 1


# ---- what the server said ----


class Recorded:
    """What all sets have: their files, and the server's answers, each by its statement."""

    def __init__(self, healthy):
        self.healthy = pathlib.Path(healthy)

    @functools.cache
    def column(self, schema, table, name):
        names = [known[0] for known in self.columns(schema, table)]
        return Column(self.folder(schema, table), names.index(name), self.healthy / "BH_RSI_Repository")

    def columns(self, schema, table):
        """Name, type and character set of each."""
        return self.tables[schema, table]["columns"]

    def rows(self, schema, table):
        return self.tables[schema, table]["rows"]

    def folder(self, schema, table):
        return self.healthy / self.tables[schema, table]["folder"]

    def answer(self, statement):
        """Exit code, output and error, or nothing."""
        return self.statements.get(statement)


class Golden(Recorded):
    """The first set."""

    engine = "DEFAULT"

    def __init__(self, healthy):
        super().__init__(healthy)
        self.truth = json.loads((HERE / "truth.json").read_text())
        self.tables = {}
        for table, known in self.truth["tables"].items():
            columns = [(c["name"], c["kind"].split()[0], self.set_of(c["kind"])) for c in known["columns"]]
            self.tables["shop", table] = {"columns": columns, "rows": known["rows"], "folder": f"shop/{table}.bht"}
        self.statements = {}
        with tarfile.open(HERE / "transcripts.tar.xz") as archive:
            for member in filter(tarfile.TarInfo.isfile, archive.getmembers()):
                statement, _, rest = archive.extractfile(member).read().decode("latin-1").partition("\n--- exit ")
                code, _, rest = rest.partition("\n--- stdout\n")
                out, _, err = rest.partition("--- stderr\n")
                self.statements.setdefault(statement, (int(code), out, err))

    @staticmethod
    def set_of(kind):
        return "latin1" if kind.startswith("varchar") else "-"

    def listed(self, statement):
        """The recorded rows of a statement."""
        return [row.split("\t") for row in self.statements[statement][1].splitlines()]

    def inventory(self):
        query = "SELECT table_schema,table_name,table_type,engine,row_format,table_rows,data_length"
        rows = next(self.listed(statement) for statement in self.statements if statement.startswith(query))
        found = {(row[0], row[1]): (row[3], row[6]) for row in rows}
        for table, known in self.truth["tables"].items():
            found["shop", table] = ("BRIGHTHOUSE", known["data_length"])
        return found

    def checked(self, name):
        said = self.statements.get(f"CHECK TABLE {name} MEDIUM")
        return [line.split("\t") for line in said[1].splitlines()] if said else None

    def fingerprint(self, _schema, table, column):
        return next(c["fingerprint"] for c in self.truth["tables"][table]["columns"] if c["name"] == column) or "NULL"

    def sample(self, _schema, table, column, place):
        """The value of the nearest row that was recorded."""
        rows = {}
        for statement, (_, out, _) in self.statements.items():
            found = re.fullmatch(rf"SELECT 'ok',([\w,]+) FROM shop\.{table} LIMIT (\d+),1", statement)
            if found and out:
                rows[int(found.group(2))] = dict(zip(found.group(1).split(","), out.rstrip("\n").split("\t")[1:]))
        nearest = rows[min(rows, key=lambda at: abs(at - place))] if rows else {}
        return nearest.get(column, "NULL")

    def find(self, _schema, table, column, value):
        said = self.statements.get(f"SELECT 'ok',COUNT(*) FROM shop.{table} WHERE {column}='{value}'")
        return int(said[1].split("\t")[1]) if said else 1


class Variant(Recorded):
    """One of the second set."""

    engine = "YES"

    def __init__(self, name, healthy):
        super().__init__(healthy)
        with tarfile.open(HERE / "variants.tar.xz") as archive:
            said = json.load(archive.extractfile(f"transcripts/{name}.json"))
        self.recommended = said["recommended"]
        self.asked = said["asked_by_that_script"]
        self.statements = {r["sql"].rstrip(";").removeprefix("SET time_zone='+00:00';"): (r["exit"], r["out"], r["err"]) for r in self.recommended}
        self.kinds = {}
        for r in self.recommended:
            self.kinds[r["table"], r.get("column"), r["what"], r.get("row")] = r
        self.read_tables()

    def read_tables(self):
        self.found, self.tables = {}, {}
        listing = next(q["out"] for q in self.asked if "HEX(CONVERT(table_schema" in q["sql"])
        for line in listing.splitlines()[:-1]:
            schema, table, _, _, _, engine, length = line.split("\t")
            self.found[bytes.fromhex(schema).decode(), bytes.fromhex(table).decode()] = (engine, length)
        names = {(line.split("\t")[0], line.split("\t")[1]): line.split("\t")[2:4] for line in listing.splitlines()[:-1]}
        for q in self.asked:
            where = re.search(r"FROM information_schema\.columns WHERE table_schema = _utf8 x'(\w+)' AND table_name = _utf8 x'(\w+)'", q["sql"])
            if where:
                key = tuple(bytes.fromhex(part).decode() for part in where.groups())
                columns = [(bytes.fromhex(line.split("\t")[0]).decode(), line.split("\t")[1]) for line in q["out"].splitlines()[:-1]]
                self.tables[key] = {
                    "columns": [(name, type_, self.set_of(key, name)) for name, type_ in columns],
                    "rows": int(self.of(key, None, "count")["out"]),
                    "folder": self.on_disk(*(bytes.fromhex(part).decode() for part in names[where.groups()])),
                }

    def on_disk(self, schema, table):
        for folder in (schema, f"{schema}@@@"):
            for file in (table, f"{table}@@@"):
                if (self.healthy / folder / f"{file}.bht").is_dir():
                    return f"{folder}/{file}.bht"
        raise FileNotFoundError(f"{schema}/{table}.bht")

    def of(self, key, column, what, row=None):
        return self.kinds.get((".".join(key), column, what, row))

    def set_of(self, key, column):
        collation = next((r["collation"] for r in self.recommended if r["table"] == ".".join(key) and r.get("column") == column and r.get("collation")), "-")
        return collation.split("_")[0]

    def inventory(self):
        return self.found

    def checked(self, name):
        said = next((q["out"] for q in self.asked if "CHECK TABLE" in q["sql"]), "")
        return [line.split("\t") for line in said.splitlines() if line.startswith(f"{name}\t")]

    def fingerprint(self, schema, table, column):
        said = self.of((schema, table), column, "read")
        return said["out"].strip() if said else "NULL"

    def samples(self, schema, table, column):
        return {row: r for (of, name, what, row), r in self.kinds.items() if (of, name, what) == (f"{schema}.{table}", column, "sample")}

    def sample(self, schema, table, column, place):
        """As its bytes where they were recorded so."""
        rows = self.samples(schema, table, column)
        return rows[min(rows, key=lambda at: abs(at - place))]["out"].rstrip("\n") if rows else "NULL"

    def find(self, schema, table, column, value):
        """A string is there if it was recorded as one of the rows; of other types each is taken to be there."""
        said = [r["out"].rstrip("\n") for r in self.samples(schema, table, column).values() if "HEX(" in r["sql"]]
        return int(not said or value.encode("latin-1").hex().upper() in said)
