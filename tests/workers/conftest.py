"""A house per test: see `tests.workers.house`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from sig_bots.bot import Bot
from tests.workers.house import House

type Build = Callable[..., House]


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Build]:
    """Make a house with these bots: `build(bot, timing={...})`; one per test."""
    with ExitStack() as stack:

        def make(*bots: Bot, **options: object) -> House:
            house = House(tmp_path, bots, **options)  # type: ignore[arg-type]
            stack.callback(house.close)
            return house

        yield make
