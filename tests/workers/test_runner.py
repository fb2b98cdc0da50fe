"""What a bot does wrong ends its own job only, and everybody hears of it where they look."""

from __future__ import annotations

import threading
import time

import pytest

from sig_bots import Bot, BotConfig, CheckState, Context, ImagePushed, NoArgs, PullRequestChanged, Skip, Transient
from sig_bots.errors import NotFound
from sig_bots.plugins.ping import bot as ping
from sig_bots.refs import ImageRef
from sig_workers.observe import HIDDEN
from tests.servers.process import free_port
from tests.workers.conftest import Build
from tests.workers.house import SECRET, House

probe = Bot("probe", summary="Does what a test wants.")


@probe.config
class ProbeConfig(BotConfig):
    """What the probe does."""

    word: str = "nothing"


@probe.on(PullRequestChanged, when=lambda event: event.action == "opened" and event.pull_request.title == "A change")
def on_change(ctx: Context, event: PullRequestChanged) -> None:
    """Show the word of the configuration."""
    word = ctx.config_as(ProbeConfig).word
    if word == "crash":
        raise RuntimeError(f"hidden details {SECRET}")
    if word == "missing":
        raise NotFound("Containerfile: base image registry.example/base:1 does not exist in its registry")
    ctx.check(CheckState.SUCCESS, word)


@probe.command("crash")
def crash(ctx: Context, args: NoArgs) -> None:
    """Fail in a way nobody foresaw."""
    raise RuntimeError(f"hidden details {SECRET}")


@probe.command("leave")
def leave(ctx: Context, args: NoArgs) -> None:
    """Try to end the process."""
    raise SystemExit(1)


@probe.command("leak")
def leak(ctx: Context, args: NoArgs) -> None:
    """Put a secret everywhere."""
    ctx.log(f"logged {SECRET}")
    ctx.reply(f"replied {SECRET}")
    ctx.check(CheckState.NEUTRAL, f"checked {SECRET}", text=SECRET)
    raise Transient(f"reason {SECRET}")


@probe.command("ask")
def ask(ctx: Context, args: NoArgs) -> None:
    """Ask the registry."""
    image = ImageRef.parse(REGISTRY[0])
    ctx.reply(f"digest {ctx.services.registry.digest(image)}")


@probe.command("publish")
def publish(ctx: Context, args: NoArgs) -> None:
    """Tell of an image."""
    ctx.emit(ImagePushed(source="sigbot", image=ImageRef.parse("registry.example/sig/app:1"), tags=("1",)))


@probe.command("hang")
def hang(ctx: Context, args: NoArgs) -> None:
    """Wait until the test lets go, then write."""
    HANGING.wait(20)
    ctx.reply("late words")


@probe.command("work", queue="builds")
def work(ctx: Context, args: NoArgs) -> None:
    """Work until called off."""
    ctx.check(CheckState.RUNNING, "working")
    STARTED.set()
    for _ in range(1000):
        ctx.pause()
        ctx.alive()
        time.sleep(0.01)
    raise Skip("nobody called it off")


REGISTRY = [""]
HANGING = threading.Event()
STARTED = threading.Event()


@pytest.fixture(autouse=True)
def fresh() -> None:
    HANGING.clear()
    STARTED.clear()


def config(word: str) -> str:
    return f"version: 1\nprobe: {{word: {word}}}\n"


def ask_for(house: House, command: str) -> int:
    """A pull request on which alice has written the command, and all that follows from it."""
    number = house.open_pr({"a": "1"})
    house.comment(f"/sig {command}", on=number)
    house.run()
    return number


# ---------------------------------------------------------------- bots that fail


