"""Life cycle of Fedora Linux releases, as data.

Sources: release and end of life from the Fedora Project's schedules (fedorapeople.org/groups/schedule, one page per
release) and its lists of supported and unsupported releases (docs.fedoraproject.org/en-US/releases), as gathered by
endoflife.date. An end of life is four weeks after the release after next, so it moves when that one slips. The days of
branching are the scheduled ones. `AS_OF` says when the rows were compared with these sources; what was still ahead then
is `planned`, and a planned release counts from the last of its announced target days, not from the first.

A newer table goes into `tags.Policy.fedora`; single rows are set in `.sigbot.yaml` (`update.fedora`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

__all__ = ["AS_OF", "RELEASES", "FedoraRelease"]

type FedoraState = Literal["rawhide", "branched", "stable", "eol"]

AS_OF = date(2026, 10, 10)
"""The day of the sources; later dates in the table are plans."""


@dataclass(frozen=True, slots=True)
class FedoraRelease:
    """One release: when it left Rawhide, when it came out, when its updates end (exclusive: that day it is EOL)."""

    number: int
    branched: date
    released: date
    eol: date
    planned: bool = False
    """Whether its release was still ahead on `AS_OF`, so that the date may have moved since."""

    def state(self, today: date) -> FedoraState:
        """What the release is on a day."""
        if today >= self.eol:
            return "eol"
        if today >= self.released:
            return "stable"
        return "branched" if today >= self.branched else "rawhide"


def _table(*rows: tuple[int, date, date, date]) -> Mapping[int, FedoraRelease]:
    return {row[0]: FedoraRelease(*row, planned=row[2] > AS_OF) for row in rows}


RELEASES: Mapping[int, FedoraRelease] = _table(
    (34, date(2021, 2, 9), date(2021, 4, 27), date(2022, 6, 7)),
    (35, date(2021, 8, 10), date(2021, 11, 2), date(2022, 12, 13)),
    (36, date(2022, 2, 8), date(2022, 5, 10), date(2023, 5, 16)),
    (37, date(2022, 8, 9), date(2022, 11, 15), date(2023, 12, 5)),
    (38, date(2023, 2, 7), date(2023, 4, 18), date(2024, 5, 21)),
    (39, date(2023, 8, 8), date(2023, 11, 7), date(2024, 11, 26)),
    (40, date(2024, 2, 6), date(2024, 4, 23), date(2025, 5, 13)),
    (41, date(2024, 8, 13), date(2024, 10, 29), date(2025, 12, 15)),
    (42, date(2025, 2, 4), date(2025, 4, 15), date(2026, 5, 27)),
    (43, date(2025, 8, 12), date(2025, 10, 28), date(2026, 12, 9)),
    (44, date(2026, 2, 3), date(2026, 4, 28), date(2027, 6, 2)),
    # Targets: 20 October, else 27 October, else 3 November.
    (45, date(2026, 8, 11), date(2026, 11, 3), date(2027, 11, 24)),
)
