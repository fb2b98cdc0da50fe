"""Places of update pull requests: counted over repositories, never taken twice, never lost for good."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from sig_bots.refs import Repo
from sig_bots.updatelimits import FullLimit
from sig_workers.store.store import Store
from sig_workers.updatelimits import SharedLimit

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)

type Take = Callable[..., FullLimit | None]


@pytest.fixture
def take(store: Store) -> Take:
    """Take a place in a repository."""

    def take(
        path: str, branch: str = "b", *, now: datetime = NOON, most: int | None = None, hour: int | None = None,
        owner: str | None = None,
    ) -> FullLimit | None:  # fmt: skip
        limit = SharedLimit(most, hour, ("forge", owner) if owner else None)
        return store.take_place(row(store, path), branch, now, [limit], seen=DAY)

    return take


def row(store: Store, path: str) -> int:
    return store.ensure_repository("forge", Repo(path=path)).id


def test_the_last_place_of_all_is_taken_once(take: Take) -> None:
    assert take("a/x", most=2) is None
    assert take("b/y", most=2) is None
    assert take("c/z", most=2) == FullLimit("service", 2, "open")


def test_an_organisation_is_counted_by_itself_whatever_the_case_of_its_letters(take: Take) -> None:
    assert take("Sig/x", most=1, owner="Sig") is None
    assert take("other/x", most=1, owner="other") is None
    assert take("sig/y", most=1, owner="sig") == FullLimit("organisation", 1, "open")


def test_what_was_opened_within_the_hour_counts_also_when_it_is_closed(take: Take, store: Store) -> None:
    take("a/x")
    store.opened_place(row(store, "a/x"), "b")
    assert take("b/y", now=NOON + MINUTE, most=1) == FullLimit("service", 1, "open")
    store.closed_place(row(store, "a/x"), "b")
    assert take("b/y", now=NOON + 59 * MINUTE, most=1, hour=1) == FullLimit("service", 1, "hour")
    assert take("b/y", now=NOON + HOUR, most=1, hour=1) is None


def test_a_place_given_back_or_never_used_is_free(take: Take, store: Store) -> None:
    """The second one is what a killed worker leaves: the next look at the repository tells what is there."""
    take("a/x", most=1)
    store.give_place_back(row(store, "a/x"), "b")
    assert take("a/x", most=1, hour=1) is None
    store.settle_places(row(store, "a/x"), {}, NOON)
    assert take("b/y", most=1, hour=1) is None


def test_a_look_tells_the_truth_whatever_was_known(take: Take, store: Store) -> None:
    store.settle_places(row(store, "a/x"), {"one": NOON - DAY, "two": None}, NOON)
    assert take("b/y", most=2) == FullLimit("service", 2, "open")
    assert take("b/y", most=3, hour=1) is None
    store.settle_places(row(store, "a/x"), {"one": NOON - DAY}, NOON)
    assert take("c/z", most=3) is None


def test_a_repository_without_looks_does_not_fill_the_limit_for_ever(take: Take, store: Store) -> None:
    store.settle_places(row(store, "a/x"), {"one": None}, NOON)
    assert take("b/y", now=NOON + DAY - MINUTE, most=1) is not None
    assert take("b/y", now=NOON + DAY, most=1) is None


def test_where_the_bot_was_switched_off_nothing_counts_any_more(take: Take, store: Store) -> None:
    switched = row(store, "a/x")
    store.settle_places(switched, {"one": None}, NOON)
    store.put_schedules(switched, {("update", "sweep"): HOUR})
    assert take("b/y", most=1) is not None
    store.put_schedules(switched, {("lint", "sweep"): HOUR})
    assert take("b/y", most=1) is None


def test_places_move_with_a_renamed_repository_and_its_owner(take: Take, store: Store) -> None:
    before = store.ensure_repository("forge", Repo(path="old/x", forge_id="7"))
    store.settle_places(before.id, {"one": None}, NOON)
    after = store.ensure_repository("forge", Repo(path="new/x", forge_id="7"))
    assert (after.id, after.owner) == (before.id, "new")
    assert take("new/y", most=1, owner="new") == FullLimit("organisation", 1, "open")
    assert take("old/y", most=1, owner="old") is None


def test_who_waits_is_known_until_the_next_look(take: Take, store: Store) -> None:
    take("a/x", most=0)
    assert store.waits_for_place(row(store, "a/x"))
    assert not store.waits_for_place(row(store, "b/y"))
    store.settle_places(row(store, "a/x"), {}, NOON)
    assert not store.waits_for_place(row(store, "a/x"))


def test_a_question_without_keeping_takes_nothing(take: Take, store: Store) -> None:
    asked = store.take_place(row(store, "a/x"), "b", NOON, [SharedLimit(1)], seen=DAY, keep=False)
    assert asked is None
    assert take("b/y", most=1) is None


def test_threads_do_not_take_more_than_there_are(take: Take) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: take(f"sig/r{number % 5}", f"b{number}", most=7), range(24)))
    assert found.count(None) == 7


RACE = """
import sys
from datetime import UTC, datetime, timedelta
from sig_bots.refs import Repo
from sig_workers.updatelimits import SharedLimit
from sig_workers.store.store import Store
store = Store.open(sys.argv[1])
repo = store.ensure_repository("forge", Repo(path=f"sig/{sys.argv[2]}")).id
print("ready", flush=True)
sys.stdin.readline()
limit = SharedLimit(5, None, ("forge", "sig"))
now = datetime.now(UTC)
print(sum(store.take_place(repo, f"b{n}", now, [limit], seen=timedelta(days=1)) is None for n in range(10)))
"""


@pytest.mark.server
def test_processes_do_not_take_more_than_there_are(url: str) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, url, str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for number in range(3)
    ]
    for one in started:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in started:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    counts = [int(one.communicate(timeout=60)[0]) for one in started]
    assert sum(counts) == 5
