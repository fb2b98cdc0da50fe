"""The leases of one process: one thread renews all of them, so that a short job costs no thread."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from sig_bots.errors import FencedOff, Obsolete, Transient
from sig_workers.drain import Drain
from sig_workers.settings import Timing
from sig_workers.store.errors import StoreDown
from sig_workers.store.rows import DeliveryRow, JobRow
from sig_workers.store.store import Store

__all__ = ["Lease", "LeaseKeeper"]

log = logging.getLogger(__name__)

LONGEST = {"interactive": timedelta(minutes=10), "bulk": timedelta(hours=1), "builds": timedelta(hours=6)}
"""How long a job of each queue may run, unless the settings say otherwise; then its lease is no longer renewed, so that
another worker takes it from a stuck one."""

DRAIN = timedelta(seconds=5)
"""How long a job may go on when its worker is to end; then it is handed to another one at the next occasion."""


@dataclass(eq=False)
class Lease:
    """One job that is ours, and what we learn about it while it runs."""

    job: int
    attempt: int
    until: float
    """When it is no longer renewed (monotonic clock)."""
    keeper: LeaseKeeper
    asked: str | None = None
    """Why the job is asked to end."""
    lost: bool = False
    handed_back: bool = False
    """Whether the run was told to stop because its worker ends."""

    def renew(self) -> None:
        """Renew it now, and hear whether the job is asked to end. Raises FencedOff, StoreDown."""
        self.keeper.renew([self])
        self.hold()

    def hold(self) -> None:
        """Raises FencedOff when the lease is lost."""
        if self.lost:
            raise FencedOff(f"job {self.job}: attempt {self.attempt} lost its lease")

    def check(self) -> None:
        """Raises FencedOff when the lease is lost, Obsolete when the job was asked to end, Transient in a drain."""
        self.hold()
        if self.asked:
            raise Obsolete(self.asked)
        if self.keeper.drain.seconds > self.keeper.patience:
            self.handed_back = True
            raise Transient("the worker is being stopped, another one goes on")


class LeaseKeeper:
    """Renews what this process holds. Safe for several threads; make it after the fork."""

    def __init__(self, store: Store, timing: Timing, drain: Drain | None = None, patience: timedelta = DRAIN) -> None:
        self.drain = Drain() if drain is None else drain
        self.patience = patience.total_seconds()
        self._store = store
        self._length = timing.lease
        self._every = timing.heartbeat.total_seconds()
        self._longest = LONGEST | timing.longest
        self._jobs: dict[int, Lease] = {}
        self._deliveries: dict[int, int] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    @contextmanager
    def jobs(self, jobs: Sequence[JobRow]) -> Iterator[None]:
        """Keep claimed jobs ours during the block, also those that wait for their turn; `run` ends one before."""
        now = time.monotonic()
        held = {
            job.id: Lease(job.id, job.attempt, now + self._longest[job.queue].total_seconds(), self) for job in jobs
        }
        self._hold(self._jobs, held)
        try:
            yield
        finally:
            self._let_go(self._jobs, held)

    @contextmanager
    def job(self, job: JobRow) -> Iterator[Lease]:
        """Keep a job ours while it runs."""
        with self._changed:
            lease = self._jobs.get(job.id)
        if lease is not None and lease.attempt == job.attempt:
            try:
                yield lease
            finally:
                self._let_go(self._jobs, {job.id: lease})
            return
        with self.jobs([job]):
            yield self._jobs[job.id]

    @contextmanager
    def deliveries(self, rows: Sequence[DeliveryRow]) -> Iterator[None]:
        """Keep claimed deliveries ours during the block."""
        held = {row.id: row.attempt for row in rows}
        self._hold(self._deliveries, held)
        try:
            yield
        finally:
            self._let_go(self._deliveries, held)

    def renew(self, leases: Sequence[Lease]) -> None:
        """Renew these now; each learns what became of it. Raises StoreDown."""
        kept = self._store.renew({lease.job: lease.attempt for lease in leases}, self._length)
        for lease in leases:
            lease.lost = lease.job not in kept
            lease.asked = kept.get(lease.job) or lease.asked

    def _hold[T](self, where: dict[int, T], what: Mapping[int, T]) -> None:
        if not what:
            return
        with self._changed:
            where.update(what)
            if self._thread is None:
                self._thread = threading.Thread(target=self._renew_for_ever, name="leases", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _let_go[T](self, where: dict[int, T], what: Mapping[int, T]) -> None:
        with self._changed:
            for key, held in what.items():
                if where.get(key) == held:
                    del where[key]

    def _renew_for_ever(self) -> None:
        while True:
            with self._changed:
                while not self._jobs and not self._deliveries:
                    self._changed.wait()
            time.sleep(self._every)
            try:
                self._renew()
            except StoreDown as error:
                log.warning("leases not renewed: %s", error)
            except Exception:  # without this thread every longer job would be lost
                log.exception("leases not renewed")

    def _renew(self) -> None:
        now = time.monotonic()
        with self._changed:
            jobs = [lease for lease in self._jobs.values() if now < lease.until and not lease.lost]
            deliveries = dict(self._deliveries)
        if jobs:
            self.renew(jobs)
        if deliveries:
            self._store.renew_deliveries(deliveries, self._length)
