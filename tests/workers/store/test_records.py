"""Approvals, keys, locks, schedules, cached answers, and what the public may see."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sig_bots.refs import Actor, Repo
from sig_workers.store.rows import RepositoryRow
from sig_workers.store.store import Store
from tests.workers.store.conftest import BLINK, LEASE, Work, eventually

HOUR = timedelta(hours=1)


def test_an_approval_is_for_one_commit_of_one_pull_request(store: Store, repo: RepositoryRow) -> None:
    store.approve(repo.id, 3, "abc", Actor(login="alice", id="1"))
    store.approve(repo.id, 3, "abc", Actor(login="bob"))
    assert store.approved_by(repo.id, 3, "abc") == "alice"
    assert store.approved_by(repo.id, 3, "abd") is None
    assert store.approved_by(repo.id, 4, "abc") is None


def test_own_commits_are_known_again(store: Store, repo: RepositoryRow) -> None:
    for _ in range(2):
        store.add_own_commit(repo.id, "abc")
    assert store.own_commit(repo.id, "abc")
    assert not store.own_commit(repo.id, "abd")


def test_hook_keys_are_per_project_and_replaced_when_they_change(store: Store) -> None:
    store.put_hook_keys("pagure", {"a": b"\x00old", "fork/bob/a": b"k2"})
    store.put_hook_keys("pagure", {"a": b"\xffnew"})
    store.put_hook_keys("pagure", {})
    assert (store.hook_key("pagure", "a"), store.hook_key("pagure", "fork/bob/a")) == (b"\xffnew", b"k2")
    assert store.hook_key("other", "a") is None


def test_one_of_many_gets_the_lock(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda n: store.acquire("beat", f"b{n}", LEASE), range(8)))
    assert got.count(True) == 1


def test_a_lock_is_renewed_by_its_owner_and_taken_when_it_ran_out(store: Store) -> None:
    assert store.acquire("beat", "a", BLINK)
    assert store.acquire("beat", "a", BLINK)
    eventually(lambda: store.acquire("beat", "b", LEASE))
    assert not store.acquire("beat", "a", LEASE)


def test_a_lock_is_given_back_by_its_owner_only(store: Store) -> None:
    store.acquire("beat", "a", LEASE)
    store.release("beat", "b")
    assert not store.acquire("beat", "b", LEASE)
    store.release("beat", "a")
    assert store.acquire("beat", "b", LEASE)


def test_a_due_schedule_is_marked_by_one(store: Store, repo: RepositoryRow) -> None:
    store.put_schedules(repo.id, {("update", "sweep"): timedelta(0), ("rebuild", "sweep"): HOUR})
    (due,) = store.due_schedules()
    assert (due.bot, due.handler, due.repo, due.last_at) == ("update", "sweep", repo, None)
    assert store.mark_schedule(due, HOUR)
    assert not store.mark_schedule(due, HOUR)
    assert store.due_schedules() == []


def test_schedules_no_longer_wanted_rest_and_come_back_with_their_time(store: Store, repo: RepositoryRow) -> None:
    store.put_schedules(repo.id, {("update", "sweep"): timedelta(0)})
    store.put_schedules(repo.id, {})
    assert store.due_schedules() == []
    store.put_schedules(repo.id, {("update", "sweep"): HOUR})
    assert len(store.due_schedules()) == 1


def test_a_disabled_repository_has_no_due_schedule(store: Store, repo: RepositoryRow) -> None:
    store.put_schedules(repo.id, {("update", "sweep"): timedelta(0)})
    store.ensure_repository("forge", Repo(path=repo.path, forge_id="8"))  # another one has its path now
    assert store.due_schedules() == []


def test_the_public_sees_public_repositories_only(store: Store, repo: RepositoryRow, work: Work) -> None:
    hidden = store.ensure_repository("forge", Repo(path="owner/hidden", private=True))
    unknown = store.ensure_repository("forge", Repo(path="owner/unknown"))
    for one in (repo, hidden, unknown):
        work.plan(work.job(one), repo_id=one.id, private=one.private)
    work.deliver()
    assert [row.repo_id for row in store.recent_deliveries()] == [repo.id]
    assert [job.repo.path for job in store.jobs(public_only=True)] == ["owner/name"]
    assert len(store.recent_deliveries(public_only=False)) == 4


def test_what_becomes_private_disappears(store: Store, repo: RepositoryRow, work: Work) -> None:
    (job,) = work.plan(work.job(repo), repo_id=repo.id, private=False)
    (row,) = store.recent_deliveries()
    assert store.delivery(row.id, public_only=True) is not None
    store.ensure_repository("forge", Repo(path="owner/name", private=True))
    assert store.recent_deliveries() == []
    assert store.delivery(row.id, public_only=True) is None
    assert store.jobs(public_only=True) == []
    assert store.job(job) is not None


def test_lists_go_on_where_the_page_above_ended(store: Store, repo: RepositoryRow, work: Work) -> None:
    ids = work.plan(*(work.job(repo) for _ in range(5)))
    page = store.jobs(limit=2)
    assert [job.id for job in page] == [ids[4], ids[3]]
    assert [job.id for job in store.jobs(limit=2, before=page[-1].id)] == [ids[2], ids[1]]
