"""`update: versions:` is read with errors that name the line."""

from __future__ import annotations

import pytest

from sig_bots.config import ConfigProblem, RepoConfig, parse_config
from sig_bots.containerfile.assignments import assignments
from sig_bots.roster import load_bots
from sig_bots.updateconfig import UpdateConfig
from sig_bots.versionrules import VersionRule


def read(rules: str) -> UpdateConfig:
    found = parse_config(f"version: 1\nupdate:\n  versions:\n{rules}".encode(), load_bots())
    assert isinstance(found, RepoConfig), found
    section = found.sections["update"]
    assert isinstance(section, UpdateConfig)
    return section


def problem(rule: str) -> str:
    found = parse_config(f"version: 1\nupdate:\n  versions:\n    - {{label: version, project: x}}\n    - {rule}\n".encode(), load_bots())  # fmt: skip
    assert isinstance(found, ConfigProblem), found
    return str(found)


def test_the_rules_are_read() -> None:
    config = read(
        "    - {arg: NODE_VERSION, project: nodejs}\n"
        "    - {env: GO, project: 1227, file: 'web/*', prefix: go, prereleases: true, allowed: '1\\.2.*'}\n"
        "    - {label: org.x.version, project: requests, ecosystem: pypi, scheme: semver}\n"
    )
    assert [one.what for one in config.versions] == ["ARG NODE_VERSION", "ENV GO", "LABEL org.x.version"]
    assert [one.key for one in config.versions] == ["project:nodejs", "project:1227", "project:pypi/requests"]
    assert [one.prereleases for one in config.versions] == [False, True, False]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("{project: x}", "line 5: `update.versions[1]`: needs one of `arg`, `env` and `label`"),
        ("{arg: X, env: X, project: x}", "line 5: `update.versions[1]`: has `arg` and `env`; write a rule for each"),
        ("{arg: X}", "line 5: `update.versions[1].project`: is missing"),
        ("{arg: X, projet: x}", "did you mean `project`?"),
        ("{arg: 1X, project: x}", "line 5: `update.versions[1].arg`: must be the name of a variable, as in NODE_VERSION, not `1X`"),
        ("{label: 'a b', project: x}", "line 5: `update.versions[1].label`: must be the name of a label"),
        ("{arg: X, project: ''}", "must be the name or the number of a project"),
        ("{arg: X, project: x, allowed: '(a+)+'}", "must not repeat a group"),
        ("{arg: X, project: x, scheme: semvar}", "line 5: `update.versions[1].scheme`"),
        ("{arg: X, project: x, prereleases: often}", "line 5: `update.versions[1].prereleases`"),
        ("nodejs", "must be keys and values"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(rule: str, said: str) -> None:
    assert said in problem(rule)


def test_at_most_a_hundred_rules_are_read() -> None:
    rules = "".join(f"    - {{arg: X{number}, project: x}}\n" for number in range(101))
    found = parse_config(f"version: 1\nupdate:\n  versions:\n{rules}".encode(), load_bots())
    assert isinstance(found, ConfigProblem)
    assert "at most 100" in str(found)


@pytest.mark.parametrize(
    ("glob", "path", "fits"),
    [
        ("*", "Containerfile", True),
        ("*", "web/Containerfile", True),
        ("Containerfile*", "web/Containerfile.dev", True),
        ("Containerfile*", "web/app.Containerfile", False),
        ("web/*", "web/Containerfile", True),
        ("web/*", "Containerfile", False),
        ("web/Containerfile", "old/web/Containerfile", False),
    ],
)
def test_a_glob_without_a_slash_is_about_names_one_with_a_slash_about_paths(glob: str, path: str, fits: bool) -> None:
    (one,) = assignments(b"FROM a\nARG X=1\n")
    assert VersionRule(arg="X", project="x", file=glob).fits(path, one) is fits
    assert not VersionRule(env="X", project="x", file=glob).fits(path, one)
