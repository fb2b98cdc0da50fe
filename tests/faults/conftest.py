"""The two ways to run the service on which every fault is tried."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.faults.arena import Arena, open_arena
from tests.servers.registry import Registry

WAYS = ("embedded", "servers")
"""SQLite and the file transport with a pool of threads; PostgreSQL and Redis with a pool of processes."""


@pytest.fixture(scope="package")
def make_arena(request: pytest.FixtureRequest, registry_server: Registry) -> Iterator[Callable[..., Arena]]:
    """Open arenas: `make_arena("embedded", sweeper=False)`."""
    with ExitStack() as stack:

        def make(way: str, **settings: Any) -> Arena:
            data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sigbot-faults-")))
            if way == "servers":
                settings.setdefault("store", request.getfixturevalue("postgres").new_database())
                settings.setdefault("broker", request.getfixturevalue("redis_server").new_url())
                settings.setdefault("pool", "prefork 2")
            return stack.enter_context(open_arena(way, data, registry_server, **settings))

        yield make


@pytest.fixture(scope="package")
def arenas(make_arena: Callable[..., Arena]) -> Callable[[str], Arena]:
    """The arena of a way, started when it is first asked for; it ends with these tests, so as not to burden all others."""
    opened: dict[str, Arena] = {}

    def arena(way: str) -> Arena:
        if way not in opened:
            opened[way] = make_arena(way)
        return opened[way]

    return arena
