"""Every process is killed at every point that matters; afterwards each journey has ended right, each effect is there once.

The seed decides which occurrence of the point is hit, and whether one process dies or all of the worker's.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator

import pytest

from tests.faults.arena import Arena
from tests.faults.conftest import WAYS
from tests.faults.journeys import Family, Image, Journey, Talk, Update

pytestmark = [pytest.mark.server, pytest.mark.timeout(180)]

POINTS: list[tuple[str, str, type[Journey], int]] = [
    ("web", "delivery accepted", Talk, 3),
    ("worker", "deliveries claimed", Talk, 1),
    ("worker", "jobs planned", Talk, 1),
    ("worker", "jobs claimed", Talk, 1),
    ("worker", "before check", Talk, 2),
    ("worker", "intended check", Talk, 2),
    ("worker", "done check", Talk, 2),
    ("worker", "before comment", Talk, 3),
    ("worker", "intended comment", Talk, 3),
    ("worker", "inside comment", Talk, 3),
    ("worker", "done comment", Talk, 3),
    ("worker", "confirmed comment", Talk, 3),
    ("worker", "place taken", Update, 1),
    ("worker", "before push", Update, 1),
    ("worker", "done push", Update, 1),
    ("worker", "before pull request", Update, 1),
    ("worker", "inside pull request", Update, 1),
    ("worker", "done pull request", Update, 1),
    ("worker", "done build", Image, 1),
    ("worker", "build running", Image, 5),
    ("worker", "build ended", Image, 1),
    ("worker", "before finish", Talk, 4),
    ("worker", "before finish", Update, 2),
    ("worker", "before finish", Family, 2),
    ("worker", "finished", Family, 2),
]
"""Who, where, in which journey, and how many occurrences of the point that journey has at least."""
CASES = [(way, *point) for point in POINTS for way in WAYS]
NAMES = [f"{way}-{role}-{point.replace(' ', '_')}-{journey.__name__}" for way, role, point, journey, _ in CASES]
SEEDS = (1, 2, 3)


def seeded_slice(seed: int) -> Iterator[object]:
    """A few of the cases: one of the web process, and of each journey of the worker."""
    chance = random.Random(seed)
    for role, journey in (("web", Talk), ("worker", Talk), ("worker", Update), ("worker", Image)):
        number = chance.choice([n for n, case in enumerate(CASES) if (case[1], case[3]) == (role, journey)])
        yield pytest.param(*CASES[number], id=NAMES[number])


def hit(arena: Arena, seed: int, role: str, point: str, journey: type[Journey], occurrences: int) -> None:
    """Let the journey run into the point, and see it through."""
    chance = random.Random(f"{seed} {arena.name} {point} {journey.__name__}")
    play = journey(arena)
    play.prepare()
    passage, whom = chance.randint(1, occurrences), chance.choice(["group", "one"])
    fault = arena.start_victim(role, point, passage, whom=whom)
    play.act()
    witness = arena.wait_killed(fault)
    arena.service.start()
    play.wait()
    took = time.time() - witness["at"]
    print(
        f"\n{arena.name}, seed {seed}: {whom} killed at “{point}” ({passage}), well again after {took:.1f} s: {play.once()}"
    )


@pytest.mark.parametrize(("way", "role", "point", "journey", "occurrences"), list(seeded_slice(3)))
def test_nothing_is_lost_or_doubled_by_a_kill(
    arenas: Callable[[str], Arena], way: str, role: str, point: str, journey: type[Journey], occurrences: int
) -> None:
    hit(arenas(way), 0, role, point, journey, occurrences)


@pytest.mark.long
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("way", "role", "point", "journey", "occurrences"), CASES, ids=NAMES)
def test_nothing_is_lost_or_doubled_by_a_kill_anywhere(
    arenas: Callable[[str], Arena], way: str, role: str, point: str, journey: type[Journey], occurrences: int, seed: int
) -> None:
    hit(arenas(way), seed, role, point, journey, occurrences)
