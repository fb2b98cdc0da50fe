"""What arrives becomes jobs, or stays visible with the reason why not."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from sig_bots import Bot, CheckState, Context, ImagePushed, NoArgs, PullRequestChanged, Push
from sig_bots.config import blob_sha
from sig_bots.events import dump_event
from sig_bots.plugins.lint import bot as lint
from sig_bots.plugins.ping import bot as ping
from sig_bots.refs import ImageRef, Repo
from sig_bots.tools import FleetImage, ParentEdge
from sig_workers.settings import Instance
from sig_workers.store.inventory import SqlInventory
from tests.servers.process import free_port
from tests.workers.conftest import Build
from tests.workers.house import REPO, House

builds = Bot("builds", summary="Builds each head.")


@builds.on(PullRequestChanged, queue="builds", when=lambda event: event.action in ("opened", "updated"))
def build_head(ctx: Context, event: PullRequestChanged) -> None:
    """Say which head was built."""
    ctx.check(CheckState.SUCCESS, "built")


@builds.command("again")
def build_again(ctx: Context, args: NoArgs) -> None:
    """Build the head again."""
    ctx.reply("built again")


bases = Bot("bases", summary="Hears of images.")


@bases.on(ImagePushed, queue="bulk")
def hear(ctx: Context, event: ImagePushed) -> None:
    """Say which image was pushed."""
    ctx.summary = str(event.image.with_tag(event.image.tag))


def uses(house: House, *names: str) -> None:
    """The repository declares one image that is made from these."""
    row = house.store.find_repository("local", REPO)
    assert row is not None
    parents = tuple(ParentEdge(image=ImageRef.parse(name)) for name in names)
    image = FleetImage(repo=row.ref(), image=ImageRef.parse("registry.example/sig/app:1"), containerfile="Containerfile", parents=parents)  # fmt: skip
    SqlInventory(house.store).declare(row.ref(), [image])


def notify(house: House, *pushes: tuple[str, str]) -> None:
    """The registry's notification of these pushes (path, tag), all in one delivery."""
    events = [
        {
            "id": f"event-{tag}", "action": "push", "request": {"host": "registry.example"},
            "target": {"repository": path, "tag": tag, "digest": "sha256:" + str(number) * 64},
        }
        for number, (path, tag) in enumerate(pushes)
    ]  # fmt: skip
    body = json.dumps({"events": events}).encode()
    house.store.accept(instance="hub", source="registry", delivery_id="notification", headers={}, body=body)


def test_a_repository_nobody_enabled_is_ignored_with_the_remedy(build: Build) -> None:
    house = build(ping, repositories=["sig/*"])
    house.create("other/place")
    number = house.open_pr({"a": "1"}, path="other/place")
    house.comment("/sig ping", on=number, path="other/place")
    house.run()
    assert {one.reason for one in house.deliveries()} == {"repository not enabled, add it to sigbot.toml"}
    assert house.said(number, "other/place") == []


def test_a_delivery_waits_for_a_forge_that_is_down_and_stays_visible_when_it_dies(build: Build) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    down = Instance(name="down", kind="pagure", url=address, token="123456", repositories=("*",), allow_http=True)
    house = build(ping, instances=[down])
    push = Push(source="pagure", repo=Repo(path="rpms/demo", instance="down"), ref="refs/heads/main", before="0" * 40, after="1" * 40, actor={"login": "alice"}, delivery="x", received=datetime.now(UTC))  # fmt: skip
    house.store.accept(instance="", source="sigbot", delivery_id="x", headers={}, body=dump_event(push).encode())
    house.worker.receive()
    (waiting,) = house.deliveries()
    assert waiting.state in ("failed", "dead")
    house.run()
    (dead,) = house.deliveries()
    assert (dead.state, dead.attempt) == ("dead", 3)
    assert address.removeprefix("http://") in dead.reason
    assert "Traceback" not in dead.reason


def test_each_event_of_a_registrys_delivery_is_planned_on_its_own(build: Build) -> None:
    house = build(bases)
    house.beat.sync()
    uses(house, "registry.example/sig/base:1", "registry.example/sig/tools:1")
    notify(house, ("sig/base", "1"), ("sig/tools", "1"), ("sig/unused", "1"))
    house.run()
    assert sorted(job.reason for job in house.jobs("bases")) == ["registry.example/sig/base:1", "registry.example/sig/tools:1"]  # fmt: skip
    (whole,) = [one for one in house.deliveries() if one.instance == "hub"]
    assert (whole.state, whole.reason) == ("done", "held 3 events, each planned on its own")


