"""Damages of a MariaDB data directory: InnoDB (orders, customers), MyISAM (visits), Aria (stock)."""

import hashlib
import os
import shutil

from .case import PAGE, Case, invert, pages, write_at

# Beside production.sh's tables: a table with long values, and copies of the others for swaps.
MORE_TABLES = """
CREATE TABLE shop.pictures (id INT PRIMARY KEY, picture LONGBLOB) ENGINE=InnoDB;
INSERT INTO shop.pictures VALUES (1, REPEAT(MD5(1), 4000)), (2, REPEAT(MD5(2), 4000)), (3, REPEAT(MD5(3), 4000));
CREATE TABLE shop.calls (id INT PRIMARY KEY, page VARCHAR(60), at DATETIME, agent CHAR(32), KEY (page)) ENGINE=MyISAM;
INSERT INTO shop.calls SELECT id + 50000, page, at, agent FROM shop.visits WHERE id % 2;
CREATE TABLE shop.shelves (article INT PRIMARY KEY, place VARCHAR(40), pieces INT, counted DATE) ENGINE=Aria;
INSERT INTO shop.shelves SELECT article + 50000, place, pieces, counted FROM shop.stock WHERE article % 2;
"""


def on(name):
    """A change of one file below shop/."""

    def decorate(work):
        return lambda place: work(place.data / "shop" / name)

    return decorate


