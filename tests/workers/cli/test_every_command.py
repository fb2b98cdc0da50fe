"""Every command there is, given what it cannot use: a sentence and a documented exit status, never a traceback."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from sig_workers.cli.main import cli
from tests.workers.cli.conftest import Said, Sigbot

DOCS = Path(__file__).parents[3] / "docs" / "cli.md"


def leaves(group: click.Group, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """All commands that do something, with the words that call them."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from leaves(command, (*words, name))
        else:
            yield (*words, name), command


LEAVES = list(leaves(cli))
CHOICES = [
    (words, option.opts[0])
    for words, command in LEAVES
    for option in command.params
    if isinstance(option, click.Option) and isinstance(option.type, click.Choice | click.types.IntParamType | click.types.FloatParamType)
]  # fmt: skip
NUMBERED = [words for words, command in LEAVES if any(one.name == "number" for one in command.params)]


def fault(said: Said, *codes: int) -> None:
    """It ended with one of these statuses; with 2, one sentence on standard error says why."""
    assert said.code in codes, said
    assert "Traceback" not in said.err + said.out
    assert "should not be" not in said.err
    lines = [line for line in said.err.splitlines() if line.startswith(("sigbot: ", "Error: "))]
    if said.code == 2:
        assert len(lines) == 1, said.err
        assert len(lines[0]) > len("sigbot: ") + 10


@pytest.mark.parametrize("words", [words for words, _ in LEAVES], ids=" ".join)
def test_an_unknown_option_is_refused_in_a_sentence(sigbot: Sigbot, words: tuple[str, ...]) -> None:
    said = sigbot(*words, "--no-such-option")
    fault(said, 2)
    assert "--no-such-option" in said.err


@pytest.mark.parametrize(("words", "option"), CHOICES, ids=" ".join)
def test_an_unknown_value_of_an_option_is_refused_in_a_sentence(sigbot: Sigbot, words: tuple[str, ...], option: str) -> None:  # fmt: skip
    fault(sigbot(*words, option, "no-such-value"), 2)


@pytest.mark.parametrize("words", NUMBERED, ids=" ".join)
@pytest.mark.parametrize("number", ["x", "-1", "9" * 40])
def test_a_number_that_names_nothing_is_refused(sigbot: Sigbot, words: tuple[str, ...], number: str) -> None:
    fault(sigbot(*words, "--", number), 2)


@pytest.mark.parametrize("words", [words for words, _ in LEAVES], ids=" ".join)
def test_help_says_what_a_command_is_for(sigbot: Sigbot, words: tuple[str, ...]) -> None:
    said = sigbot(*words, "--help")
    assert said.code == 0
    assert re.search(r"\n  [A-Z][^\n]+", said.out)


@pytest.mark.parametrize("words", [words for words, _ in LEAVES], ids=" ".join)
def test_the_page_names_every_command(words: tuple[str, ...]) -> None:
    page = DOCS.read_text()
    assert re.search(rf"`(sigbot )?([a-z]+ )?{re.escape(words[-1])}\b", page), words
    assert re.search(rf"sigbot [^|]*\b{re.escape(words[0])}\b", page), words


# ---------------------------------------------------------------- paths

EVENT = ("--source", "github", "--header", "X-GitHub-Event: push")
SEND = ("--source", "local", "--header", "X-Sigbot-Event: push", "--to", "http://127.0.0.1:9/hooks/x")
PATHS: dict[str, tuple[str, ...]] = {
    "refs": ("refs", "{}"),
    "lint": ("lint", "{}"),
    "lint --baseline": ("lint", "Containerfile", "--baseline", "{}"),
    "lint --fix": ("lint", "{}", "--fix"),
    "update": ("update", "{}"),
    "graph": ("graph", "{}"),
    "plan": ("plan", "--changed", "a/b:1", "{}"),
    "config check": ("config", "check", "{}"),
    "event": ("event", "{}", *EVENT),
    "event --config": ("event", "push.json", *EVENT, "--config", "{}"),
    "send": ("send", "{}", *SEND, "--secret", "s"),
    "send --secret-file": ("send", "push.json", *SEND, "--secret-file", "{}"),
    "new-bot": ("new-bot", "greeter", "{}"),
    "run": ("run", "{}", "--data", "{}/data", "--port", "0"),
    "up --example": ("up", "--example={}", "--data", "data", "--port", "0"),
    "jobs list --data": ("jobs", "list", "--data", "{}"),
    "dead list --data": ("dead", "list", "--data", "{}"),
    "deliveries list --data": ("deliveries", "list", "--data", "{}"),
    "forge list --data": ("forge", "list", "--data", "{}"),
    "doctor --data": ("doctor", "--data", "{}"),
}
NOTHING_HERE: dict[str, tuple[int, ...]] = {"doctor --data": (1, 2), "lint --baseline": (0,), "event": (1, 2)}
"""Commands that end otherwise than with 2 on a path that is not there: a baseline is made."""


