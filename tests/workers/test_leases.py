"""One thread keeps all leases of a process; a worker that is told to end takes nothing new and hands back what is long."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest

from sig_bots import Bot, Context, NoArgs
from sig_bots.errors import FencedOff, Obsolete, Transient
from sig_bots.jobstate import JobState
from sig_workers.drain import Drain
from sig_workers.intake import Intake
from sig_workers.leases import LeaseKeeper
from sig_workers.runner import Runner
from sig_workers.store.rows import JobRow
from sig_workers.tasks import Worker
from tests.workers.conftest import Build
from tests.workers.house import House

SHORT = {"lease": "400ms", "heartbeat": "50ms"}
bot = Bot("slow")


@bot.command("slow")
def slow(ctx: Context, args: NoArgs) -> None:
    """Take a while, in steps."""
    for _ in range(20):
        time.sleep(0.01)
        ctx.alive()
    ctx.reply("done")


def ask(house: House, count: int) -> list[int]:
    """That many commands, each on a pull request of its own; the numbers."""
    numbers = [house.open_pr({"file": f"{one}\n"}, branch=f"change-{one}") for one in range(count)]
    for number in numbers:
        house.comment("/sig slow", on=number)
    house.deliver()
    return numbers


def claimed(house: House, count: int = 1) -> list[JobRow]:
    """Jobs that are planned and claimed for the settings' lease."""
    ask(house, count)
    Intake(house.service).take(32)
    ids = [row.id for row in house.store.jobs(states=(JobState.QUEUED,)) if row.bot == "slow"]
    jobs = house.store.claim_given(ids, "w", house.settings.timing.lease)
    assert len(jobs) == count
    return jobs


def test_many_leases_are_kept_by_one_thread(build: Build) -> None:
    house = build(bot, timing=SHORT)
    jobs = claimed(house, 3)
    keeper, before = LeaseKeeper(house.store, house.settings.timing), threading.active_count()
    with keeper.jobs(jobs):
        time.sleep(1)
        assert house.store.sweep().jobs == 0
        assert threading.active_count() == before + 1
    time.sleep(0.6)
    assert house.store.sweep().jobs == 3


def test_a_lease_learns_that_it_was_lost_or_called_off(build: Build) -> None:
    house = build(bot, timing=SHORT)
    asked, lost = claimed(house, 2)
    keeper = LeaseKeeper(house.store, house.settings.timing)
    with keeper.job(asked) as first, keeper.job(lost) as second:
        house.store.cancel_job(asked.id, "enough")
        house.store.finish(lost.id, lost.attempt, JobState.DONE)
        time.sleep(0.3)
        with pytest.raises(Obsolete, match="enough"):
            first.check()
        with pytest.raises(FencedOff):
            second.check()


def test_a_job_that_runs_too_long_is_not_kept(build: Build) -> None:
    house = build(bot, timing=SHORT | {"longest": {"interactive": "100ms"}})
    keeper = LeaseKeeper(house.store, house.settings.timing)
    with keeper.jobs(claimed(house)):
        time.sleep(0.8)
        assert house.store.sweep().jobs == 1


def test_a_drain_is_seen_at_the_next_occasion_after_a_while(build: Build) -> None:
    house = build(bot)
    drain = Drain()
    keeper = LeaseKeeper(house.store, house.settings.timing, drain, patience=timedelta(milliseconds=50))
    with keeper.job(claimed(house)[0]) as lease:
        drain.begin()
        lease.check()
        time.sleep(0.1)
        with pytest.raises(Transient, match="another one goes on"):
            lease.check()


def test_a_long_job_is_handed_back_and_costs_no_attempt(build: Build) -> None:
    house = build(bot)
    drain = Drain()
    keeper = LeaseKeeper(house.store, house.settings.timing, drain, patience=timedelta(milliseconds=20))
    (job,) = claimed(house)
    drain.begin()
    assert Runner(house.service, keeper).run(job) == "queued"
    (back,) = house.store.jobs(states=(JobState.QUEUED,), bot="slow")
    assert back.max_attempts - back.tries == job.max_attempts - job.tries + 1
    house.run()
    assert job.number is not None
    assert len(house.forge.state.comments("sig/demo", number=job.number)) == 2


def test_a_worker_told_to_end_leaves_the_rest_to_others(build: Build) -> None:
    house = build(bot)
    numbers = ask(house, 12)
    drain = Drain()
    ending = Worker(house.service, drain)
    threading.Timer(0.2, drain.begin).start()
    ending.receive()
    assert house.store.jobs(states=(JobState.QUEUED,))
    assert house.store.jobs(states=(JobState.RUNNING,)) == []
    house.run()
    assert [len(house.forge.state.comments("sig/demo", number=number)) for number in numbers] == [2] * 12