def test_a_bot_that_raises_is_tried_three_times_then_dead_and_told_in_the_answer(build: Build) -> None:
    house = build(probe, ping)
    number = ask_for(house, "crash\n/sig ping")
    dead = next(job for job in house.jobs("probe") if job.handler == "command:crash")
    assert (dead.state, dead.tries, dead.reason) == ("dead", 3, "RuntimeError in bot probe")
    (told,) = [text for text in house.said(number) if "probe failed" in text]
    assert "an unexpected error; the operators see the details" in told
    assert f"http://sigbot.example/jobs/{dead.id}" in told
    assert "pong" in house.said(number)


def test_the_traceback_of_a_bot_reaches_the_operator_and_nobody_else(
    build: Build, caplog: pytest.LogCaptureFixture
) -> None:
    house = build(probe)
    number = ask_for(house, "crash")
    assert "RuntimeError: hidden details" in caplog.text
    dead = next(job for job in house.jobs("probe") if job.state == "dead")
    assert "hidden details" not in "".join([*house.said(number), house.log(dead.id), dead.reason])


def test_a_bot_that_fails_on_a_pull_request_is_told_in_its_check(build: Build) -> None:
    house = build(probe)
    house.commit({".sigbot.yaml": config("crash")})
    number = house.open_pr({"a": "1"})
    house.run()
    check = house.checks(house.head(number))["sigbot/probe"]
    assert (check.state, "unexpected error" in check.summary) == (CheckState.ERROR, True)


def test_what_does_not_exist_is_told_in_the_check_at_once(build: Build) -> None:
    house = build(probe)
    house.commit({".sigbot.yaml": config("missing")})
    number = house.open_pr({"a": "1"})
    house.run()
    check = house.checks(house.head(number))["sigbot/probe"]
    assert check.state == CheckState.ERROR
    assert "base image registry.example/base:1 does not exist in its registry" in check.summary
    assert [job.tries for job in house.jobs("probe")] == [1]


def test_a_bot_that_exits_does_not_take_the_worker_with_it(build: Build) -> None:
    house = build(probe, ping)
    number = ask_for(house, "leave\n/sig ping")
    assert "pong" in house.said(number)
    assert next(job for job in house.jobs("probe") if job.handler == "command:leave").state == "dead"


def test_no_secret_leaves_through_a_bot(build: Build, caplog: pytest.LogCaptureFixture) -> None:
    house = build(probe)
    number = ask_for(house, "leak")
    job = next(job for job in house.jobs("probe") if job.handler == "command:leak")
    check = house.checks(house.head(number))["sigbot/probe"]
    seen = [job.reason, house.log(job.id), check.summary, *house.said(number)]
    assert SECRET not in "".join(seen)
    assert all(HIDDEN in text for text in seen)
    assert (job.state, len(house.said(number))) == ("dead", 1)


def test_a_bot_that_hangs_loses_its_job_and_may_write_nothing_when_it_wakes(build: Build) -> None:
    house = build(probe, timing={"lease": "200ms", "longest": {"interactive": "100ms"}})
    number = house.open_pr({"a": "1"})
    house.comment("/sig hang", on=number)
    house.deliver()
    threads = [threading.Thread(target=house.worker.receive)]
    threads[0].start()
    end = time.monotonic() + 20
    while (job := next((one for one in house.jobs("probe") if one.handler == "command:hang"), None)) is None or job.state != "dead":  # fmt: skip
        assert time.monotonic() < end, job
        house.beat.turn()
        if job is not None and job.state == "queued" and job.tries:
            threads.append(threading.Thread(target=house.worker.work, args=("interactive",)))
            threads[-1].start()
        time.sleep(0.1)
    HANGING.set()
    for thread in threads:
        thread.join()
    assert (job.tries, job.reason) == (3, "the worker died 3 times while running this job")
    assert [("died 3 times" in text) for text in house.said(number)] == [True]


# ---------------------------------------------------------------- waiting, calling off, trying again


