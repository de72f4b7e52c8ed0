"""Data directories as servers with other settings leave them. The numbers are those of the list of reported cases: prepared
transactions (1 to 5), logs that are not there (10 to 17), versions (18 to 20), settings (43 to 61), definitions (106 to 112)."""

import os
import shutil
import signal
import subprocess

from .case import PAGE, Case, write_at

SMALL_SHOP = """
CREATE DATABASE shop;
USE shop;
CREATE TABLE shop.orders (id INT PRIMARY KEY, customer INT, note CHAR(40), KEY (customer)) ENGINE=InnoDB;
INSERT INTO shop.orders SELECT seq, seq % 77, MD5(seq) FROM seq_1_to_3000;
CREATE TABLE shop.visits (id INT PRIMARY KEY, page VARCHAR(60)) ENGINE=MyISAM;
INSERT INTO shop.visits SELECT seq, MD5(seq) FROM seq_1_to_500;
"""
BINARY_LOG = ("--log-bin=mysql-bin", "--server-id=1", "--sync-binlog=1")
LATER = "INSERT INTO shop.orders SELECT id + 100000, customer, placed, total, note FROM shop.orders;"
OLD_WORDS = """InnoDB: Error: page 7 log sequence number 0 1612345
InnoDB: is in the future! Current system log sequence number 0 1600000.
InnoDB: Your database may be corrupt or you may have copied the InnoDB
InnoDB: tablespace but not the InnoDB log files. See
InnoDB: http://dev.mysql.com/doc/refman/5.1/en/forcing-recovery.html
InnoDB: for more information."""


def end(server, how=signal.SIGKILL):
    server.send_signal(how)
    server.wait()


