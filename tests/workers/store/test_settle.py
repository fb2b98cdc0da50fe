"""The end of a delivery and the beginning of its jobs: one transaction."""

import signal
import subprocess
import sys

import pytest

from sig_bots.refs import Actor
from sig_workers.store.deliverystate import DeliveryState
from sig_workers.store.rows import NewEvent, RepositoryRow, Settlement, Supersede
from sig_workers.store.store import Store
from tests.workers.store.conftest import BLINK, LEASE, Work, eventually


def test_a_settled_delivery_shows_event_verdicts_and_jobs(store: Store, repo: RepositoryRow, work: Work) -> None:
    delivery = work.deliver()
    (row,) = store.claim_deliveries("w", 1, LEASE)
    job = work.job(repo, args={"a": ["\0"]}, actor=Actor(login="alice", id="1"), number=3, head_sha="abc")
    verdicts = [("lint", "planned"), ("update", "not the default branch")]
    done = Settlement(
        row.id, row.attempt, DeliveryState.DONE, "ok", repo.id, False, NewEvent("push", '{"k": 1}'), verdicts, [job]
    )
    ((job_id,),) = store.settle([done])
    stored = store.job(job_id)
    assert stored is not None
    assert (stored.event, stored.args, stored.actor) == ('{"k": 1}', {"a": ["\0"]}, Actor(login="alice", id="1"))
    assert [one.verdict for one in store.verdicts_of(delivery)] == ["planned", "not the default branch"]
    assert [one.kind for one in store.events_of(delivery)] == ["push"]
    assert [(one.state, one.reason) for one in store.recent_deliveries()] == [("done", "ok")]


def test_a_batch_gives_the_jobs_of_each_in_order(store: Store, repo: RepositoryRow, work: Work) -> None:
    for _ in range(3):
        work.deliver()
    rows = store.claim_deliveries("w", 3, LEASE)
    batch = [
        Settlement(row.id, row.attempt, DeliveryState.DONE, jobs=[work.job(repo) for _ in range(n)])
        for n, row in enumerate(rows)
    ]
    ids = store.settle(batch)
    assert [len(one) for one in ids] == [0, 1, 2]
    assert [store.jobs(delivery=row.id, limit=9)[-1].id for row in rows[1:]] == [ids[1][0], ids[2][0]]


def test_a_job_key_is_used_once_even_inside_a_batch(store: Store, repo: RepositoryRow, work: Work) -> None:
    first = work.plan(work.job(repo, key="same"))
    assert work.plan(work.job(repo, key="same"), work.job(repo, key="twice"), work.job(repo, key="twice")) != ()
    assert len(first) == 1
    assert len(store.jobs()) == 2


def test_keys_of_any_length_stay_apart(store: Store, repo: RepositoryRow, work: Work) -> None:
    ids = work.plan(work.job(repo, key="k" * 9000 + "1"), work.job(repo, key="k" * 9000 + "2", target="t" * 9000))
    assert len(ids) == 2


def test_a_settlement_that_lost_its_lease_writes_nothing(store: Store, repo: RepositoryRow, work: Work) -> None:
    work.deliver()
    (slow,) = store.claim_deliveries("slow", 1, BLINK)
    eventually(lambda: bool(store.claim_deliveries("fast", 1, LEASE)))
    late = Settlement(slow.id, slow.attempt, DeliveryState.DONE, event=NewEvent("push", "{}"), jobs=[work.job(repo)])
    assert store.settle([late]) == [()]
    assert store.jobs() == []
    assert store.events_of(slow.id) == []


def test_settling_twice_plans_once(store: Store, repo: RepositoryRow, work: Work) -> None:
    work.deliver()
    (row,) = store.claim_deliveries("w", 1, LEASE)
    settlement = Settlement(row.id, row.attempt, DeliveryState.DONE, jobs=[work.job(repo)])
    assert len(store.settle([settlement])[0]) == 1
    assert store.settle([settlement]) == [()]