def flip_row_page(path):
    used = pages(path)
    invert(path, used[len(used) // 2] + PAGE // 2)


def flip_last_index(path):
    """A page of the last index, which COUNT(*) and the read of the rows do not use."""
    content = path.read_bytes()
    leaves = [at for at in pages(path) if content[at + 64 : at + 66] == b"\0\0"]
    invert(path, max(leaves, key=lambda at: (content[at + 66 : at + 74], at)) + 8000)


def flip_blob(path):
    invert(path, pages(path, b"\0\x0a")[1] + 8000)


def zero_row_page(path):
    used = pages(path)
    write_at(path, used[len(used) // 2], bytes(PAGE))


def half(path):
    os.truncate(path, path.stat().st_size // 2)


def last_page(path):
    os.truncate(path, path.stat().st_size - 8192)


def empty(path):
    os.truncate(path, 0)


def delete(path):
    path.unlink()


def middle(path):
    """64 bytes in the middle."""
    invert(path, path.stat().st_size // 2, 64)


def bit(path):
    """One bit of a value, where MyISAM has no checksum."""
    content = path.read_bytes()
    at = content.index(hashlib.md5(b"77").hexdigest().encode()) + 7
    write_at(path, at, bytes([content[at] ^ 1]))


def zero_block(path):
    write_at(path, path.stat().st_size // 2 // 8192 * 8192, bytes(8192))


def head(path):
    write_at(path, 0, bytes(512))


def with_content_of(other):
    def change(path):
        times = path.stat()
        shutil.copyfile(path.parent / other, path)
        os.utime(path, (times.st_atime, times.st_mtime))

    return change


def stale(table, suffix, add):
    """An older version of one of a table's files: the rest has rows that were added later."""

    def change(place):
        path = place.data / f"shop/{table}.{suffix}"
        old = path.read_bytes()
        place.sql(add)
        path.write_bytes(old)

    return change


def required(change):
    """An older version that is whole in itself: only the expected rows tell."""

    def changed(place):
        change(place)
        place.variables["SSM_requiredTables"] = "shop.orders:16000"

    return changed


def whole(change):
    """A change of the data directory."""
    return lambda place: change(place.data)


def kill(signal, words):
    """The server gets a signal right before the first statement with these words, behind the statements before it."""

    def change(place):
        end = place.root / "end"
        end.write_text(f'#!/bin/bash\npid=$(cat "$1")\nkill -{signal} "$pid"\ntail --pid="$pid" -f /dev/null\n')
        end.chmod(0o755)
        # The client's own command for the shell, on a line of its own.
        place.client(
            f"""if [[ $SQL == *'{words}'* ]] && mkdir "{place.root}/state/once" 2>/dev/null; then
  before=${{SQL%%'{words}'*}}
  before=${{before%;*}}
  SQL="$before;"$'\\n'"\\\\! {end} $PID"$'\\n'"${{SQL#"$before;"}}"
fi"""
        )

    return change


def unreadable(place):
    """The test gives all files to the server's user, but changes no rights: they are the backup's."""
    for path in place.data.glob("shop/visits.*"):
        path.chmod(0)
    if os.geteuid() == 0:
        place.variables["SSM_serverUser"] = "nobody"


def full_volume(place):
    """A volume of its own, with no room left."""
    if os.geteuid() != 0:
        place.variables["IB_DATA_KB"] = "999999999999"
        return []
    size = sum(path.stat().st_size for path in place.data.rglob("*") if path.is_file()) // 1024 + 12000
    script = f"""mount -t tmpfs -o size={size}k volume {place.root}/full && cp -a {place.data} {place.root}/full/ &&
      mount --bind {place.root}/full {place.root}/volume && exec "$@" """
    (place.root / "full").mkdir()
    return ["unshare", "--mount", "bash", "-c", script, "full"]


def full_host(place):
    """A state directory on a disk that is full: no scratch files."""
    if os.geteuid() != 0:
        place.variables["IB_SCRATCH_KB"] = "999999999999"
        return []
    script = f"""cp -a {place.root}/state {place.root}/kept && mount -t tmpfs -o size=2m state {place.root}/state &&
      cp -a {place.root}/kept/. {place.root}/state/ && exec "$@" """
    return ["unshare", "--mount", "bash", "-c", script, "full"]


def fills_up(place):
    """The host's disk fills up in the middle: the answer does not fit any more."""
    place.client("""if [[ $SQL == *'FROM `shop`.`visits`'* ]]; then "$REAL" "$@" <<<"$SQL" | head -c 20; exit; fi""")


def file_cases():
    """Each a file below shop/, the change, and the words that the reason must have."""
    rows = [
        ("InnoDB: 4 bytes of a page with rows flipped", "orders.ibd", flip_row_page, "shop.orders"),
        ("InnoDB: a page of a second index flipped", "orders.ibd", flip_last_index, "shop.orders"),
        ("InnoDB: a page of a long value flipped", "pictures.ibd", flip_blob, "pictures"),
        ("InnoDB: a page with rows zeroed", "orders.ibd", zero_row_page, "shop.orders"),
        ("InnoDB: half of the file", "orders.ibd", half, "shop.orders"),
        ("InnoDB: the file emptied", "orders.ibd", empty, "orders"),
        ("InnoDB: the first 512 bytes zeroed", "orders.ibd", head, "orders"),
        ("InnoDB: the file deleted", "customers.ibd", delete, "shop.customers"),
        ("InnoDB: another table's file", "orders.ibd", with_content_of("customers.ibd"), "orders"),
        ("MyISAM: half of the rows", "visits.MYD", half, "shop.visits"),
        ("MyISAM: the last bytes of the rows cut off", "visits.MYD", last_page, "shop.visits"),
        ("MyISAM: the rows emptied", "visits.MYD", empty, "shop.visits"),
        ("MyISAM: the rows deleted", "visits.MYD", delete, "shop.visits"),
        ("MyISAM: another table's rows", "visits.MYD", with_content_of("calls.MYD"), "shop.visits"),
        ("MyISAM: the index flipped", "visits.MYI", middle, "shop.visits"),
        ("MyISAM: half of the index", "visits.MYI", half, "shop.visits"),
        ("MyISAM: the index emptied", "visits.MYI", empty, "shop.visits"),
        ("MyISAM: the index deleted", "visits.MYI", delete, "shop.visits"),
        ("MyISAM: the index's head zeroed", "visits.MYI", head, "shop.visits"),
        ("MyISAM: the definition deleted", "visits.frm", delete, "shop.visits"),
        ("MyISAM: the definition emptied", "visits.frm", empty, "shop.visits"),
        ("MyISAM: the definition's head zeroed", "visits.frm", head, "shop.visits"),
        ("MyISAM: another table's definition", "visits.frm", with_content_of("stock.frm"), "shop.visits"),
        ("Aria: 64 bytes of the rows flipped", "stock.MAD", middle, "shop.stock"),
        ("Aria: a block of the rows zeroed", "stock.MAD", zero_block, "shop.stock"),
        ("Aria: half of the rows", "stock.MAD", half, "shop.stock"),
        ("Aria: the last block of the rows cut off", "stock.MAD", last_page, "shop.stock"),
        ("Aria: the rows emptied", "stock.MAD", empty, "shop.stock"),
        ("Aria: the rows deleted", "stock.MAD", delete, "shop.stock"),
        ("Aria: another table's rows", "stock.MAD", with_content_of("shelves.MAD"), "shop.stock"),
        ("Aria: the index flipped", "stock.MAI", middle, "shop.stock"),
        ("Aria: the index emptied", "stock.MAI", empty, "shop.stock"),
        ("Aria: the index deleted", "stock.MAI", delete, "shop.stock"),
        ("Aria: the definition deleted", "stock.frm", delete, "shop.stock"),
    ]
    return [Case(name, on(file)(change), words=(words,)) for name, file, change, words in rows]


def keep_times(change):
    """As a disk does it: no file says that it was changed."""

    def kept(path):
        times = path.stat()
        change(path)
        os.utime(path, (times.st_atime, times.st_mtime))

    return kept


ADD_VISITS = "INSERT INTO shop.visits SELECT id + 100000, page, at, agent FROM shop.calls;\n"
ADD_STOCK = "INSERT INTO shop.stock SELECT article + 100000, place, pieces, counted FROM shop.shelves;\n"
ADD_ORDERS = "INSERT INTO shop.orders SELECT id + 100000, customer, placed, total, note FROM shop.orders;\n"

CASES = [
    *file_cases(),
    Case("MyISAM: an older version of the rows", stale("visits", "MYD", ADD_VISITS), words=("shop.visits",)),
    Case("MyISAM: an older version of the index", stale("visits", "MYI", ADD_VISITS), words=("shop.visits",)),
    Case("Aria: an older version of the rows", stale("stock", "MAD", ADD_STOCK), words=("shop.stock",)),
    Case("InnoDB: an older version of the file, by RequiredTables", required(stale("orders", "ibd", ADD_ORDERS)), words=("shop.orders: rows",)),
    Case("MyISAM: one bit of a value", on("visits.MYD")(keep_times(bit)), words=("shop.visits",), manifest=True),
    Case("MyISAM: one bit of a value, no reference", on("visits.MYD")(bit), verdict="valid"),
    Case("MyISAM: a table deleted whole", lambda place: [delete(p) for p in place.data.glob("shop/visits.*")] and None, words=("shop.visits",), manifest=True),
    Case("the database's folder deleted", whole(lambda data: shutil.rmtree(data / "shop")), words=("no tables",)),
    Case("the folder of the server's own tables deleted", whole(lambda data: shutil.rmtree(data / "mysql")), words=("server's own tables",)),
    Case("a table of the server's own flipped", whole(lambda data: invert(data / "mysql/proc.MAD", 8200, 64)), words=("mysql.proc",)),
    Case("ibdata1 flipped", whole(lambda data: [invert(data / "ibdata1", page * PAGE + 100, 64) for page in (5, 7)] and None), words=("does not start",)),
    Case("ibdata1 cut", whole(lambda data: os.truncate(data / "ibdata1", 2 * 1024 * 1024)), words=("system file of InnoDB is cut",)),
    Case("ib_logfile0 emptied", whole(lambda data: empty(data / "ib_logfile0")), words=("redo log of InnoDB is cut",)),
    Case("aria_log_control zeroed", whole(lambda data: write_at(data / "aria_log_control", 0, bytes(52))), words=("start",)),
    Case("everything deleted", whole(lambda data: [shutil.rmtree(p) if p.is_dir() else p.unlink() for p in data.iterdir()] and None), words=("no database",)),
    Case("a link that leads out of the volume", lambda place: (shutil.move(place.data / "shop/visits.MYD", place.root / "v"), os.symlink(place.root / "v", place.data / "shop/visits.MYD")) and None, words=("not on this volume",)),
    Case("the server crashes in the middle", kill("SEGV", "FROM `shop`.`orders`"), words=("shop.orders", "crashed")),
    Case("the server is killed in the middle", kill("KILL", "FROM `shop`.`orders`"), verdict="undetermined", words=("stopped from outside",)),
    Case("the server is told to stop in the middle", kill("TERM", "FROM `shop`.`orders`"), verdict="undetermined", words=("stopped from outside",)),
    Case("files that nobody may read, not even their owner", unreadable, words=("shop.visits",)),
    Case("the volume is full", full_volume, verdict="undetermined", words=("too little space",)),
    Case("the host's disk is full", full_host, verdict="undetermined", words=("too little space",)),
    Case("an answer is cut off", fills_up, verdict="undetermined", words=("cut off",)),
    Case("the manifest is cut short", whole(lambda data: os.truncate(data / "ib-backup-manifest", 3000)), verdict="undetermined", words=("manifest",), manifest=True),
]
