"""A storm: processes are killed all the time while commands pour in. Every command is answered, none twice."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from sig_bots.forge import read_marker
from sig_bots.sources import local
from sig_workers.localforge.hooks import TARGET_FILE
from sig_workers.store import schema, schema_local
from tests.contract.forges.local import SECRET
from tests.faults.arena import Arena
from tests.faults.conftest import WAYS
from tests.faults.test_broker_and_store_loss import wipe

pytestmark = [pytest.mark.server, pytest.mark.long]

ISSUES = 60
"""Commands are spread over so many issues of a few repositories, as they are in life."""
TARGETS = ("worker", "other", "worker", "other", "web", "beat", "broker")
SENDERS = 8


class Storm:
    """Commands as a forge would send them: signed, each with an id, again and again until the receiver has it."""

    def __init__(self, arena: Arena) -> None:
        self.arena = arena
        self.repositories = [arena.repository({".sigbot.yaml": "version: 1\n", "README.md": "#\n"}) for _ in range(6)]
        self.issues = [
            (one, one.open_issue("alice", "A question")) for one in self.repositories for _ in range(ISSUES // 6)
        ]
        self.refused = 0
        self.waiting: SimpleQueue[int | None] = SimpleQueue()

    def send(self) -> None:
        """One sender, until it takes a None."""
        with httpx.Client(trust_env=False, timeout=10) as client:
            while (number := self.waiting.get()) is not None:
                body, headers = self._hook(number)
                while True:
                    try:
                        answer = client.post(self.arena.service.hook("local"), content=body, headers=headers)
                    except httpx.HTTPError:
                        answer = None
                    if answer is not None and answer.status_code in (200, 202):
                        break
                    self.refused += 1
                    time.sleep(0.2)

    def _hook(self, number: int) -> tuple[bytes, dict[str, str]]:
        repository, issue = self.issues[number % len(self.issues)]
        row = repository.forge.state.row(repository.path)
        content: dict[str, Any] = {
            "repo": {"path": repository.path, "id": str(row.id), "private": False, "default_branch": "main"},
            "actor": {"login": "alice", "id": "local:alice"}, "action": "created", "number": issue,
            "comment": {"id": f"{1_000_000 + number}", "text": "/sig ping", "place": "issue"},
        }  # fmt: skip
        body = json.dumps(content).encode()
        return body, local.sign(body, SECRET.encode(), "comment", f"storm-{number}")

    def answers(self) -> Counter[tuple[str, int, str]]:
        """Our comments by repository, issue and the command they answer."""
        table = schema_local.local_comments
        rows = self.arena.store.read(
            lambda connection: connection.execute(
                select(table.c.repo_id, table.c.number, table.c.body).where(table.c.author == "bot")
            ).all()
        )
        return Counter((str(row.repo_id), row.number, (read_marker(row.body) or {})["topic"]) for row in rows)

    def left(self) -> int:
        """Deliveries and jobs that are not dealt with."""
        d, j = schema.deliveries, schema.jobs
        open_deliveries = select(func.count()).where(d.c.state.in_(("received", "processing", "failed")))
        open_jobs = select(func.count()).where(j.c.state.in_(("queued", "running")))
        return sum(
            self.arena.store.read(lambda c: [c.execute(one).scalar_one() for one in (open_deliveries, open_jobs)])
        )


def blow(storm: Storm, chance: random.Random, request: pytest.FixtureRequest) -> str:
    """Kill something, and start again what is missing."""
    arena = storm.arena
    target = chance.choice(TARGETS)
    if target == "broker":
        wipe(arena, request, folder_too=True)
    else:
        arena.end(target)
    if "other" not in arena.service.processes:
        arena.start_other("other")
    arena.service.start()
    return target


@pytest.mark.parametrize(
    ("count", "kills"),
    [
        pytest.param(3_000, 150, marks=pytest.mark.timeout(1800)),
        pytest.param(40_000, 150, marks=pytest.mark.timeout(7200)),
    ],
)
@pytest.mark.parametrize("way", WAYS)
def test_every_command_of_a_storm_is_answered_once(
    make_arena: Callable[..., Arena], request: pytest.FixtureRequest, way: str, count: int, kills: int
) -> None:
    arena = make_arena(way)
    storm, chance = Storm(arena), random.Random(f"{way} {count}")
    arena.wait_idle()
    (arena.world.data / TARGET_FILE).unlink()  # our own comments tell nobody: that is another test's matter
    arena.start_other("other")
    killed: Counter[str] = Counter()
    began = time.monotonic()
    with ThreadPoolExecutor(SENDERS) as pool:
        sending = [pool.submit(storm.send) for _ in range(SENDERS)]
        for turn in range(kills):  # commands come in step with the kills, so that all of them hit work
            for number in range(turn * count // kills, (turn + 1) * count // kills):
                storm.waiting.put(number)
            time.sleep(chance.uniform(0.2, 2.0))
            killed[blow(storm, chance, request)] += 1
        for _ in sending:
            storm.waiting.put(None)
        for one in sending:
            one.result()
    calm = time.monotonic()
    arena.service.wait(lambda: storm.left() == 0, 600 + count / 20, "the end of all work")
    answers = storm.answers()
    took, after = time.monotonic() - began, time.monotonic() - calm
    print(
        f"\n{way}: {count} commands, {killed.total()} kills {dict(killed)}, {storm.refused} refusals at the door, {took:.0f} s, "
        f"{after:.0f} s of it after the last kill: {len(answers)} answered, {answers.total() - len(answers)} doubled"
    )
    assert arena.badly_ended() == []
    assert (len(answers), answers.total()) == (count, count)
    arena.end("other")
    arena.service.stop()
