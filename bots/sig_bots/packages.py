"""Packages installed in an image, and what changed between two lists of them. Values and pure functions."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cmp_to_key
from typing import Literal

from sig_bots.refs import Value
from sig_bots.versionorder import compare_apk, compare_debian, compare_rpm

__all__ = [
    "Distribution", "Package", "PackageChange", "PackageDifference", "PackageKind", "PackageList", "compare", "difference",
    "distribution_of", "parse_evr",
]  # fmt: skip

type PackageKind = Literal["rpm", "dpkg", "apk"]

_RELEASE_PACKAGES = {
    "fedora-release-common": "fedora", "rocky-release": "rocky", "almalinux-release": "almalinux",
    "centos-stream-release": "centos", "redhat-release": "rhel", "openSUSE-release": "opensuse-leap",
    "alpine-release": "alpine",
}  # fmt: skip
"""Packages whose version is the distribution's release; Ubuntu has none."""
_DEBIAN = re.compile(r"([0-9]{1,3})(?:\.[0-9]+)?(?:\+deb[0-9]+u[0-9]+)?")


class Package(Value):
    """One installed package. `release` is empty where the format or the package has none (Debian's native ones)."""

    name: str
    epoch: int = 0
    version: str
    release: str = ""
    architecture: str = ""
    source: str = ""
    """Name of the source package it was made from; empty when it is the same, or not known."""
    source_evr: str = ""
    """Version of that source package where it is another than this one's. rpm does not keep a source's epoch."""

    @property
    def origin(self) -> tuple[str, str]:
        """Name and `[epoch:]version[-release]` of its source package."""
        return self.source or self.name, self.source_evr or self.evr

    @property
    def evr(self) -> str:
        """`[epoch:]version[-release]`, as rpm and dpkg print it: an epoch of 0 is left out."""
        text = f"{self.version}-{self.release}" if self.release else self.version
        return f"{self.epoch}:{text}" if self.epoch else text

    @property
    def nevra(self) -> str:
        """`name-[epoch:]version-release.architecture`."""
        return f"{self.name}-{self.evr}" + (f".{self.architecture}" if self.architecture else "")


class Distribution(Value):
    """What an image says it is, by os-release(5)."""

    id: str
    """`ID`: fedora, debian, ubuntu, alpine, rhel, ..."""
    version: str = ""
    """`VERSION_ID`: 42, 12, 22.04, 3.20.3; empty for one that has no releases."""
    cpe: str = ""
    """`CPE_NAME`."""


class PackageList(Value):
    """All packages of one image for one platform, ordered by name, and which package manager keeps them."""

    kind: PackageKind
    packages: tuple[Package, ...]
    distribution: Distribution | None = None
    """Where the image says so, or its packages do."""

    @classmethod
    def of(
        cls, kind: PackageKind, packages: Iterable[Package], distribution: Distribution | None = None
    ) -> PackageList:
        """The list in its order, so that equal databases give equal lists."""
        ordered = tuple(sorted(packages, key=lambda one: (one.name, one.architecture, one.evr)))
        return cls(kind=kind, packages=ordered, distribution=distribution)


class PackageChange(Value):
    """One package name and architecture, before and after. Several versions at once (kernels) are separated by commas."""

    name: str
    architecture: str
    old: str = ""
    """Empty when it was added."""
    new: str = ""
    """Empty when it was removed."""


class PackageDifference(Value):
    """What changed from one list to another, each part ordered by name."""

    upgraded: tuple[PackageChange, ...] = ()
    downgraded: tuple[PackageChange, ...] = ()
    added: tuple[PackageChange, ...] = ()
    removed: tuple[PackageChange, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.upgraded or self.downgraded or self.added or self.removed)


def compare(kind: PackageKind, one: Package, other: Package) -> int:
    """-1, 0 or 1: whether one package is older than, as old as or newer than the other, by its manager's own order."""
    if one.epoch != other.epoch:
        return -1 if one.epoch < other.epoch else 1
    order = {"rpm": compare_rpm, "dpkg": compare_debian, "apk": compare_apk}[kind]
    if kind == "apk":
        return order(_joined(one), _joined(other))
    return order(one.version, other.version) or order(one.release, other.release)


