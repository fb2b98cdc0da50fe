"""Every test with the fixture `world` runs once per module in `forges/`."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from sig_bots.forge import Forge
from tests.contract.world import World


def _factories() -> list[object]:
    names = sorted(path.stem for path in (Path(__file__).parent / "forges").glob("[a-z]*.py"))
    modules = {name: import_module(f"tests.contract.forges.{name}") for name in names}
    return [
        pytest.param(name, marks=[pytest.mark.server] if getattr(module, "SERVER", False) else [])
        for name, module in modules.items()
    ]


@pytest.fixture(params=_factories())
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A fresh repository with its people, on each forge in turn."""
    with import_module(f"tests.contract.forges.{request.param}").open_world(request) as made:
        yield made


@pytest.fixture
def forge(world: World) -> Forge:
    """The repository of the world through the adapter under test."""
    return world.host.repository(world.path)
