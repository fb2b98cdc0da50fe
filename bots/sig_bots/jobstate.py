"""The states of a job, named in this one place: the store's SQL, the pages and the command line all write them from here.

A state is kept and shown as its word. A new one is first read by one release and only written by the next, because old
and new processes overlap during an upgrade.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["ENDED", "OPEN", "JobState"]


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"
    """The bot found that there was nothing to do."""
    FAILED = "failed"
    """For good, with a sentence for the person."""
    DEAD = "dead"
    """Given up on after its last attempt; kept for the operator."""
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    """A newer commit arrived before it ran."""
    OBSOLETE = "obsolete"
    """What it was about is gone or changed while it ran."""


OPEN = frozenset({JobState.QUEUED, JobState.RUNNING})
"""The states from which a job goes on by itself."""

ENDED = frozenset(JobState) - OPEN
"""The states a job stays in unless somebody retries it."""