def test_a_tag_that_nobody_uses_yet_is_told_to_those_who_use_another_one(build: Build) -> None:
    house = build(bases)
    house.beat.sync()
    uses(house, "registry.example/sig/base:1")
    notify(house, ("sig/base", "2"))
    house.run()
    assert [job.reason for job in house.jobs("bases")] == ["registry.example/sig/base:2"]


def test_what_was_known_of_an_image_ends_with_the_news_of_its_push(build: Build) -> None:
    house = build(bases)
    for name in ("base", "tools"):
        house.store.cache(f"registry.example/sig/{name}", ":1", "digest", {"digest": None}, took=timedelta(seconds=1))
    notify(house, ("sig/base", "1"))
    house.run()
    known = {
        name: house.store.cached(f"registry.example/sig/{name}", ":1", "digest", timedelta(hours=1))
        for name in ("base", "tools")
    }
    assert known["base"] is None
    assert known["tools"] is not None


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ("version: 1\nlimt: {}\n", "line 2: limt: unknown key; did you mean lint?"),
        ("version: 1\nlint: {threshhold: error}\n", "did you mean threshold?"),
        ("lint: [\n", ".sigbot.yaml cannot be used"),
    ],
)
def test_a_push_that_breaks_the_configuration_gets_a_failed_check(build: Build, config: str, told: str) -> None:
    house = build(lint)
    sha = house.push({".sigbot.yaml": config})
    house.run()
    check = house.checks(sha)["sigbot/config"]
    assert check.state == CheckState.FAILURE
    assert told in check.summary


def test_a_command_under_a_broken_configuration_is_answered_with_the_problem(build: Build) -> None:
    house = build(builds)
    number = house.open_pr({"a": "1"})
    house.push({".sigbot.yaml": "version: 2\n"})
    house.comment("/sig again", on=number)
    house.run()
    assert [text for text in house.said(number) if "cannot be used" in text and "version" in text]


def test_ten_quick_pushes_end_in_one_build(build: Build) -> None:
    house = build(builds)
    number = house.open_pr({"a": "0"})
    for count in range(1, 10):
        house.push({"a": str(count)}, branch="change")
    house.run()
    done = [job for job in house.jobs("builds") if job.state == "done"]
    assert [job.head_sha for job in done] == [house.head(number)]
    assert {job.state for job in house.jobs("builds")} == {"done", "superseded"}
    assert house.checks(house.head(number))["sigbot/builds"].summary == "built"


def test_pushes_told_in_the_wrong_order_leave_the_newer_head_alone(build: Build) -> None:
    house = build(builds)
    number = house.open_pr({"a": "1"})
    house.run()
    repo = house.service.host("local").repository(REPO).repo
    older = house.forge.pull(REPO, number)
    house.commit({"a": "2"}, branch="change")
    older = older.model_copy(update={"head_sha": house.commit({"a": "3"}, branch="change")})
    house.push({"a": "4"}, branch="change")
    house.deliver()
    event = PullRequestChanged(source="local", repo=repo, action="updated", pull_request=older, actor=older.author, delivery="late", received=datetime.now(UTC))  # fmt: skip
    house.store.accept(instance="", source="sigbot", delivery_id="late", headers={}, body=dump_event(event).encode())
    house.run()
    assert house.checks(house.head(number))["sigbot/builds"].state == CheckState.SUCCESS
    assert {job.state for job in house.jobs("builds") if job.head_sha == older.head_sha} == {"superseded"}


def test_a_private_repository_gets_its_whole_answer_and_no_link(build: Build) -> None:
    house = build(builds)
    house.create("sig/secret", private=True)
    shown = house.head(house.open_pr({"a": "1"}))
    hidden = house.head(house.open_pr({"a": "1"}, path="sig/secret"), "sig/secret")
    house.run()
    assert house.checks(shown)["sigbot/builds"].url.startswith("http://sigbot.example/jobs/")
    assert house.checks(hidden, "sig/secret")["sigbot/builds"].url == ""
    assert all(one.private is not None for one in house.deliveries())
    assert "sig/secret" not in {one.repo.path for one in house.store.jobs(public_only=True)}


def test_a_job_says_what_it_was_planned_with(build: Build) -> None:
    house = build(lint)
    house.push({"Containerfile": "FROM scratch\n"})
    house.open_pr({"Containerfile": "FROM scratch\nLABEL a=b\n"})
    house.deliver()
    house.worker.receive()
    job = next(one for one in house.store.jobs() if one.bot == "lint")
    delivery = house.store.delivery(job.delivery_id or 0)
    config = f"version: 1\n{house.enabled}".encode()
    assert job.config_sha == blob_sha(config)
    assert job.repo.config_sha == job.config_sha
    assert delivery is not None
    assert (job.trace, bool(job.trace)) == (delivery.trace, True)
