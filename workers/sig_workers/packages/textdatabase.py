"""The databases that are text: dpkg's `status` (Debian policy 5.1 on control files) and apk's `installed`."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from itertools import chain

from sig_bots.packages import Package, PackageList, parse_evr
from sig_workers.packages.limits import Budget, Unreadable

__all__ = ["read_apk", "read_dpkg"]

_PRESENT = {"unpacked", "half-configured", "triggers-awaited", "triggers-pending", "installed"}
"""States (the third word of a Status field) in which a package's files are there."""
_LONGEST = 1024


def read_dpkg(text: bytes, budget: Budget, *, always: bool = False) -> PackageList:
    """The packages whose files are there; `always`: also without a Status field, as in `status.d`. Raises Unreadable."""
    packages = []
    for fields in _stanzas(text, budget, {b"package", b"status", b"version", b"architecture", b"source"}):
        state = fields.get(b"status", b"install ok installed" if always else b"").split()
        if len(state) != 3 or state[2].decode("ascii", "replace") not in _PRESENT:
            continue
        name, version = _word(fields.get(b"package")), _word(fields.get(b"version"))
        if not name or not version:
            raise Unreadable("its dpkg database holds a package without a name or a version")
        # `Source: NAME` or `NAME (VERSION)`; without one it is made from a source of its own name and version.
        source, _, source_version = _word(fields.get(b"source")).partition(" ")
        source_version = source_version.strip(" ()")
        more = {
            "architecture": _word(fields.get(b"architecture")), "source": source if source != name else "",
            "source_evr": source_version if source_version != version else "",
        }  # fmt: skip
        packages.append(parse_evr(name, version).model_copy(update=more))
    return PackageList.of("dpkg", packages)


def read_apk(text: bytes, budget: Budget) -> PackageList:
    """The packages in apk's database: `P:`, `V:`, `A:` and `o:` (origin) of each paragraph. Raises Unreadable."""
    packages = []
    for fields in _stanzas(text, budget, {b"P", b"V", b"A", b"o"}):
        name, version = _word(fields.get(b"P")), _word(fields.get(b"V"))
        if not name or not version:
            raise Unreadable("its apk database holds a package without a name or a version")
        head, dash, release = version.rpartition("-")
        origin = _word(fields.get(b"o"))
        packages.append(
            Package(
                name=name, version=head if dash else version, release=release if dash else "",
                architecture=_word(fields.get(b"A")), source=origin if origin != name else "",
            )
        )  # fmt: skip
    return PackageList.of("apk", packages)


def _stanzas(text: bytes, budget: Budget, wanted: set[bytes]) -> Iterator[dict[bytes, bytes]]:
    """Fields of each paragraph that has any of the wanted ones; continuation lines belong to none of them."""
    fold = b"package" in wanted
    fields: dict[bytes, bytes] = {}
    count = 0
    for number, line in enumerate(chain(BytesIO(text), (b"\n",))):
        if not number % 10_000:
            budget.left()
        if not line.strip():
            if fields:
                count += 1
                if count > budget.packages:
                    raise Unreadable("its package database holds too many packages")
                yield fields
            fields = {}
        elif line[:1] not in b" \t":
            key, _, value = line.partition(b":")
            key = key.lower() if fold else key
            if key in wanted:
                fields[key] = value.strip()


def _word(value: bytes | None) -> str:
    return (value or b"")[:_LONGEST].decode("utf-8", "replace")
