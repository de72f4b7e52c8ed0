"""The rows of the list of reported cases that belong to no setting and no trouble of the host, by their numbers: data outside of
the volume (6 to 9), tables and what belongs to them (24 to 42), sizes (92, 93), names (97 to 103), a definition
(109), engines (115 to 117) and places (119 to 123). Those with more to set up are in the bats files, by the same numbers; a MyISAM
table of a server at work (111) is in mariadb-snapshots too."""

import os
import shutil
import struct

from .case import PAGE, invert, write_at
from .production import both, case, closed, end, killed, remove

FULL_TEXT = "USE shop; CREATE TABLE shop.docs (id INT PRIMARY KEY, t TEXT, FULLTEXT k (t)) ENGINE=InnoDB; INSERT INTO shop.docs SELECT id, CONCAT(MD5(id), ' word') FROM shop.customers;\n"
TRIGGER = "CREATE TRIGGER shop.t BEFORE INSERT ON shop.visits FOR EACH ROW SET NEW.page='x';\n"
PARTS = "USE shop; CREATE TABLE shop.parts (a INT PRIMARY KEY, b INT) ENGINE={} PARTITION BY RANGE (a) (PARTITION p0 VALUES LESS THAN (1000), PARTITION p1 VALUES LESS THAN MAXVALUE); INSERT INTO shop.parts SELECT seq, seq FROM seq_1_to_2000;\n"
CSV = "USE shop; CREATE TABLE shop.lines (a INT NOT NULL, b CHAR(40) NOT NULL) ENGINE=CSV; INSERT INTO shop.lines SELECT seq, MD5(seq) FROM seq_1_to_500;\n"


def sql(statements):
    return lambda place: place.sql(statements)


def on(pattern, change):
    """A change of each file that fits."""

    def changed(place):
        paths = sorted(place.data.glob(pattern))
        if not paths:
            raise SystemExit(f"no file {pattern}")
        for path in paths:
            change(path)

    return changed


def cut(to=0.5):
    return lambda path: os.truncate(path, int(path.stat().st_size * to))


def head(count):
    return lambda path: write_at(path, 0, bytes(count))


def copy(old, new):
    return lambda place: shutil.copyfile(place.data / old, place.data / new) and None


def older(statement, *patterns):
    """These files are of before a statement."""

    def change(place):
        old = {path: path.read_bytes() for pattern in patterns for path in place.data.glob(pattern)}
        place.sql(statement)
        for path, content in old.items():
            path.write_bytes(content)

    return change


def two_moments(place):
    """MyISAM of a server at work, without a lock: its index is of a moment before its rows."""
    server, socket = place.kit.running_at(place)
    insert = "USE shop; INSERT INTO visits (id, page) SELECT seq, MD5(seq) FROM seq_{}_to_{};"
    place.kit.say(socket, insert.format(900001, 900100))
    index = (place.data / "shop/visits.MYI").read_bytes()
    place.kit.say(socket, insert.format(900101, 902000))
    end(server)
    (place.data / "shop/visits.MYI").write_bytes(index)


def elsewhere(engine, then=lambda folder: None):
    """A table whose data is in a folder that is not on the volume."""

    def change(place):
        folder = place.root / "elsewhere"
        folder.mkdir(mode=0o777)
        place.sql(f"CREATE TABLE shop.far (a INT PRIMARY KEY) ENGINE={engine} DATA DIRECTORY='{folder}'; INSERT INTO shop.far VALUES (1), (2);\n")
        then(folder)

    return change


def linked_out(place):
    folder = place.root / "elsewhere"
    folder.mkdir()
    for path in place.data.glob("shop/visits.MY*"):
        shutil.move(path, folder / path.name)
        os.symlink(folder / path.name, path)
        invert(folder / path.name, 2000)


