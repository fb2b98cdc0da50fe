"""Limits on update pull requests that several repositories share: a place is taken before one is opened. Pure but for the door.

The operator sets them, for the whole service and per organisation (owner of repositories). What a repository itself wants,
`update: limits:`, is counted in `updatepulls`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from sig_bots.wording import counted

__all__ = ["FullLimit", "Places"]


@dataclass(frozen=True)
class FullLimit:
    """A limit that is reached. It names no repository: the others may be private."""

    whose: Literal["organisation", "service"]
    most: int
    per: Literal["open", "hour"]

    def __str__(self) -> str:
        """The rest of a sentence that begins with what waits."""
        what = "open pull request" if self.per == "open" else "new pull request"
        hourly = " an hour" if self.per == "hour" else ""
        return f"waits, because the {self.whose}'s limit of {counted(self.most, what)}{hourly} is reached"


class Places(Protocol):
    """One repository's places among all update pull requests of the service. Correct when several repositories ask at once."""

    @property
    def waiting(self) -> bool:
        """Whether a limit held something back at the last look."""
        ...

    def settle(self, present: Mapping[str, datetime | None], now: datetime) -> None:
        """What is true at the start of a look: the branches of our open pull requests here, and when each was opened.

        Places of others are free again, also those of a run that died between taking one and opening.
        """
        ...

    def take(self, branch: str, now: datetime) -> FullLimit | None:
        """Take a place for a pull request that is to be opened; None when there was one, else the limit that is reached."""
        ...

    def opened(self, branch: str) -> None:
        """It was opened: from now on it counts for the hour whatever becomes of it."""
        ...

    def give_back(self, branch: str) -> None:
        """It was not opened."""
        ...

    def closed(self, branch: str) -> None:
        """It was closed or merged."""
        ...
