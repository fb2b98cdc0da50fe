"""The two Celery tasks, and the worker process around them. A woken worker takes what is due from the store."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from sig_workers.intake import Intake
from sig_workers.queue import QUEUES, RECEIVE, WORK, make_app
from sig_workers.runner import Runner
from sig_workers.service import Service
from sig_workers.store.errors import StoreDown

if TYPE_CHECKING:
    from celery import Celery

__all__ = ["Worker", "worker_app"]

log = logging.getLogger(__name__)

BATCH = 32
"""Deliveries claimed at once."""
TURN = timedelta(seconds=20)
"""After this long a task passes the wake-up on and ends, so that a drain never waits for a whole backlog."""


class Worker:
    """What a wake-up sets going. One per process; safe for several threads."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._intake = Intake(service)
        self._runner = Runner(service)

    def receive(self) -> int:
        """Plan the due deliveries and run their interactive jobs; returns how many deliveries were taken."""
        taken = 0
        until = time.monotonic() + TURN.total_seconds()
        try:
            while True:
                batch = self._intake.take(BATCH)
                taken += batch.deliveries
                full = batch.deliveries == BATCH
                wake = set(batch.queues)
                if full and batch.interactive:
                    wake.add("receive")  # another worker goes on reading while this one answers
                self._service.wake_ups.wake(wake)
                for job_id in batch.interactive:
                    job = self._service.store.claim_job(
                        job_id, self._service.owner, self._service.settings.timing.lease
                    )
                    if job is not None:
                        self._runner.run(job)
                if not full:
                    return taken
                if time.monotonic() > until:
                    self._service.wake_ups.wake({"receive"})
                    return taken
        except StoreDown as error:
            log.error("nothing was done, the sweeper will wake somebody again: %s", error)
            return taken

    def work(self, queue: str) -> int:
        """Run due jobs of a queue, best first; returns how many were run."""
        done = 0
        until = time.monotonic() + TURN.total_seconds()
        service = self._service
        try:
            while jobs := service.store.claim_jobs(queue, service.owner, service.settings.timing.lease, 1):
                # Whoever else is idle may take the next one meanwhile.
                service.wake_ups.wake({queue})
                self._runner.run(jobs[0])
                done += 1
                if time.monotonic() > until:
                    service.wake_ups.wake({queue})
                    break
        except StoreDown as error:
            log.error("nothing was done, the sweeper will wake somebody again: %s", error)
        return done


def worker_app(service: Service) -> Celery:
    """The Celery application of a worker process, with both tasks."""
    app = make_app(service.settings)
    workers: list[Worker] = []

    def worker() -> Worker:
        # Made on first use: with the prefork pool that is after the fork, so each child has its own threads.
        if not workers:
            workers.append(Worker(service))
        return workers[0]

    @app.task(name=RECEIVE, ignore_result=True)  # type: ignore[untyped-decorator, unused-ignore]
    def receive() -> None:
        worker().receive()

    @app.task(name=WORK, ignore_result=True)  # type: ignore[untyped-decorator, unused-ignore]
    def work(queue: str) -> None:
        if queue in QUEUES:
            worker().work(queue)

    return app
