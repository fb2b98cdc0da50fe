"""The two Celery tasks, and the worker process around them. A woken worker takes what is due from the store."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import timedelta
from itertools import batched
from typing import TYPE_CHECKING

from sig_bots.queues import QUEUES
from sig_workers.drain import Drain
from sig_workers.intake import Intake
from sig_workers.leases import LeaseKeeper
from sig_workers.queue import RECEIVE, WORK, make_app
from sig_workers.runner import Runner
from sig_workers.service import Service
from sig_workers.store.errors import StoreDown

if TYPE_CHECKING:
    from celery import Celery

__all__ = ["Worker", "worker_app"]

log = logging.getLogger(__name__)

BATCH = 32
"""Deliveries claimed at once."""
CHUNK = 8
"""Jobs claimed at once by the worker that has planned them: they wait for each other, and are lost together."""
TURN = timedelta(seconds=20)
"""After this long a task passes the wake-up on and ends, so that a drain never waits for a whole backlog."""


class Worker:
    """What a wake-up sets going. One per process, made after the fork; safe for several threads."""

    def __init__(self, service: Service, drain: Drain | None = None) -> None:
        self._service = service
        self._drain = Drain() if drain is None else drain
        self._keeper = LeaseKeeper(service.store, service.settings.timing, self._drain)
        self._intake = Intake(service, self._keeper)
        self._runner = Runner(service, self._keeper)

    def receive(self) -> int:
        """Plan the due deliveries and run their interactive jobs; returns how many deliveries were taken."""
        taken = ran = 0
        until = time.monotonic() + TURN.total_seconds()
        try:
            while True:
                batch = self._intake.take(BATCH)
                taken += batch.deliveries
                wake = set(batch.queues)
                if batch.more and batch.interactive:
                    wake.add("receive")  # another worker goes on reading while this one answers
                self._service.wake_ups.wake(wake)
                ran += self._run_given(batch.interactive)
                if not batch.more:
                    break
                if self._drain or time.monotonic() > until:
                    self._service.wake_ups.wake({"receive"})
                    break
        except StoreDown as error:
            log.error("nothing was done, the sweeper will wake somebody again: %s", error)
            return taken
        if ran:
            self.work("interactive")  # a job may have waited for one of these to end
        return taken

    def work(self, queue: str) -> int:
        """Run due jobs of a queue, best first; returns how many were run."""
        done = 0
        until = time.monotonic() + TURN.total_seconds()
        service, lease = self._service, self._service.settings.timing.lease
        try:
            while not self._drain and (jobs := service.store.claim_jobs(queue, service.owner, lease, 1)):
                # Whoever else is idle may take the next one meanwhile.
                service.wake_ups.wake({queue})
                self._runner.run(jobs[0])
                done += 1
                if time.monotonic() > until:
                    break
            else:
                if not self._drain:
                    return done
        except StoreDown as error:
            log.error("nothing was done, the sweeper will wake somebody again: %s", error)
            return done
        service.wake_ups.wake({queue})  # somebody else goes on
        return done

    def _run_given(self, planned: Sequence[int]) -> int:
        """Run those of the jobs just planned that are interactive, a few at a time; how many there were."""
        ran = 0
        service, lease = self._service, self._service.settings.timing.lease
        for some in batched(planned, CHUNK):
            if self._drain:
                service.wake_ups.wake({"interactive"})
                break
            jobs = service.store.claim_given(some, service.owner, lease, queue="interactive")
            with self._keeper.jobs(jobs):
                for job in jobs:
                    self._runner.run(job)
            ran += len(jobs)
        return ran


def worker_app(service: Service) -> Celery:
    """The Celery application of a worker process, with both tasks."""
    from celery import signals

    app = make_app(service.settings)
    workers: list[Worker] = []
    drain = Drain()
    # TERM is heard by the process that Celery runs in; its children see it on the page they share.
    signals.worker_shutting_down.connect(lambda **_: drain.begin(), weak=False)

    def ended(**_: object) -> None:
        if workers:
            service.wake_ups.stop()

    for signal in (signals.worker_process_shutdown, signals.worker_shutdown):
        signal.connect(ended, weak=False)

    def worker() -> Worker:
        # Made on first use: with the prefork pool that is after the fork, so each child has its own threads.
        if not workers:
            workers.append(Worker(service, drain))
        return workers[0]

    @app.task(name=RECEIVE, ignore_result=True)  # type: ignore[untyped-decorator, unused-ignore]
    def receive() -> None:
        worker().receive()

    @app.task(name=WORK, ignore_result=True)  # type: ignore[untyped-decorator, unused-ignore]
    def work(queue: str) -> None:
        if queue in QUEUES:
            worker().work(queue)

    return app
