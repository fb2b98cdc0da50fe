"""The dashboard issue as people use it: it lists what waits and what was declined, and a tick does what it says."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tests.contract.world import Role, SeenIssue, SeenPr
from tests.journeys.stage import Stage

SOON = 60.0
CONFIG = "version: 1\nupdate: {dashboard: true, limits: {open: 1}}\n"


def test_what_waits_is_opened_and_what_was_declined_proposed_again_by_a_tick(stage: Stage) -> None:
    names = [f"{stage.registry}/{place}/base" for place in ("first", "second")]
    for place in ("first", "second"):
        stage.publish(f"{place}/base", "1.0", {"release": b"one"})
        stage.publish(f"{place}/base", "1.1", {"release": b"two"})
    recipe = "".join(f"FROM {name}:1.0\n" for name in names)
    stage.world.push("owner", "main", {".sigbot.yaml": CONFIG, "Containerfile": recipe})
    first, second = (f"Update {name} to 1.1" for name in names)
    listed(stage, "Open", first)
    waiting = listed(stage, "Waiting", second)
    assert f"{second}: waits, because the limit of 1 open pull request is reached" in plain(waiting.body)

    a_person_without_the_right_changes_nothing(stage, second)
    tick(stage, "alice", second)
    shown = listed(stage, "Open", second)
    assert shown.number == waiting.number
    assert titles(stage) == [first, second]
    assert "Last tick: `alice`" in shown.body

    declined = next(one for one in open_updates(stage) if one.title == first)
    stage.world.close("alice", declined.number)
    listed(stage, "Declined", first)
    assert titles(stage) == [second]
    tick(stage, "alice", first)
    listed(stage, "Open", first)
    assert titles(stage) == [first, second]

    merged = next(one for one in open_updates(stage) if one.title == second)
    stage.world.merge("alice", merged.number)
    stage.until(lambda: second not in plain(board(stage).body) or None, SOON, f"a list without {second}")
    assert [one.number for one in stage.world.issues()] == [waiting.number]


def a_person_without_the_right_changes_nothing(stage: Stage, title: str) -> None:
    """bob may edit the issue where the forge has triagers; his tick is taken back."""
    try:
        tick(stage, "bob", title)
    except PermissionError:
        return
    told = stage.until(lambda: seen(stage, "not done, it needs the right"), SOON, "the word about bob's tick")
    assert "`bob`" in told.body
    assert "[x]" not in told.body
    assert title not in titles(stage)


def tick(stage: Stage, who: Role, title: str) -> None:
    """Tick the box of the entry."""
    lines = board(stage).body.splitlines()
    (chosen,) = [line for line in lines if line.startswith("- [ ]") and title in plain(line)]
    ticked = "\n".join(line.replace("[ ]", "[x]") if line == chosen else line for line in lines)
    stage.world.edit_issue(who, board(stage).number, ticked)


def board(stage: Stage) -> SeenIssue:
    return next(one for one in stage.world.issues() if one.title == "Image updates")


def seen(stage: Stage, text: str) -> SeenIssue | None:
    issues = [one for one in stage.world.issues() if one.title == "Image updates"]
    return next((one for one in issues if text in plain(one.body)), None)


def listed(stage: Stage, heading: str, title: str) -> SeenIssue:
    """The issue, once the entry stands under the heading with an empty box."""

    def look() -> SeenIssue | None:
        issues = [one for one in stage.world.issues() if one.title == "Image updates"]
        return next((one for one in issues if any(_is(line, title) for line in section(one, heading))), None)

    return stage.until(look, SOON, f"{title} under {heading}")


def _is(line: str, title: str) -> bool:
    return line.startswith("- [ ]") and title in plain(line)


def section(issue: SeenIssue, heading: str) -> Sequence[str]:
    text = issue.body.replace("\r\n", "\n")
    return text.partition(f"### {heading}\n")[2].partition("\n### ")[0].splitlines()


def plain(text: str) -> str:
    """As it is shown: without the backslashes that keep names from being Markdown."""
    return re.sub(r"\\(?=[^\w\s])", "", text)


def open_updates(stage: Stage) -> Sequence[SeenPr]:
    return [one for one in stage.world.prs() if one.state == "open" and one.head_branch.startswith("sigbot/update/")]


def titles(stage: Stage) -> Sequence[str]:
    return sorted(one.title for one in open_updates(stage))