def test_a_job_waits_longer_each_time_for_a_registry_that_is_down(build: Build) -> None:
    REGISTRY[0] = f"127.0.0.1:{free_port()}/sig/base:1"
    house = build(probe, registry=[{"host": REGISTRY[0].partition("/")[0], "insecure": True}], timing={"retry": "10m"})
    ask_for(house, "ask")
    (job,) = [one for one in house.jobs("probe") if one.handler == "command:ask"]
    assert (job.state, job.tries) == ("queued", 1)
    assert job.not_before is not None
    assert job.started_at is not None
    assert 590 < (job.not_before - job.started_at).total_seconds() < 620
    assert REGISTRY[0].partition("/")[0] in job.reason
    assert [house.settings.timing.back_off(tries).total_seconds() for tries in (1, 2, 3, 99)] == [600, 1200, 2400, 3600]


def test_a_running_job_that_is_called_off_leaves_no_running_check(build: Build) -> None:
    house = build(probe)
    number = house.open_pr({"a": "1"})
    house.comment("/sig work", on=number)
    house.deliver()
    house.worker.receive()
    builder = threading.Thread(target=house.worker.work, args=("builds",))
    builder.start()
    assert STARTED.wait(10)
    house.comment("/sig cancel", on=number)
    house.run()
    builder.join()
    (job,) = [one for one in house.jobs("probe") if one.handler == "command:work"]
    assert (job.state, job.reason) == ("cancelled", "cancelled by alice")
    check = house.checks(house.head(number))["sigbot/probe"]
    assert (check.state, check.summary) == (CheckState.CANCELLED, "cancelled by alice")


def test_a_job_that_a_person_retries_starts_afresh(build: Build) -> None:
    house = build(probe)
    number = ask_for(house, "leak")
    (job,) = [one for one in house.jobs("probe") if one.handler == "command:leak"]
    before = len(house.store.effects_of(job.id))
    assert house.store.retry(job.id)
    house.run()
    assert len(house.store.effects_of(job.id)) == 2 * before
    assert len(house.said(number)) == 1


def test_what_a_job_emits_is_planned_like_any_other_event(build: Build) -> None:
    house = build(probe)
    ask_for(house, "publish")
    (told,) = [one for one in house.deliveries() if one.source == "sigbot"]
    (job,) = [one for one in house.jobs("probe") if one.handler == "command:publish"]
    assert (told.parent_job_id, told.state, told.reason) == (job.id, "ignored", "no enabled repository")


# ---------------------------------------------------------------- configuration


def test_a_pull_requests_own_settings_hold_for_its_own_checks(build: Build) -> None:
    house = build(probe)
    house.commit({".sigbot.yaml": config("base")})
    number = house.open_pr({".sigbot.yaml": config("head")})
    house.run()
    assert house.checks(house.head(number))["sigbot/probe"].summary == "head"


def test_a_pull_request_may_not_enable_a_bot(build: Build) -> None:
    house = build(probe)
    house.commit({".sigbot.yaml": "version: 1\n"})
    number = house.open_pr({".sigbot.yaml": config("head")})
    house.run()
    assert "sigbot/probe" not in house.checks(house.head(number))
    assert house.checks(house.head(number))["sigbot/config"].state == CheckState.SUCCESS


def test_a_broken_file_in_a_pull_request_is_told_there_and_changes_nothing(build: Build) -> None:
    house = build(probe)
    house.commit({".sigbot.yaml": config("base")})
    number = house.open_pr({".sigbot.yaml": "probe: [\n"})
    house.run()
    checks = house.checks(house.head(number))
    assert checks["sigbot/probe"].summary == "base"
    assert checks["sigbot/config"].state == CheckState.FAILURE


def test_a_handler_that_is_gone_ends_its_job_with_a_sentence(build: Build) -> None:
    house = build(probe)
    number = house.open_pr({"a": "1"})
    house.comment("/sig work", on=number)
    house.deliver()
    house.worker.receive()
    house.service.bots.commands.pop("work")
    house.run()
    (job,) = [one for one in house.jobs("probe") if one.handler == "command:work"]
    assert job.state == "failed"
    assert job.reason == "bot probe has no handler command:work here; it was removed since this was planned"
