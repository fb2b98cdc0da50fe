"""The life of an update pull request as people see it: refreshed, left to a person, declined, not needed any more, merged."""

from __future__ import annotations

from collections.abc import Sequence

from tests.contract.world import SeenPr
from tests.journeys.stage import Stage

SOON = 60.0
CONFIG = "version: 1\nupdate: {automerge: {minor: true, checks: [ci/tests]}}\n"
PLACES = ("kept", "taken", "declined", "sure")


def test_an_update_is_refreshed_left_to_a_person_declined_closed_and_merged(stage: Stage) -> None:
    bases = [f"{stage.registry}/{place}/base" for place in PLACES]
    for place in PLACES:
        stage.publish(f"{place}/base", "1.0", {"release": b"one"})
    recipe = "".join(f"FROM {base}:1.0\n" for base in bases)
    stage.world.push("owner", "main", {".sigbot.yaml": CONFIG, "Containerfile": recipe})

    for place in ("kept", "taken", "declined"):
        stage.publish(f"{place}/base", "1.1", {"release": b"two"})
    kept, taken, declined = (opened(stage, base, "1.1") for base in bases[:3])

    theirs = stage.world.push("alice", taken.head_branch, {"notes": "mine\n"}, start=taken.head_branch)
    stage.world.close("alice", declined.number)
    for place in ("kept", "taken"):
        stage.publish(f"{place}/base", "1.2", {"release": b"three"})

    assert opened(stage, bases[0], "1.2").number == kept.number
    said = stage.until(lambda: about_the_commit(stage, taken.number), SOON, "the word about alice's commit")
    assert len(said) == 1
    assert [one.head_sha for one in open_updates(stage) if one.number == taken.number] == [theirs]
    assert declined.number not in [one.number for one in open_updates(stage)]
    assert not any(bases[2] in one.title for one in open_updates(stage))

    recipe = recipe.replace(f"{bases[0]}:1.0", f"{bases[0]}:1.2")
    stage.world.push("owner", "main", {"Containerfile": recipe})
    stage.until(lambda: kept.number not in [one.number for one in open_updates(stage)], SOON, "the closing")
    assert any("no longer needs this update" in one.body for one in stage.world.comments(kept.number))

    stage.publish("sure/base", "1.1", {"release": b"two"})
    sure = opened(stage, bases[3], "1.1")
    stage.world.report("alice", sure.head_sha, "ci/tests", "success")
    stage.until(lambda: stage.world.pr(sure.number).state == "merged", SOON, "the merge")
    assert stage.world.pr(sure.number).head_sha == sure.head_sha
    assert stage.world.read("Containerfile") == recipe.replace(f"{bases[3]}:1.0", f"{bases[3]}:1.1").encode()


def opened(stage: Stage, base: str, tag: str) -> SeenPr:
    """The open update of the base to the tag, once it is there."""

    def look() -> SeenPr | None:
        return next((one for one in open_updates(stage) if one.title == f"Update {base} to {tag}"), None)

    return stage.until(look, SOON, f"the update of {base} to {tag}")


def open_updates(stage: Stage) -> Sequence[SeenPr]:
    return [one for one in stage.world.prs() if one.state == "open" and one.head_branch.startswith("sigbot/update/")]


def about_the_commit(stage: Stage, number: int) -> Sequence[str]:
    return [one.body for one in stage.world.comments(number) if "holds a commit that is not the bot's" in one.body]
