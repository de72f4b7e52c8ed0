"""What the stand-in server knows and answers; server says what of it is recorded and what derived."""

import datetime
import functools
import json
import os
import pathlib
import re
import tarfile

import damage

HERE = pathlib.Path(__file__).resolve().parent
TRUTH = json.loads((HERE / "truth.json").read_text())
TABLE = r"FROM `(\w+)`\.`(\w+)`"


class Refused(Exception):
    """An SQL error, as the client prints it."""


class Crash(Exception):
    """The server process ends by this signal."""

    def __init__(self, number):
        super().__init__(number)
        self.signal = number


@functools.lru_cache
def transcripts():
    """The recorded answers of golden: statement to rows."""
    answers = {}
    with tarfile.open(HERE / "transcripts.tar.xz") as archive:
        for member in archive.getmembers():
            if member.isfile():
                text = archive.extractfile(member).read().decode("latin-1")
                statement, _, rest = text.partition("\n--- exit 0\n--- stdout\n")
                rows = rest.partition("--- stderr\n")[0].splitlines()
                answers.setdefault(statement, [row.split("\t") for row in rows])
    return answers


def hexed(text):
    return text.encode().hex().upper()


def numeric(column):
    return column["kind"].split()[0] in ("bigint", "int", "smallint", "decimal")


