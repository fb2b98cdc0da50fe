"""What a running job keeps with the store: its lease, and its log."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta

from sig_bots.errors import FencedOff, Obsolete
from sig_workers.observe import Redactor
from sig_workers.store.rows import JobRow
from sig_workers.store.store import Store, StoreDown

__all__ = ["JobLog", "Lease"]

log = logging.getLogger(__name__)

LOG_PAUSE = 0.5
"""Seconds that a line may wait for others."""


@dataclass
class Lease:
    """Keeps a running job ours, and learns when it is asked to end.

    After `longest` it is no longer renewed, so that another worker takes the job from a stuck one.
    """

    store: Store
    job: JobRow
    length: timedelta
    every: timedelta
    longest: timedelta
    asked: str | None = None
    lost: bool = False
    _done: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Lease:
        self._thread = threading.Thread(target=self._beat, name=f"lease-{self.job.id}", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._done.set()
        self._thread.join()

    def _beat(self) -> None:
        until = time.monotonic() + self.longest.total_seconds()
        while not self._done.wait(self.every.total_seconds()) and time.monotonic() < until:
            try:
                self.renew()
            except FencedOff:
                return
            except StoreDown as error:
                log.warning("lease not renewed: %s", error)

    def renew(self) -> None:
        """Renew it now, and hear whether the job is asked to end. Raises FencedOff, StoreDown."""
        try:
            self.asked = self.store.heartbeat(self.job.id, self.job.attempt, self.length) or self.asked
        except FencedOff:
            self.lost = True
            raise

    def check(self) -> None:
        """Raises FencedOff when the lease is lost, Obsolete when the job was asked to end."""
        if self.lost:
            raise FencedOff(f"job {self.job.id}: attempt {self.job.attempt} lost its lease")
        if self.asked:
            raise Obsolete(self.asked)


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
