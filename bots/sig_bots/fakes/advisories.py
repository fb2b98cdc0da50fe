"""Advisories in memory: each says since which version of a package it holds and which fixes it; the rest is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sig_bots.advisories import Advisory, AdvisoryDifference, Severity, changed_versions, merged
from sig_bots.packages import PackageKind, PackageList, compare, parse_evr
from sig_bots.refs import ImageRef

__all__ = ["FakeAdvisories"]


@dataclass
class FakeAdvisories:
    """What is published. `requests` counts questions, `down` makes all fail."""

    published: list[tuple[Advisory, str]] = field(default_factory=list)
    """Advisories with the first version they are about."""
    requests: int = 0
    down: bool = False

    def publish(
        self, name: str, package: str, fixed_in: str, *, severity: Severity | None = None, cves: Sequence[str] = (),
        since: str = "0",
    ) -> Advisory:  # fmt: skip
        """Publish an advisory about versions of a source package from `since` up to, but not with, `fixed_in`."""
        url = f"https://advisories.example/{name}"
        one = Advisory(id=name, package=package, severity=severity, url=url, cves=tuple(cves), fixed_in=fixed_in)
        self.published.append((one, since))
        return one

    def between(self, old: ImageRef, new: ImageRef, before: PackageList, after: PackageList) -> AdvisoryDifference:
        """What only the old packages, and what only the new ones are affected by."""
        self.requests += 1
        if self.down:
            return AdvisoryDifference(problem="The advisory service fake.example is not reachable (no answer).")
        fixed: list[Advisory] = []
        brought: list[Advisory] = []
        for change in changed_versions(before, after):
            was, now = (
                self._about(before.kind, change.name, change.old),
                self._about(after.kind, change.name, change.new),
            )
            fixed += [one for one in was if one not in now]
            brought += [one for one in now if one not in was]
        return AdvisoryDifference(asked=True, fixed=merged(fixed), brought=merged(brought))

    def _about(self, kind: PackageKind, package: str, versions: Sequence[str]) -> list[Advisory]:
        return [
            one
            for one, since in self.published
            if one.package == package
            and any(
                _at_least(kind, version, since) and not _at_least(kind, version, one.fixed_in) for version in versions
            )
        ]


def _at_least(kind: PackageKind, version: str, other: str) -> bool:
    return other == "0" or compare(kind, parse_evr("", version), parse_evr("", other)) >= 0
