"""A forward reader of tar archives as layers use them (POSIX pax, ustar, GNU long names); Python's own trusts sizes.

Nothing is ever unpacked: entries are named, and the content of one can be copied out.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sig_workers.packages.decompress import Unpacked
from sig_workers.packages.limits import Budget, Unreadable

__all__ = ["Entry", "entries", "inside"]

_BLOCK = 512
_EXTENSION = 1 << 20  # the longest name or pax header that is read
_FILE = b"0\x007"
_KINDS: dict[bytes, Literal["link", "symlink", "folder"]] = {b"1": "link", b"2": "symlink", b"5": "folder"}


@dataclass(frozen=True)
class Entry:
    """One member of a layer. `path` is relative to the root, without dots; `target` is a link's, as written."""

    path: str
    kind: Literal["file", "folder", "symlink", "link", "other"]
    size: int = 0
    target: str = ""


def entries(layer: Unpacked, budget: Budget) -> Iterator[Entry]:
    """The members in their order. After a file, its content is the layer's next `size` bytes; what is left of it is skipped.

    Raises Unreadable for what is no archive, and at the budget's end.
    """
    extended: dict[str, bytes] = {}
    while True:
        header = layer.read(_BLOCK)
        if len(header) < _BLOCK or not header.strip(b"\0"):
            return
        budget.entry()
        size = _number(header[124:136])
        if _checksum(header) != _number(header[148:156]) or size < 0:
            raise Unreadable("one of its layers is no readable archive")
        kind = header[156:157]
        if kind in b"xgLK" and kind:
            extended |= _extension(kind, _content(layer, size))
            continue
        size = _decimal(extended["size"]) if "size" in extended else size
        entry = _entry(header, kind, size, extended)
        extended = {}
        before = layer.position
        yield entry
        layer.skip(before + entry.size + -entry.size % _BLOCK - layer.position)


def inside(path: str) -> str:
    """A path of an archive, relative to the root: `./a/../b` and `/b` are `b`; it never leaves the root."""
    return posixpath.normpath("/" + path).lstrip("/")


def _entry(header: bytes, kind: bytes, size: int, extended: dict[str, bytes]) -> Entry:
    name = header[:100].partition(b"\0")[0]
    prefix = header[345:500].partition(b"\0")[0] if header[257:263] == b"ustar\0" else b""
    raw = extended.get("path") or (prefix + b"/" + name if prefix else name)
    target = extended.get("linkpath") or header[157:257].partition(b"\0")[0]
    path = inside(raw.decode("utf-8", "surrogateescape"))
    if kind in _KINDS:
        return Entry(path, _KINDS[kind], 0, target.decode("utf-8", "surrogateescape"))
    if kind in _FILE or not kind.strip(b"\0"):
        return Entry(path, "folder") if raw.endswith(b"/") else Entry(path, "file", size)
    return Entry(path, "other", 0 if kind in b"346" else size)  # devices and pipes have no content


def _content(layer: Unpacked, size: int) -> bytes:
    if size > _EXTENSION:
        raise Unreadable("one of its layers has a file name of more than a megabyte")
    return layer.read(size + -size % _BLOCK)[:size]


def _extension(kind: bytes, content: bytes) -> dict[str, bytes]:
    if kind in b"LK":
        return {"path" if kind == b"L" else "linkpath": content.partition(b"\0")[0]}
    found: dict[str, bytes] = {}
    while content and kind == b"x":  # of global headers no path can come
        length = _decimal(content[:20].partition(b" ")[0])
        if not 5 <= length <= len(content):
            raise Unreadable("one of its layers has a broken extended header")
        key, _, value = content[:length].partition(b" ")[2].partition(b"=")
        if key in (b"path", b"linkpath", b"size"):
            found[key.decode()] = value.removesuffix(b"\n")
        content = content[length:]
    return found


def _number(field: bytes) -> int:
    """Octal digits, or base 256 with the first bit set (GNU)."""
    if field[0] & 0x80:
        return int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big") if not field[0] & 0x40 else -1
    digits = field.strip(b"\0 ")
    if digits.strip(b"01234567"):
        raise Unreadable("one of its layers is no readable archive")
    return int(digits or b"0", 8)


def _decimal(text: bytes) -> int:
    if not text.isdigit() or len(text) > 20:
        raise Unreadable("one of its layers has a broken extended header")
    return int(text)


def _checksum(header: bytes) -> int:
    return sum(header[:148]) + 8 * 32 + sum(header[156:])
