"""The ledger of effects: once, and known to whoever comes after."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from sig_bots.errors import FencedOff
from sig_bots.jobstate import JobState
from sig_workers.store.rows import Effect, RepositoryRow
from sig_workers.store.store import Store
from tests.workers.store.conftest import BLINK, LEASE, Work, eventually


def test_the_same_effect_again_gets_the_confirmed_result(store: Store, repo: RepositoryRow, work: Work) -> None:
    job = work.run(repo)
    first = store.begin_effect(job.id, 1, repo.id, "comment", "topic", "sha")
    assert first.state == "new"
    store.confirm_effect(first.id, 1, "42", "https://forge/42")
    again = store.begin_effect(job.id, 1, repo.id, "comment", "topic", "sha")
    assert again == Effect(first.id, "confirmed", "42", "https://forge/42")


def test_another_job_gets_the_confirmed_result_too(store: Store, repo: RepositoryRow, work: Work) -> None:
    one, two = work.run(repo), work.run(repo)
    first = store.begin_effect(one.id, 1, repo.id, "pr", "branch", "sha")
    store.confirm_effect(first.id, 1, "7")
    assert store.begin_effect(two.id, 1, repo.id, "pr", "branch", "sha").result == "7"


def test_an_intended_effect_survives_its_worker(store: Store, repo: RepositoryRow, work: Work) -> None:
    job = work.run(repo, BLINK)
    first = store.begin_effect(job.id, 1, repo.id, "comment", "topic", "sha", detail={"number": 3})
    eventually(lambda: store.sweep().jobs == 1)
    assert store.claim_job(job.id, "next", LEASE) is not None
    again = store.begin_effect(job.id, 2, repo.id, "comment", "topic", "sha")
    assert (again.id, again.state) == (first.id, "intended")
    store.confirm_effect(again.id, 2, "42")
    assert [(row.state, row.attempt, row.result) for row in store.effects_of(job.id)] == [("confirmed", 2, "42")]


def test_what_happened_may_be_confirmed_after_the_lease_as_long_as_nobody_took_over(
    store: Store, repo: RepositoryRow, work: Work
) -> None:
    job = work.run(repo, BLINK)
    effect = store.begin_effect(job.id, 1, repo.id, "comment", "topic", "sha")
    eventually(lambda: store.sweep().jobs == 1)
    store.confirm_effect(effect.id, 1, "42")
    assert store.claim_job(job.id, "next", LEASE) is not None
    assert store.begin_effect(job.id, 2, repo.id, "comment", "topic", "sha").state == "confirmed"


def test_a_check_that_goes_green_red_green_is_three_effects(store: Store, repo: RepositoryRow, work: Work) -> None:
    job = work.run(repo)
    states = []
    for content in ("green", "red", "green", "green"):
        effect = store.begin_effect(job.id, 1, repo.id, "check", "lint@abc", content)
        states.append(effect.state)
        if effect.state == "new":
            store.confirm_effect(effect.id, 1)
    assert states == ["new", "new", "new", "confirmed"]


def test_the_same_key_elsewhere_is_another_effect(store: Store, repo: RepositoryRow, work: Work) -> None:
    job = work.run(repo)
    begun = [
        store.begin_effect(job.id, 1, repo.id, kind, key, "sha") for kind, key in (("a", "k"), ("b", "k"), ("a", "l"))
    ]
    assert [effect.state for effect in begun] == ["new", "new", "new"]


def test_long_keys_fit_and_stay_apart(store: Store, repo: RepositoryRow, work: Work) -> None:
    job = work.run(repo)
    begun = {store.begin_effect(job.id, 1, repo.id, "a", "k" * 5000 + end, "sha").id for end in "ab"}
    assert len(begun) == 2


def test_two_that_begin_the_same_effect_at_once_share_one_row(store: Store, repo: RepositoryRow, work: Work) -> None:
    jobs = [work.run(repo) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        begun = list(pool.map(lambda job: store.begin_effect(job.id, 1, repo.id, "pr", "branch", "sha"), jobs))
    assert len({effect.id for effect in begun}) == 1
    assert sorted(effect.state for effect in begun) == ["intended"] * 7 + ["new"]


def test_only_a_running_attempt_may_begin(store: Store, repo: RepositoryRow, work: Work) -> None:
    job = work.run(repo)
    store.finish(job.id, 1, JobState.DONE)
    with pytest.raises(FencedOff):
        store.begin_effect(job.id, 1, repo.id, "comment", "topic", "sha")
