"""Updates are merged by what their checks say, with the local forge's own webhooks, and nothing goes round in circles."""

from __future__ import annotations

from sig_bots import NEW_COMMITS, Bot, CheckState, Context, PullRequestChanged
from sig_bots.fakes.registry import FakeRegistry
from sig_bots.forge import Check
from sig_bots.plugins.update import bot as update
from sig_bots.refs import PullRequest
from tests.workers.conftest import Build
from tests.workers.house import REPO, House

CONFIG = "version: 1\nprobe: {}\nupdate: {automerge: {major: true}}\n"
probe = Bot("probe", summary="Passes everything.")


@probe.on(PullRequestChanged, when=lambda event: event.action in NEW_COMMITS)
def passes(ctx: Context, event: PullRequestChanged) -> None:
    """Say that it passed."""
    ctx.check(CheckState.SUCCESS, "fine")


def house_of(build: Build, *bots: Bot, config: str = CONFIG) -> House:
    """A house whose repository uses an image of which there is something newer."""
    house = build(*bots, timing={"config_age": "0s"})
    registry = FakeRegistry()
    house.service.registry = registry
    for tag in ("1", "2"):
        registry.publish(f"a.example/x:{tag}", {"tag": tag.encode()})
    house.push({".sigbot.yaml": config, "Containerfile": "FROM a.example/x:1\n"})
    house.run()
    return house


def newest(house: House) -> PullRequest:
    return house.forge.state.pulls(REPO, state="all")[-1]


def text(house: House) -> bytes | None:
    history = house.forge.history(REPO)
    return history.read("Containerfile", history.resolve("main"))


def test_our_own_check_is_the_last_one_that_an_update_waits_for(build: Build) -> None:
    house = house_of(build, probe, update)
    assert newest(house).state == "merged"
    assert text(house) == b"FROM a.example/x:2\n"
    assert [job.handler for job in house.jobs("update")] == ["after_push", "after_result", "after_push"]


def test_a_check_of_a_ci_system_merges_the_commit_it_is_about(build: Build) -> None:
    house = house_of(build, update, config=CONFIG.replace("probe: {}\n", ""))
    one = newest(house)
    house.forge.set_check(REPO, Check(name="ci", sha=one.head_sha, state=CheckState.FAILURE), "alice")
    house.run()
    assert newest(house).state == "open"
    house.forge.set_check(REPO, Check(name="ci", sha=one.head_sha, state=CheckState.SUCCESS), "alice")
    house.run()
    assert (newest(house).state, newest(house).head_sha) == ("merged", one.head_sha)


def test_a_check_is_told_once_when_it_has_ended(build: Build) -> None:
    house = house_of(build, update, config=CONFIG.replace("probe: {}\n", ""))
    sha, before = newest(house).head_sha, len(house.deliveries())
    for state in (CheckState.RUNNING, CheckState.FAILURE, CheckState.FAILURE):
        house.forge.set_check(REPO, Check(name="ci", sha=sha, state=state), "alice")
        house.run()
    assert [one.reason for one in house.deliveries()[before:]] == ["no enabled bot needs this test result"]
