"""The inbox: one row per delivery, whatever arrives how often."""

import hashlib
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from sig_bots.errors import FencedOff
from sig_workers.store.deliverystate import DeliveryState
from sig_workers.store.rows import Accepted, Settlement
from sig_workers.store.store import Store
from tests.workers.store.conftest import BLINK, LEASE, Work, eventually


def accept(store: Store, body: bytes = b"{}", delivery_id: str = "one") -> Accepted:
    return store.accept(instance="forge", source="github", delivery_id=delivery_id, headers={"x": "y"}, body=body)


def accept_many(url: str, times: int) -> Sequence[str]:
    store = Store.open(url)
    with ThreadPoolExecutor(10) as pool:
        statuses = [one.status for one in pool.map(lambda _: accept(store), range(times))]
    store.close()
    return statuses


def test_a_delivery_is_kept_as_it_came(store: Store) -> None:
    accepted = accept(store, b'{"a": "\xff\x00"}')
    row = store.delivery(accepted.id)
    assert row is not None
    assert (accepted.status, row.state, row.body, row.headers) == ("new", "received", b'{"a": "\xff\x00"}', {"x": "y"})


def test_the_same_delivery_100_times_in_parallel_is_one_row(store: Store, url: str) -> None:
    assert Counter(accept_many(url, 100)) == {"new": 1, "duplicate": 99}
    assert len(store.recent_deliveries(public_only=False)) == 1


ACCEPT_MANY = """
import sys
from concurrent.futures import ThreadPoolExecutor
from sig_workers.store.store import Store
store = Store.open(sys.argv[1])
one = dict(instance="forge", source="github", delivery_id="one", headers={"x": "y"}, body=b"{}")
with ThreadPoolExecutor(10) as pool:
    print(*[given.status for given in pool.map(lambda _: store.accept(**one), range(34))])
store.close()
"""


def test_the_same_delivery_from_several_processes_is_one_row(store: Store, url: str) -> None:
    argv = [sys.executable, "-c", ACCEPT_MANY, url]
    running = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    statuses = " ".join(one.communicate(timeout=60)[0] for one in running).split()
    assert Counter(statuses) == {"new": 1, "duplicate": 101}
    assert len(store.recent_deliveries(public_only=False)) == 1


def test_another_body_under_the_same_id_changes_nothing(store: Store) -> None:
    first = accept(store, b"{}")
    assert accept(store, b"[]") == Accepted(first.id, "conflict")
    row = store.delivery(first.id)
    assert row is not None
    assert row.body == b"{}"


def test_two_bodies_under_one_id_at_once_are_one_row_and_the_rest_conflicts(store: Store) -> None:
    bodies = [b"a", b"b"] * 20
    with ThreadPoolExecutor(10) as pool:
        found = list(pool.map(lambda body: accept(store, body), bodies))
    (row,) = store.recent_deliveries(10, public_only=False)
    told = Counter((body == row.body, one.status) for body, one in zip(bodies, found, strict=True))
    assert told == {(True, "new"): 1, (True, "duplicate"): 19, (False, "conflict"): 20}


def test_what_is_being_processed_is_not_replayed_under_its_worker(store: Store) -> None:
    accept(store)
    (row,) = store.claim_deliveries("worker", 1, LEASE)
    assert store.replay(row.id) is False
    store.fail_delivery(row.id, row.attempt, "x")
    assert [store.replay(row.id), store.replay(row.id)] == [True, True]
    assert len(store.claim_deliveries("a", 9, LEASE) + store.claim_deliveries("b", 9, LEASE)) == 1


def test_the_same_id_on_another_instance_is_another_delivery(store: Store) -> None:
    accept(store)
    other = store.accept(instance="other", source="github", delivery_id="one", headers={}, body=b"{}")
    assert other.status == "new"


@pytest.mark.parametrize("retry_at", [None, timedelta(hours=1)])
def test_a_redelivery_revives_what_failed(store: Store, retry_at: timedelta | None) -> None:
    accept(store)
    (row,) = store.claim_deliveries("w", 1, LEASE)
    store.fail_delivery(row.id, row.attempt, "boom", retry_at)
    assert accept(store).status == "requeued"
    assert accept(store).status == "duplicate"
    assert [again.attempt for again in store.claim_deliveries("w", 9, LEASE)] == [2]


def test_an_invalid_delivery_is_kept_but_never_claimed(store: Store) -> None:
    store.accept(
        instance="f", source="github", delivery_id="x", headers={}, body=b"[", state=DeliveryState.INVALID, reason="no"
    )
    assert store.claim_deliveries("w", 9, LEASE) == []
    assert store.recent_deliveries(public_only=False)[0].reason == "no"


