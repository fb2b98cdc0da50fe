"""How long a worker needs until it takes work, and the memory it has then, beside a bare Celery worker.

Both: prefork 2, Redis, no mingle, no gossip; ours is `sigbot worker` itself with all its bots. Memory is the proportional set
size of all processes: what they share is counted once.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path

import redis

from sig_workers.settings import load_settings
from sig_workers.store.store import Store
from tests.bench.processes import cpu_seconds, memory_mb, tree
from tests.bench.rows import Result, alone, ratios, row
from tests.bench.serving import ROOT, Servers, servers
from tests.servers.process import Process

POOL, CONCURRENCY = "prefork", "2"
PROCESSES = 3
"""The parent and its two children."""


def one(around: Servers, name: str, broker: str, argv: list[str], **environment: str) -> dict[str, float]:
    """Seconds until it takes work (it waits for a message, says Redis), CPU seconds until then, megabytes."""
    number = broker.rpartition("/")[2]
    process = Process(
        [sys.executable, "-m", *argv],
        around.folder / f"{name}.log",
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )
    with redis.Redis.from_url(around.redis.url) as client:

        def takes_work() -> bool:
            return any(one["db"] == number and one["cmd"] == "brpop" for one in client.client_list())

        started = time.monotonic()
        process.start()
        try:
            process.ready(takes_work, 60)
            after, spent = time.monotonic() - started, cpu_seconds(process.pid)
            time.sleep(0.5)  # the children end their own start
            assert len(tree(process.pid)) == PROCESSES
            return {"ready_s": after, "cpu_s": spent, "memory_mb": memory_mb(process.pid)}
        finally:
            process.stop()


def run(rounds: int = 5, quick: bool = False) -> Result:
    """See the module's text."""
    raw = []
    with servers() as around:
        for _ in range(rounds):
            ours, bare = around.redis.new_url(), around.redis.new_url()
            own = ["sig_workers.cli", "worker", "--pool", POOL, "--concurrency", CONCURRENCY]
            raw.append({
                "ours": one(around, "ours", ours, own, SIGBOT_CONFIG=str(_settings(around, ours))),
                "celery": one(around, "celery", bare, ["tests.bench.worker_process", "celery", bare, POOL, CONCURRENCY]),
            })  # fmt: skip

    def compared(figure: str) -> list[float]:
        return ratios([each["ours"][figure] for each in raw], [each["celery"][figure] for each in raw])

    figures = {
        f"{side}_{figure}": statistics.median(each[side][figure] for each in raw)
        for side in ("ours", "celery")
        for figure in ("ready_s", "cpu_s", "memory_mb")
    }
    counts = {"processes on each side": PROCESSES}
    beside = "bare Celery worker, prefork 2, no mingle, no gossip"
    return {
        "rows": [
            row("worker ready: time", compared("ready_s"), beside=beside, floor=1.3, figures=figures, counts=counts),
            row("worker ready: memory", compared("memory_mb"), beside=beside, floor=1.25, counts=counts),
        ],
        "raw": raw,
    }


def _settings(around: Servers, broker: str) -> Path:
    """Settings of a service on PostgreSQL and Redis with one instance, as an operator writes them."""
    config = around.folder / "sigbot.toml"
    config.write_text(
        f'data = "{around.folder}"\nstore = "{around.postgres.new_database()}"\nbroker = "{broker}"\n'
        '[[instance]]\nname = "github"\nkind = "github"\nurl = "https://github.example"\ntoken = "none"\n'
        'repositories = ["*"]\n'
    )
    store = Store.open(load_settings(config).store_url)
    store.migrate()
    store.close()
    return config


if __name__ == "__main__":
    alone(run, __doc__)
