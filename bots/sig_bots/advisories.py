"""Known security advisories, and which of them a move from one list of packages to another fixes or brings. Pure values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol, get_args, runtime_checkable

from sig_bots.packages import PackageList
from sig_bots.refs import ImageRef, Value

__all__ = [
    "SEVERITIES", "Advisories", "Advisory", "AdvisoryDifference", "Severity", "VersionChange", "changed_versions", "merged",
    "reaches", "worst_first",
]  # fmt: skip

type Severity = Literal["low", "moderate", "important", "critical"]
"""The four words of Red Hat's severity ratings; other scales are brought to them."""

SEVERITIES: tuple[Severity, ...] = get_args(Severity.__value__)
"""From the least to the worst."""
UNKNOWN: Severity = "moderate"
"""What an advisory without a severity counts as: half of Fedora's security updates name none."""


class Advisory(Value):
    """One advisory about one package."""

    id: str
    """As its publisher names it: DSA-5678-1, RHSA-2025:9978, FEDORA-2025-aaa1111111, DEBIAN-CVE-2024-1."""
    package: str
    """The source package, or the binary one where the publisher names those."""
    severity: Severity | None = None
    """None when nobody has rated it."""
    url: str = ""
    """Where people read it."""
    cves: tuple[str, ...] = ()
    fixed_in: str = ""
    """The version that fixes it; empty when not told."""


class AdvisoryDifference(Value):
    """What a move fixes and what it newly brings, the worst first."""

    asked: bool = False
    """Whether anybody was asked: not about bases of which strangers must not learn, nor where nobody knows the distribution."""
    fixed: tuple[Advisory, ...] = ()
    brought: tuple[Advisory, ...] = ()
    problem: str = ""
    """Why nothing is known, one sentence; then the rest is empty."""


@runtime_checkable
class Advisories(Protocol):
    """Who knows advisories."""

    def between(self, old: ImageRef, new: ImageRef, before: PackageList, after: PackageList) -> AdvisoryDifference:
        """The advisories that differ between two images with these packages. Never raises for what services do."""
        ...


@dataclass(frozen=True, slots=True)
class VersionChange:
    """A package whose versions differ, with those before and after; either may be empty."""

    name: str
    old: tuple[str, ...]
    new: tuple[str, ...]


def changed_versions(
    before: PackageList, after: PackageList, *, by: Literal["source", "binary"] = "source"
) -> list[VersionChange]:
    """What differs, by the name of the source packages or of the installed ones, in the order of names."""
    sides: tuple[dict[str, set[str]], dict[str, set[str]]] = (defaultdict(set), defaultdict(set))
    for side, listed in zip(sides, (before, after), strict=True):
        for one in listed.packages:
            name, evr = one.origin if by == "source" else (one.name, one.evr)
            side[name].add(evr)
    old, new = sides
    return [
        VersionChange(name, tuple(sorted(old.get(name, ()))), tuple(sorted(new.get(name, ()))))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


def reaches(advisory: Advisory, least: Severity) -> bool:
    """Whether an advisory is at least that severe; one without a rating counts as moderate."""
    return SEVERITIES.index(advisory.severity or UNKNOWN) >= SEVERITIES.index(least)


def worst_first(advisories: Iterable[Advisory]) -> tuple[Advisory, ...]:
    """The worst first, unrated ones after all others; then by package and id, so that equal answers give equal lists."""

    def rank(one: Advisory) -> int:
        return -SEVERITIES.index(one.severity) if one.severity else 1

    return tuple(sorted(advisories, key=lambda one: (rank(one), one.package, one.id)))


def merged(advisories: Iterable[Advisory]) -> tuple[Advisory, ...]:
    """Each matter once, the worst first: an advisory of the distribution stands for the records of the single CVEs in it.

    Debian and Ubuntu publish both. The one that stays takes over the severity of those it stands for, if that is worse.
    """
    unique = list({(one.package, one.id): one for one in advisories}.values())
    wide: dict[str, dict[str, Advisory]] = defaultdict(dict)
    for one in unique:
        if "CVE-" not in one.id and one.cves:
            wide[one.package][one.id] = one
    kept = []
    for one in unique:
        here = wide.get(one.package, {})
        over = [other for other in here.values() if _stands_for(other, one)]
        for other in over:
            rated = [each for each in (other.severity, one.severity) if each]
            here[other.id] = other.model_copy(update={"severity": max(rated, key=SEVERITIES.index, default=None)})
        if not over:
            kept.append(one)
    return worst_first(wide.get(one.package, {}).get(one.id, one) for one in kept)


def _stands_for(wide: Advisory, narrow: Advisory) -> bool:
    return "CVE-" in narrow.id and bool(narrow.cves) and set(wide.cves) >= set(narrow.cves)
