"""How many update pull requests there may be in all, as sigbot.toml says it. Read by every command, so without the store."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from pydantic import Field

from sig_workers.instances import Section

__all__ = ["OwnerLimit", "SharedLimit", "UpdateLimits"]


@dataclass(frozen=True, slots=True)
class SharedLimit:
    """How many pull requests may be open, or be opened within an hour: in all repositories, or in those of one owner."""

    open: int | None = None
    per_hour: int | None = None
    owner: tuple[str, str] | None = None
    """Instance and owner; None: the whole service."""


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
