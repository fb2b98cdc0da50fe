"""Worker processes that are measured, and the servers they need; all ended with their block."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.servers.postgres import PostgreSQL
from tests.servers.process import Process
from tests.servers.redis import Redis

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Servers:
    """A folder for the bench, PostgreSQL and Redis."""

    folder: Path
    postgres: PostgreSQL
    redis: Redis


@contextlib.contextmanager
def servers() -> Iterator[Servers]:
    """Both, fresh."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        postgres = PostgreSQL().start()
        stack.callback(postgres.stop)
        redis = Redis(Path(name) / "redis").start()
        stack.callback(redis.stop)
        yield Servers(Path(name), postgres, redis)


@dataclass(frozen=True)
class Running:
    """A worker process that takes work; `ready_after` is how many seconds it needed for that."""

    process: Process
    ready_after: float


@contextlib.contextmanager
def worker(folder: Path, name: str, arguments: Sequence[str], **environment: str) -> Iterator[Running]:
    """`python -m tests.bench.worker_process ARGUMENTS`, from start to ready; ended with the block."""
    ready = folder / f"{name}.ready"
    ready.unlink(missing_ok=True)
    argv = [sys.executable, "-m", "tests.bench.worker_process", *arguments]
    env = {**os.environ, "BENCH_READY": str(ready), "PYTHONPATH": str(ROOT), **environment}
    started = time.monotonic_ns()
    process = Process(argv, folder / f"{name}.log", env=env).start()
    try:
        process.ready(lambda: ready.exists() and ready.read_text() != "", 60)
        yield Running(process, (int(ready.read_text()) - started) / 1e9)
    finally:
        process.stop()
