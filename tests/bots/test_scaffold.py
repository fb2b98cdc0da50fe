"""`sigbot new-bot`: what it promises a bot's author is tried as the author would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sig_bots.errors import UserError
from sig_bots.scaffold import new_bot


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
