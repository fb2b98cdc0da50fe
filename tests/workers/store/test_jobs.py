"""Claims, leases, fences and outcomes of jobs."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from sig_bots.errors import FencedOff
from sig_bots.jobstate import JobState
from sig_bots.refs import Repo
from sig_workers.store.rows import HostBlock, JobRow, RepositoryRow
from sig_workers.store.store import Store
from tests.workers.store.conftest import BLINK, LEASE, Work, eventually


def other_repo(store: Store, name: str) -> RepositoryRow:
    return store.ensure_repository("forge", Repo(path=f"owner/{name}"))


def claim(store: Store, limit: int = 1, queue: str = "interactive") -> list[int]:
    return [job.id for job in store.claim_jobs(queue, "w", LEASE, limit)]


def test_a_claimed_job_runs_once(store: Store, repo: RepositoryRow, work: Work) -> None:
    (job,) = work.plan(work.job(repo))
    (row,) = store.claim_jobs("interactive", "w1", LEASE)
    assert (row.id, row.state, row.attempt, row.owner, row.repo.path) == (job, "running", 1, "w1", "owner/name")
    assert claim(store) == []
    assert store.claim_job(job, "w2", LEASE) is None


def test_a_queue_gives_only_its_own_jobs(store: Store, repo: RepositoryRow, work: Work) -> None:
    (job,) = work.plan(work.job(repo, queue="builds"))
    assert claim(store, 9) == []
    assert claim(store, 9, "builds") == [job]


def test_lower_priority_numbers_come_first_then_the_oldest(store: Store, repo: RepositoryRow, work: Work) -> None:
    slow, person, change, person2 = work.plan(*(work.job(repo, priority=priority) for priority in (2, 0, 1, 0)))
    assert claim(store, 2) + claim(store, 2) == [person, person2, change, slow]


def test_one_repository_with_1000_jobs_starves_nobody(store: Store, repo: RepositoryRow, work: Work) -> None:
    work.plan(*(work.job(repo) for _ in range(1000)))
    claim(store)
    (late,) = work.plan(work.job(other_repo(store, "small")))
    assert claim(store) == [late]


def test_a_batch_goes_in_turn_over_repositories(store: Store, repo: RepositoryRow, work: Work) -> None:
    first, *_ = work.plan(*(work.job(repo) for _ in range(20)))
    small = [work.plan(work.job(other_repo(store, name)))[0] for name in ("a", "b")]
    assert set(claim(store, 3)) == {first, *small}


def test_repositories_are_served_in_turn_over_claims(store: Store, repo: RepositoryRow, work: Work) -> None:
    repos = [repo, other_repo(store, "a"), other_repo(store, "b")]
    work.plan(*(work.job(one) for one in repos for _ in range(3)))
    served = []
    for _ in range(6):
        (row,) = store.claim_jobs("interactive", "w", LEASE)
        served.append(row.repo.id)
        time.sleep(0.003)  # SQLite's clock has milliseconds
    assert served[:3] == served[3:]
    assert Counter(served) == {one.id: 2 for one in repos}


def test_twenty_claimers_run_one_job_per_target(store: Store, repo: RepositoryRow, work: Work) -> None:
    work.plan(*(work.job(repo, target=f"t{n % 3}") for n in range(60)))
    with ThreadPoolExecutor(20) as pool:
        claimed = [
            row
            for part in pool.map(lambda n: store.claim_jobs("interactive", f"w{n}", LEASE, 2), range(20))
            for row in part
        ]
    assert sorted(row.target for row in claimed) == ["t0", "t1", "t2"]
    assert len({row.id for row in claimed}) == 3


def test_claims_of_both_kinds_at_once_run_one_job_per_target(store: Store, repo: RepositoryRow, work: Work) -> None:
    ids = work.plan(*(work.job(repo, target=f"t{n % 4}") for n in range(40)))

    def one(number: int) -> list[JobRow]:
        if number % 2:
            return store.claim_jobs("interactive", "w", LEASE, 3)
        row = store.claim_job(ids[number], "w", LEASE)
        return [row] if row else []

    with ThreadPoolExecutor(20) as pool:
        claimed = [row.target for part in pool.map(one, range(40)) for row in part]
    assert sorted(claimed) == ["t0", "t1", "t2", "t3"]


def test_twenty_claimers_share_work_without_doubles(store: Store, repo: RepositoryRow, work: Work) -> None:
    ids = work.plan(*(work.job(repo) for _ in range(40)))
    with ThreadPoolExecutor(20) as pool:
        claimed = [job for part in pool.map(lambda _: claim(store, 2), range(20)) for job in part]
    assert sorted(claimed) == sorted(ids)


def test_the_next_job_of_a_target_starts_when_the_first_ended(store: Store, repo: RepositoryRow, work: Work) -> None:
    first, second = work.plan(work.job(repo, target="t"), work.job(repo, target="t"))
    assert claim(store, 9) == [first]
    assert store.claim_given([second], "w", LEASE) == []
    store.finish(first, 1, JobState.DONE)
    assert claim(store, 9) == [second]


def test_given_jobs_are_claimed_in_the_order_given_one_per_target(
    store: Store, repo: RepositoryRow, work: Work
) -> None:
    a, b, c = work.plan(work.job(repo), work.job(repo, target="t"), work.job(repo, target="t"))
    assert [row.id for row in store.claim_given([c, b, a, 999], "w", LEASE)] == [c, a]


def test_given_jobs_of_other_queues_are_left_alone(store: Store, repo: RepositoryRow, work: Work) -> None:
    lint, build = work.plan(work.job(repo), work.job(repo, queue="builds"))
    assert [row.id for row in store.claim_given([build, lint], "w", LEASE, queue="interactive")] == [lint]
    assert claim(store, 9, queue="builds") == [build]


def test_many_leases_are_renewed_at_once_and_lost_ones_are_told(store: Store, repo: RepositoryRow, work: Work) -> None:
    kept, asked, ended = (work.run(repo, BLINK) for _ in range(3))
    store.cancel_job(asked.id, "stop")
    store.finish(ended.id, ended.attempt, JobState.DONE)
    held = {job.id: job.attempt for job in (kept, asked, ended)}
    assert store.renew(held, LEASE) == {kept.id: None, asked.id: "stop"}
    assert store.renew({kept.id: 7}, LEASE) == {}
    assert store.sweep().jobs == 0


def test_a_job_handed_back_has_all_its_attempts(store: Store, repo: RepositoryRow, work: Work) -> None:
    job = work.run(repo)
    for attempt in range(1, 6):
        store.hand_back(job.id, attempt, "the worker is being stopped")
        assert claim(store, 9) == [job.id]
    now = store.job(job.id)
    assert now is not None
    assert now.max_attempts - now.tries == job.max_attempts - job.tries
    with pytest.raises(FencedOff):
        store.hand_back(job.id, 1, "late")


def test_renewing_keeps_the_lease(store: Store, repo: RepositoryRow, work: Work) -> None:
    job = work.run(repo, BLINK)
    assert store.renew({job.id: job.attempt}, LEASE) == {job.id: None}
    row = store.job(job.id)
    assert row is not None
    assert row.lease_until is not None
    assert job.lease_until is not None
    assert row.lease_until - job.lease_until > timedelta(seconds=50)
    assert store.sweep().jobs == 0


def test_a_frozen_attempt_that_wakes_up_late_can_write_nothing(store: Store, repo: RepositoryRow, work: Work) -> None:
    old = work.run(repo, BLINK)
    effect = store.begin_effect(old.id, 1, repo.id, "comment", "k", "c")
    eventually(lambda: store.sweep().jobs == 1)
    (new,) = store.claim_jobs("interactive", "other", LEASE)
    assert store.begin_effect(new.id, new.attempt, repo.id, "comment", "k", "c").state == "intended"
    for late in (
        lambda: store.finish(old.id, old.attempt, JobState.DONE, events=["{}"]),
        lambda: store.log(old.id, old.attempt, ["late"]),
        lambda: store.begin_effect(old.id, old.attempt, repo.id, "comment", "k2", "c"),
        lambda: store.confirm_effect(effect.id, old.attempt, "late"),
    ):
        with pytest.raises(FencedOff):
            late()
    assert store.renew({old.id: old.attempt}, LEASE) == {}
    row = store.job(old.id)
    assert row is not None
    assert (row.state, row.attempt, row.owner) == ("running", 2, "other")
    assert (store.log_lines(old.id), len(store.recent_deliveries(public_only=False))) == ([], 1)


def test_finishing_writes_outcome_and_history(store: Store, repo: RepositoryRow, work: Work) -> None:
    job = work.run(repo)
    assert store.finish(job.id, job.attempt, JobState.DONE, "two findings") == "done"
    row = store.job(job.id)
    assert row is not None
    assert (row.state, row.reason, row.owner, row.lease_until) == ("done", "two findings", "worker", None)
    assert row.finished_at is not None
    assert [(one.attempt, one.outcome, one.owner) for one in store.attempts(job.id)] == [(1, "done", "worker")]
    with pytest.raises(FencedOff):
        store.finish(job.id, job.attempt, JobState.DONE)


def test_a_running_attempt_is_part_of_the_history(store: Store, repo: RepositoryRow, work: Work) -> None:
    job = work.run(repo)
    assert [(one.outcome, one.ended_at) for one in store.attempts(job.id)] == [("running", None)]


def test_events_of_a_job_arrive_as_deliveries(store: Store, repo: RepositoryRow, work: Work) -> None:
    job = work.run(repo)
    store.finish(job.id, job.attempt, JobState.DONE, events=['{"n": 1}', b'{"n": 2}'])
    rows = store.claim_deliveries("w", 9, LEASE)
    assert [(row.source, row.instance, row.body, row.parent_job_id) for row in rows] == [
        ("sigbot", "", b'{"n": 1}', job.id), ("sigbot", "", b'{"n": 2}', job.id)
    ]  # fmt: skip


def test_a_job_that_is_retried_makes_its_events_again(store: Store, repo: RepositoryRow, work: Work) -> None:
    job = work.run(repo)
    store.finish(job.id, job.attempt, JobState.FAILED, events=["{}"])
    assert store.retry(job.id)
    again = store.claim_job(job.id, "w", LEASE)
    assert again is not None
    store.finish(again.id, again.attempt, JobState.DONE, events=["{}"])
    assert len({row.delivery_id for row in store.claim_deliveries("w", 9, LEASE)}) == 2


def test_a_transient_failure_waits_and_is_dead_at_the_last_attempt(
    store: Store, repo: RepositoryRow, work: Work
) -> None:
    job = work.run(repo)
    ends = [store.finish(job.id, 1, JobState.FAILED, "503", retry_at=timedelta(0))]
    for attempt in (2, 3):
        assert claim(store) == [job.id]
        ends.append(store.finish(job.id, attempt, JobState.FAILED, "503", retry_at=timedelta(0)))
    assert ends == ["queued", "queued", "dead"]
    assert [one.outcome for one in store.attempts(job.id)] == ["retry", "retry", "dead"]
    assert [one.id for one in store.dead_jobs()] == [job.id]


@pytest.mark.parametrize("when", [timedelta(seconds=30), datetime(2999, 1, 1, tzinfo=UTC)])
def test_a_job_put_off_is_not_due(store: Store, repo: RepositoryRow, work: Work, when: timedelta | datetime) -> None:
    job = work.run(repo)
    store.finish(job.id, 1, JobState.FAILED, retry_at=when)
    assert claim(store) == []
    assert store.sweep().queues == frozenset()


def test_a_time_without_zone_is_refused(store: Store, repo: RepositoryRow, work: Work) -> None:
    job = work.run(repo)
    with pytest.raises(Exception, match="no time zone"):
        store.finish(job.id, 1, JobState.FAILED, retry_at=datetime(2999, 1, 1))


def test_a_blocked_instance_holds_back_all_its_jobs(store: Store, repo: RepositoryRow, work: Work) -> None:
    job = work.run(repo)
    (second,) = work.plan(work.job(repo))
    store.finish(
        job.id, 1, JobState.FAILED, retry_at=timedelta(0), host_block=HostBlock("forge", timedelta(seconds=2), "429")
    )
    assert claim(store, 9) == []
    assert [(one.host, one.reason) for one in store.blocked_hosts()] == [("forge", "429")]
    eventually(lambda: set(claim(store, 9)) == {job.id, second})


def test_a_blocked_registry_holds_back_only_who_waits_for_it(store: Store, repo: RepositoryRow, work: Work) -> None:
    job = work.run(repo)
    (second,) = work.plan(work.job(repo))
    store.finish(job.id, 1, JobState.FAILED, retry_at=timedelta(0), host_block=HostBlock("quay.io", LEASE))
    assert claim(store, 9) == [second]


def test_a_shorter_block_does_not_shorten_a_longer_one(store: Store, repo: RepositoryRow, work: Work) -> None:
    for hours, reason in ((2, "long"), (1, "short")):
        job = work.run(repo)
        store.finish(
            job.id, 1, JobState.FAILED, retry_at=LEASE, host_block=HostBlock("h", timedelta(hours=hours), reason)
        )
    assert [one.reason for one in store.blocked_hosts()] == ["long"]


def test_the_sweeper_gives_back_what_a_dead_worker_held(store: Store, repo: RepositoryRow, work: Work) -> None:
    job = work.run(repo, BLINK)
    eventually(lambda: store.sweep().jobs == 1)
    swept = store.sweep()
    assert (swept.jobs, swept.queues) == (0, frozenset({"interactive"}))
    assert [(one.attempt, one.outcome) for one in store.attempts(job.id)] == [(1, "lost")]
    assert claim(store) == [job.id]


def test_a_job_that_kills_its_worker_three_times_is_dead(store: Store, repo: RepositoryRow, work: Work) -> None:
    job = work.run(repo, BLINK)
    for _ in range(2):
        eventually(lambda: store.sweep().jobs == 1)
        assert store.claim_job(job.id, "w", BLINK) is not None
    dead: list[int] = []

    def swept() -> bool:
        dead.extend(store.sweep().dead)
        return bool(dead)

    eventually(swept)
    row = store.job(job.id)
    assert row is not None
    assert (dead, row.state) == ([job.id], "dead")
    assert "died 3 times" in row.reason


def test_a_lost_job_that_was_cancelled_is_not_run_again(store: Store, repo: RepositoryRow, work: Work) -> None:
    job = work.run(repo, BLINK)
    store.cancel(repo.id, reason="alice said so")
    eventually(lambda: (store.sweep(), store.jobs()[0].state)[1] == "cancelled")
    assert store.jobs()[0].reason == "alice said so"
    assert claim(store) == []
    assert store.retry(job.id)


def test_cancel_ends_queued_and_asks_running_but_not_itself(store: Store, repo: RepositoryRow, work: Work) -> None:
    running, asking = work.run(repo, number=1), work.run(repo, number=1)
    queued, other_pr = work.plan(work.job(repo, number=1), work.job(repo, number=2))
    assert store.cancel(repo.id, number=1, reason="stop", except_job=asking.id) == 2
    assert store.renew({running.id: 1, asking.id: 1}, LEASE) == {running.id: "stop", asking.id: None}
    assert {job.id: job.state for job in store.jobs() if job.id in (queued, other_pr)} == {
        queued: "cancelled",
        other_pr: "queued",
    }


def test_cancel_can_be_for_one_bot(store: Store, repo: RepositoryRow, work: Work) -> None:
    _, build = work.plan(work.job(repo, bot="lint"), work.job(repo, bot="build"))
    assert store.cancel(repo.id, bot="build", reason="stop") == 1
    assert [job.id for job in store.jobs(states=[JobState.CANCELLED])] == [build]


def test_one_job_can_be_cancelled_by_its_number(store: Store, repo: RepositoryRow, work: Work) -> None:
    running = work.run(repo)
    (queued,) = work.plan(work.job(repo))
    assert store.cancel_job(running.id, "stop")
    assert store.cancel_job(queued, "stop")
    assert not store.cancel_job(queued, "stop")
    assert store.renew({running.id: 1}, LEASE) == {running.id: "stop"}


def test_a_retried_job_has_all_its_attempts_again_and_new_fences(store: Store, repo: RepositoryRow, work: Work) -> None:
    job = work.run(repo)
    assert not store.retry(job.id)
    store.finish(job.id, 1, JobState.DEAD, "boom")
    assert store.retry(job.id)
    row = store.claim_job(job.id, "w", LEASE)
    assert row is not None
    assert (row.attempt, row.tries, row.finished_at) == (2, 1, None)
    assert store.finish(job.id, 2, JobState.FAILED, retry_at=timedelta(0)) == "queued"


def test_a_dropped_job_leaves_the_dead_letters(store: Store, repo: RepositoryRow, work: Work) -> None:
    job = work.run(repo)
    store.finish(job.id, 1, JobState.DEAD, "boom")
    assert store.drop(job.id)
    assert store.dead_jobs() == []
    assert store.jobs()[0].reason == "dropped by an operator: boom"


def test_log_lines_come_in_order_and_from_where_one_left_off(store: Store, repo: RepositoryRow, work: Work) -> None:
    job = work.run(repo)
    store.log(job.id, 1, ["one", "two\0"])
    store.log(job.id, 1, ["three"])
    lines = store.log_lines(job.id)
    assert [line.line for line in lines] == ["one", "two\ufffd", "three"]
    assert [line.line for line in store.log_lines(job.id, after_seq=lines[1].seq)] == ["three"]


def test_times_come_from_the_database_in_utc(store: Store, repo: RepositoryRow, work: Work) -> None:
    job = work.run(repo)
    assert job.started_at is not None
    assert job.lease_until is not None
    assert job.started_at.utcoffset() == timedelta(0)
    assert abs(job.lease_until - job.started_at - LEASE) < timedelta(seconds=1)
    assert abs(datetime.now(UTC) - job.started_at) < timedelta(seconds=30)


def test_one_given_job_of_another_queue_is_left_alone(store: Store, repo: RepositoryRow, work: Work) -> None:
    (build,) = work.plan(work.job(repo, queue="builds"))
    assert store.claim_given([build], "w", LEASE, queue="interactive") == []
    assert [row.id for row in store.claim_given([build], "w", LEASE, queue="builds")] == [build]
