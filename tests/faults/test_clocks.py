"""Several clocks may run: one acts, and another takes over when it dies."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable

import pytest
from sqlalchemy import select

from sig_workers.store import schema as t
from tests.faults.arena import Arena
from tests.faults.journeys import Update

pytestmark = [pytest.mark.server, pytest.mark.timeout(180)]


def holder(arena: Arena) -> int:
    """The process id of the clock that acts."""
    owner = arena.store.read(lambda connection: connection.execute(select(t.locks.c.owner)).scalar())
    return int(str(owner).rpartition(":")[2]) if owner else 0


def ticks(arena: Arena) -> list[str]:
    c = t.deliveries.c
    ours = select(c.delivery_id).where(c.instance == "", c.delivery_id.like("tick-%"))
    return list(arena.store.read(lambda connection: connection.execute(ours).scalars()))


@pytest.mark.long
@pytest.mark.parametrize("way", ["embedded", "servers"])
def test_of_two_clocks_one_acts_and_the_other_takes_over(make_arena: Callable[..., Arena], way: str) -> None:
    arena = make_arena(way, timing={"periods": {"update.sweep": "1s", "rebuild.sweep": "1h"}, "hook_sync": "1s"})
    arena.start_other("beat2")
    clocks = {arena.service.processes[name].pid for name in ("beat", "beat2")}
    play = Update(arena)
    play.act()
    play.arena.service.wait(lambda: len(ticks(arena)) > 2, 30, "three ticks")
    first = holder(arena)
    assert first in clocks
    before = len(ticks(arena))
    os.kill(first, signal.SIGKILL)
    arena.service.wait(lambda: len(ticks(arena)) > before + 2, 30, "ticks of the other clock")
    assert holder(arena) in clocks - {first}
    assert set(Counter(ticks(arena)).values()) == {1}
    assert play.once()
    arena.service.stop()
