"""From a pull request's event to the first check that GitHub shows, on an idle service: the whole service, real processes.

The stand-in for GitHub sends a signed webhook when somebody pushes to a pull request; the time from that push's webhook to
the check run on the new commit, as the stand-in has it, is what the contributor waits. Production: PostgreSQL, Redis.
"""

from __future__ import annotations

import time
from pathlib import Path

from sig_bots.jobstate import JobState
from tests.bench.rows import Result, alone, quantile, row
from tests.bench.serving import servers
from tests.contract.forges.github import GitHubWorld
from tests.servers.service import RunningService
from tests.standins.github.server import GitHubStandIn

EACH, PATIENCE = 20, 30.0
FILE = "FROM registry.example/base:1\nRUN echo {number}\nUSER 1001\n"


def push(world: GitHubWorld, number: int, seen: int) -> float:
    """Milliseconds from the webhook that tells of a push to the first check run on its commit."""
    sha = world.push("alice", "change", {"Containerfile": FILE.format(number=number)}, start="change")
    sent = _sent(world, seen)
    until = time.monotonic() + PATIENCE
    while not world.checks(sha):
        assert time.monotonic() < until, f"no check on {sha} within {PATIENCE:g} s"
        time.sleep(0.001)
    return (time.monotonic() - sent) * 1000


def _sent(world: GitHubWorld, seen: int) -> float:
    """The moment the stand-in has queued the pull request's webhook."""
    until = time.monotonic() + PATIENCE
    while not any(one.event == "pull_request" for one in world.server.deliveries[seen:]):
        assert time.monotonic() < until
        time.sleep(0.0005)
    return time.monotonic()


def run(rounds: int = 5, quick: bool = False) -> Result:
    """See the module's text."""
    each = 5 if quick else EACH
    raw: list[list[float]] = []
    with servers() as around, GitHubStandIn(around.folder / "github") as server:
        world = GitHubWorld(server)
        data = Path(around.folder, "data")
        data.mkdir()
        service = RunningService(
            data, instances=[world.hook_instance()], store=around.postgres.new_database(), broker=around.redis.new_url(),
            workers={"worker": ["--queues", "interactive,bulk"]}, builder="none",
        )  # fmt: skip
        try:
            service.start()
            world.set_hook(service.hook("github"))
            world.push("alice", "change", {"Containerfile": FILE.format(number=0)})
            world.open_pr("alice", "change")
            for number in range(1, 7):  # each child of the worker has loaded what it needs
                push(world, -number, len(server.deliveries))
            for current in range(rounds):
                raw.append([])
                for number in range(each):
                    _idle(service)
                    raw[-1].append(push(world, 1 + current * each + number, len(server.deliveries)))
            _idle(service)
            ended = [job.state for job in service.service.store.jobs(limit=1000) if job.bot == "lint"]
            assert len(ended) >= rounds * each
            assert set(ended) <= {"done", "superseded"}
        finally:
            service.stop()
    every = [value for values in raw for value in values]
    counts = {"pushes": len(every), "lint jobs ended": len(ended)}
    halves, tails = [quantile(values, 0.5) for values in raw], [quantile(every, 0.99)]
    return {
        "rows": [
            row("event to first check on the GitHub stand-in, idle: p50", halves, beside="-", floor=300, unit="ms", counts=counts),
            row("the same: p99", tails, beside="-", floor=1000, unit="ms", counts=counts),
        ],
        "raw": raw,
    }  # fmt: skip


def _idle(service: RunningService) -> None:
    """Wait until nothing is queued or running, and a moment longer."""
    store = service.service.store
    service.wait(
        lambda: not store.jobs(states=(JobState.QUEUED, JobState.RUNNING), limit=1) or None, 30, "the end of all jobs"
    )
    time.sleep(0.05)


if __name__ == "__main__":
    alone(run, __doc__)
