"""An edited issue text on the local forge: told once however often it is delivered, and also when whoever wrote it dies."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from sig_bots import Bot, Comment, Context
from sig_bots.dashboard import ticked
from sig_bots.events import issue_text_id
from sig_workers.localforge.hooks import SPOOL
from sig_workers.localforge.payloads import Payloads
from tests.workers.conftest import Build
from tests.workers.house import REPO, House

EMPTY, FULL = "- [ ] <!-- box look --> look", "- [x] <!-- box look --> look"


def ticker() -> Bot:
    bot = Bot("ticker", summary="Say what was ticked.")

    @bot.on(Comment, when=lambda event: event.is_issue_text and event.action == "edited")
    def after_edit(ctx: Context, event: Comment) -> None:
        """Note the ticks and empty the boxes."""
        ctx.summary = f"{event.actor.login}: {sorted(ticked(event.text, event.previous_text))}"
        ctx.forge.ensure_issue("board", "Board", EMPTY)

    return bot


@pytest.fixture
def house(build: Build) -> House:
    """Issue 1, ours, with an empty box."""
    house = build(ticker())
    house.service.host("local").repository(REPO, "ticker").ensure_issue("board", "Board", EMPTY)
    return house


def tick(house: House, by: str = "alice") -> None:
    text = house.forge.issue(REPO, 1)[1].body
    house.forge.edit_issue(REPO, 1, by, text.replace("[ ]", "[x]"))


def said(house: House) -> list[str]:
    return [f"{one.state}: {one.reason}" for one in house.jobs("ticker")]


def test_a_tick_is_told_with_who_ticked_and_our_own_edit_is_told_to_nobody(house: House) -> None:
    tick(house)
    house.run()
    assert said(house) == ["done: alice: ['look']"]
    assert house.forge.issue(REPO, 1)[1].body.startswith(EMPTY)


def test_the_same_delivery_again_is_done_once_and_the_same_tick_later_again(house: House) -> None:
    tick(house)
    (file,) = (house.settings.data / SPOOL).glob("*.json")
    again = file.read_bytes()
    house.run()
    file.write_bytes(again)
    house.run()
    assert len(said(house)) == 1
    tick(house)
    house.run()
    assert said(house) == ["done: alice: ['look']"] * 2


def test_an_edit_that_changes_nothing_is_told_to_nobody(house: House) -> None:
    house.forge.edit_issue(REPO, 1, "alice", house.forge.issue(REPO, 1)[1].body)
    assert list((house.settings.data / SPOOL).glob("*")) == []


def died_while_telling(house: House, text: str) -> Path:
    """What a process leaves that died around its commit, some time ago."""
    told = Payloads(house.forge.state).comment(REPO, 1, issue_text_id(1), "edited", text, "alice", before=EMPTY)
    left = house.forge.hooks.prepare(told)
    os.utime(left, (time.time() - 60, time.time() - 60))
    return left


def test_an_edit_that_was_committed_is_told_although_its_process_died(house: House) -> None:
    house.forge.state.change_issue(REPO, 1, body=FULL)
    died_while_telling(house, FULL)
    house.forge.catch_up()
    house.run()
    assert said(house) == ["done: alice: ['look']"]


def test_an_edit_that_never_happened_is_not_told(house: House) -> None:
    left = died_while_telling(house, FULL)
    house.forge.catch_up()
    house.run()
    assert said(house) == []
    assert not left.exists()