def stale_index(place):
    """A page of the index `customer` as it was before an update, with as many entries and the same ends."""
    path = place.data / "shop/orders.ibd"
    place.sql("UPDATE shop.orders SET customer = 100;\n")
    before = path.read_bytes()
    place.sql("SET GLOBAL innodb_fast_shutdown=0; UPDATE shop.orders SET customer = 101 WHERE id = 8000;\n")
    now = path.read_bytes()
    used = lambda content, at: (content[at + 24 : at + 26], content[at + 64 : at + 74], struct.unpack(">H", content[at + 54 : at + 56]))
    leaves = [at for at in range(0, len(before), PAGE) if used(now, at)[0] == b"\x45\xbf" and now[at + 64 : at + 66] == b"\0\0"]
    rows = min(now[at + 66 : at + 74] for at in leaves)
    fits = [at for at in leaves if now[at + 66 : at + 74] != rows and used(now, at) == used(before, at) and now[at : at + PAGE] != before[at : at + PAGE]]
    if not fits:
        raise SystemExit("no page with as many entries")
    write_at(path, fits[0], before[fits[0] : fits[0] + PAGE])


def with_manifest(change):
    """A manifest of production before the change."""

    def changed(place):
        place.kit.write_manifest(place.data, place.root)
        return change(place)

    return changed


def exchanged(one, other):
    def change(place):
        a, b = place.data / one, place.data / other
        content = a.read_bytes()
        shutil.copyfile(b, a)
        b.write_bytes(content)

    return change


def one_key(path):
    """A key in the middle of the index has another value."""
    content = path.read_bytes()
    at = len(content) // 2048 * 1024 + 30
    write_at(path, at, bytes([content[at] ^ 1]))


