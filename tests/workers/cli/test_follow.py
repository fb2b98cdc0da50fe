"""What the terminal of a running service tells of what arrives."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from sig_bots.events import Comment, Event, Push, dump_event
from sig_bots.jobstate import JobState
from sig_bots.refs import Actor, Repo
from sig_workers.cli.follow import Follower
from sig_workers.cli.running import write_settings
from sig_workers.service import Service
from sig_workers.settings import load_settings
from sig_workers.store.deliverystate import DeliveryState
from sig_workers.store.rows import NewEvent, NewJob, Settlement

LEASE = timedelta(minutes=1)
REPO = Repo(instance="local", path="fleet/web", private=False)


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """The doors of a service that does not run."""
    monkeypatch.setenv("SIGBOT_CONFIG", "")  # which reading the settings sets
    made = Service(load_settings(write_settings(tmp_path, "http://127.0.0.1:9", "")))
    made.store.migrate()
    yield made
    made.wake_ups.stop()
    made.store.close()


def arrived(service: Service, event: Event, reason: str, jobs: list[NewJob] | None = None) -> int:
    """A delivery that was planned: ignored for the reason, or the jobs came of it; the repository."""
    store = service.store
    store.accept(instance="local", source="local", delivery_id=dump_event(event), headers={}, body=b"{}")
    (row,) = store.claim_deliveries("test", 1, LEASE)
    repo = store.ensure_repository("local", REPO).id
    state = DeliveryState.DONE if jobs else DeliveryState.IGNORED
    new = NewEvent(event.kind, dump_event(event))
    store.settle([Settlement(row.id, row.attempt, state, reason, repo_id=repo, event=new, jobs=jobs or [])])
    return repo


def comment(login: str) -> Comment:
    return Comment(source="local", repo=REPO, place="pull_request", text="well", actor=Actor(login=login), number=1)


def told(service: Service, follower: Follower, capsys: pytest.CaptureFixture[str]) -> list[str]:
    capsys.readouterr()
    follower.turn()
    return [" ".join(line.split()[1:]) for line in capsys.readouterr().out.splitlines()]


def test_what_a_person_does_is_told_though_no_bot_wants_it(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    follower = Follower(service, "http://s")
    arrived(service, comment("bob"), "no enabled bot needs this comment")
    push = Push(
        source="local", repo=REPO, ref="refs/heads/x", before="0" * 40, after="1" * 40, actor=Actor(login="bob")
    )
    arrived(service, push, "no enabled bot needs this push")
    assert told(service, follower, capsys) == [
        "fleet/web comment: no enabled bot needs this comment http://s/deliveries/1",
        "fleet/web push: no enabled bot needs this push http://s/deliveries/2",
    ]
    assert told(service, follower, capsys) == []


def test_what_our_own_account_does_is_not_told_twice(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    follower = Follower(service, "http://s")
    arrived(service, comment("sigbot"), "our own comment")
    assert told(service, follower, capsys) == []


def test_a_refused_command_is_told_and_a_bot_with_nothing_to_do_is_not(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    follower = Follower(service, "http://s")
    repo = service.store.ensure_repository("local", REPO).id
    jobs = [
        NewJob(repo_id=repo, bot=bot, handler=handler, queue="interactive", priority=10, target=bot, key=bot, number=1)
        for bot, handler in (("rebuild", "command:rebuild"), ("lint", "on_change"))
    ]
    arrived(service, comment("bob"), "", jobs)
    for job in service.store.claim_jobs("interactive", "test", LEASE, 2):
        service.store.finish(job.id, job.attempt, JobState.SKIPPED, f"refused for {job.bot}")
    assert told(service, follower, capsys) == [
        "fleet/web comment: 2 jobs http://s/deliveries/1",
        "fleet/web#1 rebuild skipped refused for rebuild",
    ]
