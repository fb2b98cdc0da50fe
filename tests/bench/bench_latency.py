"""From the moment a delivery is being accepted to the moment its bot starts, with an idle worker; beside Celery's own task.

One delivery at a time, a pause between them, ours and Celery's in turn. Production: PostgreSQL, Redis, prefork 2. Embedded:
SQLite, wake-ups as files polled every 50 ms, threads, as `sigbot up` has it; Celery's own file transport polls as often.
"""

from __future__ import annotations

import contextlib
import random
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench import noop, starts
from tests.bench.rows import Result, Row, alone, quantile, row
from tests.bench.serving import Servers, servers, worker
from tests.bench.worker_process import bare_app

PATIENCE = 20.0
EACH = 30
"""Deliveries of each side in a round."""

type Send = Callable[[], int]
"""Sends one and returns its number."""


def wait(file: Path, number: int) -> int:
    """When the number started, as soon as it has."""
    until = time.monotonic() + PATIENCE
    while number not in (seen := starts.read(file)):
        assert time.monotonic() < until, f"number {number} did not start within {PATIENCE:g} s"
        time.sleep(0.001)
    return seen[number]


def one(file: Path, send: Send) -> float:
    """Milliseconds from before the sending to the start."""
    before = time.monotonic_ns()
    number = send()
    return (wait(file, number) - before) / 1e6


@contextlib.contextmanager
def ours(folder: Path, store: str, broker: str, pool: str, concurrency: str) -> Iterator[tuple[Path, Send]]:
    """Our worker, and how a delivery is accepted: by the receiver's own two calls."""
    settings = noop.settings(folder, store, broker)
    service = noop.service(settings)
    noop.prepare(service)
    source, file, sent = noop.payloads(), folder / "ours.starts", 0

    def send() -> int:
        nonlocal sent
        sent += 1  # the number of the issue in the payload too
        headers, body = waiting.pop() if waiting else next(source)
        service.store.accept(
            instance=noop.INSTANCE, source="github", delivery_id=f"d{sent}", headers=headers, body=body
        )
        service.wake_ups.wake({"receive"})
        return sent

    waiting = [next(source) for _ in range(2000)][::-1]  # made before the clock runs
    arguments = ["ours", str(folder), store, broker, pool, concurrency]
    try:
        with worker(folder, "ours", arguments, BENCH_STARTS=str(file)):
            yield file, send
            jobs = service.store.jobs(limit=10_000)
            assert len(jobs) == sent == len(starts.read(file))
    finally:
        service.wake_ups.stop()
        service.store.close()


@contextlib.contextmanager
def celery(folder: Path, broker: str, pool: str, concurrency: str) -> Iterator[tuple[Path, Send]]:
    """Celery's worker, and how its task is sent: by a producer that is held."""
    files, file, sent = folder / "celery", folder / "celery.starts", 0
    with worker(
        folder, "celery", ["celery", broker, pool, concurrency], BENCH_STARTS=str(file), BENCH_BROKER=str(files)
    ):
        app = bare_app(broker, files)
        with app.connection_for_write() as connection, connection.Producer() as producer:

            def send() -> int:
                nonlocal sent
                sent += 1
                app.send_task("bare.nothing", (sent,), producer=producer)
                return sent

            yield file, send
            assert len(starts.read(file)) == sent


def measure(sides: dict[str, tuple[Path, Send]], rounds: int, each: int) -> dict[str, list[list[float]]]:
    """Milliseconds, per side and round, one after the other in turn; what the first few take is not counted."""
    pause = random.Random(1)
    for file, send in sides.values():
        for _ in range(6):
            one(file, send)
    raw: dict[str, list[list[float]]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name in sides:
            raw[name].append([])
        for _ in range(each):
            for name, (file, send) in sides.items():
                time.sleep(pause.uniform(0.02, 0.07))  # idle, and at any point of a polling
                raw[name][-1].append(one(file, send))
    return raw


def judged(what: str, floor: float, peer: str, raw: dict[str, list[list[float]]]) -> Row:
    """Judged by the medians of the rounds; the tail is told beside them."""
    every = {name: [value for values in given for value in values] for name, given in raw.items()}
    figures = {
        f"{name}_{figure}": quantile(values, share)
        for name, values in every.items()
        for figure, share in (("p50_ms", 0.5), ("p99_ms", 0.99))
    }
    counts = {name: len(values) for name, values in every.items()}
    medians = {name: [statistics.median(values) for values in given] for name, given in raw.items()}
    return row(what, medians["ours"], beside=peer, floor=floor, unit="ms", figures=figures, counts=counts)


def production(around: Servers, rounds: int, each: int) -> dict[str, list[list[float]]]:
    """PostgreSQL and Redis."""
    folder = around.folder / "production"
    folder.mkdir()
    with (
        ours(folder, around.postgres.new_database(), around.redis.new_url(), "prefork", "2") as mine,
        celery(folder, around.redis.new_url(), "prefork", "2") as theirs,
    ):
        return measure({"ours": mine, "celery": theirs}, rounds, each)


def embedded(around: Servers, rounds: int, each: int) -> dict[str, list[list[float]]]:
    """SQLite and files."""
    folder = around.folder / "embedded"
    folder.mkdir()
    with (
        ours(folder, f"sqlite:///{folder / 'sigbot.db'}", "filesystem", "threads", "4") as mine,
        celery(folder, "filesystem://", "threads", "4") as theirs,
    ):
        return measure({"ours": mine, "celery": theirs}, rounds, each)


def run(rounds: int = 5, quick: bool = False) -> Result:
    """See the module's text."""
    each = 8 if quick else EACH
    with servers() as around:
        redis, files = production(around, rounds, each), embedded(around, rounds, each)
    return {
        "rows": [
            judged("accept to bot start, idle, Redis", 10, "Celery's no-op task", redis),
            judged("accept to bot start, idle, embedded", 100, "Celery's no-op task over files", files),
        ],
        "raw": {"redis": redis, "files": files},
    }


if __name__ == "__main__":
    alone(run, __doc__)
