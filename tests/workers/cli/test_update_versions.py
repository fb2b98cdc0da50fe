"""`sigbot update` on a checkout whose .sigbot.yaml has rules for versions."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.standins.anitya.server import Monitor, open_monitor
from tests.workers.cli.conftest import Sigbot

RECIPE = "FROM scratch\nARG NODE_VERSION=20.1.0\nARG NODE_SHA256=abc\nLABEL version=20.1\n"
RULES = "[{arg: NODE_VERSION, project: nodejs}, {label: version, project: nodejs, file: 'web/*'}]"


@pytest.fixture
def monitor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Monitor]:
    """A monitor that the settings name, and a checkout with rules in `code`."""
    with open_monitor() as running:
        running.add("nodejs", ["22.1.0", "20.1.0"])
        (tmp_path / "sigbot.toml").write_text(f'[anitya]\nurl = "{running.url}"\nallow_http = true\n')
        monkeypatch.setenv("SIGBOT_CONFIG", "sigbot.toml")
        (tmp_path / "code" / "web").mkdir(parents=True)
        (tmp_path / "code" / "web" / "Containerfile").write_text(RECIPE)
        (tmp_path / "code" / ".sigbot.yaml").write_text(f"version: 1\nupdate:\n  versions: {RULES}\n")
        yield running


def test_values_are_moved_in_place_and_what_is_left_to_do_is_told(sigbot: Sigbot, monitor: Monitor) -> None:
    said = sigbot("update", "code")
    assert said.code == 0
    assert "code/web/Containerfile:2: nodejs 20.1.0 -> nodejs 22.1.0" in said.out
    assert "to be changed by hand: code/web/Containerfile:3: ARG NODE_SHA256" in said.out
    assert Path("code/web/Containerfile").read_text() == RECIPE.replace("20.1", "22.1")
    assert len(monitor.asked) == 1


def test_a_dry_run_changes_nothing_and_tells_all_in_json(sigbot: Sigbot, monitor: Monitor) -> None:
    told = json.loads(sigbot("update", "code", "--dry-run", "--format", "json").out)
    assert Path("code/web/Containerfile").read_text() == RECIPE
    first, second = told["moved"]
    assert (first["project"], first["value"], first["from"], first["to"]) == ("nodejs", "ARG NODE_VERSION", "20.1.0", "22.1.0")  # fmt: skip
    assert first["by_hand"] == ["code/web/Containerfile:3: ARG NODE_SHA256"]
    assert (second["value"], second["to"]) == ("LABEL version", "22.1")


def test_the_diff_can_be_applied(sigbot: Sigbot, monitor: Monitor) -> None:
    diff = sigbot("update", "code", "--dry-run", "--format", "diff").out
    subprocess.run(["git", "apply"], input=diff, text=True, check=True)
    assert Path("code/web/Containerfile").read_text() == RECIPE.replace("20.1", "22.1")


def test_a_monitor_that_does_not_answer_is_named(sigbot: Sigbot, monitor: Monitor) -> None:
    monitor.trouble = (503, {}, b"")
    said = sigbot("update", "code")
    assert said.code == 2
    assert (
        "project:nodejs could not be looked at: The release monitor has a problem of its own (status 503)." in said.out
    )
    assert said.err.startswith("sigbot: 1 project could not be looked at: project:nodejs")


def test_a_rule_that_finds_nothing_is_told(sigbot: Sigbot, monitor: Monitor) -> None:
    Path("code/.sigbot.yaml").write_text("version: 1\nupdate:\n  versions: [{env: GO, project: nodejs}]\n")
    said = sigbot("update", "code")
    assert said.code == 0
    assert "update.versions[0]: no Containerfile gives ENV GO a value" in said.out


def test_without_rules_no_monitor_is_asked(sigbot: Sigbot, monitor: Monitor) -> None:
    Path("code/.sigbot.yaml").write_text("version: 1\nupdate: {}\n")
    assert sigbot("update", "code").code == 0
    assert monitor.asked == []
