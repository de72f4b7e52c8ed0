"""What a statement about Infobright's columns costs, and the packs that it fetches.

Each form of statement has a factor: its time, divided by that of SUM(MOD(CRC32(c),1000003)) on the same column, measured on a
real server 4.0.7 with 400,000 rows. A statement that reads packs is charged its factor whether they are in the heap or not: it
was measured with the fetch, so that is the most. A look-up is charged little for packs that are in the heap, and the unpacking
of those that are not; the Knowledge Grid is not taken to shorten it. The numbers in the comments are the sections of the
second part of the recorded facts, which is not in this repository.
"""

import collections
import re

from known import NAME, plain

ROWS = 400_000
# 2.1: seconds of the bare scan on ROWS rows; of strings, those of varchar(40) and varchar(120).
SCAN = {"int": 0.06, "bigint": 0.07, "decimal": 0.09, "moment": 0.15, "real": 0.27, "lookup": 0.13, "string": 0.26, "long": 1.97}
# 2.1: BIT_XOR of bigint and datetime. Of the others the seconds of bigint, because what is unpacked has as many bytes. Of
# strings each form costs what unpacking costs.
BARE = {"int": 0.41, "bigint": 0.35, "decimal": 0.27, "moment": 0.19, "real": 0.09, "lookup": 0.19, "string": 1.0, "long": 1.0}
# 2.1: SUM(c+0), MIN(c+0) and MAX(c+0) in one statement.
THREE = {"int": 1.5, "bigint": 0.9, "decimal": 1.3, "moment": 0.74, "real": 0.55}
FACTORS = {
    "scan": dict.fromkeys(SCAN, 1.0),
    "bare": BARE,
    # Not measured alone: the bare read, and a third of what three add to it. For int that is 0.77, where 0.8 was measured by
    # pack row (2.1).
    "sum": {kind: BARE[kind] + (three - BARE[kind]) / 3 for kind, three in THREE.items()},
    # 2.1; int as bigint in seconds; date, timestamp and time as datetime.
    "exact": {"int": 1.0, "bigint": 0.87, "decimal": 2.1, "moment": 0.74},
    # 2.1: by pack row, of double; and section 5.
    "float": {"real": 0.43},
    # 2.1: MIN(IFNULL(c,c)), MAX(IFNULL(c,c)) of bigint and datetime; the others as the three.
    "alike": THREE | {"bigint": 1.05, "moment": 1.85},
    # 2.1 has 0.32 for GROUP BY c. GROUP BY HEX(c) was not measured; a checksum, too, makes a text of each code.
    "words": {"lookup": 1.0},
    # 5: the checksum with MAX(LENGTH(c)).
    "text": {"string": 1.1, "long": 1.1},
    # 2.1, of the packs that are asked.
    "histogram": {"int": 2.1, "bigint": 3.2, "decimal": 3.0, "moment": 2.4},
    "characters": {"string": 1.0, "long": 1.0},
    # 2.1: the three comparisons of before, of bigint; the others as the three.
    "comparisons": THREE | {"bigint": 1.4},
}
# 5: a look-up in packs that are in the heap takes 4 to 29 ms on ROWS rows: here by the bytes of a value.
LOOK_UP = {"string": 0.0118, "long": 0.029}
DEAREST = 0.029
C = NAME.replace("(", "(?P<c>", 1)
PIECE = rf"FROM \(SELECT {C} a FROM (?P<t>{NAME}\.{NAME}) LIMIT (?P<row>\d+),65536\) x"
TABLE = rf"FROM (?P<t>{NAME}\.{NAME})"
# The form of each statement that reads a column.
FORMS = [
    ("float", rf"SELECT ABS\(.* {PIECE}"),
    ("histogram", rf"SELECT .* DIV \d+ b,.* {PIECE} GROUP BY b"),
    ("words", rf"SELECT HEX\(x\.a\),COUNT\(\*\) {PIECE} GROUP BY HEX\(x\.a\)"),
    ("bare", rf"SELECT BIT_XOR\(x\.a\) {PIECE}"),
    ("text", rf"SELECT SUM\(MOD\(CRC32\(x\.a\).* {PIECE}"),
    ("exact", rf"SELECT SUM\(.* {PIECE}"),
    ("words", rf"SELECT HEX\({C}\),COUNT\(\*\) {TABLE} GROUP BY .*"),
    ("bare", rf"SELECT BIT_XOR\({C}\) {TABLE}"),
    ("text", rf"SELECT SUM\(MOD\(CRC32\({C}\),1000003\)\),MAX\(LENGTH\(.*\)\) {TABLE}"),
    ("sum", rf"SELECT SUM\({C}\+0\) {TABLE}"),
    ("exact", rf"SELECT SUM\([A-Z(]*{C}.* DIV .* {TABLE}"),
    ("exact", rf"SELECT SUM\((?:YEAR|SIGN\(TIME_TO_SEC)\({C}\).* {TABLE}"),
    ("alike", rf"SELECT (?:MIN|MAX)\({C}\)<=>.* {TABLE}"),
    ("characters", rf"SELECT HEX\((?:LEFT\()?{C}(?:,\d+\))?\) {TABLE} LIMIT (?P<row>\d+),65536"),
    ("sample", rf"SELECT (?:HEX\()?{C}\)? {TABLE} LIMIT (?P<row>\d+),1"),
    ("look-up", rf"SELECT (?:'ok',)?COUNT\(\*\) {TABLE} WHERE {C}.*"),
]
# Statements on several columns at once, as they were asked before.
BEFORE = [
    ("scan", rf"SUM\(MOD\(CRC32\({C}\),1000003\)\)"),
    ("comparisons", rf"SUM\({C}\)<=>SUM"),
    ("sample", rf"(?<=,){C}(?=(?:,{NAME})* FROM .* LIMIT \d+,1$)"),
]


