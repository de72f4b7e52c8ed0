"""What a damage does to the server's answers, as it was recorded."""

import re
import signal

import damage


def of(number):
    """The case with this number, or one that changes nothing."""
    if ":" in number:
        return Second(next(row for row in damage.second_cases() if row["case"] == number))
    row = next((row for row in damage.cases() if row["case"] == number), None)
    return First(row) if row else Healthy()


class Healthy:
    """No damage, and what a case of the second set leaves as it was."""

    def refuses_to_start(self, _data):
        return None

    def opens(self, _schema, _table):
        return True

    def definition_of(self, table):
        return table

    def rows(self, _schema, _table):
        return None

    def effect(self, _schema, _table, _column, _what, _pack):
        return None

    def found(self, _schema, _table, _column, _value):
        return None

    def checked(self, _name):
        return None

    def words(self, column, _folder):
        return column.words

    def load_errors(self):
        return 0

    def signal(self):
        return signal.SIGSEGV


class Second(Healthy):
    """A case of variants.tsv: the forms that did not answer as before are named, with what they said."""

    def __init__(self, row):
        self.row = row
        self.said = dict(item.split(": ", 1) for item in row["answers"].split(" ; ") if ": " in item)

    def error_text(self):
        return self.row["error_text"]

    def load_errors(self):
        return 1

    def effect(self, schema, table, column, what, pack):
        names = [known.split(".", 1) for known in [self.row["table"]]]
        if [schema, table] not in names or column != self.row["column"]:
            return None
        if self.said.get("read") in ("error", "crash"):
            return self.said["read"]
        prints = what in ("print", "sample", "MIN", "MAX", "text")
        if prints and (self.said.get("values") == "TIMEOUT" or self.said.get("read_fast") == "hang"):
            return "hang"
        if what == "sum" and "exact_sum" in self.said:
            return int(self.said["exact_sum"].split(",")[0])
        if what == "words" and pack is None and "lookup_codes" in self.said:
            return int(self.said["lookup_codes"].split(",")[0])
        if what == "float" and f"float_sum[{pack}]" in self.said:
            return "wrong"
        if what in ("MIN", "MAX") and "min_max" in self.said:
            flags = self.said["min_max"].partition(": ")[2].split()
            return "wrong" if flags[what == "MAX"] == "0" else None
        if what == "print" and self.said.get("values") == "differ":
            return "wrong"
        return None

    def words(self, column, folder):
        """Of a dictionary that was damaged the server reads what is there now."""
        if self.row["kind"] != "dict_word" or not self.row["path"].endswith(f"{column.number:05}.ctb"):
            return column.words
        header = (folder / self.row["path"].rsplit("/", 1)[1]).read_bytes()
        words, special = (int.from_bytes(header[at : at + 4], "little") for at in (38, 42))
        return column.read_words(header[words:special])


class First(Healthy):
    """A case of damage.tsv: each kind of statement with what it said."""

    def __init__(self, row):
        self.row = row

    def refuses_to_start(self, data):
        """It reads the settings that are there now: the test writes them anew, with another cache folder."""
        if self.row["start"] == "up":
            return None
        wrong = {"ini_cache": b"/no/such/parent", "ini_binary": b"\0"}.get(self.row["kind"], b"")
        if wrong not in (data / "brighthouse.ini").read_bytes():
            return None
        return self.row["error_text"].split(" || ")

    def error_text(self):
        return self.row["error_text"].split(" || ")[0] or "ERROR 1105 (HY000) at line 1: recorded as an error"

    def load_errors(self):
        return self.row["load_errors"] not in ("0", "down")

    def signal(self):
        return int(re.search(r"signal (\d+)", self.row["crash"]).group(1))

    def opens(self, schema, table):
        if schema != "shop":
            return True
        if self.row["table"] == table:
            return self.row["count"] != "error"
        return f"{table}:error" not in self.row["other_tables"]

    def definition_of(self, table):
        if self.row["kind"] == "frm_swap" and self.row["table"] == table:
            return self.row["arg"].rpartition("/")[2].removesuffix(".frm")
        return table

    def rows(self, _schema, table):
        if self.row["table"] == table and self.row["count"].startswith("wrong:"):
            return int(self.row["count"].removeprefix("wrong:"))
        return None

    def touches(self, column):
        """Whether a statement on this column reads what is damaged."""
        damaged = self.row["column"].partition(":")[0]
        return not damaged or column == damaged or "error" in self.row["check_table"]

    def effect(self, _schema, table, column, what, pack):
        if self.row["table"] != table:
            return None
        said = self.row["scan_crc32"]
        if said in ("error", "crash", "lost") and self.touches(column):
            named = re.search(r"pack (\d+)", self.row["error_text"])
            if pack is None or not named or int(named.group(1)) == pack + 1:
                return "error" if said == "error" else "crash"
        if said.startswith("wrong:") and column in said.removeprefix("wrong:").split(","):
            # A changed word of a dictionary changes no code.
            if what in ("sum", "float", "print") or what == "words" and self.row["kind"] != "dict_flip":
                return "wrong"
        if what in ("MIN", "MAX") and self.row["sum_eq"].startswith("differs:"):
            return "wrong" if f"{what}({column})" in self.row["sum_eq"].removeprefix("differs:").split(",") else None
        if what == "sample" and self.row["kind"] == "dict_flip" and column == self.row["column"]:
            return "wrong" if self.row["canary"].startswith("zero:") else None
        return None

    def found(self, _schema, table, column, value):
        """How many rows a look-up finds, where it was recorded for this column."""
        said = self.row["canary"] if self.row["table"] == table else "ok"
        if said in ("ok", "down") or self.row["kind"] == "dict_flip" and value.endswith("~"):
            return None
        what, _, items = said.partition(":")
        results = {}
        for item in items.split("; "):
            name, _, result = item.rpartition(":")
            if name.startswith(f"{column}="):
                results[name[len(column) + 1 :]] = result.partition("!=")[0]
        if not results and not re.search(r"\+\d+$", items):
            return None
        result = results.get(value, next(iter(results.values()), "0" if what == "zero" else what))
        if result in ("error", "crash"):
            return result
        return int(result) if value in results or result == "0" else None

    def checked(self, name):
        """What CHECK TABLE says of one of the server's own tables."""
        bad = []
        for item in self.row["system_tables"].removeprefix("bad:").split("; "):
            found = re.match(rf"{re.escape(name)} (\w+): (.*)", item)
            if found:
                bad.append([name, "check", *found.groups()])
        return bad + ([[name, "check", "status", "OK"]] if bad and bad[0][2] == "warning" else [])
        
    def words(self, column, folder):
        if self.row["kind"] != "dict_flip" or not self.row["path"].endswith(f"{column.number:05}.ctb"):
            return column.words
        header = (folder / self.row["path"].rsplit("/", 1)[1]).read_bytes()
        words, special = (int.from_bytes(header[at : at + 4], "little") for at in (38, 42))
        return column.read_words(header[words:special])
