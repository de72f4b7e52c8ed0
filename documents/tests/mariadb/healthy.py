"""Variants of a healthy MariaDB data directory: none of them may be called anything but valid, and nothing may want a look."""

import os
import shutil
import signal

from .case import Case

ODD = """
CREATE DATABASE `a"b\\\\c`;
CREATE TABLE `a"b\\\\c`.`t``ick {x} $(touch "pwned") é` (`c``ol"'; DROP` INT, `ü` GEOMETRY, `select` BIT(3)) ENGINE=MyISAM;
INSERT INTO `a"b\\\\c`.`t``ick {x} $(touch "pwned") é` VALUES (1, POINT(1, 2), 3), (NULL, NULL, NULL);
CREATE TABLE shop.nul (a INT) ENGINE=Aria;
CREATE TABLE shop.`two  spaces` (a JSON, v INT AS (1 + 1)) ENGINE=InnoDB;
"""


def sql(statements):
    return lambda place: place.sql(statements)


def many(place):
    """2,000 tables, of which MyISAM lets the files be copied."""
    for number in range(2000):
        for suffix in ("frm", "MYD", "MYI"):
            shutil.copyfile(place.data / f"shop/small.{suffix}", place.data / f"shop/t{number:04}.{suffix}")


def with_small(change):
    def both(place):
        place.sql("CREATE TABLE shop.small (a INT PRIMARY KEY, b VARCHAR(10)) ENGINE=MyISAM; INSERT INTO shop.small VALUES (1, 'x');\n")
        return change(place)

    return both


def crashed(statements):
    """A server that was killed after these statements: what it had promised is in its log."""

    def change(place):
        server, socket = place.kit.running_at(place)
        place.kit.say(socket, statements)
        server.send_signal(signal.SIGKILL)
        server.wait()

    return change


def only_innodb(place):
    place.sql("DROP TABLE shop.visits; DROP TABLE shop.calls; DROP TABLE shop.stock; DROP TABLE shop.shelves;\n")


def owner(place):
    """Production's mysql has another number. Who is not root has no choice."""
    if os.geteuid() == 0:
        for path in [place.data, *place.data.rglob("*")]:
            os.chown(path, 12345, 12345)


def closed(place):
    """Files that only their owner may read."""
    for path in [*place.data.rglob("*")]:
        path.chmod(0o700 if path.is_dir() else 0o600)


def top(place):
    shutil.move(place.data, place.root / "data")
    (place.root / "volume").rmdir()
    shutil.move(place.root / "data", place.root / "volume")
    place.variables["SSM_dataDirectory"] = "."


CASES = [
    Case(name, change, verdict="valid", group="healthy", manifest=manifest, words_of_warnings=warnings)
    for name, change, manifest, warnings in [
        ("as production left it", lambda place: None, False, ()),
        ("with a manifest", lambda place: None, True, ()),
        ("rows written in InnoDB and MyISAM after the manifest", sql("DELETE FROM shop.customers WHERE id > 10; INSERT INTO shop.visits (id, page) VALUES (999999, 'late');\n"), True, ("was changed in InnoDB", "files were changed after")),
        ("new tables and views after the manifest", sql("CREATE TABLE shop.late (a INT) ENGINE=MyISAM; CREATE VIEW shop.later AS SELECT 1;\n"), True, ("files were changed after",)),
        ("an empty database beside", sql("CREATE DATABASE nothing;\n"), False, ()),
        ("empty tables", sql("TRUNCATE shop.orders; TRUNCATE shop.visits; TRUNCATE shop.stock;\n"), False, ()),
        ("views, also one that does not work", sql("CREATE TABLE shop.x (a INT); CREATE VIEW shop.v AS SELECT * FROM shop.x; DROP TABLE shop.x;\n"), False, ()),
        ("odd names", sql(ODD), False, ("has a backslash or a control character",)),
        ("2,000 tables", with_small(many), False, ()),
        ("utf8 and latin1", sql("CREATE TABLE shop.u (a VARCHAR(9) CHARACTER SET utf8mb4) ENGINE=MyISAM; INSERT INTO shop.u VALUES ('Zoë'),('日本'); CREATE TABLE shop.l (a VARCHAR(9) CHARACTER SET latin1) ENGINE=Aria; INSERT INTO shop.l VALUES ('Søren');\n"), False, ()),
        ("InnoDB crashed, with rows in its log", crashed("INSERT INTO shop.orders SELECT id + 100000, customer, placed, total, note FROM shop.orders;"), False, ()),
        ("InnoDB crashed within a transaction", crashed("SET autocommit=0; DELETE FROM shop.orders; DELETE FROM shop.customers;"), False, ()),
        ("Aria crashed, with rows in its log", crashed("INSERT INTO shop.stock SELECT article + 100000, place, pieces, counted FROM shop.stock;"), False, ("clients are using", "client is using")),
        ("partitions", sql("CREATE TABLE shop.p (a INT PRIMARY KEY) ENGINE=InnoDB PARTITION BY HASH(a) PARTITIONS 4; INSERT INTO shop.p VALUES (1),(2),(3);\n"), False, ()),
        ("a sequence, CSV and MEMORY tables", sql("CREATE SEQUENCE shop.n; CREATE TABLE shop.c (a INT NOT NULL) ENGINE=CSV; INSERT INTO shop.c VALUES (1); CREATE TABLE shop.m (a INT) ENGINE=MEMORY;\n"), False, ()),
        ("merged MyISAM tables", sql("CREATE TABLE shop.a (x INT) ENGINE=MyISAM; CREATE TABLE shop.b (x INT) ENGINE=MyISAM; CREATE TABLE shop.both_ (x INT) ENGINE=MERGE UNION=(shop.a, shop.b);\n"), False, ()),
        ("compressed and dynamic rows", sql("CREATE TABLE shop.z (a INT PRIMARY KEY, b TEXT) ENGINE=InnoDB ROW_FORMAT=COMPRESSED; INSERT INTO shop.z VALUES (1, REPEAT('x', 9000)); CREATE TABLE shop.d (a TEXT) ENGINE=MyISAM ROW_FORMAT=DYNAMIC; INSERT INTO shop.d VALUES (REPEAT('y', 9000));\n"), False, ()),
        ("full-text and spatial indexes", sql("CREATE TABLE shop.f (a INT PRIMARY KEY, b TEXT, FULLTEXT (b)) ENGINE=InnoDB; INSERT INTO shop.f VALUES (1, 'lorem ipsum'); CREATE TABLE shop.g (p POINT NOT NULL, SPATIAL INDEX (p)) ENGINE=MyISAM; INSERT INTO shop.g VALUES (POINT(1, 2));\n"), False, ()),
        ("generated columns and foreign keys", sql("CREATE TABLE shop.parent (a INT PRIMARY KEY, b INT AS (a + 1) STORED) ENGINE=InnoDB; CREATE TABLE shop.child (a INT, FOREIGN KEY (a) REFERENCES shop.parent (a)) ENGINE=InnoDB; INSERT INTO shop.parent (a) VALUES (1); INSERT INTO shop.child VALUES (1);\n"), False, ()),
        ("InnoDB only", only_innodb, False, ()),
        ("files of a user with another number", owner, False, ()),
        ("files that only their owner may read", closed, False, ()),
        ("the data at the top of the volume", top, False, ()),
        ("250 columns", sql("CREATE TABLE shop.wide (" + ", ".join(f"c{n} INT" for n in range(250)) + ") ENGINE=MyISAM; INSERT INTO shop.wide (c0) VALUES (1),(2);\n"), False, ()),
    ]
]
