"""A worker's cost per delivery, from claim to done, beside Celery's task that does nothing.

4,000 deliveries wait in PostgreSQL. Our worker parses and plans each, runs the one job of a bot that does nothing and
writes its end; Celery's takes 4,000 messages whose task does nothing. Same pool (prefork 2) and Redis for both, one after the
other in each round. What counts is the processor time of the worker's processes over the last 90 %, so that start-up is out;
the databases' own is not in it. The round trips to the database are counted in a run of their own.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from pathlib import Path

import redis
from sqlalchemy import event, text

from sig_bots.jobstate import JobState
from sig_workers.service import Service
from sig_workers.tasks import Worker
from tests.bench import noop
from tests.bench.processes import cpu_seconds
from tests.bench.rows import Result, alone, ratios, row
from tests.bench.serving import servers, worker
from tests.bench.worker_process import bare_app
from tests.servers.postgres import PostgreSQL
from tests.servers.process import Process

DELIVERIES, POOL, CONCURRENCY = 4000, "prefork", "2"
PATIENCE = 240.0
"""Seconds after which a side that does not get done has failed."""


def drained(process: Process, done: Callable[[], int], total: int) -> dict[str, float]:
    """Processor milliseconds per item and items a second, over the last 90 % of `total`."""
    started = None
    until = time.monotonic() + PATIENCE
    while (finished := done()) < total:
        if started is None and finished >= total // 10:
            started = finished, cpu_seconds(process.pid), time.monotonic()
        if time.monotonic() > until or not process.alive():
            raise AssertionError(
                f"only {finished} of {total} done; the log ends with {process.log.read_text()[-2000:]}"
            )
        time.sleep(0.02)
    assert started is not None
    items, spent, wall = total - started[0], cpu_seconds(process.pid) - started[1], time.monotonic() - started[2]
    return {"cpu_ms": spent / items * 1000, "per_second": items / wall}


def ours(folder: Path, server: PostgreSQL, broker: str, total: int) -> dict[str, float]:
    """Our worker on a new database with `total` deliveries."""
    settings = noop.settings(folder, server.new_database(), broker)
    service = noop.service(settings)
    noop.prepare(service)
    noop.fill(service, total, noop.payloads())

    def done() -> int:
        query = text("SELECT count(*) FROM jobs WHERE state = 'done'")
        return int(service.store.read(lambda connection: connection.execute(query).scalar_one()))

    try:
        with worker(folder, "ours", ["ours", str(folder), settings.store, broker, POOL, CONCURRENCY]) as running:
            service.wake_ups.wake({"receive"})
            figures = drained(running.process, done, total)
        settled = text("SELECT count(*) FROM deliveries WHERE state = 'done' AND tries = 1")
        assert service.store.read(lambda connection: connection.execute(settled).scalar_one()) == total
        assert len(service.store.jobs(limit=2 * total)) == total, "one job for each delivery, none twice"
    finally:
        service.wake_ups.stop()
        service.store.close()
    return figures


def celery(folder: Path, broker: str, total: int) -> dict[str, float]:
    """Celery's worker with `total` messages waiting."""
    app = bare_app(broker)
    with app.connection_for_write() as connection, connection.Producer() as producer:
        for number in range(total):
            app.send_task("bare.nothing", (number,), producer=producer)
    with redis.Redis.from_url(broker) as client:
        assert client.llen("celery") == total

        def done() -> int:
            with client.pipeline(transaction=True) as both:  # what is fetched but not acknowledged is not done
                waiting, unacknowledged = both.llen("celery").hlen("unacked").execute()
            return total - int(waiting) - int(unacknowledged)

        with worker(folder, "celery", ["celery", broker, POOL, CONCURRENCY]) as running:
            return drained(running.process, done, total)


def round_trips(folder: Path, server: PostgreSQL, broker: str, total: int) -> float:
    """SQL statements (each is one round trip) and commits per delivery, in a worker inside this process."""
    service: Service = noop.service(noop.settings(folder, server.new_database(), broker))
    noop.prepare(service)
    noop.fill(service, total, noop.payloads())
    trips = count()
    for name in ("before_cursor_execute", "commit"):
        event.listen(service.store.database.engine, name, lambda *_: next(trips))
    try:
        assert Worker(service).receive() == total
        assert len(service.store.jobs(limit=2 * total, states=(JobState.DONE,))) == total
    finally:
        service.wake_ups.stop()
        service.store.close()
    return next(trips) / total


def run(rounds: int = 5, quick: bool = False) -> Result:
    """See the module's text."""
    total = 800 if quick else DELIVERIES
    raw: list[Mapping[str, Mapping[str, float]]] = []
    with servers() as around:
        folder, postgres, broker = around.folder, around.postgres, around.redis
        for _ in range(rounds):
            raw.append({
                "ours": ours(folder, postgres, broker.new_url(), total),
                "celery": celery(folder, broker.new_url(), total),
            })  # fmt: skip
        trips = round_trips(folder, postgres, broker.new_url(), 640)

    def of(side: str, figure: str) -> Sequence[float]:
        return [one[side][figure] for one in raw]

    figures = {
        f"{side}_{figure}": statistics.median(of(side, figure))
        for side in ("ours", "celery")
        for figure in raw[0]["ours"]
    }
    counts = {"deliveries": total, "jobs": total, "celery tasks": total}
    return {
        "rows": [
            row(
                "worker: a delivery parsed, planned, run and done; CPU", ratios(of("ours", "cpu_ms"), of("celery", "cpu_ms")),
                beside="Celery's no-op task, prefork 2, Redis", floor=1.6, aim=1.25, figures=figures, counts=counts,
            ),
            row("worker: SQL round trips per delivery", [trips], beside="-", floor=3, aim=2, unit="", counts={"deliveries": 640}),
        ],
        "raw": raw,
    }  # fmt: skip


if __name__ == "__main__":
    alone(run, __doc__)
