"""The door through which the update bot asks for a place under the limits that repositories share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sig_bots.updatelimits import FullLimit
from sig_workers.store.rows import RepositoryRow
from sig_workers.store.store import Store
from sig_workers.updatelimits import UpdateLimits

__all__ = ["StoredPlaces"]

_WEEK = timedelta(days=7)
"""A repository that could not be looked at for so long is gone."""


@dataclass(frozen=True)
class StoredPlaces:
    """See `sig_bots.updatelimits.Places`; counted in the store."""

    store: Store
    repo: RepositoryRow
    limits: UpdateLimits
    period: timedelta
    """How often each repository is looked at."""
    dry: bool = False
    """Whether nothing will be opened: then no place is kept."""

    @property
    def waiting(self) -> bool:
        """See `Places.waiting`."""
        return self.store.waits_for_place(self.repo.id)

    def settle(self, present: Mapping[str, datetime | None], now: datetime) -> None:
        """See `Places.settle`."""
        self.store.settle_places(self.repo.id, present, now)

    def take(self, branch: str, now: datetime) -> FullLimit | None:
        """See `Places.take`."""
        limits = self.limits.of(self.repo.instance, self.repo.path)
        seen = max(_WEEK, 2 * self.period)
        return self.store.take_place(self.repo.id, branch, now, limits, seen=seen, keep=not self.dry)

    def opened(self, branch: str) -> None:
        """See `Places.opened`."""
        self.store.opened_place(self.repo.id, branch)

    def closed(self, branch: str) -> None:
        """See `Places.closed`."""
        if not self.dry:
            self.store.closed_place(self.repo.id, branch)

    def give_back(self, branch: str) -> None:
        """See `Places.give_back`."""
        self.store.give_place_back(self.repo.id, branch)