def bit_of_aria(place):
    place.sql("USE shop; CREATE TABLE shop.loose (a INT, b CHAR(40)) ENGINE=Aria TRANSACTIONAL=0 ROW_FORMAT=FIXED; INSERT INTO shop.loose SELECT seq, MD5(seq) FROM seq_1_to_3000;\n")
    path = place.data / "shop/loose.MAD"
    content = path.read_bytes()
    write_at(path, len(content) // 2, bytes([content[len(content) // 2] ^ 1]))


def older_page_of_rows(place):
    path = place.data / "shop/orders.ibd"
    before = path.read_bytes()
    place.sql("UPDATE shop.orders SET note = REVERSE(note);\n")
    now = path.read_bytes()
    for at in range(4 * PAGE, len(before), PAGE):
        if now[at + 64 : at + 66] == b"\0\0" and now[at + 24 : at + 26] == b"\x45\xbf" == before[at + 24 : at + 26] and now[at + 54 : at + 56] == before[at + 54 : at + 56] and now[at + 66 : at + 74] == before[at + 66 : at + 74] and now[at : at + PAGE] != before[at : at + PAGE]:
            write_at(path, at, before[at : at + PAGE])
            return
    raise SystemExit("no page with as many rows")


def folders(*names):
    def change(place):
        for name in names:
            (place.data / name).mkdir()
            (place.data / name / "some").write_text("x")
            (place.data / name).chmod(0o700)

    return change


def files(content, *names):
    def change(place):
        for name in names:
            (place.data / name).write_bytes(content)

    return change


def many_tables(count):
    def change(place):
        place.sql("CREATE TABLE shop.small (a INT PRIMARY KEY, b VARCHAR(10)) ENGINE=MyISAM; INSERT INTO shop.small VALUES (1, 'x');\n")
        for number in range(count):
            for suffix in ("frm", "MYD", "MYI"):
                os.link(place.data / f"shop/small.{suffix}", place.data / f"shop/t{number:05}.{suffix}")
        # Each has its own.
        for path in place.data.glob("shop/t[0-9]*"):
            content = path.read_bytes()
            path.unlink()
            path.write_bytes(content)

    return change


def moved_database(target):
    """The database is a link to a folder of the volume."""

    def change(place):
        shutil.move(place.data / "shop", place.root / "volume/disk2-shop")
        os.symlink(target, place.data / "shop")

    return change


def owner_of(name):
    def change(place):
        if os.geteuid() == 0:
            for path in [place.root / "volume" / name, *(place.root / "volume" / name).rglob("*")]:
                os.chown(path, 12345, 12345)
            place.variables["SSM_serverUser"] = "nobody"

    return change


def data_directory(engine):
    """DATA DIRECTORY is on the same volume, by production's path, where it is mounted elsewhere."""

    def change(place):
        folder = place.root / "volume/bigdisk"
        folder.mkdir(mode=0o777)
        place.sql(f"CREATE TABLE shop.far (a INT PRIMARY KEY) ENGINE={engine} DATA DIRECTORY='{folder}'; INSERT INTO shop.far VALUES (1), (2);\n")
        for path in place.data.glob("shop/far.*"):
            if path.is_symlink():
                target = os.readlink(path).replace(str(place.root / "volume"), "/data")
                path.unlink()
                os.symlink(target, path)
            elif path.suffix == ".isl":
                path.write_text(path.read_text().replace(str(place.root / "volume"), "/data"))

    return change


VIEW = "shop/good_customers.frm"
GONE_RIGHTS = [f"mysql/{table}.*" for table in ("db", "procs_priv", "tables_priv")]
KINDS = """CREATE TABLE shop.kinds (a INT PRIMARY KEY, b BIT(5), c SET('x','y'), d ENUM('','z'), e INET6, f DECIMAL(30,10), g DOUBLE, h YEAR, i TIME(6), j LONGTEXT, k GEOMETRY) ENGINE=InnoDB;
SET sql_mode='';
INSERT INTO shop.kinds VALUES (1, b'10101', 'x,y', 'nothing', '::1', 1.5, -1e300, 2001, '12:00:00.123456', REPEAT('x', 1000000), POINT(1,2)), (2, NULL, '', '', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE shop.zero (a DATE, b DATETIME, c TIMESTAMP) ENGINE=MyISAM;
INSERT INTO shop.zero VALUES ('0000-00-00', '0000-00-00 00:00:00', 0), ('2020-00-00', '2020-01-00 00:00:00', NULL);
"""
VIRTUAL = """SET sql_mode='PIPES_AS_CONCAT';
CREATE TABLE shop.virtual_ (a INT PRIMARY KEY, b VARCHAR(20) AS ('x' || a) VIRTUAL, c TINYINT, d TINYINT AS (c) STORED, KEY (b)) ENGINE=InnoDB;
INSERT INTO shop.virtual_ (a, c) VALUES (1, 2), (2, 3);
CREATE TABLE shop.dates (a VARCHAR(20), b DATE AS (a) VIRTUAL) ENGINE=MyISAM;
SET sql_mode='';
INSERT INTO shop.dates (a) VALUES ('none'), ('2020-01-01');
"""
VERSIONED = """CREATE TABLE shop.history (a INT PRIMARY KEY, b INT) ENGINE=InnoDB WITH SYSTEM VERSIONING;
INSERT INTO shop.history VALUES (1, 1), (2, 2);
UPDATE shop.history SET b = 3;
CREATE TABLE shop.hidden (a INT PRIMARY KEY, b INT INVISIBLE DEFAULT 3, c TEXT, UNIQUE (c)) ENGINE=InnoDB;
INSERT INTO shop.hidden (a, c) VALUES (1, REPEAT('y', 5000));
"""

CASES = [
    case("6: DATA DIRECTORY of InnoDB off the volume, and a file is there on the host", elsewhere("InnoDB"), "invalid", "far", "not on this volume"),
    case("8: MyISAM linked off the volume, and damaged files are there on the host", linked_out, "invalid", "visits", "not on this volume"),
    case("9: DATA DIRECTORY of InnoDB off the volume, and nothing is there", elsewhere("InnoDB", lambda folder: shutil.rmtree(folder / "shop")), "invalid", "far", "not on this volume"),
    case("12: the redo log is not there, what was committed is in the files", both(killed("INSERT INTO shop.customers (id, name) VALUES (999999, 'x'); SET GLOBAL innodb_max_dirty_pages_pct=0; FLUSH TABLES shop.customers FOR EXPORT; UNLOCK TABLES;"), remove("ib_logfile*")), "undetermined", "redo log"),
    case("24: an InnoDB table that is lost with its definition, with a manifest", remove("shop/customers.*"), "invalid", "shop.customers", manifest=True),
    case("26: a page of a second index as it was before, with a manifest", both(lambda place: place.kit.write_manifest(place.data, place.root), stale_index), "invalid", "shop.orders: index"),
    case("28: files of a full-text index that are lost, with a manifest", both(sql(FULL_TEXT), with_manifest(remove("shop/FTS_*_INDEX_*"))), "invalid", "shop.docs"),
    case("29: pages of a full-text index flipped", both(sql(FULL_TEXT), on("shop/FTS_*_INDEX_1.ibd", lambda path: invert(path, 3 * PAGE + 200, 64))), "invalid", "shop"),
    case("29: pages of each of its files flipped", both(sql(FULL_TEXT), on("shop/FTS_*.ibd", lambda path: invert(path, 3 * PAGE + 200, 64))), "invalid", "shop"),
    case("29: the files of a full-text index zeroed behind their head", both(sql(FULL_TEXT), on("shop/FTS_*_INDEX_[1-6].ibd", lambda path: write_at(path, 3 * PAGE, bytes(PAGE)))), "invalid", "shop"),
    case("31: a view's file cut", on(VIEW, cut(0.6)), "invalid", "good_customers"),
    case("31: half zeroed", on(VIEW, head(300)), "invalid", "good_customers"),
    case("31: its text damaged, with a manifest", on(VIEW, lambda path: path.write_bytes(path.read_bytes().replace(b"1000", b"1900"))), "invalid", "good_customers", manifest=True),
    case("33: a list of triggers cut", both(sql(TRIGGER), on("shop/visits.TRG", cut(0.4))), "invalid", "shop.visits"),
    case("33: a list of triggers zeroed", both(sql(TRIGGER), on("shop/visits.TRG", head(60))), "invalid", "shop.visits"),
    case("33: a list of triggers lost, with a manifest", both(sql(TRIGGER), with_manifest(remove("shop/visits.TRG"))), "invalid", "shop"),
    case("37: tables of rights that are lost whole, with a manifest", both(*(remove(pattern) for pattern in GONE_RIGHTS)), "invalid", "manifest", manifest=True),
    case("38: MyISAM: older rows with other keys", older("INSERT INTO shop.visits (id, page) VALUES (900000, 'x'); DELETE FROM shop.visits WHERE id < 10;\n", "shop/visits.MYD"), "invalid", "shop.visits"),
    case("38: MyISAM: one key wrong", on("shop/visits.MYI", one_key), "invalid", "shop.visits"),
    case("38: CSV cut in a line", both(sql(CSV), on("shop/lines.CSV", cut(0.505))), "invalid", "shop.lines"),
    case("38: CSV emptied", both(sql(CSV), on("shop/lines.CSV", cut(0))), "invalid", "shop.lines"),
    case("38: partitions exchanged", both(sql(PARTS.format("MyISAM")), exchanged("shop/parts#P#p0.MYD", "shop/parts#P#p1.MYD"), exchanged("shop/parts#P#p0.MYI", "shop/parts#P#p1.MYI")), "invalid", "shop.parts"),
    case("38: a partition doubled", both(sql(PARTS.format("MyISAM")), copy("shop/parts#P#p0.MYD", "shop/parts#P#p1.MYD"), copy("shop/parts#P#p0.MYI", "shop/parts#P#p1.MYI")), "invalid", "shop.parts"),
    case("38: the list of partitions deleted", both(sql(PARTS.format("InnoDB")), remove("shop/parts.par")), "invalid", "parts"),
    case("39: MyISAM: older rows of which no key was changed", older("UPDATE shop.visits SET agent = REVERSE(agent);\n", "shop/visits.MYD"), "valid"),
    case("39: Aria without transactions: one bit", bit_of_aria, "valid"),
    case("40: a page of rows of before, without a manifest", older_page_of_rows, "valid"),
    case("41: all files of tables older than ibdata1", older("UPDATE shop.orders SET note = 'x';\n", "shop/orders.ibd"), "valid"),
    case("42: a foreign key's parent older than its children", both(sql("CREATE TABLE shop.parent (a INT PRIMARY KEY) ENGINE=InnoDB; CREATE TABLE shop.child (a INT, FOREIGN KEY (a) REFERENCES shop.parent (a)) ENGINE=InnoDB; INSERT INTO shop.parent VALUES (1);\n"), older("INSERT INTO shop.parent VALUES (2); INSERT INTO shop.child VALUES (2);\n", "shop/parent.ibd")), "valid"),
    case("61: types of every kind, zero dates", sql(KINDS)),
    case("61: virtual columns of another sql_mode", sql(VIRTUAL)),
    case("61: system versioning, invisible columns, long unique keys", sql(VERSIONED)),
    case("61: compressed columns, UUID and JSON", sql("CREATE TABLE shop.c (a TEXT COMPRESSED, b JSON, c CHAR(36) DEFAULT (UUID())) ENGINE=InnoDB; INSERT INTO shop.c (a, b) VALUES (REPEAT('x', 9000), '{}');\n")),
    case("92: 20,000 tables", many_tables(20000)),
    case("93: a long rollback after a crash", killed("USE shop; SET autocommit=0; INSERT INTO shop.orders SELECT seq + 100000, seq % 999, '2020-01-01', 1, REPEAT('x', 60) FROM seq_1_to_200000;")),
    case("97: folders of the file system and of tools", folders("lost+found", ".snapshot", "aws-data", ".rocksdb", "@eaDir")),
    case("102: leftovers of an ALTER TABLE", files(b"\xfe\x01\x0a\x0c" + bytes(2000), "shop/#sql-1a2b_3.frm", "shop/#sql-1a2b_3.MYD", "shop/#sql2-1a2b-4.frm"), "valid", warnings=("#sql",)),
    case("103: a core file, texts and files of an editor", files(b"some text\n", "core", "core.1234", "README.txt", "shop/orders.sql", "shop/visits.frm.bak", "shop/visits.BAK", "shop/visits.TMD", "shop/visits.MYD~", "my.cnf.rpmsave")),
    case("103: no db.opt", remove("shop/db.opt")),
    case("109: a definition of before an ENUM got a value", both(sql("CREATE TABLE shop.e (a ENUM('x','y') NOT NULL) ENGINE=InnoDB; INSERT INTO shop.e VALUES ('x');\n"), older("ALTER TABLE shop.e MODIFY a ENUM('x','y','z') NOT NULL;\n", "shop/e.frm")), "valid"),
    case("111: MyISAM of a server at work, whose snapshot took its index before its rows", two_moments, "invalid", "shop.visits", "FLUSH TABLES WITH READ LOCK"),
    case("115: BLACKHOLE", both(lambda place: place.sql("CREATE TABLE shop.hole (a INT) ENGINE=BLACKHOLE;\n", "--plugin-load-add=ha_blackhole")), needs="ha_blackhole"),
    case("116: a tablespace discarded on production", closed("ALTER TABLE shop.customers DISCARD TABLESPACE;"), "invalid", "shop.customers"),
    case("117: a MERGE table whose child was dropped", sql("CREATE TABLE shop.a (x INT) ENGINE=MyISAM; CREATE TABLE shop.all_ (x INT) ENGINE=MERGE UNION=(shop.a); DROP TABLE shop.a;\n"), "undetermined", "shop.all_"),
    case("119: a database that is a link by production's path", moved_database("/data/disk2-shop")),
    case("120: one linked relatively, of a user with another number", both(moved_database("../disk2-shop"), owner_of("disk2-shop"))),
    case("121: the same, of the same user", moved_database("../disk2-shop")),
    case("122: DATA DIRECTORY of InnoDB on the same volume, by production's path", data_directory("InnoDB")),
    case("123: DATA DIRECTORY of MyISAM on the same volume, by production's path", data_directory("MyISAM")),
]
