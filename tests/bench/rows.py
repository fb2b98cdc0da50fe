"""What every bench gives: rows with a floor and an aim, judged by the median over rounds; raw figures beside them."""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable, Mapping, Sequence

type Row = dict[str, object]
type Result = dict[str, object]


def row(
    what: str,
    values: Sequence[float],
    *,
    beside: str,
    floor: float | None = None,
    aim: float | None = None,
    unit: str = "x",
    more: bool = False,
    figures: Mapping[str, float] | None = None,
    counts: Mapping[str, int] | None = None,
) -> Row:
    """One line of the table.

    `values` has one figure per round, in `unit` ("x": ours divided by `beside` in the same round). At most `floor` and
    better at most `aim` are wanted (`more`: at least); without a floor the row only informs. `figures` are absolute
    medians with their unit in the name, `counts` what both sides completely processed.
    """
    median = statistics.median(values)
    holds = None if floor is None else (median >= floor if more else median <= floor)
    return {
        "what": what, "beside": beside, "unit": unit, "median": median, "spread": [min(values), max(values)],
        "rounds": len(values), "floor": floor, "aim": aim, "more": more, "holds": holds,
        "figures": dict(figures or {}), "counts": dict(counts or {}),
    }  # fmt: skip


def ratios(ours: Sequence[float], beside: Sequence[float]) -> list[float]:
    """Ours divided by the peer's or limit's, round by round."""
    return [mine / other for mine, other in zip(ours, beside, strict=True)]


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def alone(run: Callable[[int, bool], Result], about: str | None) -> None:
    """The command line of one bench: prints its result as JSON."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="smaller input: says whether it works, not how fast")
    options = parser.parse_args()
    print(json.dumps(run(options.rounds, options.quick), indent=1))
