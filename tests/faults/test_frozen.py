"""A worker that was frozen past its lease wakes up in a world where somebody else has done its work: it writes nothing."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest

from tests.faults.arena import LEASE, Arena
from tests.faults.conftest import WAYS
from tests.faults.journeys import Ping

pytestmark = [pytest.mark.server, pytest.mark.timeout(180)]


def thaw(arena: Arena, point: str) -> Ping:
    """Freeze a worker at the point, let another one answer, take the answer back, and let the first one go on."""
    play = Ping(arena)
    fault = arena.start_victim("worker", point, how="stop")
    play.act()
    arena.wait_killed(fault)
    arena.start_other("other")
    play.wait()
    play.once()
    play.take_back()
    os.killpg(arena.service.processes["worker"].pid, signal.SIGCONT)
    time.sleep(2 * LEASE)
    for name in ("other", "worker"):
        arena.end(name)
    arena.service.start()
    return play


POINTS = ("intended comment", "before comment", "done comment", "before finish")
CASES = [
    pytest.param(way, point, marks=[] if (way, point) == ("embedded", "intended comment") else [pytest.mark.long])
    for way in WAYS
    for point in POINTS
]


@pytest.mark.parametrize(("way", "point"), CASES)
def test_a_frozen_worker_writes_nothing_when_it_goes_on(arenas: Callable[[str], Arena], way: str, point: str) -> None:
    arena = arenas(way)
    play = thaw(arena, point)
    arena.wait_idle()
    assert not play.ended()
    assert arena.badly_ended() == []


@pytest.mark.long
def test_without_the_ledger_it_would_have_written(make_arena: Callable[..., Arena]) -> None:
    assert thaw(make_arena("embedded", effects_ledger=False), "jobs claimed").ended()
