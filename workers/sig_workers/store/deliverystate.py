"""The states of a delivery, named in this one place. How they follow from each other: docs/store.md."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["UNPLANNED", "UNREADABLE", "DeliveryState"]


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    RECEIVED = "received"
    PROCESSING = "processing"
    DONE = "done"
    IGNORED = "ignored"
    """Nobody needs it; the reason says why."""
    REJECTED = "rejected"
    """Not what its sender documents."""
    INVALID = "invalid"
    """Signed, and not even JSON; never read again."""
    FAILED = "failed"
    """Could not be planned, and is tried again."""
    DEAD = "dead"
    """Given up on; kept for the operator."""


UNPLANNED = (DeliveryState.RECEIVED, DeliveryState.PROCESSING, DeliveryState.FAILED)
"""Somebody still has to read it. In the order of the partial index."""

UNREADABLE = (DeliveryState.INVALID, DeliveryState.REJECTED, DeliveryState.IGNORED)
"""Nothing in it was acted on."""