class Model:
    """One server on one data directory."""

    def __init__(self, settings):
        self.settings = settings
        self.data = pathlib.Path(settings["datadir"])
        number = os.environ.get("IB_CASE", "golden")
        self.case = next((case for case in damage.cases() if case["case"] == number), None)
        self.loaded = set()
        self.load_errors = 0

    # ---- the start ----

    def refuses_to_start(self):
        """The lines of its log, if it does not start. The cache folder is the one thing that the test changes."""
        case = self.case
        if not case or case["start"] == "up":
            return None
        ini = self.data / "brighthouse.ini"
        if case["kind"] == "ini_cache" and "/no/such/parent" not in ini.read_text():
            return None
        return case["error_text"].split(" || ")

    # ---- statements ----

    def answer(self, statement):
        """Rows of fields."""
        for pattern, method in ANSWERS:
            found = re.fullmatch(pattern, statement, re.S)
            if found:
                return method(self, *found.groups())
        raise Refused(f"ERROR 1064 (42000) at line 1: the stand-in does not know: {statement[:200]}")

    def variables(self, *_):
        return [["datadir", f"{self.data}/"], ["pid_file", self.settings["pid-file"]], ["skip_networking", "ON"]]

    def tables(self, *_):
        """The .frm files that are there, with what was recorded of each table."""
        query = "SELECT table_schema,table_name,table_type,engine,row_format,table_rows,data_length"
        recorded = {}
        for statement, rows in transcripts().items():
            if statement.startswith(query):
                recorded = {(row[0], row[1]): row for row in rows}
        found = []
        for frm in sorted(self.data.glob("*/*.frm")):
            schema, name = frm.parent.name, frm.stem
            row = recorded.get((schema, name))
            engine, length = (row[3], row[6]) if row else ("-", 0)
            if schema == "shop" and self.opens(name):
                engine, length = "BRIGHTHOUSE", TRUTH["tables"][name]["data_length"]
            elif schema == "shop":
                engine, length = "-", 0
            names = [hexed(schema), hexed(name)] * 2
            found.append([*names, "BASE_TABLE", engine, length])
        return found

    def columns(self, schema, table):
        schema, table = bytes.fromhex(schema).decode(), bytes.fromhex(table).decode()
        if schema != "shop" or not self.opens(table):
            return []
        if self.case and self.case["kind"] == "frm_swap" and self.case["table"] == table:
            table = pathlib.Path(self.case["arg"]).stem
        kinds = {"varchar lookup": "varchar"}
        return [
            [hexed(column["name"]), kinds.get(column["kind"], column["kind"].split()[0])]
            for column in TRUTH["tables"][table]["columns"]
        ]

    def opens(self, table):
        if self.of(table):
            return self.case["count"] != "error"
        return f"{table}:error" not in (self.case["other_tables"] if self.case else "")

    def of(self, table):
        """Whether the case damages this table."""
        return bool(self.case) and self.case["table"] == table

    def refuse(self, column=None):
        """The recorded error."""
        self.load_errors += 1 if self.case["load_errors"] not in ("0", "down") else 0
        raise Refused(self.case["error_text"].split(" || ")[0] or "ERROR 1105 (HY000) at line 1: recorded as an error")

    def crash(self):
        raise Crash(int(re.search(r"signal (\d+)", self.case["crash"]).group(1)))

    def must_open(self, table):
        if not self.opens(table):
            self.refuse()

    def count(self, _schema, table):
        self.must_open(table)
        return [["ok", self.rows(table)]]

    def users(self, table):
        """MyISAM's own count, in the head of the index file."""
        return [["ok", int.from_bytes((self.data / f"mysql/{table}.MYI").read_bytes()[28:36], "big")]]

    def rows(self, table):
        if self.of(table) and self.case["count"].startswith("wrong:"):
            return int(self.case["count"].removeprefix("wrong:"))
        return TRUTH["tables"][table]["rows"]

    def touches(self, columns):
        """Whether a statement on these columns reads what is damaged."""
        column = self.case["column"].partition(":")[0]
        return not column or column in columns or "error" in self.case["check_table"]

    def scan(self, expressions, _schema, table):
        self.must_open(table)
        columns = re.findall(r"CRC32\(`(\w+)`\)", expressions)
        said = self.case["scan_crc32"] if self.of(table) else "ok"
        if said == "error" and self.touches(columns):
            self.refuse()
        if said in ("crash", "lost") and self.touches(columns):
            self.crash()
        wrong = said.removeprefix("wrong:").split(",") if said.startswith("wrong:") else []
        known = {column["name"]: column for column in TRUTH["tables"][table]["columns"]}
        values = []
        for column in columns:
            if column not in known:
                raise Refused(f"ERROR 1054 (42S22) at line 1: Unknown column '{column}' in 'field list'")
            value = known[column]["fingerprint"]
            self.load(table, column, range(known[column]["stored_packs_read_by_full_scan"]))
            values.append(int(value or 0) + 1 if column in wrong else value or "NULL")
        return [["ok", *values]]

    def load(self, table, column, packs):
        self.loaded.update((table, column, pack) for pack in packs)

    def status(self, *_):
        return [["BH_gdc_load_errors", self.load_errors], ["BH_gdc_pack_loads", len(self.loaded)]]

    def sums(self, expressions, _schema, table):
        said = self.case["sum_eq"] if self.of(table) else "ok"
        asked = re.findall(r"(SUM|MIN|MAX)\(`(\w+)`\)<=>", expressions)
        columns = [column for _, column in asked]
        if said == "error" and self.touches(columns):
            self.refuse()
        if said == "crash" and self.touches(columns):
            self.crash()
        differs = said.removeprefix("differs:").split(",") if said.startswith("differs:") else []
        return [["ok", *(int(f"{what}({column})" not in differs) for what, column in asked)]]

    def sum_of(self, column, _schema, table):
        known = {c["name"]: c for c in TRUTH["tables"][table]["columns"]}
        return [["ok", known[column]["sum"], known[column]["sum"]]]

    # ---- look-ups ----

    def answers_of(self, field, table, column):
        """What the case says of look-ups by this column: (what, {value: count}), as far as it was written down."""
        said = self.case[field] if self.of(table) else "ok"
        if said == "ok" or said == "down":
            return "ok", {}
        what, _, list_ = said.partition(":")
        found = {}
        more = False
        for item in list_.split("; "):
            name, _, result = item.rpartition(":")
            if item.startswith("+"):
                more = True
            elif name.startswith(f"{column}=") or name.startswith(f"{column} "):
                found[name[len(column) + 1 :]] = result.partition("!=")[0]
        return (what, found) if found or more else ("ok", {})

    def look_up(self, _schema, table, column, value):
        self.must_open(table)
        what, found = self.answers_of("canary", table, column)
        if self.swapped_word(table, column, value):
            what, found = "ok", {}
        result = found.get(value, next(iter(found.values()), "0" if what == "zero" else None))
        if result == "error" or result is None and what == "error":
            self.refuse()
        if result == "crash" or result is None and what == "crash":
            self.crash()
        if what in ("zero", "wrong") and value in found:
            return [["ok", result]]
        if what == "zero" and result == "0":
            return [["ok", 0]]
        asked = f"SELECT 'ok',COUNT(*) FROM shop.{table} WHERE {column}='{value}'"
        return transcripts().get(asked, [["ok", 1]])

    def swapped_word(self, table, column, value):
        """A damaged dictionary has another word in it, by which the rows are found."""
        return self.of(table) and self.case["kind"] == "dict_flip" and value.endswith("~")

    def between(self, _schema, table, column, around, low, high):
        self.must_open(table)
        what, found = self.answers_of("grid_between", table, column)
        results = list(found.values())
        if what == "error" or "error" in results:
            self.refuse()
        if what == "crash" or "crash" in results:
            self.crash()
        if what == "differs" and not around:
            return [["ok", results[0] if results else 0]]
        return [["ok", 2]]

    def row(self, columns, _schema, table, place):
        """One row: of values, or of zeros where only the reading counts."""
        self.must_open(table)
        place = int(place)
        if place >= self.rows(table):
            return []
        names = re.findall(r"`(\w+)`", columns)
        self.read_pack_row(table, names, place // TRUTH["pack_rows"])
        if "0*CRC32" in columns:
            return [["ok", *(0 for _ in names)]]
        rows = {}
        for statement, answer in transcripts().items():
            found = re.fullmatch(rf"SELECT 'ok',([\w,]+) FROM shop\.{table} LIMIT (\d+),1", statement)
            if found and answer:
                rows[int(found.group(2))] = dict(zip(found.group(1).split(","), answer[0][1:]))
        nearest = rows[min(rows, key=lambda at: abs(at - place))] if rows else {}
        values = [nearest.get(name, "NULL") for name in names]
        if self.of(table) and self.case["kind"] == "dict_flip" and self.case["canary"].startswith("zero:"):
            values = [v + "~" if n == self.case["column"] else v for n, v in zip(names, values)]
        return [["ok", *values]]

    def read_pack_row(self, table, columns, pack):
        for column in columns:
            stored = next(c for c in TRUTH["tables"][table]["columns"] if c["name"] == column)
            if stored["stored_packs_read_by_full_scan"]:
                self.load(table, column, [pack])
        if not self.of(table) or not self.touches(columns):
            return
        named = re.search(r"pack (\d+)", self.case["error_text"])
        if named and int(named.group(1)) != pack + 1:
            return
        if self.case["scan_crc32"] == "error":
            self.refuse()
        if self.case["scan_crc32"] == "crash":
            self.crash()

    # ---- the server's own tables ----

    def check(self, schema, table):
        name = f"{schema}.{table}"
        said = self.case["system_tables"] if self.case else "-"
        bad = []
        for item in said.removeprefix("bad:").split("; "):
            found = re.match(rf"{re.escape(name)} (\w+): (.*)", item)
            if found:
                bad.append([name, "check", *found.groups()])
        if bad:
            return bad + ([[name, "check", "status", "OK"]] if bad[0][2] == "warning" else [])
        recorded = transcripts().get(f"CHECK TABLE {name} MEDIUM")
        return recorded or [[name, "check", "status", "OK"]]

    def age(self, column, now, _schema, table):
        then = "2023-02-08 00:00:00"
        [[ok, seconds]] = transcripts()[f"SELECT 'ok',TIMESTAMPDIFF(SECOND,MAX({column}),'{then}') FROM shop.{table}"]
        passed = datetime.datetime.fromisoformat(now) - datetime.datetime.fromisoformat(then)
        return [[ok, int(seconds) + int(passed.total_seconds())]]


ANSWERS = [
    (r"SET sql_mode='NO_BACKSLASH_ESCAPES'", lambda model: []),
    (r"SET time_zone='\+00:00'", lambda model: []),
    (r"FLUSH TABLES", lambda model: []),
    (r"SELECT '(end of answer)'", lambda model, text: [[text]]),
    (r"SELECT 1", lambda model: [[1]]),
    (r"SELECT VERSION\(\)", lambda model: transcripts()["SELECT VERSION()"]),
    (r"SELECT 'ok',VERSION\(\),@@datadir", lambda model: [["ok", TRUTH["server_version"], f"{model.data}/"]]),
    (r"SHOW VARIABLES WHERE .*", Model.variables),
    (r"SHOW STATUS LIKE 'Slave_running'", lambda model: []),
    (r"SHOW STATUS WHERE variable_name IN \('BH_gdc_pack_loads','BH_gdc_load_errors'\)", Model.status),
    (
        r"SELECT support FROM information_schema.engines WHERE engine = 'BRIGHTHOUSE'",
        lambda model: [[row[2]] for row in transcripts()["SELECT 'ok',engine,support FROM information_schema.engines WHERE engine='BRIGHTHOUSE'"]],
    ),
    (r"SELECT HEX\(table_schema\).*FROM information_schema\.tables.*", Model.tables),
    (
        r"SELECT HEX\(column_name\).*WHERE table_schema = _utf8 x'(\w+)' AND table_name = _utf8 x'(\w+)' ORDER BY ordinal_position",
        Model.columns,
    ),
    (r"SELECT table_name FROM information_schema\.tables WHERE table_schema = 'information_schema'.*INNODB.*", lambda model: []),
    (r"SELECT 'ok',COUNT\(\*\) FROM `mysql`\.`(user|db)`", Model.users),
    (rf"SELECT 'ok',COUNT\(\*\) {TABLE}", Model.count),
    (rf"SELECT 'ok',COUNT\(\*\) {TABLE} WHERE `(\w+)`='(.*)'", Model.look_up),
    (rf"SELECT 'ok',COUNT\(\*\) {TABLE} WHERE `(\w+)`(\+0)? BETWEEN (-?\d+) AND (-?\d+)", Model.between),
    (rf"SELECT 'ok',(SUM\(MOD\(CRC32\(.*\)) {TABLE}", Model.scan),
    (rf"SELECT 'ok',(SUM\(`\w+`\)<=>.*) {TABLE}", Model.sums),
    (rf"SELECT 'ok',SUM\(`(\w+)`\),SUM\(`\w+`\+0\) {TABLE}", Model.sum_of),
    (rf"SELECT 'ok',TIMESTAMPDIFF\(SECOND,MAX\(`(\w+)`\),'([^']*)'\) {TABLE}", Model.age),
    (rf"SELECT 'ok',(.*) {TABLE} LIMIT (\d+),1", Model.row),
    (r"CHECK TABLE `(\w+)`\.`(\w+)` MEDIUM", Model.check),
]
