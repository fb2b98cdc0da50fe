"""The contract of `sig_bots.upstreams`, on the fake and on Anitya's client (against a stand-in of its API)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from sig_bots.errors import NotFound
from sig_bots.fakes.upstreams import FakeUpstreams
from sig_bots.upstreams import Upstreams
from sig_workers.anitya import AnityaClient
from tests.standins.anitya.server import Monitor, open_monitor


class Monitored(NamedTuple):
    """The adapter under test, and the monitor's own side."""

    upstreams: Upstreams
    monitor: FakeUpstreams | Monitor


@pytest.fixture(params=["fake", "anitya"])
def world(request: pytest.FixtureRequest) -> Iterator[Monitored]:
    if request.param == "fake":
        fake = FakeUpstreams()
        yield Monitored(fake, fake)
        return
    with open_monitor() as monitor:
        client = AnityaClient(monitor.url, private_network=True, timeout=5)
        yield Monitored(client, monitor)
        client.close()


def test_it_is_what_the_protocol_says(world: Monitored) -> None:
    assert isinstance(world.upstreams, Upstreams)


@pytest.mark.parametrize("named", [lambda one: one.name, lambda one: one.name.upper(), lambda one: str(one.id)])
def test_a_project_is_found_by_name_in_any_case_and_by_number(world: Monitored, named: Callable[..., str]) -> None:
    made = world.monitor.add("nodejs", ["22.1.0", "20.0.0"], prereleases=["23.0.0-rc1"])
    found = world.upstreams.project(named(made))
    assert (found.id, found.name, found.homepage) == (made.id, "nodejs", made.homepage)
    assert found.versions == ("23.0.0-rc1", "22.1.0", "20.0.0")
    assert found.stable == ("22.1.0", "20.0.0")
    assert f"/project/{made.id}" in found.page


def test_a_new_release_is_told_first(world: Monitored) -> None:
    made = world.monitor.add("curl", ["8.0"])
    world.monitor.release(made.id, "8.1")
    world.monitor.release(made.id, "8.2-rc1", stable=False)
    found = world.upstreams.project("curl")
    assert (found.versions, found.stable) == (("8.2-rc1", "8.1", "8.0"), ("8.1", "8.0"))


def test_a_project_nobody_knows_is_told_in_a_sentence(world: Monitored) -> None:
    for name in ("nothing", "4711"):
        with pytest.raises(NotFound, match=f"knows no project {name}"):
            world.upstreams.project(name)


def test_several_projects_of_a_name_are_told_with_numbers_and_ecosystems(world: Monitored) -> None:
    first, second = (world.monitor.add("requests", ["2.0"], ecosystem=one) for one in ("pypi", "npm"))
    with pytest.raises(NotFound) as caught:
        world.upstreams.project("requests")
    assert f"{first.id} (pypi)" in str(caught.value)
    assert f"{second.id} (npm)" in str(caught.value)
    assert "write the number of one, as in `project: " in str(caught.value)


def test_an_ecosystem_tells_projects_of_a_name_apart(world: Monitored) -> None:
    _, second = (
        world.monitor.add("requests", [version], ecosystem=one) for one, version in (("pypi", "2"), ("npm", "3"))
    )
    assert world.upstreams.project("requests", "NPM").id == second.id
    with pytest.raises(NotFound, match="knows no project requests in crates"):
        world.upstreams.project("requests", "crates")


def test_a_project_without_versions_is_a_project(world: Monitored) -> None:
    world.monitor.add("new", [])
    assert world.upstreams.project("new").versions == ()
