"""Layers and databases as a test wants them, made with Python's own tarfile and sqlite3."""

import gzip
import hashlib
import io
import sqlite3
import struct
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from sig_bots.packages import PackageList
from sig_workers.packages.limits import Budget
from sig_workers.packages.reader import read_packages

SQLITE = "usr/lib/sysimage/rpm/rpmdb.sqlite"
STATUS = "var/lib/dpkg/status"


class Link(str):
    """Content of a symbolic link."""


class HardLink(str):
    """Content of a hard link."""


Content = bytes | Link | HardLink | None
"""None is a folder."""


def tar(files: Mapping[str, Content], form: int = tarfile.PAX_FORMAT) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=form) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
                continue
            entry.type = tarfile.DIRTYPE if content is None else tarfile.SYMTYPE
            entry.type = tarfile.LNKTYPE if isinstance(content, HardLink) else entry.type
            entry.linkname = content or ""
            archive.addfile(entry)
    return output.getvalue()


class Image:
    """Layers, the oldest first; `fetched` says which were asked for, as their position."""

    def __init__(self, *layers: Mapping[str, Content] | bytes) -> None:
        blobs = [layer if isinstance(layer, bytes) else gzip.compress(tar(layer), 1) for layer in layers]
        self.digests = ["sha256:" + hashlib.sha256(blob).hexdigest() for blob in blobs]
        self.blobs = dict(zip(self.digests, blobs, strict=True))
        self.fetched: list[int] = []

    def fetch(self, digest: str, file: Path) -> None:
        self.fetched.append(self.digests.index(digest))
        file.write_bytes(self.blobs[digest])

    def read(self, budget: Budget | None = None) -> PackageList | None:
        return read_packages(self.digests, self.fetch, budget or Budget())

    def packages(self) -> list[str]:
        """What is installed, as name, version, release and architecture."""
        found = self.read()
        assert found is not None
        return [one.nevra for one in found.packages]


def header(
    name: str, version: str, release: str = "1", architecture: str = "noarch", epoch: int | None = None
) -> bytes:
    """A header as rpm keeps it: index entries and their store, big-endian."""
    fields = {1000: name, 1001: version, 1002: release, 1022: architecture}
    index, store = b"", b""
    if epoch is not None:
        index, store = struct.pack(">IIII", 1003, 4, 0, 1), struct.pack(">I", epoch)
    for tag, text in fields.items():
        index += struct.pack(">IIII", tag, 6, len(store), 1)
        store += text.encode() + b"\0"
    return struct.pack(">II", len(index) // 16, len(store)) + index + store


def rpm_sqlite(folder: Path, headers: Sequence[bytes]) -> bytes:
    """A database of rpm's shape."""
    file = folder / f"made-{len(list(folder.iterdir()))}.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
        connection.executemany("INSERT INTO Packages (blob) VALUES (?)", [(one,) for one in headers])
    connection.close()
    return file.read_bytes()


def status(*packages: tuple[str, str], state: str = "install ok installed", architecture: str = "amd64") -> bytes:
    """A dpkg status file."""
    return "\n".join(
        f"Package: {name}\nStatus: {state}\nArchitecture: {architecture}\nVersion: {version}\nDescription: x\n more: y\n"
        for name, version in packages
    ).encode()
