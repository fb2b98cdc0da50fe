"""Wake-ups: never in the way of who sends them, and sent again as soon as there is a broker to take them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from sig_workers.queue import WakeUps
from sig_workers.settings import Settings
from tests.servers.process import free_port
from tests.servers.redis import Redis
from tests.workers.store.conftest import eventually


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[Redis]:
    """A Redis for this test alone, which it may end."""
    server = Redis(tmp_path / "redis")
    try:
        yield server.start()
    finally:
        server.stop()


def waiting(server: Redis, queue: str) -> int:
    with redis.Redis(port=server.port) as client:
        return int(client.llen(queue))


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_sends_its_own_wake_ups(tmp_path: Path) -> None:
    wake_ups = WakeUps(Settings(data=tmp_path))
    messages = tmp_path / "broker" / "messages"
    wake_ups.wake({"bulk"})
    eventually(lambda: bool(list(messages.glob("*.bulk.msg"))))
    child = os.fork()
    if child == 0:
        try:
            wake_ups.wake({"builds"})
            wake_ups.stop()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert len(list(messages.glob("*.builds.msg"))) == 1
    wake_ups.stop()


def test_without_a_broker_nobody_waits(tmp_path: Path) -> None:
    wake_ups = WakeUps(Settings(data=tmp_path, broker=f"redis://127.0.0.1:{free_port()}/0"))
    started = time.monotonic()
    for _ in range(100):
        wake_ups.wake({"receive"})
    assert time.monotonic() - started < 0.5
    wake_ups.stop(0.1)
    assert threading.main_thread().is_alive()


@pytest.mark.server
def test_wake_ups_reach_a_redis_that_came_back_or_was_emptied(tmp_path: Path, own_redis: Redis) -> None:
    wake_ups = WakeUps(Settings(data=tmp_path, broker=own_redis.url))
    wake_ups.wake({"builds"})
    eventually(lambda: waiting(own_redis, "builds") == 1)
    own_redis.flush()
    wake_ups.wake({"builds"})
    eventually(lambda: waiting(own_redis, "builds") == 1)
    own_redis.kill()
    for _ in range(3):
        wake_ups.wake({"builds"})
        time.sleep(0.3)
    own_redis.start()
    wake_ups.wake({"builds"})
    eventually(lambda: waiting(own_redis, "builds") == 1, 1)
    wake_ups.stop()
