"""What the stand-in server answers; server says what of it is recorded and what derived."""

import datetime
import os
import pathlib
import re

import case
import damage
import known
from known import NAME, PACK_ROWS, hexed, plain

TABLE = rf"FROM {NAME}\.{NAME}"
PIECE = rf"FROM \(SELECT {NAME} a {TABLE} LIMIT (\d+),65536\) x"


class Refused(Exception):
    """An SQL error, as the client prints it."""


class Crash(Exception):
    """The server process ends by this signal."""

    def __init__(self, number):
        super().__init__(number)
        self.signal = number


class Hang(Exception):
    """The statement never ends."""


class Model:
    """One server on one data directory. Without records everything is derived."""

    def __init__(self, settings, records=True):
        self.settings = settings
        self.data = pathlib.Path(settings["datadir"])
        number = os.environ.get("IB_CASE", "golden")
        self.name = number.partition(":")[0] if number[0] == "d" else "golden"
        healthy = os.environ.get("IB_HEALTHY") or damage.unpack(self.name, settings["socket"] + ".healthy")
        self.known = known.Golden(healthy) if self.name == "golden" else known.Variant(self.name, healthy)
        self.case = case.of(number)
        self.records = records
        self.loaded = set()
        self.load_errors = 0

    def refuses_to_start(self):
        """The lines of its log, if it does not start."""
        return self.case.refuses_to_start(self.data)

    # ---- statements ----

    def answer(self, statement):
        """What the client prints."""
        for pattern, method in ANSWERS:
            found = re.fullmatch(pattern, statement, re.S)
            if found:
                said = method(self, *found.groups())
                # What the case does was raised above, or is another answer than the healthy one.
                recorded = self.known.answer(statement) if self.records and statement.startswith("SELECT") and not self.changed else None
                self.changed = False
                if recorded:
                    if recorded[0]:
                        raise Refused(recorded[2].strip())
                    return recorded[1]
                return said if isinstance(said, str) else "".join("\t".join(map(str, row)) + "\n" for row in said)
        raise Refused(f"ERROR 1064 (42000) at line 1: the stand-in does not know: {statement[:200]}")

    changed = False

    def suffers(self, schema, table, column, what, pack=None):
        """What the case does to this statement: raised, or given back."""
        effect = self.case.effect(schema, table, column, what, pack)
        if effect == "error":
            self.load_errors += self.case.load_errors()
            raise Refused(self.case.error_text())
        if effect == "crash":
            raise Crash(self.case.signal())
        if effect == "hang":
            raise Hang
        self.changed = self.changed or effect is not None
        return effect

    def read(self, schema, table, column, what, pack=None):
        """The column, once its packs have been fetched."""
        schema, table, column = plain(schema), plain(table), plain(column)
        self.must_open(schema, table)
        if column not in [name for name, _, _ in self.columns_of(schema, table)]:
            raise Refused(f"ERROR 1054 (42S22) at line 1: Unknown column '{column}' in 'field list'")
        found = self.known.column(schema, table, column)
        packs = found.stored() if pack is None else [pack] if found.nodes[pack].file >= 0 else []
        self.loaded.update((schema, table, column, number) for number in packs)
        return found, self.suffers(schema, table, column, what, pack)

    def must_open(self, schema, table):
        if not self.case.opens(schema, table):
            self.load_errors += self.case.load_errors()
            raise Refused(self.case.error_text())

    # ---- what there is ----

    def variables(self, *_):
        return [["datadir", f"{self.data}/"], ["pid_file", self.settings["pid-file"]], ["skip_networking", "ON"]]

    def status(self, *_):
        return [["BH_gdc_load_errors", self.load_errors], ["BH_gdc_pack_loads", len(self.loaded)]]

    def tables(self, *_):
        """Those of which the .frm files are there, with what was recorded of each."""
        frm = {path.relative_to(self.data).with_suffix("").as_posix().replace("@@@", "") for path in self.data.glob("*/*.frm")}
        found = []
        for (schema, table), (engine, length) in self.known.inventory().items():
            key = (schema, table)
            path = self.known.tables[key]["folder"][:-4].replace("@@@", "") if key in self.known.tables else f"{schema}/{table}"
            if path not in frm and not (self.data / schema / f"{table}.frm").exists():
                continue
            if key in self.known.tables and not self.case.opens(schema, table):
                engine, length = "-", 0
            folder, file = path.split("/")
            found.append([hexed(schema), hexed(table), hexed(folder), hexed(file), "BASE_TABLE", engine, length])
        return found

    def columns_of(self, schema, table):
        return self.known.columns(schema, self.case.definition_of(table))

    def columns(self, schema, table):
        schema, table = bytes.fromhex(schema).decode(), bytes.fromhex(table).decode()
        if (schema, table) not in self.known.tables or not self.case.opens(schema, table):
            return []
        return [[hexed(name), type_, set_] for name, type_, set_ in self.columns_of(schema, table)]

    def count(self, schema, table):
        schema, table = plain(schema), plain(table)
        self.must_open(schema, table)
        rows = self.case.rows(schema, table)
        self.changed = rows is not None
        return [[self.known.rows(schema, table) if rows is None else rows]]

    def users(self, table):
        """MyISAM's own count, in the head of the index file."""
        return [["ok", int.from_bytes((self.data / f"mysql/{table}.MYI").read_bytes()[28:36], "big")]]

    def counted(self, schema, table):
        return [["ok", *self.count(schema, table)[0]]]

    # ---- sums ----

    def total(self, found, effect, packs=None):
        """What the server adds up, modulo 2^64."""
        healthy = found.total(packs)
        if isinstance(effect, int):
            return effect % 2**64
        return (healthy + 1) % 2**64 if effect and healthy is not None else healthy

    def plain_sum(self, column, schema, table):
        found, effect = self.read(schema, table, column, "sum")
        # A sum that leaves 64 bits: this form runs over where the plain one does.
        plain_ = self.known.answer(f"SELECT SUM(`{column}`) FROM `{schema}`.`{table}`")
        if plain_ and plain_[0]:
            raise Refused(plain_[2].strip())
        total = self.total(found, effect)
        if total is None:
            return [["NULL"]]
        if self.type_of(schema, table, column) == "year":
            return [[total >> 37]]
        total -= 2**64 if total >= 2**63 else 0
        digits = f"{abs(total):0{found.scale + 1}}"
        point = f"{digits[: -found.scale]}.{digits[-found.scale :]}" if found.scale else digits
        return [["-" * (total < 0) + point]]

    def type_of(self, schema, table, column):
        return next(type_ for name, type_, _ in self.columns_of(plain(schema), plain(table)) if name == plain(column))

    def exact_sum(self, expressions, schema, table):
        column = re.search(NAME, expressions).group(1)
        return self.parts(expressions, *self.read(schema, table, column, "sum"))

    def exact_piece(self, expressions, column, schema, table, place):
        pack = int(place) // PACK_ROWS
        return self.parts(expressions, *self.read(schema, table, column, "sum", pack), [pack])

    def parts(self, expressions, found, effect, packs=None):
        total = self.total(found, effect, packs)
        two = "),SUM(" in expressions
        if total is None:
            return [["NULL"] * (1 + two)]
        shift = 32 if " DIV " in expressions else 28 if "YEAR(" in expressions else 0
        if two:
            return [[total >> shift, total & (1 << shift) - 1]]
        return [[total >> shift if shift else total - (2**64 if total >= 2**63 else 0)]]

    def float_piece(self, sum_, column, schema, table, place):
        pack = int(place) // PACK_ROWS
        found, effect = self.read(schema, table, column, "float", pack)
        return [[int(not effect and float(sum_) == found.nodes[pack].real)]]

    def xor(self, column, schema, table):
        self.read(schema, table, column, "xor")
        return [[0]]

    def alike(self, expressions, schema, table):
        said = []
        for what, column in re.findall(rf"(MIN|MAX)\({NAME}\)<=>", expressions):
            _, effect = self.read(schema, table, column, what)
            said.append(0 if effect else 1)
        return [said]

    def words(self, column, schema, table, pack=None):
        """Counts that fit the number of rows and the sum of the codes; nobody recorded those of golden."""
        found, effect = self.read(schema, table, column, "words", pack)
        packs = range(found.packs) if pack is None else [pack]
        rows = sum(found.nodes[p].rows - found.nodes[p].nulls for p in packs if found.nodes[p].file != -1)
        total = self.total(found, effect, packs)
        words = self.case.words(found, self.data / self.known.tables[plain(schema), plain(table)]["folder"])
        self.changed = self.changed or words != found.words
        counts = {}
        if total is not None and rows:
            low, more = divmod(total, rows)
            if low + 1 < len(words) or not more and low < len(words):
                counts = {low: rows - more, low + 1: more}
            else:
                counts = {len(words) - 1: rows}
        return [[words[code], count] for code, count in counts.items() if count]

    def words_of_pack(self, column, schema, table, place):
        """A line for each code that the healthy histogram knows, and the least and greatest."""
        pack = int(place) // PACK_ROWS
        found, effect = self.read(schema, table, column, "words", pack)
        node = found.nodes[pack]
        if node.file == -1:
            return [["NULL", node.rows]]
        codes = sorted({node.min, node.max, *(node.min + 1 + bit for bit in found.block("HIST", pack) or [])})
        words = self.case.words(found, self.data / self.known.tables[plain(schema), plain(table)]["folder"])
        # One row of each, and of two neighbours as many as the sum wants.
        rows, total = node.rows - node.nulls - len(codes), self.total(found, effect, [pack]) - sum(codes)
        counts = dict.fromkeys(codes, 1)
        low = max((code for code in codes if code * rows <= total), default=codes[0])
        more = total - low * rows
        counts[low] += rows - more
        if more:
            counts[low + 1] = counts.get(low + 1, 0) + more
        return [[words[code], count] for code, count in counts.items()]

    # ---- what is read, and printed ----

    def scan(self, column, schema, table):
        _, effect = self.read(schema, table, column, "print")
        value = self.known.fingerprint(plain(schema), plain(table), plain(column))
        return [[int(value) + 1 if effect and value != "NULL" else value]]

    def text(self, column, schema, table):
        found, _ = self.read(schema, table, column, "text")
        return [[*self.scan(column, schema, table)[0], found.longest()]]

    def text_piece(self, column, schema, table, place):
        pack = int(place) // PACK_ROWS
        found, _ = self.read(schema, table, column, "text", pack)
        return [[1, found.longest([pack])]]

    def longest(self, column, schema, table):
        return [[self.read(schema, table, column, "text")[0].longest()]]

    def sample(self, hex_, column, schema, table, place):
        pack = int(place) // PACK_ROWS
        if int(place) >= self.known.rows(plain(schema), plain(table)):
            return []
        _, effect = self.read(schema, table, column, "sample", pack)
        value = self.known.sample(plain(schema), plain(table), plain(column), int(place))
        if self.name == "golden" and hex_ and value != "NULL":
            value = hexed(value)
        elif self.name != "golden" and not hex_ and value != "NULL" and self.is_string(schema, table, column):
            value = bytes.fromhex(value).decode("latin-1")
        return [[value + "7E" if effect else value]]

    def is_string(self, schema, table, column):
        return re.search("char|text|binary|blob", self.type_of(schema, table, column))

    def find(self, schema, table, column, value):
        schema, table, column = plain(schema), plain(table), plain(column)
        self.must_open(schema, table)
        text = re.fullmatch(r"=(?:_\w+ x)?'(.*)'", value, re.S)
        text = text.group(1) if text else value
        if value.startswith("=_"):
            text = bytes.fromhex(text).decode("latin-1")
        said = self.case.found(schema, table, column, text)
        if said in ("error", "crash"):
            self.suffers(schema, table, column, "find")
            raise Refused(self.case.error_text()) if said == "error" else Crash(self.case.signal())
        self.changed = said is not None
        return [[self.known.find(schema, table, column, text) if said is None else said]]

    # ---- the Knowledge Grid: values that have just the bits of the healthy one ----

    def histogram(self, low, step, column, schema, table, place):
        pack, low, step = int(place) // PACK_ROWS, int(low), int(step)
        found, _ = self.read(schema, table, column, "histogram", pack)
        node = found.nodes[pack]
        span = node.max - node.min
        width = (span - 1) / 1024.0
        values = {node.min, node.max}
        for bit in found.block("HIST", pack) or []:
            at = bit if span <= 1022 else int(bit * width)
            while span > 1022 and int(at / width) < bit:
                at += 1
            values.add(node.min + 1 + at)
        buckets = {}
        for value in sorted(values):
            buckets.setdefault((value - low) // step, []).append(value)
        return [[bucket, min(inside), max(inside)] for bucket, inside in buckets.items()]

    def characters(self, column, schema, table, place):
        pack = int(place) // PACK_ROWS
        found, _ = self.read(schema, table, column, "characters", pack)
        node, places = found.nodes[pack], {}
        for bit in found.block("CMAP", pack) or []:
            places.setdefault(bit // 256, []).append(bit % 256)
        common = os.path.commonprefix([node.begin, node.end]) if self.set_of(schema, table, column) != "-" else b""
        lines = []
        for at in range(max((len(each) for each in places.values()), default=0)):
            line = bytes(common)
            for place_ in range(len(places)):
                if place_ not in places:
                    break
                line += bytes([places[place_][at % len(places[place_])]])
            lines.append([line.hex().upper()])
        return lines

    def set_of(self, schema, table, column):
        return next(set_ for name, _, set_ in self.columns_of(plain(schema), plain(table)) if name == plain(column))

    # ---- the server's own tables ----

    def check(self, schema, table):
        name = f"{schema}.{table}"
        return self.case.checked(name) or self.known.checked(name) or [[name, "check", "status", "OK"]]

    def age(self, column, now, schema, table):
        then = "2023-02-08 00:00:00"
        [[ok, seconds]] = self.known.listed(f"SELECT 'ok',TIMESTAMPDIFF(SECOND,MAX({column}),'{then}') FROM {schema}.{table}")
        passed = datetime.datetime.fromisoformat(now) - datetime.datetime.fromisoformat(then)
        return [[ok, int(seconds) + int(passed.total_seconds())]]


DATE_SUM = r"SUM\((?:SIGN|YEAR)\(.*"
ANSWERS = [
    (r"SET \w+ ?=.*", lambda model: ""),
    (r"FLUSH TABLES", lambda model: ""),
    (r"SELECT '(end of \w+|#\d+)'", lambda model, text: [[text]]),
    (r"SELECT 1", lambda model: [[1]]),
    (r"SELECT VERSION\(\)", lambda model: [["5.1.40"]]),
    (r"SELECT 'ok',VERSION\(\),@@datadir", lambda model: [["ok", "5.1.40", f"{model.data}/"]]),
    (r"SHOW VARIABLES WHERE .*", Model.variables),
    (r"SHOW STATUS LIKE 'Slave_running'", lambda model: [["Slave_running", "OFF"]]),
    (r"SHOW STATUS WHERE variable_name IN \('BH_gdc_pack_loads','BH_gdc_load_errors'\)", Model.status),
    (r"SELECT support FROM information_schema.engines WHERE engine = 'BRIGHTHOUSE'", lambda model: [[model.known.engine]]),
    (r"SELECT HEX\(table_schema\).*FROM information_schema\.tables.*", Model.tables),
    (
        r"SELECT HEX\(column_name\).*WHERE table_schema = _utf8 x'(\w+)' AND table_name = _utf8 x'(\w+)' ORDER BY ordinal_position",
        Model.columns,
    ),
    (r"SELECT table_name FROM information_schema\.tables WHERE table_schema = 'information_schema'.*INNODB.*", lambda model: ""),
    (r"SELECT 'ok',COUNT\(\*\) FROM `mysql`\.`(user|db)`", Model.users),
    (rf"SELECT COUNT\(\*\) {TABLE}", Model.count),
    (rf"SELECT 'ok',COUNT\(\*\) {TABLE}", Model.counted),
    (rf"SELECT COUNT\(\*\) {TABLE} WHERE {NAME} ?(=.*|BETWEEN .*)", Model.find),
    (rf"SELECT SUM\(MOD\(CRC32\({NAME}\),1000003\)\) {TABLE}", Model.scan),
    (rf"SELECT SUM\(MOD\(CRC32\({NAME}\),1000003\)\),MAX\(LENGTH\({NAME}\)\) {TABLE}", lambda model, c, _, s, t: model.text(c, s, t)),
    (rf"SELECT MAX\(LENGTH\({NAME}\)\) {TABLE}", Model.longest),
    (rf"SELECT SUM\(MOD\(CRC32\(x.a\),1000003\)\),MAX\(LENGTH\(x.a\)\) {PIECE}", Model.text_piece),
    (rf"SELECT SUM\({NAME}\+0\) {TABLE}", Model.plain_sum),
    (rf"SELECT BIT_XOR\({NAME}\) {TABLE}", Model.xor),
    (rf"SELECT BIT_XOR\(x.a\) {PIECE}", lambda model, c, s, t, place: [[0]] if model.read(s, t, c, "xor", int(place) // PACK_ROWS) else []),
    (rf"SELECT (SUM\(.* DIV 4294967296\).*|{DATE_SUM}) {TABLE}", Model.exact_sum),
    (rf"SELECT (SUM\(.* DIV 4294967296\).*|{DATE_SUM}) {PIECE}", Model.exact_piece),
    (rf"SELECT ABS\(SUM\(x.a\+0\)-\((.*?)\)\)<=1e-15\*SUM\(ABS\(x.a\)\) {PIECE}", Model.float_piece),
    (rf"SELECT ((?:MIN|MAX)\(.*<=>.*) {TABLE}", Model.alike),
    (rf"SELECT HEX\({NAME}\),COUNT\(\*\) {TABLE} GROUP BY HEX\(.*\)", Model.words),
    (rf"SELECT HEX\(x.a\),COUNT\(\*\) {PIECE} GROUP BY HEX\(x.a\)", Model.words_of_pack),
    (rf"SELECT \(.*-\((-?\d+)\)\) DIV (\d+) b,MIN\(.*\),MAX\(.*\) {PIECE} GROUP BY b", Model.histogram),
    (rf"SELECT (HEX\(|HEX\(LEFT\()?{NAME}(?:,60)?\)* {TABLE} LIMIT (\d+),1", Model.sample),
    (rf"SELECT HEX\((?:LEFT\()?{NAME}(?:,\d+\))?\) {TABLE} LIMIT (\d+),65536", Model.characters),
    (rf"SELECT 'ok',TIMESTAMPDIFF\(SECOND,MAX\({NAME}\),'([^']*)'\) {TABLE}", Model.age),
    (rf"CHECK TABLE {NAME}\.{NAME} MEDIUM", Model.check),
]
