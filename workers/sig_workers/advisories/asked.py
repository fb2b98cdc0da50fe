"""The advisory services together: who is asked about which images, how long, and what is said when nobody answers."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sig_bots.advisories import Advisory, AdvisoryDifference, changed_versions, merged
from sig_bots.errors import ForgeError, Transient
from sig_bots.packages import PackageList
from sig_bots.refs import ImageRef
from sig_workers.advisories.answers import Answers
from sig_workers.advisories.bodhi import Bodhi
from sig_workers.advisories.ecosystems import bodhi_release, named_by, osv_of_both
from sig_workers.advisories.osv import RESERVE, Osv

__all__ = ["AskedAdvisories"]

_READING = 2
"""Counts up when more is made of an answer than before: what was kept is then asked for again."""
_MOST = 2000
"""Advisories that are kept, the worst."""
_SECONDS = 30.0
"""For all questions about one pair of images."""
_KERNELS = re.compile(r"(linux|kernel)(-.*)?")
"""A container runs on the kernel of its host; what lies in the image are headers."""


@dataclass(frozen=True)
class AskedAdvisories:
    """The Advisories of the contract. Thread-safe."""

    osv: Osv | None
    bodhi: Bodhi | None
    answers: Answers
    is_open: Callable[[ImageRef], bool]
    """Whether an image's packages may be told to strangers. Raises Transient when that cannot be found out."""

    def between(self, old: ImageRef, new: ImageRef, before: PackageList, after: PackageList) -> AdvisoryDifference:
        """See `Advisories.between`. One batch for a pair; within the lifetime of an answer, nobody is asked."""
        if before.kind != after.kind or before.distribution is None or after.distribution is None:
            return AdvisoryDifference()
        asks = _Asks.about(before, after, osv=self.osv is not None, bodhi=self.bodhi is not None)
        if asks is None:
            return AdvisoryDifference()
        key = asks.key(before, after)
        kept = self.answers.get(key)
        if kept is not None:
            return AdvisoryDifference.model_validate(kept)
        until = time.monotonic() + _SECONDS
        try:
            if not (self.is_open(old) and self.is_open(new)):
                return AdvisoryDifference()
            found = self._ask(asks, before, after, until)
        except (Transient, ForgeError) as error:
            # What was known before is worth more than nothing, and a pull request's text stays as it is.
            kept = self.answers.old(key)
            return AdvisoryDifference.model_validate(kept) if kept else AdvisoryDifference(problem=str(error))
        if time.monotonic() < until - RESERVE:  # else there may be more to know, the next time
            self.answers.put(key, found.model_dump(mode="json"))
        return found

    def _ask(self, asks: _Asks, before: PackageList, after: PackageList, until: float) -> AdvisoryDifference:
        fixed: list[Advisory] = []
        brought: list[Advisory] = []
        if self.osv is not None and (asks.ecosystems[0] or asks.ecosystems[1]):
            changes = [one for one in changed_versions(before, after, by=asks.by) if not _KERNELS.fullmatch(one.name)]
            found = self.osv.between(before.kind, changes, *asks.ecosystems, until) if changes else ([], [])
            fixed, brought = fixed + found[0], brought + found[1]
        if self.bodhi is not None and (asks.releases[0] or asks.releases[1]):
            changes = [one for one in changed_versions(before, after) if not _KERNELS.fullmatch(one.name)]
            found = self.bodhi.between(changes, *asks.releases, until) if changes else ([], [])
            fixed, brought = fixed + found[0], brought + found[1]
        sources = (
            {one.name: one.origin[0] for one in (*before.packages, *after.packages)} if asks.by == "binary" else {}
        )
        return AdvisoryDifference(asked=True, fixed=_each(fixed, sources), brought=_each(brought, sources))


def _each(found: Sequence[Advisory], sources: Mapping[str, str]) -> tuple[Advisory, ...]:
    """Each advisory once for a source package, also when it names several packages made from that."""
    named = [one.model_copy(update={"package": sources.get(one.package, one.package)}) for one in found]
    return merged(named)[:_MOST]


@dataclass(frozen=True)
class _Asks:
    """Whom to ask, and under which names: each for the old and the new image."""

    by: Literal["source", "binary"]
    ecosystems: tuple[Sequence[str], Sequence[str]]
    releases: tuple[str, str]

    @classmethod
    def about(cls, before: PackageList, after: PackageList, *, osv: bool, bodhi: bool) -> _Asks | None:
        """None when nobody knows these distributions, or the ones of two images are not of one family."""
        was, now = before.distribution, after.distribution
        if was is None or now is None or was.id != now.id:
            return None
        ecosystems = osv_of_both(was, now) if osv else ((), ())
        releases = (bodhi_release(before), bodhi_release(after)) if bodhi else ("", "")
        if not all(ecosystems) and not all(releases):
            return None
        return cls(named_by(now), ecosystems if all(ecosystems) else ((), ()), releases if all(releases) else ("", ""))

    def key(self, before: PackageList, after: PackageList) -> str:
        """Names the question: the same packages of another image or platform are the same question."""
        changes = [(one.name, one.old, one.new) for one in changed_versions(before, after, by=self.by)]
        text = json.dumps([_READING, self.by, self.ecosystems, self.releases, changes])
        return f"question {hashlib.sha256(text.encode()).hexdigest()}"
