"""One trace from the sender's request to everything that follows from it."""

from hypothesis import given
from hypothesis import strategies as st

from sig_bots.jobstate import JobState
from sig_workers.store.rows import RepositoryRow
from sig_workers.store.store import Store
from sig_workers.store.trace import traceparent
from tests.workers.store.conftest import LEASE, Work

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SENT = f"00-{TRACE}-{PARENT}-01"


def deliver(store: Store, headers: dict[str, str], delivery_id: str = "one") -> str:
    accepted = store.accept(instance="f", source="github", delivery_id=delivery_id, headers=headers, body=b"{}")
    row = store.delivery(accepted.id)
    assert row is not None
    return row.trace or ""


def test_a_delivery_keeps_the_trace_its_sender_is_in(store: Store) -> None:
    assert deliver(store, {"traceparent": SENT}) == SENT


def test_a_delivery_without_one_begins_a_trace_of_its_own(store: Store) -> None:
    one, other = deliver(store, {}), deliver(store, {}, "two")
    assert one != other
    assert traceparent({"traceparent": one}) == one


def test_a_later_version_is_read_as_the_first() -> None:
    assert traceparent({"traceparent": f"cc-{TRACE}-{PARENT}-00-more"}) == f"00-{TRACE}-{PARENT}-00"


def test_what_is_no_trace_is_not_believed() -> None:
    bad = (
        f"00-{'0' * 32}-{PARENT}-01", f"00-{TRACE}-{'0' * 16}-01", f"ff-{TRACE}-{PARENT}-01", f"{SENT}-more",
        SENT.upper(), SENT + "\n", f"{SENT}, {SENT}", "",
    )  # fmt: skip
    for sent in bad:
        assert TRACE not in traceparent({"traceparent": sent}).lower()


@given(st.text())
def test_whatever_is_sent_there_is_a_valid_trace(sent: str) -> None:
    found = traceparent({"traceparent": sent})
    assert traceparent({"traceparent": found}) == found


def test_what_a_job_causes_is_in_the_trace_of_its_delivery(store: Store, work: Work, repo: RepositoryRow) -> None:
    job = work.run(repo, trace=SENT)
    store.finish(job.id, job.attempt, JobState.DONE, events=["{}"])
    (own,) = store.claim_deliveries("w", 1, LEASE)
    assert (own.source, own.trace) == ("sigbot", SENT)
