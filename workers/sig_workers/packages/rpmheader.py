"""One package's header as rpm stores it in its database (rpm's file format, section "Header structure").

Two lengths, an index of 16-byte entries (tag, type, offset, count), and a store of values; all numbers big-endian.
"""

from __future__ import annotations

import struct

from sig_bots.packages import Package
from sig_workers.packages.limits import Unreadable

__all__ = ["parse_header"]

_NAME, _VERSION, _RELEASE, _EPOCH, _ARCHITECTURE, _SOURCE = 1000, 1001, 1002, 1003, 1022, 1044
_STRING, _INT32 = 6, 4
_ENTRIES, _STORE = 65_536, 256 << 20  # the limits rpm itself has for a header
_LONGEST = 1024
_BROKEN = "its rpm database holds a package header that cannot be read"


def parse_header(blob: bytes) -> Package:
    """Name, epoch, version, release, architecture and source package. Raises Unreadable for what is no header."""
    if len(blob) < 8:
        raise Unreadable(_BROKEN)
    count, length = struct.unpack_from(">II", blob)
    if count > _ENTRIES or length > _STORE or 8 + 16 * count + length > len(blob):
        raise Unreadable(_BROKEN)
    start = 8 + 16 * count
    store = memoryview(blob)[start : start + length]
    texts: dict[int, str] = {}
    epoch = 0
    for tag, kind, offset, number in struct.iter_unpack(">IIII", memoryview(blob)[8:start]):
        if kind == _STRING and tag in (_NAME, _VERSION, _RELEASE, _ARCHITECTURE, _SOURCE):
            texts.setdefault(tag, _text(store, offset))
        elif tag == _EPOCH and kind == _INT32 and number:
            if offset + 4 > length:
                raise Unreadable(_BROKEN)
            (epoch,) = struct.unpack_from(">I", store, offset)
    if not texts.get(_NAME) or not texts.get(_VERSION):
        raise Unreadable(_BROKEN)
    found = Package(
        name=texts[_NAME], epoch=epoch, version=texts[_VERSION], release=texts.get(_RELEASE, ""),
        architecture=texts.get(_ARCHITECTURE, ""),
    )  # fmt: skip
    return _with_source(found, texts.get(_SOURCE, ""))


def _with_source(package: Package, file: str) -> Package:
    """The package with its source from the name of the source package's file, `NAME-VERSION-RELEASE.src.rpm`."""
    parts = file.removesuffix(".rpm").rpartition(".")[0].rsplit("-", 2)
    if len(parts) != 3 or not all(parts):
        return package
    name, version, release = parts
    same = (version, release) == (package.version, package.release)
    source = {"source": name if name != package.name else "", "source_evr": "" if same else f"{version}-{release}"}
    return package.model_copy(update=source) if any(source.values()) else package


def _text(store: memoryview, offset: int) -> str:
    text, end, _ = bytes(store[offset : offset + _LONGEST]).partition(b"\0")
    if not end:
        raise Unreadable(_BROKEN)
    return text.decode("utf-8", "replace")
