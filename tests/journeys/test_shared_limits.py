"""The operator's limits on update pull requests, met by two repositories of one organisation, with the clock in hand."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from tests.contract.forges import github
from tests.contract.world import SeenPr, World
from tests.journeys.conftest import HOURLY, UPDATES_ONLY
from tests.journeys.stage import open_live_stage
from tests.servers.registry import Registry

SOON = 60.0


def updates(world: World) -> Sequence[SeenPr]:
    return [one for one in world.prs() if one.state == "open" and one.head_branch.startswith("sigbot/update/")]


@pytest.mark.server
@pytest.mark.timeout(240)
def test_an_organisation_s_limit_and_then_that_of_the_service(
    request: pytest.FixtureRequest, make_registry: Callable[..., Registry]
) -> None:
    limits = {"per_hour": 3, "owner": [{"owner": "acme", "open": 3}]}
    with tempfile.TemporaryDirectory() as data, github.open_world(request) as world:
        settings = {"timing": HOURLY, "workers": UPDATES_ONLY, "update_limits": limits}
        with open_live_stage(world, Path(data), make_registry, notify=False, **settings) as stage:
            for place in ("one", "two"):
                for tag in ("1", "2"):
                    stage.publish(f"{place}/base", tag, {"release": tag.encode()})
            recipe = f"FROM {stage.registry}/one/base:1 AS a\nFROM {stage.registry}/two/base:1\n"
            files = {".sigbot.yaml": "version: 1\nupdate: {}\n", "Containerfile": recipe}

            world.push("owner", "main", files)
            stage.until(lambda: len(updates(world)) == 2, SOON, "both updates of the first repository")
            stage.child.push("owner", "main", files)
            full = "waits, because the organisation's limit of 3 open pull requests is reached"
            stage.until(lambda: stage.said(stage.child.path, full), SOON, "the word about the organisation's limit")
            assert len(updates(stage.child)) == 1
            assert not stage.said(stage.child.path, world.path)

            world.close("alice", updates(world)[0].number)
            world.push("alice", "main", {"README.md": "look again\n"})
            full = "waits, because the service's limit of 3 new pull requests an hour is reached"
            stage.until(lambda: stage.said(stage.child.path, full), SOON, "the word about the service's limit")
            assert len(updates(stage.child)) == 1

            stage.move_clock(timedelta(minutes=61))
            stage.until(lambda: len(updates(stage.child)) == 2, SOON, "the last update")
