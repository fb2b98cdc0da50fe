"""The table of the update bot's places: its open pull requests, those about to be opened, and what waits for a place."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import Column, ForeignKey, Table

from sig_workers.store.columns import Id, States, UtcTime, Words
from sig_workers.store.schema import metadata

__all__ = ["Place", "update_places"]


class Place(StrEnum):
    """What a row stands for."""

    WAITING = "waiting"
    """A limit held it back at the last look."""
    TAKEN = "taken"
    """About to be opened; whether it was is seen at the next look."""
    OPEN = "open"
    CLOSED = "closed"
    """Closed or merged; kept for the hour in which it was opened."""


update_places = Table(
    "update_places",
    metadata,
    Column("id", Id, primary_key=True),
    Column("repo_id", Id, ForeignKey("repositories.id"), nullable=False, index=True),
    Column("branch", Words, nullable=False),
    Column("state", States(Place), nullable=False),
    Column("opened_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
)
