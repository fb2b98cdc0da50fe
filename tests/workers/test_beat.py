"""The clock: nothing that a worker left behind stays lying, and schedules tick once however many clocks there are."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from sig_bots import Bot, Context, NoArgs, Tick
from sig_bots.plugins.ping import bot as ping
from sig_workers.beat import Beat
from sig_workers.settings import Instance
from tests.workers.conftest import Build
from tests.workers.house import REPO, House

clock = Bot("clock", summary="Counts its ticks.")


@clock.every("1h")
def chime(ctx: Context, event: Tick) -> None:
    """Note the time."""
    ctx.summary = f"chimed at {event.scheduled.isoformat()}"


slow = Bot("slow", summary="Takes its time.")


@slow.command("build", queue="builds")
def build_it(ctx: Context, args: NoArgs) -> None:
    """Build."""
    ctx.reply("built")


def wait_for(house: House, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not house.store.due_schedules():
        assert time.monotonic() < end, "no schedule became due"
        time.sleep(0.01)


def test_what_a_dead_worker_held_is_given_back_and_finished(build: Build) -> None:
    house = build(ping)
    number = house.open_pr({"a": "1"})
    house.comment("/sig ping", on=number)
    house.deliver()
    house.store.claim_deliveries("dead worker", 10, timedelta(milliseconds=20))
    time.sleep(0.05)
    house.beat.turn()
    house.run()
    assert house.said(number) == ["pong"]
    assert {one.state for one in house.deliveries()} == {"done", "ignored"}


def test_a_job_that_died_with_three_workers_is_told_where_the_person_waits(build: Build) -> None:
    house = build(slow)
    number = house.open_pr({"a": "1"})
    house.comment("/sig build", on=number)
    house.deliver()
    house.worker.receive()
    for _ in range(3):
        assert house.store.claim_jobs("builds", "a worker that dies", timedelta(milliseconds=20))
        time.sleep(0.05)
        house.beat.turn()
    (job,) = house.jobs("slow")
    assert job.state == "dead"
    assert house.said(number) == [
        f"slow failed: the worker died 3 times while running this job. [Log](http://sigbot.example/jobs/{job.id})"
    ]


def all_at_once(*acts: Callable[[], None]) -> None:
    threads = [threading.Thread(target=act) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def ticks(house: House) -> int:
    """How many ticks there were; each made one job, and no two are for the same time."""
    house.run()
    delivered = [one for one in house.deliveries() if one.delivery_id.startswith("tick-")]
    assert len({job.reason for job in house.jobs("clock")}) == len(house.jobs("clock")) == len(delivered)
    return len(delivered)


def test_schedules_tick_once_a_period_with_two_clocks(build: Build) -> None:
    house = build(clock, timing={"periods": {"clock.chime": "200ms"}, "hook_sync": "1h"})
    beats = [house.beat, Beat(house.service)]
    house.beat.sync()

    def later() -> None:
        time.sleep(1.2)
        for beat in beats:
            beat.stop()

    began = time.monotonic()
    all_at_once(*(beat.run for beat in beats), later)
    assert 2 <= ticks(house) <= (time.monotonic() - began) / 0.2 + 1


def test_two_clocks_that_both_believe_to_be_the_one_tick_once_too(build: Build) -> None:
    house = build(clock, timing={"periods": {"clock.chime": "50ms"}, "hook_sync": "1h"})
    house.beat.sync()

    def race() -> None:
        beat = Beat(house.service)
        for _ in range(20):
            beat.turn()

    all_at_once(race, race, race)
    assert ticks(house) >= 1


def test_only_enabled_repositories_have_schedules(build: Build) -> None:
    house = build(clock, repositories=["sig/*"], timing={"periods": {"clock.chime": "1ms"}})
    house.create("other/place")
    house.create("sig/quiet", config="version: 1\n")
    house.beat.sync()
    wait_for(house, 5)
    time.sleep(0.05)
    assert [one.repo.path for one in house.store.due_schedules()] == [REPO]


def test_a_bot_that_is_switched_off_ticks_no_more(build: Build) -> None:
    house = build(clock, timing={"periods": {"clock.chime": "1ms"}})
    house.beat.sync()
    wait_for(house, 5)
    house.push({".sigbot.yaml": "version: 1\n"})
    house.run()
    house.beat.sync()
    assert house.store.due_schedules() == []


def test_a_forge_that_never_answers_does_not_keep_the_sweeper_waiting(build: Build) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        mute = Instance(name="mute", kind="pagure", url=url, token="123456", repositories=("a/b",), allow_http=True)
        house = build(ping, instances=[mute])
        began = time.monotonic()
        for _ in range(3):
            house.beat.turn()
        assert time.monotonic() - began < 5


def test_one_forge_that_is_down_does_not_hide_the_others(build: Build) -> None:
    down = Instance(name="down", kind="pagure", url="http://127.0.0.1:9", token="123456", repositories=("a/b",), allow_http=True)  # fmt: skip
    house = build(clock, instances=[down])
    house.beat.sync()
    assert house.store.find_repository("local", REPO) is not None
