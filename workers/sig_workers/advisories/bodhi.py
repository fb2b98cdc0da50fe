"""Bodhi: the security updates of Fedora and EPEL (`GET /updates/`).

An update counts when one of its builds of a package is newer than the old image's and not newer than the new image's, in
rpm's order. A source package's file name has no epoch, so epochs are left out on both sides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sig_bots.advisories import Advisory, VersionChange
from sig_bots.packages import Package, compare, parse_evr
from sig_workers.advisories.door import JsonDoor
from sig_workers.advisories.records import cves_in, severity_word

__all__ = ["Bodhi"]

_NAMES = 40
"""Packages in one question: the address of a request has an end."""
_ROWS = 100
_PAGES = 10
_MOST_NAMES = 1000
_ALIAS = re.compile(r"[A-Z][A-Z0-9-]{2,30}-[0-9]{4}-[0-9a-f]{3,20}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9._+-]{1,200}", re.ASCII)


@dataclass(frozen=True)
class Bodhi:
    """One Bodhi server."""

    door: JsonDoor

    def between(
        self, changes: Sequence[VersionChange], old: str, new: str, until: float
    ) -> tuple[list[Advisory], list[Advisory]]:
        """What these changes fix and bring; `old` and `new` are Bodhi's names of the releases, empty for none.

        Raises Transient, ForgeError.
        """
        spans = {
            change.name: (_newest(change.old), _newest(change.new)) for change in changes if change.old and change.new
        }
        up = {name: span for name, span in spans.items() if _NAME.fullmatch(name) and _order(*span) < 0}
        down = {name: (b, a) for name, (a, b) in spans.items() if _NAME.fullmatch(name) and _order(a, b) > 0}
        return self._updates(up, new, until), self._updates(down, old, until)

    def _updates(self, spans: dict[str, tuple[Package, Package]], release: str, until: float) -> list[Advisory]:
        found = []
        names = sorted(spans)[:_MOST_NAMES] if release else []
        for start in range(0, len(names), _NAMES):
            for update in self._stable(names[start : start + _NAMES], release, until):
                for build in _builds(update):
                    older, newer = spans.get(build.name, (None, None))
                    if older is None or newer is None or _order(older, build) >= 0 or _order(build, newer) > 0:
                        continue
                    found.append(self._advisory(update, build))
        return [one for one in found if one is not None]

    def _stable(self, names: Sequence[str], release: str, until: float) -> Iterator[dict[str, Any]]:
        query = {
            "packages": ",".join(names), "releases": release, "type": "security", "status": "stable",
            "rows_per_page": str(_ROWS),
        }  # fmt: skip
        for page in range(1, _PAGES + 1):
            answer = self.door.get("/updates/", until, {**query, "page": str(page)}) or {}
            updates, pages = answer.get("updates"), answer.get("pages")
            if not isinstance(updates, list) or not all(isinstance(one, dict) for one in updates):
                raise self.door.broken()
            yield from updates
            if not isinstance(pages, int) or page >= pages:
                return
        raise self.door.broken()  # pages without end

    def _advisory(self, update: dict[str, Any], build: Package) -> Advisory | None:
        alias = update.get("alias") or update.get("updateid")
        if not isinstance(alias, str) or not _ALIAS.fullmatch(alias):
            return None
        bugs = update.get("bugs")
        titles = [one.get("title") for one in bugs[:500] if isinstance(one, dict)] if isinstance(bugs, list) else []
        return Advisory(
            id=alias, package=build.name, severity=severity_word(update.get("severity")),
            url=f"{self.door.url}/updates/{alias}", fixed_in=build.evr,
            cves=cves_in([*titles, update.get("display_name"), update.get("title")]),
        )  # fmt: skip


def _builds(update: dict[str, Any]) -> Iterator[Package]:
    """The packages of an update, their epochs left out."""
    builds = update.get("builds")
    for one in builds[:1000] if isinstance(builds, list) else ():
        nvr = one.get("nvr") if isinstance(one, dict) else None
        parts = nvr.rsplit("-", 2) if isinstance(nvr, str) and len(nvr) <= 300 else []
        if len(parts) == 3 and all(parts):
            yield Package(name=parts[0], version=parts[1], release=parts[2])


def _newest(versions: Sequence[str]) -> Package:
    found = [parse_evr("", text).model_copy(update={"epoch": 0}) for text in versions]
    best = found[0]
    for one in found[1:]:
        best = one if compare("rpm", one, best) > 0 else best
    return best


def _order(one: Package, other: Package) -> int:
    return compare("rpm", one, other)
