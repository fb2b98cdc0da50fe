"""The log that a running job writes into the store."""

from __future__ import annotations

import time

from sig_workers.observe import Redactor
from sig_workers.store.errors import StoreDown
from sig_workers.store.rows import JobRow
from sig_workers.store.store import Store

__all__ = ["JobLog"]

LOG_PAUSE = 0.5
"""Seconds that a line may wait for others."""


class JobLog:
    """The job's log: written in batches, never later than `flush` or half a second after the line, redacted."""

    def __init__(self, store: Store, redact: Redactor, job: JobRow) -> None:
        self._store = store
        self._redact = redact
        self._job = job
        self._lines: list[str] = []
        self._written = time.monotonic()

    def __call__(self, line: str) -> None:
        """Add a line."""
        self._lines.append(self._redact(line)[:4000])
        self.settle()

    def settle(self) -> None:
        """Write what has waited long enough."""
        if time.monotonic() - self._written > LOG_PAUSE or len(self._lines) >= 200:
            self.flush()

    def flush(self) -> None:
        """Write what is pending. The log is not worth a job: with the store down the lines wait."""
        self._written = time.monotonic()
        if not self._lines:
            return
        try:
            self._store.log(self._job.id, self._job.attempt, self._lines)
        except StoreDown:
            return
        self._lines = []
