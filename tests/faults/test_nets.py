"""The same kills with the safety nets switched off: what the tests beside this one see is there to be seen."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sig_bots.jobstate import JobState
from tests.faults.arena import LEASE, Arena
from tests.faults.conftest import WAYS
from tests.faults.journeys import Update

pytestmark = [pytest.mark.server, pytest.mark.timeout(180)]


@pytest.mark.parametrize("way", [WAYS[0], pytest.param(WAYS[1], marks=pytest.mark.long)])
def test_without_sweeper_and_ledger_a_kill_is_not_survived(make_arena: Callable[..., Arena], way: str) -> None:
    arena = make_arena(way, sweeper=False, effects_ledger=False)
    play = Update(arena)
    fault = arena.start_victim("worker", "jobs claimed")
    play.act()
    arena.wait_killed(fault)
    arena.service.start()
    with pytest.raises(AssertionError, match="did not happen"):
        play.wait(3 * LEASE)
    assert [one.state for one in arena.store.jobs(states=(JobState.RUNNING,))]
    for name in list(arena.service.processes):
        arena.end(name)
