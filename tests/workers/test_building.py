"""What a pull request on a real forge, with its commits in real git, can decide about a build: its sources, nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sig_bots.fakes.builder import FakeBuilder
from sig_bots.fakes.registry import FakeRegistry
from sig_bots.forge import CheckState
from sig_bots.plugins.build import bot
from tests.workers.house import REPO, House

IMAGE = "{name: registry.example/sig/app, platforms: [linux/arm64], smoke: [app, --version]}"
CONFIG = f"version: 1\nbuild: {{}}\nimages: [{IMAGE}]\n"
FILES = {".sigbot.yaml": CONFIG, "Containerfile": "FROM scratch\nCOPY app /\n", "app": "1"}


@pytest.fixture
def builder() -> FakeBuilder:
    return FakeBuilder(FakeRegistry())


@pytest.fixture
def house(build: Callable[..., House], builder: FakeBuilder) -> House:
    house = build(bot)
    house.service.builder = builder
    house.commit(FILES)
    return house


def from_fork(house: House, files: dict[str, str]) -> int:
    """bob's pull request from his fork."""
    fork = house.forge.fork(REPO, "bob")
    house.commit(files, branch="change", by="bob", path=fork)
    number = house.forge.open_pull(REPO, "bob", branch="change", base="main", title="A change", head_repo=fork).number
    house.run()
    return number


@pytest.mark.parametrize(
    "evil",
    [
        "{name: registry.example/sig/app, platforms: [linux/arm64], smoke: [app, --version], network: true}",
        "{name: registry.example/sig/app, platforms: [linux/arm64], smoke: [sh, -c, evil]}",
        "{name: registry.example/sig/app, platforms: [linux/amd64], smoke: [app, --version]}",
        "{name: registry.example/sig/app, platforms: [linux/arm64], smoke: [app, --version], tag: evil}",
        "{name: registry.example/sig/app, platforms: [linux/arm64], smoke: [app, --version], containerfile: Evil}",
        "{name: registry.example/other/image, platforms: [linux/arm64], smoke: [app, --version]}",
        f"{IMAGE}, {{name: registry.example/other/image, containerfile: Evil}}",
    ],
)
def test_an_approved_fork_is_built_by_the_recipe_of_the_default_branch(
    house: House, builder: FakeBuilder, evil: str
) -> None:
    config = f"version: 1\nbuild: {{}}\nimages: [{evil}]\n"
    number = from_fork(house, {".sigbot.yaml": config, "Evil": "FROM scratch\nCOPY app /evil\n", "app": "2"})
    assert not builder.started
    house.comment(f"/sig ok {house.head(number)}", on=number)
    house.run()
    (spec,) = builder.started
    assert (str(spec.image), spec.containerfile, spec.network, spec.smoke, [str(one) for one in spec.platforms]) == (
        "registry.example/sig/app:latest", "Containerfile", False, ("app", "--version"), ["linux/arm64"],
    )  # fmt: skip
    assert not spec.push
    assert builder.results[str(spec.image)]["linux/arm64"].files == {"app": b"2"}


def test_a_fork_cannot_switch_on_building(build: Callable[..., House], builder: FakeBuilder) -> None:
    house = build(bot)
    house.service.builder = builder
    house.commit({**FILES, ".sigbot.yaml": "version: 1\n"})
    number = from_fork(house, {".sigbot.yaml": CONFIG, "app": "2"})
    assert "sigbot/build" not in house.checks(house.head(number))
    assert not builder.started


def test_a_failed_build_is_one_check_with_the_builders_last_words(house: House, builder: FakeBuilder) -> None:
    builder.says = ["fetching", "no such package: \x1b[1mhttpdd\x1b[0m ```"]
    number = house.open_pr({"Containerfile": "FROM scratch\nRUN false\n"})
    house.run()
    ((check, text),) = house.forge.state.checks(REPO, house.head(number))
    assert check.state == CheckState.FAILURE
    assert check.summary.startswith("registry.example/sig/app:latest could not be built (Containerfile line 2): ")
    assert text.splitlines()[-3:] == ["fetching", "no such package: httpdd ```", "````"]
    (job,) = house.jobs("build")
    assert (job.state, "\n" in job.reason) == ("failed", False)
