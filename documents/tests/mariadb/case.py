"""A case: what is changed, and what the test must say of it."""

import dataclasses
import pathlib
import typing

PAGE = 16384


@dataclasses.dataclass
class Case:
    name: str
    change: typing.Callable
    # Of each server, or a function of its version, as 10.11.
    verdict: typing.Any = "invalid"
    words: tuple = ()
    manifest: bool = False
    group: str = "damage"
    words_of_warnings: tuple = ()
    # A plugin that the server has to have, or "another server" for its data.
    needs: str = ""

    def wanted(self, version):
        return self.verdict(version) if callable(self.verdict) else self.verdict


def write_at(path, offset, data):
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(data)


def invert(path, offset, count=4):
    content = pathlib.Path(path).read_bytes()
    write_at(path, offset, bytes(byte ^ 255 for byte in content[offset : offset + count]))


def pages(path, kind=b"\x45\xbf"):
    """The offsets of the pages of this type: those that InnoDB uses for rows and indexes, unless told."""
    content = pathlib.Path(path).read_bytes()
    return [at for at in range(0, len(content), PAGE) if content[at + 24 : at + 26] == kind]