def call(sigbot: Sigbot, command: str, path: object) -> Said:
    return sigbot(*(word.replace("{}", str(path)) for word in PATHS[command]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a Containerfile without fault, a payload, and things nobody can use."""
    (tmp_path / "Containerfile").write_text("FROM scratch\n# sigbot global ignore=SIG004,SIG008,SIG009\n")
    (tmp_path / "push.json").write_text("{}")
    (tmp_path / "binary").write_bytes(bytes(range(256)) * 8)
    (tmp_path / "nothing").write_bytes(b"")
    (tmp_path / "plain").mkdir()
    os.mkfifo(tmp_path / "plain" / "Containerfile.fifo")
    (tmp_path / "plain" / "sigbot.toml").mkdir()
    return tmp_path


@pytest.mark.parametrize("command", PATHS)
def test_a_path_that_is_not_there_is_named(sigbot: Sigbot, folder: Path, command: str) -> None:
    said = call(sigbot, command, "no-such-path")
    fault(said, *NOTHING_HERE.get(command, (2,)))
    assert said.code != 2 or "no-such-path" in said.err


@pytest.mark.parametrize("command", PATHS)
@pytest.mark.parametrize("thing", ["binary", "nothing", "plain", "/proc/self/mem", "Containerfile/below"])
def test_what_cannot_be_used_ends_in_a_sentence(sigbot: Sigbot, folder: Path, command: str, thing: str) -> None:
    fault(call(sigbot, command, thing), 0, 1, 2)


@pytest.mark.parametrize("command", ["new-bot", "lint --baseline", "jobs list --data"])
def test_a_folder_nobody_may_write_to_is_said(sigbot: Sigbot, folder: Path, command: str) -> None:
    place = "/proc/self/fdinfo"
    fault(call(sigbot, command, f"{place}/baseline" if command.startswith("lint") else place), 2)


@pytest.mark.parametrize("words", [("up", "--port", "0", "--data", "/proc/nothing/data"), ("run", ".", "--data", "push.json/x"), ("up", "--data", "push.json")], ids=" ".join)  # fmt: skip
def test_a_data_folder_that_cannot_be_made_is_said(sigbot: Sigbot, folder: Path, words: tuple[str, ...]) -> None:
    import subprocess

    subprocess.run(["git", "init", "-q", "."], cwd=folder, check=True)
    fault(sigbot(*words), 2)


# ---------------------------------------------------------------- JSON


def test_what_has_no_service_prints_the_documented_json(sigbot: Sigbot, fleet: Path) -> None:
    found = json.loads(sigbot("doctor", "--format", "json").out)
    assert {frozenset(one) for one in found} == {frozenset({"what", "ok", "state", "remedy"})}
    assert [bool(one["remedy"]) for one in found] == [not one["ok"] for one in found]
    bots = json.loads(sigbot("bots", "--format", "json").out)
    assert {tuple(one) for one in bots} == {("name", "summary", "origin", "events", "commands", "schedules", "without_section")}  # fmt: skip
    assert list(json.loads(sigbot("graph", fleet / "web", "--format", "json").out)) == ["levels", "edges", "refused"]
    plan = json.loads(sigbot("plan", "--changed", "registry.example/fleet/base:1.1", fleet / "web", "--format", "json").out)  # fmt: skip
    assert list(plan) == ["changed", "levels", "because"]
    assert json.loads(sigbot("config", "check", fleet / "web", "--format", "json").out)["problems"] == []
