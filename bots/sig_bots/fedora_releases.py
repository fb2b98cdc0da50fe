"""Life cycle of Fedora Linux releases, as data.

Dates are those announced by the Fedora Project; the end of life of the newest ones is the rule "four weeks after the
release but one" applied to the planned date, and is corrected when it is announced. A policy may carry a newer table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

__all__ = ["RELEASES", "FedoraRelease"]

type FedoraState = Literal["rawhide", "branched", "stable", "eol"]


@dataclass(frozen=True, slots=True)
class FedoraRelease:
    """One release: when it left Rawhide, when it came out, when its updates end (exclusive: that day it is EOL)."""

    number: int
    branched: date
    released: date
    eol: date

    def state(self, today: date) -> FedoraState:
        """What the release is on a day."""
        if today >= self.eol:
            return "eol"
        if today >= self.released:
            return "stable"
        return "branched" if today >= self.branched else "rawhide"


def _table(*rows: tuple[int, date, date, date]) -> Mapping[int, FedoraRelease]:
    return {row[0]: FedoraRelease(*row) for row in rows}


RELEASES: Mapping[int, FedoraRelease] = _table(
    (36, date(2022, 2, 8), date(2022, 5, 10), date(2023, 5, 16)),
    (37, date(2022, 8, 9), date(2022, 11, 15), date(2023, 12, 5)),
    (38, date(2023, 2, 7), date(2023, 4, 18), date(2024, 5, 21)),
    (39, date(2023, 8, 8), date(2023, 11, 7), date(2024, 11, 26)),
    (40, date(2024, 2, 6), date(2024, 4, 23), date(2025, 5, 13)),
    (41, date(2024, 8, 13), date(2024, 10, 29), date(2025, 12, 15)),
    (42, date(2025, 2, 4), date(2025, 4, 15), date(2026, 5, 27)),
    (43, date(2025, 8, 12), date(2025, 10, 28), date(2026, 12, 2)),
    (44, date(2026, 2, 3), date(2026, 4, 28), date(2027, 5, 26)),
    (45, date(2026, 8, 11), date(2026, 10, 27), date(2027, 12, 1)),
)
