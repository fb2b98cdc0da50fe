"""The databases that are text: dpkg's `status` (Debian policy 5.1 on control files) and apk's `installed`."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from itertools import chain

from sig_bots.packages import Package, PackageList
from sig_workers.packages.limits import Budget, Unreadable

__all__ = ["read_apk", "read_dpkg"]

_PRESENT = {"unpacked", "half-configured", "triggers-awaited", "triggers-pending", "installed"}
"""States (the third word of a Status field) in which a package's files are there."""
_LONGEST = 1024


def read_dpkg(text: bytes, budget: Budget, *, always: bool = False) -> PackageList:
    """The packages whose files are there; `always`: also without a Status field, as in `status.d`. Raises Unreadable."""
    packages = []
    for fields in _stanzas(text, budget, {b"package", b"status", b"version", b"architecture"}):
        state = fields.get(b"status", b"install ok installed" if always else b"").split()
        if len(state) != 3 or state[2].decode("ascii", "replace") not in _PRESENT:
            continue
        name, version = _word(fields.get(b"package")), _word(fields.get(b"version"))
        if not name or not version:
            raise Unreadable("its dpkg database holds a package without a name or a version")
        epoch, colon, rest = version.partition(":")
        upstream = rest if colon and epoch.isdecimal() and len(epoch) < 10 else version
        number = int(epoch) if upstream is not version else 0
        head, dash, revision = upstream.rpartition("-")
        packages.append(
            Package(
                name=name, epoch=number, version=head if dash else upstream, release=revision if dash else "",
                architecture=_word(fields.get(b"architecture")),
            )
        )  # fmt: skip
    return PackageList.of("dpkg", packages)


def read_apk(text: bytes, budget: Budget) -> PackageList:
    """The packages in apk's database: `P:`, `V:` and `A:` of each paragraph. Raises Unreadable."""
    packages = []
    for fields in _stanzas(text, budget, {b"P", b"V", b"A"}):
        name, version = _word(fields.get(b"P")), _word(fields.get(b"V"))
        if not name or not version:
            raise Unreadable("its apk database holds a package without a name or a version")
        head, dash, release = version.rpartition("-")
        packages.append(
            Package(
                name=name, version=head if dash else version, release=release if dash else "",
                architecture=_word(fields.get(b"A")),
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
