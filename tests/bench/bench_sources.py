"""How fast a delivery becomes an event, beside `json.loads` of the same bytes in the same rounds.

The floor is 5,000 events a second and core for GitHub's issue_comment of
12 KB; parsing is measured as the worker does it, from bytes to the event.
"""

import json
import statistics
import time
from collections.abc import Callable, Iterator

from sig_bots.events import EventBase
from sig_bots.sources.lookup import events_of
from tests.bench.rows import Result, alone, row
from tests.bots.sources.deliveries import Delivery, github_example, pagure

CALLS, FLOOR = 1000, 5000


def deliveries() -> Iterator[tuple[str, Delivery]]:
    """What is measured: (source, delivery), compact as its sender writes it."""
    for event, action in (("issue_comment", "created"), ("pull_request", "opened"), ("push", None)):
        one = github_example(event, action)
        name = f"{event} {action}" if action else event
        yield "github", Delivery(name, one.headers, json.dumps(one.json, separators=(",", ":")).encode())
    yield "pagure", pagure("comment pull-request.comment.added")


def rate(call: Callable[[], object]) -> float:
    """Calls a second of this process's processor time."""
    start = time.process_time()
    for _ in range(CALLS):
        call()
    return CALLS / (time.process_time() - start)


def measure(source: str, one: Delivery, rounds: int) -> tuple[list[float], list[float]]:
    """Events and `json.loads` calls a second, over interleaved rounds, after one warm-up whose result is checked."""
    (event,) = events_of(source, one.headers, one.body)
    assert isinstance(event, EventBase)
    ours, plain = [], []
    for _ in range(rounds):
        ours.append(rate(lambda: events_of(source, one.headers, one.body)))
        plain.append(rate(lambda: json.loads(one.body)))
    return ours, plain


def run(rounds: int = 5, quick: bool = False) -> Result:
    """One row per delivery; the floor is for GitHub's comment."""
    rows, raw = [], {}
    for number, (source, one) in enumerate(deliveries()):
        ours, plain = measure(source, one, 2 if quick else rounds)
        raw[f"{source} {one.name}"] = {"ours": ours, "json.loads": plain}
        figures = {"json_loads_per_second": statistics.median(plain), "bytes": float(len(one.body))}
        rows.append(
            row(
                f"payload to event: {source} {one.name}", ours, beside="-", floor=None if number else FLOOR, unit="/s",
                more=True, figures=figures, counts={"events": CALLS * len(ours)},
            )
        )  # fmt: skip
    return {"rows": rows, "raw": raw}


if __name__ == "__main__":
    alone(run, __doc__)
