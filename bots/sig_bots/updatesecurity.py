"""What an update means for security: packages and advisories of the bases, read once in a run, and what need not wait."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from sig_bots.advisories import Advisories, Advisory, AdvisoryDifference, reaches
from sig_bots.advisoryreport import BaseAdvisories, because, security_section
from sig_bots.containerfile.shortnames import resolve
from sig_bots.cooldown import Haste
from sig_bots.imagespec import ImageSpec
from sig_bots.packagereport import BaseChange, packages_section, read_changes
from sig_bots.refs import ImageRef, Platform
from sig_bots.tools import Registry
from sig_bots.updateconfig import UpdateConfig
from sig_bots.updatemoves import Move, images_of

__all__ = ["BaseNews"]

_SECONDS = 180.0
"""For the packages of all bases of one pull request, and for those of all versions that are held."""


@dataclass
class BaseNews:
    """What changes in the bases that move. Nothing is read where the configuration says `packages: false`."""

    registry: Registry
    advisories: Advisories
    config: UpdateConfig
    images: Sequence[ImageSpec] = ()
    """What the repository builds: only the platforms in it are looked at."""
    _read: dict[tuple[ImageRef, ImageRef], list[BaseChange]] = field(default_factory=dict)
    _known: dict[tuple[ImageRef, ImageRef], list[BaseAdvisories]] = field(default_factory=dict)
    _hasty: float = 0.0
    """Until when packages of held versions are read; 0 before the first."""

    def packages(self, moves: Sequence[Move], *, folds: bool) -> str:
        """The section on packages."""
        self._look(_pairs(moves))
        return packages_section([one for pair in _pairs(moves) for one in self._read.get(pair, ())], folds=folds)

    def known(self, moves: Sequence[Move]) -> list[BaseAdvisories]:
        """What the moves mean for security, for each pair of images and each platform."""
        return self._of(_pairs(moves))

    def security(self, moves: Sequence[Move]) -> str:
        """The section on advisories."""
        return security_section(self.known(moves))

    def urgent(self, moves: Sequence[Move]) -> list[Advisory]:
        """The advisories that moves fix and that are as severe as the configuration asks for."""
        return self._severe(self.known(moves))

    def haste(self, old: ImageRef, new: ImageRef) -> Haste:
        """Whether a version that is held by the cooldown may be proposed at once. References as written."""
        if not self.config.security.bypass_cooldown or not self.config.packages:
            return Haste()
        pair = (resolve(old), resolve(new))
        self._hasty = self._hasty or time.monotonic() + _SECONDS
        self._look([pair], seconds=max(self._hasty - time.monotonic(), 0.0))
        found = self._of([pair])
        if severe := self._severe(found):
            return Haste(because(severe), fixes=frozenset((one.package, one.id) for one in severe))
        unread = [one.problem for one in self._read[pair] if one.problem]
        return Haste(
            problem=next((one.difference.problem for one in found if one.difference.problem), "".join(unread[:1]))
        )

    def _severe(self, found: Sequence[BaseAdvisories]) -> list[Advisory]:
        least = self.config.security.at_least
        return list(dict.fromkeys(one for each in found for one in each.difference.fixed if reaches(one, least)))

    def _of(self, pairs: Sequence[tuple[ImageRef, ImageRef]]) -> list[BaseAdvisories]:
        self._look(pairs)
        for pair in pairs:
            if pair not in self._known:
                self._known[pair] = [self._asked(one) for one in self._read.get(pair, ())]
        return [one for pair in pairs for one in self._known[pair]]

    def _asked(self, change: BaseChange) -> BaseAdvisories:
        found = AdvisoryDifference()
        if change.before is not None and change.after is not None:
            found = self.advisories.between(change.old, change.new, change.before, change.after)
        return BaseAdvisories(change.old, change.new, change.platform, found)

    def _look(self, pairs: Sequence[tuple[ImageRef, ImageRef]], *, seconds: float = _SECONDS) -> None:
        fresh = [pair for pair in pairs if pair not in self._read]
        if not fresh or not self.config.packages:
            return
        self._read.update((pair, []) for pair in fresh)
        platforms = [Platform.parse(text) for text in sorted({text for one in self.images for text in one.platforms})]
        for change in read_changes(self.registry, fresh, platforms, seconds=seconds):
            self._read[change.old, change.new].append(change)


def _pairs(moves: Sequence[Move]) -> list[tuple[ImageRef, ImageRef]]:
    return list(dict.fromkeys((resolve(one.old), resolve(one.new)) for one in images_of(moves)))
