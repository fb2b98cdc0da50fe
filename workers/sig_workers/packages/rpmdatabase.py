"""The three database formats rpm has had: sqlite (`rpmdb.sqlite`), ndb (`Packages.db`) and Berkeley DB (`Packages`).

Each gives the header blobs of the installed packages. The files are a stranger's: every number in them is checked, and
no work is done that the file's own size does not bound.
"""

from __future__ import annotations

import mmap
import sqlite3
import struct
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

from sig_bots.packages import PackageList
from sig_workers.packages.limits import Budget, Unreadable
from sig_workers.packages.rpmheader import parse_header

__all__ = ["read_rpm"]

_BROKEN = "its rpm database is damaged"
_LONGEST_HEADER = 64 << 20


def read_rpm(file: Path, budget: Budget) -> PackageList:
    """The packages in the database; which format it is follows from its first bytes.

    A sqlite database may have its `-wal` beside it, which is read with it. Raises Unreadable.
    """
    packages = []
    with closing(_headers(file, budget)) as headers:
        for header in headers:
            packages.append(parse_header(header))
            budget.left()
            if len(packages) > budget.packages:
                raise Unreadable("its rpm database holds too many packages")
    return PackageList.of("rpm", packages)


def _headers(file: Path, budget: Budget) -> Generator[bytes]:
    with file.open("rb") as opened:
        head = opened.read(32)
        if not head:
            return
        if head.startswith(b"SQLite format 3\0"):
            yield from _sqlite(file, budget)
            return
        with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
            if head[:4] == b"RpmP":
                yield from _ndb(data)
            elif len(head) == 32 and struct.unpack_from("<I", head, 12)[0] == _BDB_HASH:
                yield from _berkeley(data)
            else:
                raise Unreadable("its rpm database is neither sqlite nor ndb nor a hash of Berkeley DB")


# ---------------------------------------------------------------- sqlite


def _sqlite(file: Path, budget: Budget) -> Iterator[bytes]:
    log = file.with_name(f"{file.name}-wal")
    # Without a log nothing is written and no lock taken; with one, sqlite merges it, in our private copy.
    mode = "mode=rw" if log.exists() and log.stat().st_size else "mode=ro&immutable=1"
    try:
        connection = sqlite3.connect(f"file:{file}?{mode}", uri=True)
    except sqlite3.Error:
        raise Unreadable(_BROKEN) from None
    try:
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE, True)
        connection.execute("PRAGMA trusted_schema = off")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_HEADER)
        connection.set_progress_handler(lambda: time.monotonic() > budget.started + budget.seconds, 100_000)
        # A view of that name could compute for ever; rpm's is a table.
        kind = connection.execute("SELECT type FROM sqlite_schema WHERE name = 'Packages'").fetchone()
        if kind != ("table",):
            raise Unreadable(_BROKEN)
        for (blob,) in connection.execute("SELECT blob FROM Packages"):
            if not isinstance(blob, bytes):
                raise Unreadable(_BROKEN)
            yield blob
    except (sqlite3.Error, OverflowError, ValueError):
        budget.left()
        raise Unreadable(_BROKEN) from None
    finally:
        connection.close()


# ---------------------------------------------------------------- ndb

_NDB_PAGE, _NDB_SLOT, _NDB_BLOCK = 4096, 16, 16


def _ndb(data: mmap.mmap) -> Iterator[bytes]:
    """Pages of 16-byte slots (magic, package, first block, blocks), then blobs in blocks of 16 bytes; little-endian."""
    if len(data) < _NDB_PAGE:
        raise Unreadable(_BROKEN)
    version, _, pages = struct.unpack_from("<III", data, 4)
    if version != 0 or pages * _NDB_PAGE > len(data):
        raise Unreadable(_BROKEN)
    used = 0
    for place in range(2 * _NDB_SLOT, pages * _NDB_PAGE, _NDB_SLOT):
        magic, package, block, blocks = struct.unpack_from("<4sIII", data, place)
        if magic != b"Slot":
            raise Unreadable(_BROKEN)
        if not package or not block:
            continue
        start, length = block * _NDB_BLOCK, blocks * _NDB_BLOCK
        used += length
        if length < 28 or start + length > len(data) or used > len(data):
            raise Unreadable(_BROKEN)
        mark, owner, _, size = struct.unpack_from("<4sIII", data, start)
        if mark != b"BlbS" or owner != package or 16 + size + 12 > length:
            raise Unreadable(_BROKEN)
        yield data[start + 16 : start + 16 + size]


# ---------------------------------------------------------------- Berkeley DB

_BDB_HASH = 0x061561
_BDB_PAGE = 26  # length of a page's header
_BDB_HASH_PAGES, _BDB_OVERFLOW = (2, 13), 7
_BDB_HERE, _BDB_ELSEWHERE = 1, 3


def _berkeley(data: mmap.mmap) -> Iterator[bytes]:
    """A hash of package number -> header, little-endian; long values lie in chains of overflow pages."""
    (size,) = struct.unpack_from("<I", data, 20)
    if size not in (512, 1024, 2048, 4096, 8192, 16384, 32768, 65536) or data[24]:
        raise Unreadable(_BROKEN)
    chained = 0
    for page in range(size, len(data) - size + 1, size):
        if data[page + 25] not in _BDB_HASH_PAGES:
            continue
        (count,) = struct.unpack_from("<H", data, page + 20)
        if _BDB_PAGE + 2 * count > size:
            raise Unreadable(_BROKEN)
        offsets = struct.unpack_from(f"<{count}H", data, page + _BDB_PAGE)
        for index in range(0, count - 1, 2):
            key, value = offsets[index], offsets[index + 1]
            if not value < key < size:
                raise Unreadable(_BROKEN)
            end = offsets[index - 1] if index else size
            if data[page + key + 1 : page + end] == bytes(4):
                continue  # number 0 holds the next free number
            if data[page + value] == _BDB_HERE:
                yield data[page + value + 1 : page + key]
            elif data[page + value] == _BDB_ELSEWHERE and value + 12 <= size:
                number, length = struct.unpack_from("<II", data, page + value + 4)
                chained += length
                if chained > len(data):
                    raise Unreadable(_BROKEN)
                yield _chain(data, size, number, length)


def _chain(data: mmap.mmap, size: int, number: int, length: int) -> bytes:
    value = bytearray()
    while len(value) < length:
        page = number * size
        if not number or page + size > len(data) or data[page + 25] != _BDB_OVERFLOW:
            raise Unreadable(_BROKEN)
        number, filled = struct.unpack_from("<I2xH", data, page + 16)
        # All pages but the last are full; were they not, a hostile chain could be as long as the file has bytes.
        if not min(size - _BDB_PAGE, length - len(value)) <= filled <= size - _BDB_PAGE:
            raise Unreadable(_BROKEN)
        value += data[page + _BDB_PAGE : page + _BDB_PAGE + filled]
    return bytes(value[:length])
