"""What the store costs: accepting a delivery beside a hand-written insert, and the worker's way through it.

Both sides insert the same bodies into a table of the same form and
the rows are counted afterwards. The peer is what one writes without a store: a connection per thread and one
`INSERT ... ON CONFLICT DO NOTHING` per delivery, each in its own transaction, with the database's default durability.
"""

import json
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import text

from sig_bots.jobstate import JobState
from sig_bots.refs import Repo
from sig_workers.store.deliverystate import DeliveryState
from sig_workers.store.rows import NewEvent, NewJob, Settlement
from sig_workers.store.store import Store
from tests.bench.rows import Result, Row, alone, ratios, row
from tests.servers.postgres import PostgreSQL

DELIVERIES, BATCH, WAITING = 1600, 50, 10_000
LEASE = timedelta(minutes=5)
HEADERS = {"X-GitHub-Event": "issue_comment", "Content-Type": "application/json", "User-Agent": "GitHub-Hookshot/1"}


def body(number: int) -> bytes:
    """About 12 KB of JSON in the manner of a forge: long repetitive addresses, few words."""
    digest = sha256(str(number).encode()).hexdigest()
    fields = {
        f"{name}_url": f"https://api.forge.example/repos/owner/name/{name}{{/{digest[n : n + 8]}}}"
        for n in range(30)
        for name in (f"field{n}", f"other{n}", f"third{n}")
    }
    return json.dumps({"id": number, "comment": {"body": "/sig lint", **fields}}).encode()


class Accepting:
    """Threads that accept deliveries; wall time, CPU time of this process, latencies."""

    def __init__(self, accept: Callable[[int, bytes], object], threads: int, bodies: list[bytes]) -> None:
        self.latencies: list[float] = []
        gate = threading.Barrier(threads + 1)

        def work(first: int) -> None:
            accept(-1 - first, bodies[0])  # connections are made before the clock starts
            gate.wait()
            for number in range(first, len(bodies), threads):
                started = time.perf_counter()
                accept(number, bodies[number])
                self.latencies.append(time.perf_counter() - started)

        workers = [threading.Thread(target=work, args=(n,)) for n in range(threads)]
        for worker in workers:
            worker.start()
        gate.wait()
        wall, cpu = time.perf_counter(), time.process_time()
        for worker in workers:
            worker.join()
        self.cpu_ms = (time.process_time() - cpu) / len(bodies) * 1000
        self.rate = len(bodies) / (time.perf_counter() - wall)

    def figures(self) -> dict[str, float]:
        """Of one round."""
        ordered = sorted(self.latencies)
        return {
            "per_second": self.rate, "cpu_ms": self.cpu_ms, "p50_ms": ordered[len(ordered) // 2] * 1000,
            "p99_ms": ordered[int(len(ordered) * 0.99)] * 1000,
        }  # fmt: skip


def ours(store: Store) -> Callable[[int, bytes], object]:
    return lambda number, data: store.accept(
        instance="forge", source="github", delivery_id=f"guid-{number}", headers=HEADERS, body=data
    )


def bare(url: str) -> Callable[[int, bytes], object]:
    """The hand-written way, into a table of its own."""
    local = threading.local()
    sqlite = url.startswith("sqlite")
    mark = "?" if sqlite else "%s"
    insert = (
        f"INSERT INTO bare (source, guid, headers, body) VALUES ({mark}, {mark}, {mark}, {mark}) ON CONFLICT DO NOTHING"
    )

    def connect() -> Any:
        if not sqlite:
            return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, timeout=30)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    def accept(number: int, data: bytes) -> None:
        if not hasattr(local, "connection"):
            local.connection = connect()
        row = ("forge", f"guid-{number}", json.dumps(HEADERS), data)
        local.connection.execute(insert + ("" if sqlite else " RETURNING id"), row)

    return accept


def empty(store: Store) -> None:
    sqlite = store.database.name == "sqlite"
    number = "INTEGER PRIMARY KEY" if sqlite else "BIGSERIAL PRIMARY KEY"
    kinds = ("BLOB", "TEXT") if sqlite else ("BYTEA", "TIMESTAMPTZ")

    def run(connection: Any) -> None:
        for table in ("attempts", "jobs", "events", "deliveries", "repositories"):
            connection.execute(text(f"DELETE FROM {table}"))
        connection.execute(text("DROP TABLE IF EXISTS bare"))
        columns = f"source TEXT, guid TEXT, headers TEXT, body {kinds[0]}, at {kinds[1]} DEFAULT CURRENT_TIMESTAMP"
        connection.execute(text(f"CREATE TABLE bare (id {number}, {columns}, UNIQUE (source, guid))"))

    store.write(run)


def count(store: Store, table: str) -> int:
    return int(store.read(lambda connection: connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()))


