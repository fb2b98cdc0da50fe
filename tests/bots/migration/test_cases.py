"""Configurations as repositories have them, what becomes of each, and what is told to be lost."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sig_bots.config import RepoConfig, parse_config
from sig_bots.migration.importer import migrate
from sig_bots.migration.outcome import Migration
from sig_bots.roster import load_bots

CASES = sorted((Path(__file__).parent / "cases").iterdir())
SECRETS = ("hunter2", "wcFMA9", "n0t-for-you", "robot$renovate", "typed-in-by-mistake", "acme+dependabot")


def migrated(case: Path) -> Migration:
    source = next(path for path in case.iterdir() if not path.name.startswith("expected"))
    return migrate(source.name, source.read_bytes(), load_bots().bots["update"].config_model)


def same(file: Path, text: str) -> None:
    """The file holds this text; SIGBOT_RENEW_CASES=1 writes it, to be read before it is committed."""
    if os.environ.get("SIGBOT_RENEW_CASES") == "1":
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_file_and_the_losses_are_those_expected(case: Path) -> None:
    found = migrated(case)
    same(case / "expected.sigbot.yaml", found.text)
    same(case / "expected.losses.txt", "".join(f"{loss}\n" for loss in found.losses))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_file_passes_our_own_check(case: Path) -> None:
    parsed = parse_config(migrated(case).text.encode(), load_bots())
    assert isinstance(parsed, RepoConfig), str(parsed)
    assert "lint" in parsed.sections


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_secret_is_repeated(case: Path) -> None:
    found = migrated(case)
    said = found.text + "".join(map(str, found.losses))
    assert not [secret for secret in SECRETS if secret in said]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_loss_names_its_place_and_says_something(case: Path) -> None:
    for loss in migrated(case).losses:
        assert loss.key
        assert loss.line
        assert loss.message.endswith(".")
