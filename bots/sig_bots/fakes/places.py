"""Limits shared by repositories, in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sig_bots.updatelimits import FullLimit

__all__ = ["FakeCounts", "FakePlaces"]


@dataclass
class FakeCounts:
    """What all repositories of a harness share. The limits are those of the service; None: no limit."""

    open: int | None = None
    per_hour: int | None = None
    taken: dict[tuple[str, str], datetime] = field(default_factory=dict)
    """(repository, branch) -> when the open pull request was opened."""
    opened: list[datetime] = field(default_factory=list)
    waiting: set[str] = field(default_factory=set)
    """Repositories in which something waits."""


@dataclass(frozen=True)
class FakePlaces:
    """See `sig_bots.updatelimits.Places`."""

    counts: FakeCounts
    path: str

    @property
    def waiting(self) -> bool:
        """Whether something was held back."""
        return self.path in self.counts.waiting

    def settle(self, present: Mapping[str, datetime | None], now: datetime) -> None:
        """Replace what is known of the repository."""
        counts = self.counts
        others = {key: at for key, at in counts.taken.items() if key[0] != self.path}
        counts.taken = others | {(self.path, branch): at or now for branch, at in present.items()}
        counts.waiting.discard(self.path)

    def take(self, branch: str, now: datetime) -> FullLimit | None:
        """Take a place if both limits leave one."""
        counts, full = self.counts, None
        if counts.open is not None and len(counts.taken) >= counts.open:
            full = FullLimit("service", counts.open, "open")
        elif counts.per_hour is not None and self._recent(now) >= counts.per_hour:
            full = FullLimit("service", counts.per_hour, "hour")
        if full is None:
            counts.taken[self.path, branch] = now
            counts.opened.append(now)
        else:
            counts.waiting.add(self.path)
        return full

    def _recent(self, now: datetime) -> int:
        return sum(now - one < timedelta(hours=1) for one in self.counts.opened)

    def opened(self, branch: str) -> None:
        """Counted when it was taken."""

    def closed(self, branch: str) -> None:
        """Free the place; the hour still counts it."""
        self.counts.taken.pop((self.path, branch), None)

    def give_back(self, branch: str) -> None:
        """Free the place."""
        taken = self.counts.taken.pop((self.path, branch), None)
        if taken is not None:
            self.counts.opened.remove(taken)
