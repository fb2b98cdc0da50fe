"""What the store can answer besides a result."""

from __future__ import annotations

from datetime import timedelta

from sig_bots.errors import Transient

__all__ = ["StoreDown"]


class StoreDown(Transient):
    """The database does not answer, is locked, full or not migrated. Nothing was written; try again later."""

    def __init__(self, message: str, *, retry_after: timedelta | None = timedelta(seconds=5)) -> None:
        super().__init__(message, retry_after=retry_after)
