"""A worker is told to end while it has a running job and a backlog: it ends in time, and everything is done once."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest

from sig_bots.jobstate import JobState
from sig_workers.leases import DRAIN
from tests.faults.arena import RECOVERY, Arena, process_state
from tests.faults.conftest import WAYS
from tests.faults.journeys import Image, Ping

pytestmark = [pytest.mark.server, pytest.mark.timeout(180)]

BOUND = DRAIN.total_seconds() + 10
"""Seconds to the end of the worker: what a job may still take, and Celery's own end."""


@pytest.mark.parametrize("way", [WAYS[0], pytest.param(WAYS[1], marks=pytest.mark.long)])
def test_a_worker_told_to_end_leaves_its_backlog_to_the_next(arenas: Callable[[str], Arena], way: str) -> None:
    arena = arenas(way)
    arena.end("worker")
    image, first = Image(arena), Ping(arena)
    image.act()
    first.act()
    more = [Ping(arena, first.repo) for _ in range(15)]
    for one in more:
        one.act()
    arena.service.start()
    worker = arena.service.processes["worker"].pid
    arena.service.wait(lambda: arena.store.jobs(states=(JobState.RUNNING,)), 30, "the first job")
    os.kill(worker, signal.SIGTERM)
    told = time.monotonic()
    arena.service.wait(lambda: process_state(worker) in ("", "Z"), BOUND, "the end of the worker")
    took, left = time.monotonic() - told, len(arena.open_work())
    assert not arena.store.jobs(states=(JobState.RUNNING,))
    arena.service.start()
    arena.service.wait(lambda: all(play.ended() for play in (image, first, *more)), RECOVERY, "the end of the backlog")
    arena.wait_idle()
    for play in (image, first, *more):
        play.once()
    print(f"\n{way}: the worker ended {took:.1f} s after TERM and left {left} things to do; all done once")