def parse_evr(name: str, evr: str) -> Package:
    """The package of a name with a version as rpm, dpkg and apk print it: `[epoch:]version[-release]`."""
    epoch, colon, rest = evr.partition(":")
    if not (colon and epoch.isascii() and epoch.isdigit() and len(epoch) < 10):
        epoch, rest = "0", evr
    head, dash, release = rest.rpartition("-")
    return Package(name=name, epoch=int(epoch), version=head if dash else rest, release=release if dash else "")


def distribution_of(packages: Iterable[Package]) -> Distribution | None:
    """The distribution by the package that holds its name, where that tells the release; None where it does not."""
    for one in packages:
        if one.name in _RELEASE_PACKAGES:
            return Distribution(id=_RELEASE_PACKAGES[one.name], version=one.version)
        if one.name == "base-files" and not one.release and (match := _DEBIAN.fullmatch(one.version)):
            return Distribution(id="debian", version=match[1])
    return None


def difference(old: PackageList, new: PackageList) -> PackageDifference:
    """What is added, removed, upgraded and downgraded, per name and architecture.

    A package that only changed its architecture (to or from `noarch` or `all`) is the same package. Raises ValueError
    when the lists are of different package managers: their versions cannot be compared.
    """
    if old.kind != new.kind:
        raise ValueError(f"{old.kind} packages cannot be compared with {new.kind} packages")
    before, after = _grouped(old.packages), _grouped(new.packages)
    _follow_architecture(before, after)
    found: dict[str, list[PackageChange]] = {"upgraded": [], "downgraded": [], "added": [], "removed": []}
    for key in sorted(before.keys() | after.keys()):
        gone = [one for one in before.get(key, ()) if one.evr not in {other.evr for other in after.get(key, ())}]
        come = [one for one in after.get(key, ()) if one.evr not in {other.evr for other in before.get(key, ())}]
        kind = _what_happened(old.kind, gone, come)
        if kind:
            name, architecture = key
            change = PackageChange(
                name=name, architecture=architecture, old=_versions(old.kind, gone), new=_versions(old.kind, come)
            )
            found[kind].append(change)
    return PackageDifference(**{kind: tuple(changes) for kind, changes in found.items()})


def _what_happened(kind: PackageKind, gone: Sequence[Package], come: Sequence[Package]) -> str:
    if not gone and not come:
        return ""
    if not gone:
        return "added"
    if not come:
        return "removed"
    order = compare(kind, _newest(kind, gone), _newest(kind, come))
    return "downgraded" if order > 0 else "upgraded"


def _grouped(packages: Sequence[Package]) -> dict[tuple[str, str], list[Package]]:
    groups = defaultdict(list)
    for one in packages:
        groups[one.name, one.architecture].append(one)
    return dict(groups)


def _follow_architecture(
    before: dict[tuple[str, str], list[Package]], after: dict[tuple[str, str], list[Package]]
) -> None:
    """Where a name has one architecture on each side and they differ, file the old one under the new."""
    architectures: dict[str, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for side, groups in enumerate((before, after)):
        for name, architecture in groups:
            architectures[name][side].add(architecture)
    for name, (old, new) in architectures.items():
        if len(old) == len(new) == 1 and old != new:
            before[name, min(new)] = before.pop((name, min(old)))


def _newest(kind: PackageKind, packages: Sequence[Package]) -> Package:
    return _ordered(kind, packages)[-1]


def _versions(kind: PackageKind, packages: Sequence[Package]) -> str:
    return ", ".join(dict.fromkeys(one.evr for one in _ordered(kind, packages)))


def _ordered(kind: PackageKind, packages: Sequence[Package]) -> list[Package]:
    def order(one: Package, other: Package) -> int:
        return compare(kind, one, other)

    return sorted(packages, key=cmp_to_key(order))


def _joined(package: Package) -> str:
    return f"{package.version}-{package.release}" if package.release else package.version
