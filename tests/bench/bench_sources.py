"""How fast a delivery becomes an event, beside `json.loads` of the same bytes in the same rounds.

Run with `python -m tests.bench.bench_sources`. The floor is 5,000 events a second and core for GitHub's issue_comment of
12 KB; parsing is measured as the worker does it, from bytes to the event.
"""

import json
import statistics
import time
from collections.abc import Callable, Iterator

from sig_bots.events import EventBase
from sig_bots.sources.lookup import events_of
from tests.bots.sources.deliveries import Delivery, github_example, pagure

ROUNDS, CALLS, FLOOR = 7, 1000, 5000


def deliveries() -> Iterator[tuple[str, Delivery]]:
    """What is measured: (source, delivery), compact as its sender writes it."""
    for event, action in (("issue_comment", "created"), ("pull_request", "opened"), ("push", None)):
        one = github_example(event, action)
        yield "github", Delivery(one.name, one.headers, json.dumps(one.json, separators=(",", ":")).encode())
    yield "pagure", pagure("comment pull-request.comment.added")


def rate(call: Callable[[], object]) -> float:
    """Calls a second of this process's processor time."""
    start = time.process_time()
    for _ in range(CALLS):
        call()
    return CALLS / (time.process_time() - start)


def measure(source: str, one: Delivery) -> dict[str, object]:
    """Medians over interleaved rounds, after one warm-up whose result is checked."""
    (event,) = events_of(source, one.headers, one.body)
    assert isinstance(event, EventBase)
    ours, plain = [], []
    for _ in range(ROUNDS):
        ours.append(rate(lambda: events_of(source, one.headers, one.body)))
        plain.append(rate(lambda: json.loads(one.body)))
    return {
        "delivery": f"{source} {one.name}",
        "bytes": len(one.body),
        "events_per_second": round(statistics.median(ours)),
        "spread": [round(min(ours)), round(max(ours))],
        "json_loads_per_second": round(statistics.median(plain)),
        "ratio_to_json_loads": round(statistics.median(plain) / statistics.median(ours), 2),
    }


def main() -> None:
    """Print a line of JSON per delivery and whether the floor holds."""
    results = [measure(source, one) for source, one in deliveries()]
    for result in results:
        print(json.dumps(result))
    holds = float(str(results[0]["events_per_second"])) >= FLOOR
    print(f"floor of {FLOOR} events a second on {results[0]['delivery']}: {'holds' if holds else 'MISSED'}")


if __name__ == "__main__":
    main()
