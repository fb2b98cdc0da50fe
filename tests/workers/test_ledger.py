"""Effects are done once per job, whatever happens between the doing and the writing down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sig_bots.errors import FencedOff, UserError
from sig_bots.fakes.builder import FakeBuilder
from sig_bots.fakes.forge import FakeHost
from sig_bots.fakes.registry import FakeRegistry
from sig_bots.forge import CheckState
from sig_bots.jobstate import JobState
from sig_bots.refs import ImageRef, Repo
from sig_bots.tools import BuildSpec
from sig_workers.builders.guarded import GuardedBuilder
from sig_workers.ledger import Ledger, run_key
from sig_workers.observe import HIDDEN, Redactor
from sig_workers.recorded import RecordedForge
from sig_workers.settings import RegistryAccess, Settings
from sig_workers.store.deliverystate import DeliveryState
from sig_workers.store.rows import JobRow, NewEvent, NewJob, Settlement
from sig_workers.store.store import Store

LEASE = timedelta(seconds=60)
SECRET = "a-token-nobody-may-see"
SHA = "1" * 40


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path}/sigbot.db")
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture
def job(store: Store) -> JobRow:
    """A job that somebody runs."""
    repo = store.ensure_repository("fake", Repo(path="team/app", forge_id="1", private=False))
    store.accept(instance="fake", source="github", delivery_id="d", headers={}, body=b"{}")
    (row,) = store.claim_deliveries("planner", 1, LEASE)
    new = NewJob(repo_id=repo.id, bot="lint", handler="on_push", queue="interactive", priority=1, target="t", key="k")
    ((made,),) = store.settle(
        [Settlement(row.id, row.attempt, DeliveryState.DONE, event=NewEvent("push", "{}"), jobs=[new])]
    )
    claimed = store.claim_job(made, "worker", LEASE)
    assert claimed is not None
    return claimed


@pytest.fixture
def host() -> FakeHost:
    host = FakeHost()
    host.create("team/app", {"a": b"1"})
    host.repos["team/app"].commit("change", {"a": b"2"}, message="x", author="alice")
    return host


@pytest.fixture
def forge(store: Store, job: JobRow, host: FakeHost) -> RecordedForge:
    return RecordedForge(host.repository("team/app", "lint"), Ledger(store, job), Redactor([SECRET]))


def again(store: Store, job: JobRow) -> JobRow:
    """The next attempt, after the worker of this one died."""
    store.finish(job.id, job.attempt, JobState.FAILED, "worker died", retry_at=timedelta(0))
    claimed = store.claim_job(job.id, "another worker", LEASE)
    assert claimed is not None
    return claimed


def test_what_is_confirmed_is_not_done_again_by_the_next_attempt(store: Store, job: JobRow) -> None:
    assert Ledger(store, job).once("comment", "1/x", "text", lambda: "id-7") == "id-7"
    second = Ledger(store, again(store, job))
    assert second.once("comment", "1/x", "text", lambda: pytest.fail("it was done again")) == "id-7"


def test_what_was_only_intended_is_done_again_through_the_same_verb(store: Store, job: JobRow) -> None:
    def died() -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Ledger(store, job).once("comment", "1/x", "text", died)
    second = again(store, job)
    assert Ledger(store, second).once("comment", "1/x", "text", lambda: "id-7") == "id-7"
    assert [effect.state for effect in store.effects_of(job.id)] == ["confirmed"]


def test_an_attempt_that_lost_its_lease_may_do_nothing(store: Store, job: JobRow) -> None:
    again(store, job)
    with pytest.raises(FencedOff):
        Ledger(store, job).once("comment", "1/x", "text", lambda: pytest.fail("it was done"))


def test_other_content_at_the_same_place_is_another_effect(forge: RecordedForge, host: FakeHost) -> None:
    sha = host.repos["team/app"].branches["main"]
    for state in (CheckState.RUNNING, CheckState.FAILURE, CheckState.RUNNING, CheckState.SUCCESS):
        forge.set_check(sha, "sigbot/lint", state, summary="x")
    assert forge.checks(sha)[0].state == CheckState.SUCCESS


def test_the_switched_off_ledger_repeats_everything(store: Store, job: JobRow) -> None:
    answers = iter(["first", "second"])
    ledger = Ledger(store, job, enabled=False)
    assert [ledger.once("comment", "1/x", "text", lambda: next(answers)) for _ in range(2)] == ["first", "second"]
    assert store.effects_of(job.id) == []


def test_a_job_retried_by_a_person_is_another_run(store: Store, job: JobRow) -> None:
    assert run_key(job) == run_key(again(store, job))
    store.finish(job.id, 2, JobState.FAILED, "no")
    store.retry(job.id)
    retried = store.claim_job(job.id, "worker", LEASE)
    assert retried is not None
    assert run_key(retried) == f"job-{job.id}.2"
    assert run_key(again(store, retried)) == f"job-{job.id}.2"


def test_no_verb_lets_a_secret_out(forge: RecordedForge, host: FakeHost) -> None:
    number = forge.ensure_pr("change", base="main", title=f"title {SECRET}", body=f"body {SECRET}").number
    forge.ensure_comment(number, "topic", f"comment {SECRET}")
    sha = host.repos["team/app"].branches["main"]
    forge.set_check(sha, "sigbot/lint", CheckState.FAILURE, summary=f"summary {SECRET}", text=SECRET)
    issue = forge.ensure_issue("dashboard", f"issue {SECRET}", SECRET)
    forge.close_pr(number, f"reason {SECRET}")
    seen = repr((host.repos["team/app"], issue))
    assert SECRET not in seen
    assert seen.count(HIDDEN) >= 7


def test_checks_left_running_are_called_off_and_no_others(forge: RecordedForge, host: FakeHost) -> None:
    sha = host.repos["team/app"].branches["main"]
    forge.set_check(sha, "sigbot/build/a", CheckState.RUNNING, summary="going")
    forge.set_check(sha, "sigbot/build/b", CheckState.RUNNING, summary="going")
    forge.set_check(sha, "sigbot/build/b", CheckState.SUCCESS, summary="done")
    forge.call_off("a newer commit arrived")
    found = {check.name: (check.state, check.summary) for check in forge.checks(sha)}
    assert found["sigbot/build/a"] == (CheckState.CANCELLED, "a newer commit arrived")
    assert found["sigbot/build/b"] == (CheckState.SUCCESS, "done")


# ---------------------------------------------------------------- builds


ACCESS = RegistryAccess(host="registry.example", prefix="sig/", push_from=("fake:team/*",))


def guarded(store: Store, job: JobRow) -> GuardedBuilder:
    settings = Settings(registry=(ACCESS,))
    return GuardedBuilder(FakeBuilder(FakeRegistry()), Ledger(store, job), settings)


def spec(root: Path, name: str) -> BuildSpec:
    (root / "Containerfile").write_text("FROM scratch\nCOPY Containerfile /\n")
    return BuildSpec(image=ImageRef.parse(name), root=root, push=True)


@pytest.mark.parametrize("name", ["registry.example/other/app:1", "quay.io/sig/app:1"])
def test_a_repository_publishes_only_where_it_may(store: Store, job: JobRow, tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="an operator allows it with `push_from`"):
        guarded(store, job).start(spec(tmp_path, name), key="k")
    stranger = replace(job, repo=replace(job.repo, path="bob/app"))
    with pytest.raises(UserError, match="bob/app may not publish"):
        guarded(store, stranger).start(spec(tmp_path, "registry.example/sig/app:1"), key="k")


def test_a_build_that_was_lost_with_its_host_is_started_again(store: Store, job: JobRow, tmp_path: Path) -> None:
    first = guarded(store, job).start(spec(tmp_path, "registry.example/sig/app:1"), key="k")
    builder = guarded(store, again(store, job))  # its builder knows of no build
    second = builder.start(spec(tmp_path, "registry.example/sig/app:1"), key="k")
    assert (second.id, builder.poll(second).state) == (first.id, "success")


def test_a_build_is_made_from_builds_of_its_own_job_only(store: Store, job: JobRow, tmp_path: Path) -> None:
    builder = guarded(store, job)
    base = spec(tmp_path, "registry.example/sig/base:1").model_copy(update={"push": False, "keep": True})
    foreign = builder.inner.start(base, key="of another job")
    child = BuildSpec(image=ImageRef.parse("registry.example/sig/app:1"), root=tmp_path, parents={"x": foreign})
    with pytest.raises(UserError, match="of its own job only"):
        builder.start(child, key="child")
    own = builder.start(base, key="base")
    handle = builder.start(child.model_copy(update={"parents": {"x": own}}), key="child")
    assert builder.poll(handle).state == "success"
    builder.forget(own)
    with pytest.raises(UserError, match="not there"):
        builder.start(child.model_copy(update={"parents": {"x": own}}), key="another")