@pytest.mark.parametrize("name", ["\0", "\ud800", "x" * 100_000, "é" * 5000, ""])
def test_any_delivery_id_can_be_stored(store: Store, name: str) -> None:
    assert accept(store, delivery_id=name).status == "new"
    assert accept(store, delivery_id=name).status == "duplicate"


def test_any_text_can_be_stored_as_reason_and_header(store: Store) -> None:
    given = store.accept(
        instance="f", source="s", delivery_id="d", headers={"h": "\0\ud800"}, body=b"", reason="a\0\udfffb"
    )
    row = store.delivery(given.id)
    assert row is not None
    assert row.reason.startswith("a")
    assert row.headers["h"] == "\0\ud800"


def test_a_large_body_survives(store: Store) -> None:
    body = hashlib.sha256(b"seed").digest() * 200_000
    row = store.delivery(accept(store, body).id)
    assert row is not None
    assert row.body == body


def test_two_claimers_never_get_the_same_delivery(store: Store, work: Work) -> None:
    ids = {work.deliver() for _ in range(60)}
    with ThreadPoolExecutor(6) as pool:
        rows = [
            row.id for part in pool.map(lambda n: store.claim_deliveries(f"w{n}", 10, LEASE), range(8)) for row in part
        ]
    rest = [row.id for row in store.claim_deliveries("last", 60, LEASE)]
    assert sorted(rows + rest) == sorted(ids)


def test_an_expired_claim_is_taken_over_and_fenced_off(store: Store, work: Work) -> None:
    work.deliver()
    (slow,) = store.claim_deliveries("slow", 1, BLINK)
    eventually(lambda: bool(store.claim_deliveries("fast", 1, LEASE)))
    with pytest.raises(FencedOff):
        store.fail_delivery(slow.id, slow.attempt, "too late", None)
    row = store.delivery(slow.id)
    assert row is not None
    assert (row.state, row.attempt) == ("processing", 2)


def test_a_failed_delivery_waits_and_is_dead_after_three_tries(store: Store, work: Work) -> None:
    work.deliver()
    states = []
    for _ in range(3):
        (row,) = store.claim_deliveries("w", 1, LEASE)
        states.append(store.fail_delivery(row.id, row.attempt, "boom", timedelta(0)))
    assert states == ["failed", "failed", "dead"]
    assert store.claim_deliveries("w", 1, LEASE) == []
    assert [dead.reason for dead in store.dead_deliveries()] == ["boom"]


def test_a_failed_delivery_is_not_due_before_its_time(store: Store, work: Work) -> None:
    work.deliver()
    (row,) = store.claim_deliveries("w", 1, LEASE)
    store.fail_delivery(row.id, row.attempt, "boom", timedelta(seconds=30))
    assert store.claim_deliveries("w", 1, LEASE) == []
    assert store.sweep().deliveries == 0


def test_a_dead_delivery_can_be_replayed_or_dropped(store: Store, work: Work) -> None:
    first, second = work.deliver(), work.deliver()
    for row in store.claim_deliveries("w", 2, LEASE):
        store.fail_delivery(row.id, row.attempt, "boom")
    assert store.replay(first)
    assert store.drop_delivery(second)
    assert not store.drop_delivery(second)
    assert [row.id for row in store.claim_deliveries("w", 9, LEASE)] == [first]


def test_a_delivery_that_kills_its_worker_five_times_is_dead(store: Store, work: Work) -> None:
    work.deliver()
    for attempt in (1, 2, 3, 4, 5):
        eventually(lambda: [row.attempt for row in store.claim_deliveries("w", 1, BLINK)] == [attempt])  # noqa: B023
    eventually(lambda: bool((store.sweep(), store.dead_deliveries())[1]))
    assert "died 5 times" in store.dead_deliveries()[0].reason
    assert store.claim_deliveries("w", 1, LEASE) == []


def test_what_died_with_its_worker_is_tried_again_alone(store: Store, work: Work) -> None:
    first, second = work.deliver(), work.deliver()
    assert len(store.claim_deliveries("dies", 9, BLINK)) == 2
    third = work.deliver()
    eventually(lambda: store.sweep().deliveries == 3)
    batches = [[row.id for row in store.claim_deliveries("w", 9, LEASE)] for _ in range(4)]
    assert batches == [[first], [second], [third], []]


def test_a_renewed_claim_is_not_taken_over(store: Store, work: Work) -> None:
    work.deliver()
    (row,) = store.claim_deliveries("slow", 1, BLINK)
    store.renew_deliveries({row.id: row.attempt, 999: 1}, LEASE)
    assert store.sweep().deliveries == 0
    assert store.settle([Settlement(row.id, row.attempt, DeliveryState.DONE)]) == [()]
    assert store.sweep().deliveries == 0
