"""How many update pull requests there may be in all, as sigbot.toml says it, and the door through which the bot asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from pydantic import Field

from sig_bots.updatelimits import FullLimit
from sig_workers.instances import Section
from sig_workers.store.places import SharedLimit
from sig_workers.store.rows import RepositoryRow
from sig_workers.store.store import Store

__all__ = ["OwnerLimit", "StoredPlaces", "UpdateLimits"]

_DAY = timedelta(days=1)


class OwnerLimit(Section):
    """Update pull requests in the repositories of one organisation: `[[update_limits.owner]]`. The first that fits counts."""

    owner: str = Field(min_length=1)
    """Owner of the repositories: what stands before the last slash of their paths. With a glob each owner by itself."""
    instance: str = "*"
    """Name of the instance, or a glob."""
    open: int | None = Field(default=None, ge=0)
    """How many may be open at a time."""
    per_hour: int | None = Field(default=None, ge=0)
    """How many may be opened within an hour."""


class UpdateLimits(Section):
    """Update pull requests in all repositories together: `[update_limits]`. What is over a limit comes later."""

    open: int | None = Field(default=None, ge=0)
    """How many may be open at a time."""
    per_hour: int | None = Field(default=None, ge=0)
    """How many may be opened within an hour."""
    owners: tuple[OwnerLimit, ...] = Field(default=(), alias="owner")
    """Limits of organisations."""

    def of(self, instance: str, path: str) -> list[SharedLimit]:
        """The limits for a repository, the organisation's first. A path without a slash belongs to none."""
        found, owner = [], path.rpartition("/")[0]
        for one in self.owners:
            if owner and fnmatchcase(owner.lower(), one.owner.lower()) and fnmatchcase(instance, one.instance):
                found.append(SharedLimit(one.open, one.per_hour, (instance, owner)))
                break
        if self.open is not None or self.per_hour is not None:
            found.append(SharedLimit(self.open, self.per_hour))
        return found


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
        seen = max(_DAY, 2 * self.period)
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