def worker(store: Store) -> dict[str, float]:
    """All deliveries through claim, settle with a job each, claim and finish one by one; CPU of this process."""
    repo = store.ensure_repository("forge", Repo(path="owner/name", forge_id="1", private=False))
    cpu, done = time.process_time(), 0
    while rows := store.claim_deliveries("bench", BATCH, LEASE):
        settled = [
            Settlement(
                row.id, row.attempt, DeliveryState.DONE, repo_id=repo.id, private=False, event=NewEvent("comment", "{}"),
                jobs=[NewJob(repo.id, "noop", "h", "interactive", 0, f"{repo.id}:{row.id}", f"k{row.id}")],
            )
            for row in rows
        ]  # fmt: skip
        ids = [job for jobs in store.settle(settled) for job in jobs]
        for job in filter(None, (store.claim_job(number, "bench", LEASE) for number in ids)):
            store.finish(job.id, job.attempt, JobState.DONE)
            done += 1
    spent = time.process_time() - cpu
    return {"cpu_ms_per_delivery": spent / done * 1000, "jobs": done}


def claims(store: Store) -> dict[str, float]:
    """One claim among many waiting jobs of 500 repositories."""
    repos = [store.ensure_repository("forge", Repo(path=f"o/r{n}")).id for n in range(500)]
    ours(store)(-1000, b"{}")
    (row,) = store.claim_deliveries("bench", 1, LEASE)
    jobs = [NewJob(repos[n % 500], "b", "h", "bulk", n % 3, f"t{n}", f"w{n}") for n in range(WAITING)]
    store.settle([Settlement(row.id, row.attempt, DeliveryState.DONE, jobs=jobs)])
    times = []
    for _ in range(10):
        started = time.perf_counter()
        assert len(store.claim_jobs("bulk", "bench", LEASE, 10)) == 10
        times.append((time.perf_counter() - started) * 1000)
    return {"claim_of_10_among_10000_ms": statistics.median(times)}


def measure(store: Store, url: str, rounds: int, bodies: list[bytes]) -> dict[str, list[dict[str, float]]]:
    """Raw figures of each side, a dictionary per round."""
    collected: dict[str, list[dict[str, float]]] = {}
    for number in range(rounds):
        for threads in (1, 16):
            empty(store)
            for name, table, accept in (("ours", "deliveries", ours(store)), ("bare", "bare", bare(url))):
                collected.setdefault(f"{name}_{threads}", []).append(Accepting(accept, threads, bodies).figures())
                assert count(store, table) == len(bodies) + threads
        collected.setdefault("worker", []).append(worker(store))
        if number == 0:
            empty(store)
            collected["claims"] = [claims(store)]
    return collected


def run(rounds: int = 5, quick: bool = False) -> Result:
    """Per database: accepting beside a hand-written insert; the worker's way and a claim among many for information."""
    rounds = 2 if quick else rounds
    bodies = [body(number) for number in range(DELIVERIES // (4 if quick else 1))]
    rows: list[Row] = []
    raw = {}
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        server = PostgreSQL().start()
        stack.callback(server.stop)
        urls = {"SQLite": f"sqlite:///{Path(folder) / 'bench.db'}", "PostgreSQL": server.new_database()}
        for name, url in urls.items():
            store = Store.open(url)
            stack.callback(store.close)
            store.migrate()
            raw[name] = measure(store, url, rounds, bodies)
            rows += judged(name, raw[name], len(bodies))
    return {"rows": rows, "raw": raw}


def judged(name: str, figures: dict[str, list[dict[str, float]]], count: int) -> list[Row]:
    """The rows of one database."""
    rows = [
        row(
            f"store.accept on {name}, {threads} thread{'s' * (threads > 1)}: CPU",
            ratios([one["cpu_ms"] for one in figures[f"ours_{threads}"]], [one["cpu_ms"] for one in figures[f"bare_{threads}"]]),
            beside="a hand-written INSERT", counts={"deliveries": count},
            figures={
                f"{side}_{key}": statistics.median(one[key] for one in figures[f"{side}_{threads}"])
                for side in ("ours", "bare") for key in ("per_second", "p99_ms")
            },
        )
        for threads in (1, 16)
    ]  # fmt: skip
    rows.append(
        row(
            f"accept latency on {name}, one connection, without HTTP: p99", [one["p99_ms"] for one in figures["ours_1"]],
            beside="-", floor=4 if name == "PostgreSQL" else None, unit="ms",
        )
    )  # fmt: skip
    per_delivery = [one["cpu_ms_per_delivery"] for one in figures["worker"]]
    rows.append(row(f"store's part of a worker's delivery on {name}: CPU", per_delivery, beside="-", unit="ms"))
    claim = [one["claim_of_10_among_10000_ms"] for one in figures["claims"]]
    rows.append(row(f"claim of 10 among 10,000 jobs on {name}", claim, beside="-", unit="ms"))
    return rows


if __name__ == "__main__":
    alone(run, __doc__)
