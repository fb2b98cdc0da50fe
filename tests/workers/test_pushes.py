"""A push that git took is followed up, also when its hook dies: with the real hooks, and a hook that is killed on purpose."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from sig_workers.localforge.hooks import SPOOL, HookTarget
from sig_workers.localforge.pushes import SPOOL as NOTES
from tests.contract.git import commit_and_push
from tests.workers.conftest import Build
from tests.workers.house import REPO, SECRET, House

NOBODY = "http://127.0.0.1:9/hooks/local"
KILL = "kill -9 $$\n"


@pytest.fixture
def house(build: Build) -> House:
    """A pull request, 1, from alice's branch `change`, and everything told of so far forgotten."""
    house = build()
    data = house.settings.data
    HookTarget(NOBODY, SECRET, house.settings.store_url).write(data)
    house.open_pr({"a": "1"})
    forget(house)
    return house


def forget(house: House) -> None:
    for file in (house.settings.data / SPOOL).iterdir():
        file.unlink()


def hook(house: House, name: str = "post-receive") -> Path:
    return house.forge.history(REPO).folder / "hooks" / name


def kill_the_hook(house: House) -> None:
    script = hook(house)
    first, rest = script.read_text().split("\n", 1)
    script.write_text(f"{first}\n{KILL}{rest}")


def push(house: House, text: str = "2") -> str:
    return commit_and_push(str(house.forge.history(REPO).folder), "alice", "change", {"a": text})


def told(house: House) -> list[tuple[str, str]]:
    """What the webhooks waiting to be sent say: event, and the commit it is about."""
    kept = [json.loads(file.read_text()) for file in sorted((house.settings.data / SPOOL).glob("*.json"))]
    return [(one["event"], one["body"].get("after") or one["body"]["pull_request"]["head_sha"]) for one in kept]


def notes(house: House) -> list[Path]:
    return sorted((house.settings.data / NOTES).iterdir())


def pass_some_time(house: House) -> None:
    for note in notes(house):
        os.utime(note, (time.time() - 60, time.time() - 60))


def test_a_push_is_followed_up_by_its_hook_and_leaves_no_note(house: House) -> None:
    after = push(house)
    assert (house.head(1), told(house)) == (after, [("push", after), ("pull_request", after)])
    assert notes(house) == []


def test_a_push_whose_hook_was_killed_is_followed_up_by_the_next_sweep(house: House) -> None:
    kill_the_hook(house)
    before, after = house.head(1), push(house)
    assert (house.head(1), told(house)) == (before, [])  # it was killed there
    pass_some_time(house)
    house.beat.turn()
    assert (house.head(1), told(house)) == (after, [("push", after), ("pull_request", after)])
    house.beat.turn()
    assert (len(told(house)), notes(house)) == (2, [])


def test_a_push_followed_up_late_does_not_undo_a_later_one(house: House) -> None:
    whole = hook(house).read_text()
    kill_the_hook(house)
    push(house, "2")
    hook(house).write_text(whole)
    newest = push(house, "3")
    pass_some_time(house)
    house.forge.catch_up()
    assert house.head(1) == newest


def test_a_push_that_was_refused_is_told_to_nobody(house: House) -> None:
    hook(house, "update").write_text("#!/bin/sh\nexit 1\n")
    hook(house, "update").chmod(0o755)
    with pytest.raises(AssertionError, match="hook declined"):
        push(house)
    assert len(notes(house)) == 1
    pass_some_time(house)
    house.forge.catch_up()
    assert (told(house), notes(house)) == ([], [])


def test_a_push_that_is_still_going_on_is_left_to_its_own_hook(house: House) -> None:
    kill_the_hook(house)
    before = house.head(1)
    push(house)
    (note,) = notes(house)
    note.rename(note.with_name(f"{os.getpid()}-{note.name.partition('-')[2]}"))
    pass_some_time(house)
    house.forge.catch_up()
    assert (house.head(1), len(notes(house))) == (before, 1)


def test_a_deleted_branch_is_followed_up_too(house: House) -> None:
    kill_the_hook(house)
    folder = house.forge.history(REPO).folder
    subprocess.run(["git", "push", "-q", folder, ":refs/heads/change"], cwd=folder, check=True, capture_output=True)
    pass_some_time(house)
    house.forge.catch_up()
    assert told(house) == [("push", "0" * 40)]


def test_a_note_of_a_repository_that_is_gone_or_of_rubbish_is_thrown_away(house: House) -> None:
    spool = house.settings.data / NOTES
    spool.mkdir(exist_ok=True)
    for name, text in (("0-a", "sig/gone\n\n"), ("0-b", "\x00"), ("x-c", ""), ("0-d", f"{REPO}\nalice\nno update\n")):
        (spool / name).write_text(text)
    pass_some_time(house)
    house.forge.catch_up()
    assert (told(house), notes(house)) == ([], [])