def parts(statement):
    """The form, table, column and first row, if it has one, of each column that a statement reads."""
    for form, pattern in FORMS:
        found = re.fullmatch(pattern, statement, re.S)
        if found:
            row = found.groupdict().get("row")
            return [(form, found["t"], found["c"], None if row is None else int(row))]
    table = re.search(TABLE, statement)
    # A count is answered from the headers.
    if not table or re.match(r"SELECT (?:'ok',)?COUNT\(\*\) FROM|CHECK TABLE", statement):
        return []
    row = re.search(r" LIMIT (\d+),1$", statement)
    return [(form, table["t"], found["c"], int(row[1]) if row else None) for form, pattern in BEFORE for found in re.finditer(pattern, statement)]


class Column:
    """Its packs: the rows of each that is stored."""

    def __init__(self, type_, lookup, packs, longest=0):
        kinds = {"decimal": "decimal", "bigint": "bigint", "float": "real", "double": "real", "year": "int"}
        self.kind = "lookup" if lookup else kinds.get(type_) or ("int" if type_.endswith("int") else "moment" if re.match("date|time", type_) else "string")
        if self.kind == "string" and longest > 60:
            self.kind = "long"
        self.packs = packs
        # 5: in the heap, 8 bytes a number, the text's length and 4 a string.
        self.bytes = longest + 4 if self.kind in ("string", "long") else 8

    def seconds(self, packs=None):
        return SCAN[self.kind] * sum(self.packs[pack] for pack in (self.packs if packs is None else packs)) / ROWS


class Heap:
    """The packs in the server's memory, those least recently used first."""

    def __init__(self, mebibytes):
        self.room, self.held, self.fetched = mebibytes * 2**20, collections.OrderedDict(), 0

    def fetch(self, name, column, pack):
        """Whether it had to be fetched."""
        if (name, pack) in self.held:
            self.held.move_to_end((name, pack))
            return False
        self.fetched += 1
        self.room -= self.held.setdefault((name, pack), column.bytes * column.packs[pack])
        while self.room < 0 and self.held:
            self.room += self.held.popitem(last=False)[1]
        return True


class Bill:
    """What statements cost, by column."""

    def __init__(self, of, mebibytes):
        self.of, self.heap = of, Heap(mebibytes)
        self.fetched, self.cost, self.most, self.forms = (collections.Counter() for _ in range(4))

    def charged(self, statements):
        for statement in statements:
            for form, table, name, row in parts(statement):
                key = (*(plain(part) for part in re.fullmatch(rf"{NAME}\.{NAME}", table).groups()), plain(name))
                if key in self.of:
                    self.charge(form, key, row)
        return self

    def charge(self, form, key, row):
        column = self.of[key]
        packs = [pack for pack in column.packs if row is None or pack == row // 65536]
        missed = [pack for pack in packs if self.heap.fetch(key, column, pack)]
        if form in ("sample", "look-up"):
            rows, unpacking = sum(column.packs[pack] for pack in packs) / ROWS, BARE[column.kind] * column.seconds(missed)
            cost, most = (rows * seconds + unpacking for seconds in (LOOK_UP.get(column.kind, 0.004), DEAREST))
        else:
            cost = FACTORS[form][column.kind] * column.seconds(packs)
            most = THREE[column.kind] * column.seconds(packs) if form == "sum" else cost
        self.fetched[key] += len(missed)
        self.cost[key] += cost
        self.most[key] += most
        self.forms[key, form] += cost

    def dearest(self, keys):
        """The forms, dearest first, each as a part of the ratio."""
        forms, scan = collections.Counter(), sum(self.of[key].seconds() for key in keys)
        for (key, form), cost in self.forms.items():
            forms[form] += cost / scan if key in keys else 0
        return ", ".join(f"{form} {part:.2f}" for form, part in forms.most_common() if part >= 0.005)


def sums(*bills):
    """Of some columns of bills: packs stored and fetched, cost, bare scan, ratio, and the ratio with the dearest figures."""
    each = [(bill, key) for bill, keys in bills for key in keys]
    stored, fetched = sum(len(bill.of[key].packs) for bill, key in each), sum(bill.fetched[key] for bill, key in each)
    cost, most, scan = (sum(bill.cost[key] for bill, key in each), sum(bill.most[key] for bill, key in each), sum(bill.of[key].seconds() for bill, key in each))
    digits = 2 if scan > 1 else 4
    ratios = [f"{cost / scan:.2f}", f"{most / scan:.2f}"] if scan else ["", ""]
    return [stored, fetched, f"{cost:.{digits}f}", f"{scan:.{digits}f}", *ratios]
