"""The broker is emptied, removed, restarted; the store is restarted. Wake-ups are hints, so nothing is lost and nothing doubled."""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sig_bots.queues import QUEUES
from sig_workers.queue import RECEIVE, WORK, make_app
from tests.faults.arena import Arena, open_arena
from tests.faults.conftest import WAYS
from tests.faults.journeys import Ping, Talk, Update
from tests.servers.postgres import PostgreSQL
from tests.servers.redis import Redis
from tests.servers.registry import Registry

pytestmark = [pytest.mark.server, pytest.mark.timeout(180)]


def wipe(arena: Arena, request: pytest.FixtureRequest, *, folder_too: bool = False) -> None:
    """Take everything out of the broker."""
    if arena.name == "servers":
        request.getfixturevalue("redis_server").flush()
        return
    broker = arena.world.data / "broker"
    if folder_too:
        shutil.rmtree(broker, ignore_errors=True)
        return
    for file in (broker / "messages").iterdir():
        file.unlink(missing_ok=True)


@pytest.mark.parametrize("way", WAYS)
def test_an_emptied_broker_loses_nothing(
    arenas: Callable[[str], Arena], request: pytest.FixtureRequest, way: str
) -> None:
    arena = arenas(way)
    for name in ("worker", "beat"):
        arena.end(name)
    play = Talk(arena)
    play.act()
    time.sleep(0.3)
    wipe(arena, request)
    arena.service.start()
    started = time.monotonic()
    play.wait()
    print(
        f"\n{way}: a wiped broker with a backlog, all done {time.monotonic() - started:.1f} s after the start: {play.once()}"
    )


@pytest.mark.long
@pytest.mark.parametrize("way", WAYS)
def test_a_broker_wiped_again_and_again_loses_nothing(
    arenas: Callable[[str], Arena], request: pytest.FixtureRequest, way: str
) -> None:
    arena = arenas(way)
    plays = [Talk(arena), Update(arena), Talk(arena)]
    for play in plays:
        wipe(arena, request, folder_too=True)
        play.act()
        wipe(arena, request, folder_too=True)
    for play in plays:
        play.wait()
        play.once()


@pytest.mark.long
@pytest.mark.parametrize("way", WAYS)
def test_wake_ups_too_many_and_out_of_order_change_nothing(arenas: Callable[[str], Arena], way: str) -> None:
    arena = arenas(way)
    chance, app = random.Random(way), make_app(arena.service.service.settings)
    play = Talk(arena)
    with app.connection_for_write() as connection:
        producer = connection.Producer(serializer="json")
        for turn in range(200):
            queue = chance.choice(QUEUES)
            task, words = chance.choice([(RECEIVE, ()), (WORK, (queue,)), (WORK, ("no such queue",))])
            app.send_task(task, args=words, queue=queue, producer=producer)
            if turn == 100:
                play.act()
    play.wait()
    play.once()


@pytest.mark.long
def test_redis_down_costs_no_webhook_and_no_work(arenas: Callable[[str], Arena], redis_server: Redis) -> None:
    arena = arenas("servers")
    redis_server.kill()
    plays = [Ping(arena) for _ in range(5)]
    for play in plays:
        play.act()
    assert not (arena.world.data / "outgoing-hooks").exists() or not list(
        (arena.world.data / "outgoing-hooks").iterdir()
    )
    redis_server.start()
    back = time.monotonic()
    for play in plays:
        play.wait()
        play.once()
    took = time.monotonic() - back
    print(f"\nall done {took:.1f} s after Redis was back")


@pytest.mark.long
@pytest.mark.parametrize("crash", [False, True])
def test_a_restarted_postgresql_loses_nothing(
    own_postgres: PostgreSQL, redis_server: Redis, registry_server: Registry, crash: bool
) -> None:
    with tempfile.TemporaryDirectory(prefix="sigbot-faults-") as folder:
        store, broker = own_postgres.new_database(), redis_server.new_url()
        with open_arena(
            "servers", Path(folder), registry_server, store=store, broker=broker, pool="prefork 2"
        ) as arena:
            plays = [Talk(arena), Update(arena)]
            for play in plays:
                play.act()
                own_postgres.restart(crash=crash)
            back = time.monotonic()
            for play in plays:
                play.wait()
            took = time.monotonic() - back
            print(f"\nall done {took:.1f} s after PostgreSQL was back: {[play.once() for play in plays]}")
