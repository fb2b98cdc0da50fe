"""What time it is for the bots. In a rehearsal a file moves their clock; the store's own clock (leases, retries) never moves."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

__all__ = ["is_this_machine", "now"]


def now(moved_by: Path | None = None) -> datetime:
    """The time in UTC, moved by as many seconds as stand in the file; not moved while that is missing or holds no number."""
    real = datetime.now(UTC)
    if moved_by is None:
        return real
    try:
        return real + timedelta(seconds=float(moved_by.read_text(encoding="ascii")))
    except (OSError, ValueError, OverflowError):
        return real


def is_this_machine(host: str) -> bool:
    """Whether a host can only be the machine we run on: localhost, or a loopback address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
