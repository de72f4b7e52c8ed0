"""Trouble of the host (62 to 79 of the list of reported cases): never a fault of the backup."""

import os
import shutil

from .healthy import top
from .production import BINARY_LOG, LATER, case, killed, under_load

ROOT = os.geteuid() == 0


def server(script):
    return lambda place: place.server(script)


def limited(script):
    """Limits count for who is not root."""

    def change(place):
        place.server(script)
        if ROOT:
            place.variables["SSM_serverUser"] = "nobody"

    return change


def ends_with(words, status=1):
    """A server that writes this and ends: the words of others than can be had."""
    return server(f"case $* in *--version*) ;; *) cat >&2 <<'WORDS'\n{words}\nWORDS\n  exit {status} ;; esac")


def many(count):
    def change(place):
        place.sql("CREATE TABLE shop.small (a INT PRIMARY KEY, b VARCHAR(10)) ENGINE=MyISAM; INSERT INTO shop.small VALUES (1, 'x');\n")
        for number in range(count):
            for suffix in ("frm", "MYD", "MYI"):
                shutil.copyfile(place.data / f"shop/small.{suffix}", place.data / f"shop/t{number:04}.{suffix}")

    return change


def partitions(count):
    statement = f"CREATE TABLE shop.parts (a INT) ENGINE=MyISAM PARTITION BY HASH (a) PARTITIONS {count};\nINSERT INTO shop.parts VALUES (1), (2), (3);\n"
    return lambda place: place.sql(statement)


def few_files(made, files):
    """Root without the right to raise its limits, as in a container."""

    def change(place):
        made(place)
        return ["prlimit", f"--nofile={files}:{files}", "setpriv", "--bounding-set=-sys_resource", "--inh-caps=-sys_resource"]

    return change


def few_files_of_server(tables, files):
    def change(place):
        many(tables)(place)
        place.server(f"ulimit -n {files}")
        if ROOT:
            place.variables["SSM_serverUser"] = "nobody"

    return change


def on_tmpfs(place, size, then):
    """The volume is a file system of its own of so many KiB."""
    script = f"""mount -t tmpfs -o size={size}k,mode=755 volume {place.root}/own && cp -a {place.root}/volume/. {place.root}/own/ &&
      mount --bind {place.root}/own {place.root}/volume && {then} exec "$@" """
    (place.root / "own").mkdir()
    return ["unshare", "--mount", "bash", "-c", script, "own"]


def read_only(place):
    """The volume, with its data at the top, turned read-only, and the mount table does not tell."""
    top(place)
    return on_tmpfs(place, 400000, f"mount -o remount,ro {place.root}/own && mount -o remount,ro,bind {place.root}/volume &&")


def read_only_before(place):
    (place.root / "mountinfo").write_text((place.root / "mountinfo").read_text().replace(" rw", " ro"))


def no_room(place):
    """Recovery needs more than there is."""
    place.variables["IB_DATA_KB"] = "100"
    killed("SET GLOBAL innodb_fast_shutdown=2; INSERT INTO shop.orders SELECT id + 100000, customer, placed, total, note FROM shop.orders;")(place)
    # As large as what the server makes anew at its start.
    (place.data / "ibtmp1").unlink()
    size = sum(path.stat().st_blocks * 512 for path in place.data.rglob("*") if path.is_file()) // 1024
    return on_tmpfs(place, size + 600, "")


def of_another(newer, change=lambda place, kit: None):
    """Data of another server: the newest, or the oldest, that there is."""

    def changed(place):
        kits = sorted([*place.kit.others, place.kit], key=lambda kit: [int(part) for part in kit.version.split(".")])
        kit = kits[-1] if newer else kits[0]
        shutil.rmtree(place.data)
        shutil.copytree(kit.plain, place.data)
        change(place, kit)

    return changed


def at_work(place, kit):
    mine, place.kit = place.kit, kit
    killed(LATER)(place)
    place.kit = mine


def verdict_of(newer, own):
    """Of the server whose own data it is, and of the others."""
    newest, oldest = "11.8", "10.5"
    return lambda version: own if version == (newest if newer else oldest) else ("undetermined" if newer else "valid")


CASES = [
    case("62: 300 MB of address space", server("ulimit -v 300000"), "undetermined"),
    case("63: 600 MB", server("ulimit -v 600000"), "undetermined"),
    case("64: 700 MB", server("ulimit -v 700000"), "undetermined"),
    case("65: 900 MB", server("ulimit -v 900000"), "undetermined"),
    case("66: SIGKILL at the start", server("case $* in *--version*) ;; *) kill -KILL $$ ;; esac"), "undetermined", "stopped from outside"),
    case("66: SIGBUS at the start", server("case $* in *--version*) ;; *) kill -BUS $$ ;; esac"), "undetermined", "SIGBUS"),
    case("66: SIGSEGV at the start, without a word", server("case $* in *--version*) ;; *) kill -SEGV $$ ;; esac"), "undetermined", "does not start"),
    case("67: 6 threads for the server's user", limited("ulimit -u 6"), "undetermined"),
    case("67: 12 threads", limited("ulimit -u 12"), "undetermined"),
    case("68: in its words", ends_with("2026-01-01  1:02:03 0 [ERROR] Can't create interrupt-thread (error 11, errno: 11)"), "undetermined", "interrupt-thread"),
    case("69: no context for asynchronous I/O", ends_with("2026-01-01  1:02:03 0 [ERROR] InnoDB: Cannot initialize AIO sub-system\n2026-01-01  1:02:03 0 [ERROR] InnoDB: Plugin initialization aborted with error Generic error"), "undetermined", "AIO"),
    case("70: threads in the words of MySQL 5.1", ends_with("InnoDB: Error: pthread_create returned 11"), "undetermined", "pthread_create"),
    case("70: words that nobody knows", ends_with("110101  1:02:03 [ERROR] Frobnicator: cannot fold the napkins"), "undetermined", "napkins"),
    case("71: 3,000 tables, 256 files", few_files(many(3000), 256), "undetermined", "256 files"),
    case("72: 200 tables, 64 files", few_files(many(200), 64), "undetermined", "64 files"),
    case("72: the same limit, set where the server starts", few_files_of_server(200, 64), "undetermined", "files"),
    case("73: 1,000 partitions, 512 files", few_files(partitions(1000), 512), "undetermined", "512 files"),
    case("74: the volume turns read-only", read_only, "undetermined"),
    case("75: the volume is read-only", read_only_before, "undetermined", "mounted read-only"),
    case("76: recovery needs more room than there is", no_room, "undetermined"),
    case("77: data of a newer server, closed", of_another(True), verdict_of(True, "valid"), needs="another server"),
    case("78: data of a newer server, at work", of_another(True, at_work), verdict_of(True, "valid"), needs="another server"),
    case("79: data of an older server, closed", of_another(False), verdict_of(False, "valid"), needs="another server"),
    case("79: data of an older server, at work", of_another(False, at_work), lambda version: "valid" if version == "10.5" else "undetermined", needs="another server"),
    case("two of them: prepared transactions on a host with few threads", lambda place: (under_load(4, *BINARY_LOG)(place), limited("ulimit -u 6")(place)) and None, "undetermined"),
]