def under_load(writers, *options):
    """A server is stopped while so many clients write, one row a commit, and only what is on the disk is left."""

    def change(place):
        place.sql("CREATE TABLE shop.pay (id INT AUTO_INCREMENT PRIMARY KEY, a CHAR(32)) ENGINE=InnoDB;\n")
        server, socket = place.kit.running_at(place, *options)
        command = [place.kit.client, "--no-defaults", f"--socket={socket}", "--force"]
        lines = b"INSERT INTO shop.pay (a) VALUES (MD5(RAND()));\n" * 20000
        clients = []
        for number in range(writers):
            feed = place.root / f"feed{number}"
            feed.write_bytes(lines)
            clients.append(subprocess.Popen(command, stdin=feed.open(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        count = [*command[:3], "-N", "-e", "SELECT COUNT(*) FROM shop.pay"]
        while int(subprocess.run(count, capture_output=True, text=True).stdout or 0) < 200:
            pass
        end(server)
        for client in clients:
            client.wait()

    return change


def killed(statements, *options):
    """A server that was killed after these statements."""

    def change(place):
        server, socket = place.kit.running_at(place, *options)
        place.kit.say(socket, statements)
        end(server)

    return change


def closed(statements, *options):
    def change(place):
        server, socket = place.kit.running_at(place, *options)
        place.kit.say(socket, statements)
        end(server, signal.SIGTERM)

    return change


def both(*changes):
    def change(place):
        prefix = None
        for one in changes:
            prefix = one(place) or prefix
        return prefix

    return change


def remove(pattern):
    return lambda place: [path.unlink() for path in place.data.glob(pattern)] and None


def options(text):
    return lambda place: place.options(text)


def fresh(*settings):
    return lambda place: place.fresh(*settings)


def beside(folder, *patterns):
    """Files that are not in the data directory, but in a folder of the volume."""

    def change(place):
        target = place.root / "volume" / folder
        target.mkdir(parents=True, exist_ok=True)
        for pattern in patterns:
            for path in list(place.data.glob(pattern)):
                shutil.move(path, target / path.name)

    return change


def at(place, folder):
    """A folder of the volume, for a setting of production's server."""
    path = place.root / "volume" / folder
    path.mkdir(parents=True, exist_ok=True)
    return path


def fresh_at(setting, folder, *more):
    return lambda place: place.fresh(f"--{setting}={at(place, folder)}", *more)


def mixed(name):
    """The tables' files are newer than ibdata1 and the redo log."""

    def change(place):
        old = {path: path.read_bytes() for path in place.data.glob("ib*") if path.is_file() and path.name != "ib-backup-manifest"}
        closed(LATER + " UPDATE shop.orders SET note = 'x'; UPDATE shop.customers SET name = 'y';")(place)
        for path, content in old.items():
            path.write_bytes(content)

    return change


def says(words):
    """A real server, beside which stands what another one would write."""
    return lambda place: place.server("cat >&2 <<'WORDS'\n" + words + "\nWORDS")


def lost_write(*settings):
    """A manifest of a server with these settings; then one page of rows as it was before an UPDATE of all rows."""

    def change(place):
        path = place.data / "shop/orders.ibd"
        before = path.read_bytes()
        place.sql("UPDATE shop.orders SET note = REVERSE(note);\n")
        place.kit.write_manifest(place.data, place.root, *settings)
        now = path.read_bytes()
        fits = [
            offset
            for offset in range(0, len(before), PAGE)
            if now[offset + 24 : offset + 26] == b"\x45\xbf" == before[offset + 24 : offset + 26]
            and now[offset + 64 : offset + 74] == before[offset + 64 : offset + 74]
            and now[offset + 64 : offset + 66] == b"\0\0"
            and now[offset : offset + PAGE] != before[offset : offset + PAGE]
        ]
        offset = fits[len(fits) // 2]
        write_at(path, offset, before[offset : offset + PAGE])
        # Left by the server with its logs: not the backup's.
        for log in place.data.glob("*.log"):
            log.unlink()

    return change


def encrypted(statements, *settings):
    """Tables made with a key that lies on production's host."""

    def change(place):
        keys = place.root / "keys"
        keys.write_text("1;" + "a7" * 32 + "\n")
        keys.chmod(0o644)
        with_keys = ["--plugin-load-add=file_key_management", f"--file-key-management-filename={keys}", *settings]
        place.sql(statements, *with_keys)

    return change


def with_key(place):
    place.options(f"plugin_load_add=file_key_management,file_key_management_filename={place.root}/keys")


COUNTS = "USE shop; CREATE TABLE shop.counts (a INT PRIMARY KEY, b INT) ENGINE={};\nINSERT INTO shop.counts SELECT seq, seq * 7 FROM seq_1_to_500;\n"


def old_definition(before, statement, name="orders"):
    """The definition is of before a statement."""

    def change(place):
        if before:
            place.sql(before)
        path = place.data / f"shop/{name}.frm"
        old = path.read_bytes()
        place.sql(statement)
        path.write_bytes(old)

    return change


def case(name, change, verdict="valid", *words, warnings=(), manifest=False, needs=""):
    return Case(name, change, verdict=verdict, words=words, group="row", manifest=manifest, words_of_warnings=warnings, needs=needs)


IN_USE = ("clients are using", "client is using")
XA = "XA START 'a'; INSERT INTO shop.customers (id, name) VALUES (900001, 'x'); XA END 'a'; XA PREPARE 'a';"
COMMITTED = "USE shop; CREATE TABLE shop.late (a INT PRIMARY KEY) ENGINE=InnoDB; INSERT INTO shop.late SELECT seq FROM seq_1_to_20000; DELETE FROM shop.orders WHERE id <= 500;"
SECRET = "CREATE TABLE shop.secret (id INT PRIMARY KEY, a CHAR(30)) ENGINE=InnoDB ENCRYPTED=YES;\nINSERT INTO shop.secret SELECT article, place FROM shop.stock;\n"
SECRET_ARIA = "SET GLOBAL aria_encrypt_tables=1;\nCREATE TABLE shop.secret (id INT PRIMARY KEY, a CHAR(30)) ENGINE=Aria;\nINSERT INTO shop.secret SELECT article, place FROM shop.stock;\n"
PRESSED = "CREATE TABLE shop.pressed (id INT PRIMARY KEY, a CHAR(30)) ENGINE=InnoDB PAGE_COMPRESSED=1;\nINSERT INTO shop.pressed SELECT article, place FROM shop.stock;\n"

CASES = [
    case("1: twelve writers, with a binary log", under_load(12, *BINARY_LOG)),
    case("2, 3: one writer, with a binary log", under_load(1, *BINARY_LOG)),
    case("5: twelve writers, without a binary log", under_load(12)),
    case("5: a transaction that an application prepared", killed(XA)),
    case("5: the same, with a binary log", killed(XA, *BINARY_LOG)),
    case("5: the index of the binary log names lost files", both(killed(LATER, *BINARY_LOG), remove("mysql-bin.0*"))),
    case("10: the redo log is not there, what was committed last is only there", both(killed(COMMITTED), remove("ib_logfile*")), "undetermined", "redo log", "not on the volume"),
    case("13: the same of a server that was closed", remove("ib_logfile*"), "undetermined", "redo log", "ServerOptions"),
    case("14: the redo log in a folder of its own on the volume", beside("redo", "ib_logfile*")),
    case("14: the same, killed", both(killed(LATER), beside("redo/log", "ib_logfile*"))),
    case("15: Aria's logs and control file are not there", both(killed("INSERT INTO shop.stock SELECT article + 100000, place, pieces, counted FROM shop.stock;"), remove("aria_log*")), "undetermined", "log of Aria"),
    case("16: Aria's logs are not there", both(killed("INSERT INTO shop.stock SELECT article + 100000, place, pieces, counted FROM shop.stock;"), remove("aria_log.*")), "undetermined", "log of Aria"),
    case("17: tables newer than system file and redo log", mixed("all"), "invalid"),
    case("17: in the words of MySQL 5.1", says(OLD_WORDS), "invalid", "in the future"),
    case("18: a lost write, by the manifest of a server with a slow log", lost_write("--slow-query-log=1", "--slow-query-log-file=slow.log"), "invalid", "shop.orders: fingerprint"),
    case("19: the same with a general log", lost_write("--general-log=1", "--general-log-file=all.log"), "invalid", "shop.orders: fingerprint"),
    case("20: the same with neither", lost_write(), "invalid", "shop.orders: fingerprint"),
    case("43: pages of 4 KiB", fresh("--innodb-page-size=4k")),
    case("43: pages of 8 KiB", fresh("--innodb-page-size=8k")),
    case("43: pages of 64 KiB", fresh("--innodb-page-size=64k", "--innodb-log-file-size=16M")),
    case("44: two system files", fresh("--innodb-data-file-path=ibdata1:12M;ibdata2:12M:autoextend")),
    case("44: three, the first of them small", fresh("--innodb-data-file-path=ibdata1:5M;ibdata2:7M;ibdata3:3M:autoextend")),
    case("44: two system files, of which one is lost", both(fresh("--innodb-data-file-path=ibdata1:12M;ibdata2:12M:autoextend"), remove("ibdata2")), "invalid", "ibdata1"),
    case("45: a system file of 10 MiB, not grown yet", fresh("--innodb-data-file-path=ibdata1:10M:autoextend")),
    case("46: larger and fixed", fresh("--innodb-data-file-path=ibdata1:50M")),
    case("47: another name", fresh("--innodb-data-file-path=data1:12M:autoextend")),
    case("47: in a folder", lambda place: place.fresh(f"--innodb-data-home-dir={at(place, 'mysql-innodb')}", "--innodb-data-file-path=data1:12M:autoextend")),
    case("48: undo files in a folder beside", fresh_at("innodb-undo-directory", "undo", "--innodb-undo-tablespaces=3")),
    case("48: the same, named in ServerOptions as production names it", both(fresh_at("innodb-undo-directory", "undo", "--innodb-undo-tablespaces=3"), options("innodb_undo_directory=/data/undo"))),
    case("48: undo files that are not on the volume", both(fresh_at("innodb-undo-directory", "undo", "--innodb-undo-tablespaces=3"), lambda place: shutil.rmtree(place.root / "volume/undo")), "undetermined", "undo files of InnoDB"),
    case("49: more undo files", fresh("--innodb-undo-tablespaces=3")),
    case("50: InnoDB's home in a folder beside", fresh_at("innodb-data-home-dir", "innodb")),
    case("50: home and redo log in a folder below", beside("mysql/ib", "ibdata1", "ib_logfile0")),
    case("50: the system file is not on the volume", remove("ibdata1"), "undetermined", "ibdata1", "not on the volume"),
    case("50: neither system file nor redo log", both(remove("ibdata1"), remove("ib_logfile*")), "undetermined", "ibdata1"),
    case("51: an encrypted InnoDB table, its key not on this host", encrypted(SECRET), "undetermined", "shop.secret", "key", needs="file_key_management"),
    case("51: with its key", both(encrypted(SECRET), with_key), needs="file_key_management"),
    case("52: an encrypted redo log", encrypted("SELECT 1;\n", "--innodb-encrypt-log=1"), "undetermined", "redo log", "key", needs="file_key_management"),
    case("53: an encrypted Aria table", encrypted(SECRET_ARIA), "undetermined", "shop.secret", "key", needs="file_key_management"),
    case("54: the plugin in use, nothing encrypted", encrypted("INSERT INTO shop.customers (id, name) VALUES (900001, 'x');\n"), needs="file_key_management"),
    case("55: pages compressed with lz4", lambda place: place.sql(PRESSED, "--plugin-load-add=provider_lz4", "--innodb-compression-algorithm=lz4"), needs="provider_lz4"),
    case("55: the same where the host lacks it", both(lambda place: place.sql(PRESSED, "--plugin-load-add=provider_lz4", "--innodb-compression-algorithm=lz4"), lambda place: lacks(place, "provider_lz4")), "undetermined", "shop.pressed", "lz4", needs="provider_lz4"),
    case("56: pages compressed with zlib", lambda place: place.sql(PRESSED, "--innodb-compression-algorithm=zlib")),
    case("57: other checksums", fresh("--innodb-checksum-algorithm=crc32")),
    case("58: a redo log of 96 MiB", fresh("--innodb-log-file-size=96M")),
    case("59: names in capitals", lambda place: place.sql("CREATE DATABASE Big;\nCREATE TABLE Big.One (a INT) ENGINE=InnoDB;\nCREATE TABLE Big.ONE (a INT) ENGINE=InnoDB;\n")),
    case("60: all tables in the system file", fresh("--innodb-file-per-table=0")),
    case("60: the same, and the system file is not there", both(fresh("--innodb-file-per-table=0"), remove("ibdata1"), lambda place: [p.unlink() for p in place.data.glob("*/*.ibd")] and None), "undetermined", "ibdata1"),
    case("options: one that would open a port", options("bind_address=0.0.0.0"), "undetermined", "bind_address"),
    case("options: a plugin that listens", options("plugin_load_add=handlersocket"), "undetermined", "handlersocket"),
    case("options: a folder that is not on the volume", options("innodb_undo_directory=/etc"), "undetermined", "no folder on the volume"),
    case("options: a system file beside the volume", options("innodb_data_file_path=/tmp/x:12M:autoextend"), "undetermined", "innodb_data_file_path"),
    case("106: a definition of before an index was added", old_definition("", "ALTER TABLE shop.orders ADD INDEX (total);\n"), "invalid", "shop"),
    case("107: a definition of before an index was dropped", old_definition("", "ALTER TABLE shop.orders DROP INDEX placed;\n"), "invalid", "shop"),
    case("108: a definition of before a column was renamed", old_definition("", "ALTER TABLE shop.orders CHANGE note remark VARCHAR(200);\n"), "invalid", "shop.orders", "remark"),
    case("108: a definition of before a number was made longer", old_definition(COUNTS.format("InnoDB"), "ALTER TABLE shop.counts MODIFY b BIGINT;\n", "counts"), "invalid", "shop.counts: columns"),
    case("108: the same of a table of Aria", old_definition(COUNTS.format("Aria"), "ALTER TABLE shop.counts MODIFY b BIGINT;\n", "counts"), "invalid", "shop.counts: columns"),
    case("110: a definition of before a column was added", old_definition("", "ALTER TABLE shop.orders ADD COLUMN extra INT;\n"), "invalid", "shop.orders"),
    case("110: a definition of before a column was dropped", old_definition("", "ALTER TABLE shop.orders DROP COLUMN note;\n"), "invalid", "shop.orders"),
    case("112: MyISAM of a server that was killed after its writes", killed("INSERT INTO shop.visits SELECT id + 100000, page, at, agent FROM shop.visits; FLUSH TABLES; SELECT * FROM shop.visits LIMIT 1;"), warnings=IN_USE),
]


def lacks(place, plugin):
    """The host's server has all plugins but one."""
    place.server("")
    folder = place.root / "usr/lib"
    folder.unlink()
    (folder / "mysql/plugin").mkdir(parents=True)
    for path in place.kit.plugins().iterdir():
        if path.name != f"{plugin}.so":
            os.symlink(path, folder / "mysql/plugin" / path.name)
