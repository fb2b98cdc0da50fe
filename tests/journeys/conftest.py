"""The stages on which every journey is played."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path

import pytest

from sig_bots.roster import load_bots
from tests.journeys.rehearsal import RehearsedStage
from tests.journeys.stage import Stage, open_live_stage
from tests.servers.registry import Registry

# Each forge on one of the two ways to run the service, and each way of noticing a new image on two forges.
LIVE = {"local": ("embedded", True), "github": ("embedded", True), "github_token": ("servers", False), "pagure": ("servers", False)}  # fmt: skip


@pytest.fixture(
    params=[
        "fakes",
        *[pytest.param(name, marks=[pytest.mark.server, pytest.mark.timeout(400)]) for name in LIVE],
    ]
)
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """A forge with its people, a registry and the running service."""
    if request.param == "fakes":
        yield RehearsedStage([bot for bot in load_bots().bots.values() if bot.name != "sigbot"])
        return
    way, notify = LIVE[request.param]
    request.getfixturevalue("buildah")
    make_registry: Callable[..., Registry] = request.getfixturevalue("make_registry")
    settings: dict[str, object] = {} if notify else {"timing": {"periods": {"update.sweep": "10s"}}}
    if way == "servers":
        settings["store"] = request.getfixturevalue("postgres").new_database()
        settings["broker"] = request.getfixturevalue("redis_server").new_url()
    with ExitStack() as stack:
        world = stack.enter_context(import_module(f"tests.contract.forges.{request.param}").open_world(request))
        # The local forge lies in the data folder of the service that serves it.
        data = getattr(world, "data", None) or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        yield stack.enter_context(open_live_stage(world, data, make_registry, notify=notify, **settings))


HOURLY = {"periods": {"update.hourly": "2s"}}
"""Timing under which what waits for a time is looked at every two seconds."""
UPDATES_ONLY = {"worker": ["--queues", "interactive,bulk", "--pool", "threads", "--concurrency", "4"]}
"""The workers of a stage on which nothing is built."""


@pytest.fixture(
    scope="module", params=["fakes", pytest.param("github", marks=[pytest.mark.server, pytest.mark.timeout(240)])]
)
def rules(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """A stage for many short journeys, each in a repository of its own; the bots' clock can be moved."""
    if request.param == "fakes":
        yield RehearsedStage([bot for bot in load_bots().bots.values() if bot.name != "sigbot"])
        return
    with ExitStack() as stack:
        data, images = (Path(stack.enter_context(tempfile.TemporaryDirectory())) for _ in range(2))

        def make_registry(**options: object) -> Registry:
            server = Registry(images, **options)  # type: ignore[arg-type]
            stack.callback(server.stop)
            return server.start()

        world = stack.enter_context(import_module(f"tests.contract.forges.{request.param}").open_world(request))
        settings: dict[str, object] = {"timing": HOURLY, "workers": UPDATES_ONLY}
        yield stack.enter_context(open_live_stage(world, data, make_registry, notify=True, **settings))
