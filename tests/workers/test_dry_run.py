"""Dry run: whatever a bot does, the forge stays as it was, and its job says what would have happened."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sig_bots import Bot, CheckState, Context, NoArgs
from sig_bots.errors import Obsolete, Skip
from sig_bots.fakes.builder import FakeBuilder
from sig_bots.fakes.forge import FakeForge, FakeHost
from sig_bots.fakes.registry import FakeRegistry
from sig_bots.forge import Forge
from sig_bots.plugins.lint import bot as lint
from sig_bots.refs import Actor, ImageRef
from sig_bots.tools import BuildSpec
from sig_webhooks.app import create_app
from sig_workers.builders.guarded import GuardedBuilder
from sig_workers.ledger import Ledger
from sig_workers.observe import Redactor
from sig_workers.recorded import RecordedForge
from sig_workers.settings import Instance, RegistryAccess, Settings
from sig_workers.store.rows import JobRow
from sig_workers.store.store import Store
from tests.workers.conftest import Build
from tests.workers.house import REPO
from tests.workers.test_ledger import job, store

__all__ = ["job", "store"]

VERBS = sorted(
    name for name, member in inspect.getmembers(Forge) if not name.startswith("_") and not isinstance(member, property)
)


def fake() -> tuple[FakeHost, FakeForge, str]:
    """A fake with pull request 1, comment 1 and issue 2, and the head of that pull request."""
    host = FakeHost()
    host.create("sig/demo", {"README.md": b"x"})
    forge = host.repository("sig/demo")
    sha = forge.state.commit("fix", {"README.md": b"y"}, message="m", author="alice")
    forge.open("fix", base="main", title="t", author=Actor(login="alice"), head_repo="sig/demo")
    forge.state.commit("own", {"README.md": b"z"}, message="m", author="sigbot")
    forge.add_comment(1, "hello", Actor(login="alice"))
    forge.ensure_issue("dashboard", "Dashboard", "x")
    return host, forge, sha


def arguments(verb: str, sha: str) -> dict[str, Any]:
    """A good value for each parameter of each verb; a verb with a new one must add it here."""
    values: dict[str, Any] = {
        "path": "README.md", "ref": "main", "branch": "fix", "number": 1, "head_prefix": "", "state": "open",
        "actor": Actor(login="alice"), "base": "main", "title": "new", "body": "new", "labels": (), "reviewers": (),
        "reason": "because", "expected_sha": sha, "topic": "report", "since": datetime(2020, 1, 1, tzinfo=UTC),
        "comment_id": "1", "reaction": "eyes", "sha": sha, "name": "sigbot/lint", "summary": "s", "url": "", "text": "",
        "annotations": (),
    }  # fmt: skip
    special: dict[str, dict[str, Any]] = {
        "set_check": {"state": CheckState.FAILURE},
        "read_issue": {"number": 2},
        "close_issue": {"number": 2},
        "ensure_pr": {"branch": "own", "number": None},
    }
    values |= special.get(verb, {})
    return {name: values[name] for name in inspect.signature(getattr(Forge, verb)).parameters if name != "self"}


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def dry(store: Store, job: JobRow, said: list[str]) -> Callable[[Forge], RecordedForge]:
    return lambda forge: RecordedForge(forge, Ledger(store, job, dry_run=said.append), Redactor([]))


@pytest.mark.parametrize("verb", VERBS)
def test_a_read_answers_as_the_forge_and_a_write_is_said_instead(
    verb: str, dry: Callable[[Forge], RecordedForge], said: list[str]
) -> None:
    host, forge, sha = fake()
    before = deepcopy(host)
    answer = getattr(dry(forge), verb)(**arguments(verb, sha))
    assert host == before
    wet = deepcopy(host)
    truth = getattr(wet.repository("sig/demo"), verb)(**arguments(verb, sha))
    if wet == before:
        assert (said, answer) == ([], truth)
    else:
        assert [line.startswith("dry run: would ") for line in said] == [True]


def test_the_gate_has_every_verb_and_no_other_way_in(dry: Callable[[Forge], RecordedForge]) -> None:
    gate = dry(fake()[1])
    assert isinstance(gate, Forge)
    assert not hasattr(gate, "open")  # the fake has it, the protocol has not


def test_a_pull_request_that_is_open_is_told_with_its_new_words(dry: Callable[[Forge], RecordedForge]) -> None:
    _, forge, _ = fake()
    known = dry(forge).ensure_pr("fix", base="main", title="new", body="b")
    assert (known.number, known.title) == (1, "new")
    assert dry(forge).ensure_pr("own", base="main", title="new", body="b").number == 0


def test_a_pull_request_closed_meanwhile_is_not_said_to_be_updated(
    dry: Callable[[Forge], RecordedForge], said: list[str]
) -> None:
    _, forge, _ = fake()
    forge.close_pr(1, "not wanted")
    with pytest.raises(Obsolete, match="#1 was closed meanwhile"):
        dry(forge).ensure_pr("fix", base="main", title="new", body="b", number=1)
    assert said == []


def test_a_merge_that_would_be_refused_is_refused(dry: Callable[[Forge], RecordedForge], said: list[str]) -> None:
    with pytest.raises(Obsolete):
        dry(fake()[1]).merge(1, "0" * 40)
    assert said == []


def test_a_long_text_is_one_short_line(dry: Callable[[Forge], RecordedForge], said: list[str]) -> None:
    dry(fake()[1]).ensure_comment(1, "report", "long\n" * 1000)
    assert said[0].startswith("dry run: would comment on #1 (report): long long")
    assert len(said[0]) < 400


def test_what_was_only_said_is_done_when_it_is_no_dry_run_any_more(
    store: Store, job: JobRow, dry: Callable[[Forge], RecordedForge]
) -> None:
    host, forge, sha = fake()
    dry(forge).set_check(sha, "sigbot/lint", CheckState.SUCCESS, summary="s")
    RecordedForge(forge, Ledger(store, job), Redactor([])).set_check(
        sha, "sigbot/lint", CheckState.SUCCESS, summary="s"
    )
    assert [check.name for check in host.repository("sig/demo").checks(sha)] == ["sigbot/lint"]
    assert [(one.kind, one.state) for one in store.effects_of(job.id)] == [
        ("check (dry run)", "intended"), ("check", "confirmed"),
    ]  # fmt: skip


def test_what_would_be_published_is_not_built_and_what_stays_here_is(
    store: Store, job: JobRow, said: list[str], tmp_path: Path
) -> None:
    registry = FakeRegistry()
    access = RegistryAccess(host="registry.example", push_from=("*",))
    guarded = GuardedBuilder(
        FakeBuilder(registry), Ledger(store, job, dry_run=said.append), Settings(registry=(access,))
    )
    (tmp_path / "Containerfile").write_text("FROM scratch\nCOPY Containerfile /\n")
    spec = BuildSpec(image=ImageRef.parse("registry.example/team/app:1"), root=tmp_path, push=True)
    with pytest.raises(Skip, match=r"dry run: would build and publish registry\.example/team/app:1"):
        guarded.start(spec, key="k")
    assert registry.digest(spec.image) is None
    assert guarded.poll(guarded.start(spec.model_copy(update={"push": False}), key="k2")).state == "success"


# ---------------------------------------------------------------- the whole way

mover = Bot("mover", summary="Does everything a bot can do to a forge.")


@mover.command("move")
def move(ctx: Context, args: NoArgs) -> None:
    """Push, propose, merge, close, and talk."""
    head = ctx.forge.branch_sha("main") or ""
    sha = ctx.services.workspace.commit(
        branch="sigbot/mover", parent=head, changes={"moved": b"1"}, message="Move", expected=None
    )
    opened = ctx.forge.ensure_pr("sigbot/mover", base="main", title="Move", body="why")
    ctx.comment("news", "moved", number=opened.number)
    ctx.check(CheckState.SUCCESS, "moved", sha=sha)
    ctx.forge.merge(ctx.pull_request.number, ctx.pull_request.head_sha)
    ctx.forge.close_pr(ctx.pull_request.number, "moved")
    ctx.forge.ensure_issue("board", "Board", "text")
    ctx.reply("moved")


BAD = "FROM quay.io/fedora/fedora:42\nADD a /a\n"
REFS = "for-each-ref", "--format=%(refname) %(objectname)"


def test_in_a_dry_run_nothing_changes_and_the_job_says_what_would_have(build: Build) -> None:
    house = build(lint, mover, dry_run=True)
    number = house.open_pr({"Containerfile": BAD})
    house.comment("/sig move", on=number)
    before = house.forge.history(REPO).git.local(*REFS)
    house.run()
    linted, moved = (house.log(job.id) for job in house.jobs() if job.state == "done")
    assert house.forge.history(REPO).git.local(*REFS) == before
    assert (house.said(number), house.checks(house.head(number)), house.forge.state.issues(REPO)) == ([], {}, [])
    assert [(one.number, one.state) for one in house.forge.state.pulls(REPO, state="all")] == [(number, "open")]
    assert f"dry run: would set check sigbot/lint on {house.head(number)[:12]} to failure: 1 error" in linted
    for words in ("push to sigbot/mover", "open or update the pull request from sigbot/mover", "merge #1", "close #1",
                  "open or update the issue board", "comment on #1 (reply-"):  # fmt: skip
        assert f"dry run: would {words}" in moved


def test_the_page_of_the_job_shows_what_would_have_been_done(build: Build) -> None:
    house = build(lint, dry_run=True)
    house.open_pr({"Containerfile": BAD})
    house.run()
    (job,) = (job for job in house.jobs() if job.state == "done")
    page = create_app(house.settings, store=house.store).test_client().get(f"/jobs/{job.id}").text
    assert "dry run: would set check sigbot/lint" in page
    assert "check (dry run)" in page


def test_an_instance_or_the_environment_switches_it_on(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = (Instance(name=name, kind="local", dry_run=name == "one") for name in ("one", "other"))
    settings = Settings(instance=(one, other))
    assert (settings.is_dry("one"), settings.is_dry("other")) == (True, False)
    monkeypatch.setenv("SIGBOT_DRY_RUN", "true")
    assert Settings(instance=(other,)).is_dry("other")
