"""The same delivery many times at once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from sig_bots.sources import local
from tests.contract.forges.local import NOBODY, SECRET
from tests.faults.arena import Arena
from tests.faults.conftest import WAYS
from tests.faults.journeys import Talk

pytestmark = [pytest.mark.server, pytest.mark.timeout(180)]


@pytest.mark.parametrize("way", [WAYS[0], pytest.param(WAYS[1], marks=pytest.mark.long)])
def test_a_delivery_sent_a_hundred_times_at_once_counts_once(arenas: Callable[[str], Arena], way: str) -> None:
    arena = arenas(way)
    play = Talk(arena)
    play.act()
    play.wait()
    number = arena.store.recent_deliveries(1, public_only=False)[0].id
    jobs = len(arena.store.jobs(limit=500))

    arena.world.set_hook(NOBODY)
    second = play.repo.push("alice", "second", {"README.md": "second\n"})
    play.repo.open_pr("alice", "second")
    kept = sorted((arena.world.data / "outgoing-hooks").glob("*.json"))
    hook = json.loads(kept[-1].read_text())
    for file in kept:
        file.unlink()
    arena.world.set_hook(arena.service.hook("local"))

    body = json.dumps(hook["body"]).encode()
    headers = local.sign(body, SECRET.encode(), hook["event"], hook["delivery"])
    with httpx.Client(trust_env=False, timeout=30) as client, ThreadPoolExecutor(32) as pool:
        sent = [
            pool.submit(client.post, arena.service.hook("local"), content=body, headers=headers) for _ in range(100)
        ]
        answers = Counter(one.result().status_code for one in sent)
    assert answers == {202: 1, 200: 99}
    arena.wait_idle()
    new = [
        one
        for one in arena.store.recent_deliveries(50, public_only=False)
        if one.id > number and one.delivery_id == hook["delivery"]
    ]
    assert len(new) == 1
    planned = Counter((one.bot, one.handler) for one in arena.store.jobs(limit=500)[: -jobs or None])
    assert planned[("lint", "on_change")] == 1
    assert set(planned.values()) == {1}
    assert [one.name for one in play.repo.checks(second)] == ["sigbot/lint"]
