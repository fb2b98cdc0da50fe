"""`sigbot new-bot` and the example plugin: what they promise a bot's author is tried as the author would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from sig_bots.errors import UserError
from sig_bots.scaffold import new_bot

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "plugin"

LOOK = """
import json, sig_bots
from sig_bots.roster import load_bots
from sig_bots.help import help_data, help_markdown
from sig_bots.configschema import json_schema
from sig_bots.testing import SigHarness
bots = load_bots()
bot = bots.bots["floating"]
sig = SigHarness(bots=[bot], config="version: 1\\nfloating: {tags: [latest, rawhide]}\\n")
number = sig.open_pr({"Containerfile": "FROM quay.io/fedora/fedora:rawhide\\n"})
sig.comment("/sig floating", on=number)
print(json.dumps({
    "ours": sig_bots.__file__, "origin": bots.origins["floating"], "help": help_markdown(help_data(bots)),
    "schema": list(json_schema(bots)["properties"]["floating"]["anyOf"][0]["properties"]),
    "check": sig.checks(number)["sigbot/floating"].summary, "replies": sig.replies(),
}))
"""


def run(*command: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, timeout=100, check=False
    )


def test_a_new_bot_passes_its_generated_test(tmp_path: Path) -> None:
    files = new_bot("two-words", tmp_path)
    assert {path.name for path in files} >= {"pyproject.toml", "README.md"}
    root = tmp_path / "sigbot-two-words"
    result = run(sys.executable, "-m", "pytest", "-q", cwd=root, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    assert "3 passed" in result.stdout, result.stdout + result.stderr


def test_a_new_bot_is_clean_for_the_linter(tmp_path: Path) -> None:
    new_bot("hello", tmp_path)
    root = tmp_path / "sigbot-hello"
    result = run(sys.executable, "-m", "ruff", "check", "--isolated", ".", cwd=root)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("name", ["", "Hello", "1st", "a/b", "../x", "a" * 32, "hello world"])
def test_a_name_that_cannot_be_a_bots_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="cannot name a bot"):
        new_bot(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["ping", "help", "sigbot", "images", "rebuild"])
def test_a_name_of_ours_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="belongs to sigbot itself"):
        new_bot(name, tmp_path)


def test_an_existing_folder_is_left_alone(tmp_path: Path) -> None:
    new_bot("hello", tmp_path)
    (tmp_path / "sigbot-hello" / "README.md").write_text("mine")
    with pytest.raises(UserError, match="exists already"):
        new_bot("hello", tmp_path)
    assert (tmp_path / "sigbot-hello" / "README.md").read_text() == "mine"


def test_the_example_plugin_works_when_its_wheel_lies_beside_ours(tmp_path: Path) -> None:
    for project in (ROOT, EXAMPLE):
        built = run(
            sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "wheels"), cwd=project
        )
        assert built.returncode == 0, built.stderr
    site = tmp_path / "site"
    for wheel in (tmp_path / "wheels").glob("*.whl"):
        zipfile.ZipFile(wheel).extractall(site)
    result = run(sys.executable, "-c", LOOK, cwd=tmp_path, PYTHONPATH=str(site))
    assert result.returncode == 0, result.stderr
    seen = json.loads(result.stdout)
    assert Path(seen["ours"]).is_relative_to(site)
    assert seen["origin"] == "sigbot-floating 0.1.0"
    assert "| `/sig floating` | List the images that are used by a floating tag. | anyone |" in seen["help"]
    assert seen["schema"] == ["enabled", "tags"]
    assert seen["check"] == "Images used by a floating tag: 1."
    assert seen["replies"] == [
        "- `Containerfile` line 1: `quay.io/fedora/fedora:rawhide` may be another image tomorrow"
    ]
