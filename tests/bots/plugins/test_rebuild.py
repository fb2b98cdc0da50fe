"""The rebuild bot publishes images after their bases, with the exact parent digest recorded."""

import pytest

from sig_bots.packages import Package, PackageList
from sig_bots.plugins.rebuild import bot
from sig_bots.testing import SigHarness

BASE = "registry.example/sig/base:1"
CHILD = "registry.example/sig/app:latest"
OURS = "version: 1\nimages: [{name: registry.example/sig/%s, tag: '%s'}]\nrebuild: {}\n"


@pytest.fixture
def sig() -> SigHarness:
    sig = SigHarness(
        bots=[bot], config=OURS % ("app", "latest"), files={"Containerfile": f"FROM {BASE}\nCOPY app /\n", "app": "1"}
    )
    sig.registry.publish(BASE, {"motd": b"old"})
    sig.push({"app": "2"})
    return sig


def test_a_push_to_the_default_branch_publishes_the_image_with_its_base_recorded(sig: SigHarness) -> None:
    image = sig.registry.image(CHILD)
    assert image.files == {"motd": b"old", "app": b"2"}
    assert image.labels["org.opencontainers.image.base.digest"] == sig.registry.names["registry.example/sig/base"]["1"]
    assert image.labels["org.opencontainers.image.base.name"] == BASE


def test_a_new_base_rebuilds_its_child_with_the_new_digest(sig: SigHarness) -> None:
    digest = sig.push_image(BASE, {"motd": b"new"})
    image = sig.registry.image(CHILD)
    assert image.files["motd"] == b"new"
    assert image.labels["org.opencontainers.image.base.digest"] == digest


def test_an_image_that_is_up_to_date_is_not_built_again(sig: SigHarness) -> None:
    before = len(sig.builder.started)
    sig.tick("rebuild", "sweep")
    assert len(sig.builder.started) == before
    assert sig.outcomes[-1][1].state == "skipped"


def test_base_and_child_in_two_repositories_are_built_in_that_order(sig: SigHarness) -> None:
    sig.add_repository(
        "team/base", {"Containerfile": "FROM scratch\nCOPY motd /\n", "motd": "x"}, config=OURS % ("base", "1")
    )
    sig.builder.started.clear()
    sig.push({"motd": "fresh"}, path="team/base")
    assert [str(spec.image) for spec in sig.builder.started] == [BASE, CHILD]
    assert sig.registry.image(CHILD).files["motd"] == b"fresh"


def test_a_push_that_touches_no_build_context_builds_nothing() -> None:
    config = "version: 1\nimages: [{name: registry.example/sig/app, context: app}]\nrebuild: {}\n"
    sig = SigHarness(bots=[bot], config=config, files={"app/Containerfile": "FROM scratch\nCOPY x /\n", "app/x": "1"})
    sig.push({"app/x": "2"})
    sig.push({"README.md": "no part of the image"})
    assert len(sig.builder.started) == 1


def test_a_failing_build_says_which_line_failed_and_publishes_nothing(sig: SigHarness) -> None:
    before = dict(sig.registry.names["registry.example/sig/app"])
    sig.push({"Containerfile": f"FROM {BASE}\nRUN false\n"})
    outcome = sig.outcomes[-1][1]
    assert outcome.state == "failed"
    assert "line 2" in outcome.reason
    assert sig.registry.names["registry.example/sig/app"] == before


def test_an_architecture_is_built_for_each_platform_of_the_configuration() -> None:
    config = (
        "version: 1\nimages: [{name: registry.example/multi, platforms: [linux/amd64, linux/arm64]}]\nrebuild: {}\n"
    )
    sig = SigHarness(bots=[bot], config=config, files={"Containerfile": "FROM scratch\nCOPY x /\n", "x": "1"})
    sig.push({"x": "2"})
    for platform in ("linux/amd64", "linux/arm64"):
        assert sig.registry.image("registry.example/multi:latest", platform).files == {"x": b"2"}


def test_rebuild_is_refused_to_somebody_without_write_access(sig: SigHarness) -> None:
    number = sig.open_pr({"README.md": "x"}, by="bob", fork=True)
    sig.comment("/sig rebuild", by="bob", on=number)
    assert "write access" in sig.replies()[-1]


def test_rebuild_of_an_unknown_image_names_those_there_are(sig: SigHarness) -> None:
    number = sig.open_pr({"README.md": "x"})
    sig.comment("/sig rebuild registry.example/sig/nothing", on=number)
    assert CHILD in sig.replies()[-1]


def test_what_is_installed_in_a_published_image_is_recorded(sig: SigHarness) -> None:
    sig.builder.installs = PackageList.of("rpm", [Package(name="bash", version="5.2", release="1")])
    sig.push_image(BASE, {"motd": b"new"})
    digest = sig.registry.names["registry.example/sig/app"]["latest"]
    (listed,) = sig.inventory.packages[digest].values()
    assert [one.nevra for one in listed.packages] == ["bash-5.2-1"]
