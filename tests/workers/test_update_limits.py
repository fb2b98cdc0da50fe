"""Limits over repositories, from sigbot.toml to the worker: which count, and what a repository is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sig_bots.fakes.registry import FakeRegistry
from sig_bots.plugins.update import bot
from sig_workers.settings import SettingsError, load_settings
from sig_workers.updatelimits import SharedLimit, UpdateLimits
from tests.workers.conftest import Build
from tests.workers.house import House

TEXT = """
[[instance]]
name = "github"
kind = "local"
[update_limits]
open = 200
[[update_limits.owner]]
instance = "git*"
owner = "sig"
open = 20
[[update_limits.owner]]
owner = "*"
per_hour = 3
"""
ALL = SharedLimit(200)


@pytest.mark.parametrize(
    ("instance", "path", "wanted"),
    [
        ("github", "SIG/app", [SharedLimit(20, None, ("github", "SIG")), ALL]),
        ("dist-git", "sig/app", [SharedLimit(None, 3, ("dist-git", "sig")), ALL]),
        ("dist-git", "app", [ALL]),
    ],
)
def test_the_first_that_fits_is_the_organisation_s_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, instance: str, path: str, wanted: list[SharedLimit]
) -> None:
    monkeypatch.setenv("SIGBOT_CONFIG", "")
    file = tmp_path / "sigbot.toml"
    file.write_text(TEXT)
    assert load_settings(file).update_limits.of(instance, path) == wanted


def test_a_limit_for_an_instance_that_is_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGBOT_CONFIG", "")
    file = tmp_path / "sigbot.toml"
    file.write_text(TEXT.replace("git*", "gitlab"))
    with pytest.raises(SettingsError, match=r"update_limits\.owner: there is no instance 'gitlab'; name one"):
        load_settings(file)


def two_repositories(build: Build, **settings: object) -> House:
    """`sig/one` and `sig/two`, each with two images of which there is something newer."""
    house = build(bot, timing={"config_age": "0s"}, **settings)
    registry = FakeRegistry()
    house.service.registry = registry
    for name in ("a", "b"):
        for tag in ("1", "2"):
            registry.publish(f"{name}.example/x:{tag}", {"tag": tag.encode()})
    for path in ("sig/one", "sig/two"):
        house.create(path)
        house.push({"Containerfile": "FROM a.example/x:1 AS a\nFROM b.example/x:1\n"}, path=path)
        house.run()
    return house


def opened(house: House) -> list[int]:
    return [len(house.service.host("local").repository(path).find_prs("sigbot/")) for path in ("sig/one", "sig/two")]


def test_a_limit_of_the_organisation_is_reached_by_two_repositories_together(build: Build) -> None:
    limits = UpdateLimits.model_validate({"owner": [{"owner": "sig", "open": 3}]})
    house = two_repositories(build, update_limits=limits)
    assert opened(house) == [2, 1]
    said = house.log(house.jobs("update")[-1].id)
    assert "waits, because the organisation's limit of 3 open pull requests is reached" in said
    assert "sig/one" not in said


def test_what_waits_comes_at_the_next_look_after_another_repository_needs_less(build: Build) -> None:
    house = two_repositories(build, update_limits=UpdateLimits(open=3))
    house.push({"Containerfile": "FROM b.example/x:2\n"}, path="sig/one")
    house.run()
    assert opened(house) == [0, 1]
    house.push({"README.md": "look again\n"}, path="sig/two")
    house.run()
    assert opened(house) == [0, 2]


def test_a_dry_run_takes_no_place(build: Build) -> None:
    house = two_repositories(build, update_limits=UpdateLimits(open=3), dry_run=True)
    assert opened(house) == [0, 0]
    (row,) = [one for one in house.store.list_repositories() if one.path == "sig/one"]
    assert (
        house.service.store.take_place(row.id, "b", datetime.now(UTC), [SharedLimit(1)], seen=timedelta(days=1)) is None
    )