def test_one_bad_job_undoes_the_whole_settlement(store: Store, repo: RepositoryRow, work: Work) -> None:
    work.deliver()
    (row,) = store.claim_deliveries("w", 1, LEASE)
    bad = work.job(RepositoryRow(**{name: getattr(repo, name) for name in repo.__slots__} | {"id": 999}))
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        store.settle([Settlement(row.id, row.attempt, DeliveryState.DONE, jobs=[work.job(repo), bad])])
    stored = store.delivery(row.id)
    assert stored is not None
    assert stored.state == "processing"
    assert store.jobs() == []


def test_a_new_head_supersedes_queued_and_running_jobs_of_others(store: Store, repo: RepositoryRow, work: Work) -> None:
    running = work.run(repo, number=5, head_sha="old")
    queued, same, other, unbound = work.plan(
        work.job(repo, number=5, head_sha="old"), work.job(repo, number=5, head_sha="new"),
        work.job(repo, number=6, head_sha="old"), work.job(repo, number=5),
    )  # fmt: skip
    work.plan(supersedes=[Supersede(repo.id, 5, "new")])
    states = {job.id: job.state for job in store.jobs()}
    assert states == {running.id: "running", queued: "superseded", same: "queued", other: "queued", unbound: "queued"}
    assert "newer commit" in (store.renew({running.id: running.attempt}, LEASE)[running.id] or "")


KILLED_INSIDE = """
import os, signal, sys
from datetime import timedelta
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sig_workers.store.rows import NewEvent, NewJob, Settlement, Supersede
from sig_workers.store.store import Store
store = Store.open(sys.argv[1])
(row,) = store.claim_deliveries("doomed", 1, timedelta(milliseconds=50))

@event.listens_for(Engine, "after_cursor_execute")
def die(connection, cursor, statement, parameters, context, executemany):
    if "INSERT INTO jobs" in statement:
        os.kill(os.getpid(), signal.SIGKILL)

job = NewJob(int(sys.argv[2]), "lint", "h", "interactive", 1, "t", "k")
older = Supersede(int(sys.argv[2]), 5, "new")
store.settle([Settlement(row.id, row.attempt, "done", event=NewEvent("push", "{}"), jobs=[job], supersedes=[older])])
"""


def test_a_kill_inside_settle_leaves_nothing_half_done(store: Store, url: str, repo: RepositoryRow, work: Work) -> None:
    delivery = work.deliver()
    done = subprocess.run([sys.executable, "-c", KILLED_INSIDE, url, str(repo.id)], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert (store.jobs(), store.events_of(delivery)) == ([], [])
    eventually(lambda: store.sweep().deliveries == 1)
    (row,) = store.claim_deliveries("next", 1, LEASE)
    assert (row.id, row.attempt) == (delivery, 2)


def test_a_delivery_without_event_or_jobs_ends_with_what_the_bots_said(store: Store, work: Work) -> None:
    delivery = work.deliver()
    (row,) = store.claim_deliveries("w", 1, LEASE)
    said = [(f"bot{number}", f"verdict {number} \0") for number in range(20)]
    assert store.settle([Settlement(row.id, row.attempt, DeliveryState.IGNORED, "nothing to do", verdicts=said)]) == [
        ()
    ]
    assert [one.verdict for one in store.verdicts_of(delivery)] == [f"verdict {number} \ufffd" for number in range(20)]
    stored = store.delivery(delivery)
    assert stored is not None
    assert (stored.state, stored.reason, stored.private) == ("ignored", "nothing to do", None)


def test_jobs_are_numbered_in_the_order_they_were_planned_in(store: Store, repo: RepositoryRow, work: Work) -> None:
    for _ in range(20):
        work.deliver()
    rows = store.claim_deliveries("w", 20, LEASE)
    batch = [
        Settlement(
            row.id,
            row.attempt,
            DeliveryState.DONE,
            event=NewEvent("push", str(row.id)),
            jobs=[work.job(repo), work.job(repo)],
        )
        for row in rows
    ]
    ids = [job for jobs in store.settle(batch) for job in jobs]
    assert ids == sorted(ids)
    assert len(ids) == 40
    assert {job.event for row in rows for job in store.jobs(delivery=row.id)} == {str(row.id) for row in rows}
