"""What a repository's `update:` section makes of updates, as people see it; each journey in a repository of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from tests.contract.world import SeenPr, World
from tests.journeys.stage import Stage

SOON = 60.0
DAY = timedelta(days=1)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def enrol(stage: Stage, name: str, update: str, recipe: str) -> World:
    """A repository with this Containerfile and `update:` section."""
    world = stage.world.another(name, {"README.md": f"# {name}\n"})
    world.push("owner", "main", {".sigbot.yaml": f"version: 1\nupdate: {update}\n", "Containerfile": recipe})
    return world


def images(stage: Stage, *names: str) -> None:
    """Images as `path:tag`, published before anybody uses them."""
    for one in names:
        name, _, tag = one.partition(":")
        stage.publish(name, tag, {"release": one.encode()})


def updates(world: World) -> Sequence[SeenPr]:
    return [one for one in world.prs() if one.state == "open" and one.head_branch.startswith("sigbot/update/")]


def opened(stage: Stage, world: World, title: str) -> SeenPr:
    """The open update of this title, once it is there."""
    return stage.until(
        lambda: next((one for one in updates(world) if one.title == title), None), SOON, f"the pull request {title!r}"
    )


def until_said(stage: Stage, world: World, text: str) -> None:
    stage.until(lambda: stage.said(world.path, text), SOON, f"the word {text!r}")


def test_a_group_is_one_pull_request_with_its_labels_and_reviewers(rules: Stage) -> None:
    images(rules, "grouped/x:1", "grouped/x:2", "elsewhere/y:7", "elsewhere/y:8")
    recipe = f"FROM {rules.registry}/grouped/x:1 AS a\nFROM {rules.registry}/elsewhere/y:7\n"
    update = "{groups: {base: ['*/grouped/*', '*/elsewhere/y']}, labels: [dependencies], reviewers: [alice]}"
    world = enrol(rules, "grouped", update, recipe)
    number = opened(rules, world, "Update group base: x to 2, y to 8").number
    rules.until(lambda: world.pr(number).reviewers == ("alice",), SOON, "the reviewer")
    assert world.pr(number).labels == ("dependencies",)
    assert len(updates(world)) == 1


def test_several_bases_that_move_together_are_one_pull_request(rules: Stage) -> None:
    images(rules, *(f"os/{name}:{tag}" for name in ("full", "minimal") for tag in ("9.4", "9.5")))
    recipe = f"FROM {rules.registry}/os/full:9.4 AS build\nFROM {rules.registry}/os/minimal:9.4\n"
    world = enrol(rules, "family", "{}", recipe)
    found = opened(rules, world, f"Update {rules.registry}/os images to 9.5")
    assert world.read("Containerfile", found.head_sha) == recipe.replace("9.4", "9.5").encode()
    assert len(updates(world)) == 1


def test_outside_the_schedule_nothing_is_opened_and_inside_it_is(rules: Stage) -> None:
    rules.move_clock(timedelta())
    later = datetime.now(UTC) + 3 * DAY
    window = f"{DAYS[later.weekday()]},{DAYS[(later + DAY).weekday()]}"
    images(rules, "planned/base:1.0", "planned/base:1.1")
    world = enrol(rules, "planned", f"{{schedule: ['{window}']}}", f"FROM {rules.registry}/planned/base:1.0\n")
    until_said(rules, world, "waits for the schedule, until")
    assert not updates(world)
    rules.move_clock(3 * DAY)
    opened(rules, world, f"Update {rules.registry}/planned/base to 1.1")


def test_a_version_waits_for_its_cooldown_unless_somebody_will_not_wait(rules: Stage) -> None:
    rules.move_clock(timedelta())
    bases = [f"{rules.registry}/{name}/base" for name in ("ripening", "hurried")]
    for name in ("ripening", "hurried"):
        rules.publish(f"{name}/base", "1.0", {"release": b"1"}, created=datetime.now(UTC) - 30 * DAY)
        rules.publish(f"{name}/base", "1.1", {"release": b"2"}, created=datetime.now(UTC) - DAY)
    ripening, hurried = (
        enrol(rules, name, "{cooldown: 3d}", f"FROM {base}:1.0\n")
        for name, base in zip(("ripening", "hurried"), bases, strict=True)
    )
    until_said(rules, ripening, "and waits until")
    until_said(rules, hurried, "and waits until")
    assert not [*updates(ripening), *updates(hurried)]
    hurried.push("alice", "question", {"README.md": "now?\n"})
    hurried.comment("alice", hurried.open_pr("alice", "question"), "/sig update --now")
    opened(rules, hurried, f"Update {bases[1]} to 1.1")
    rules.move_clock(2 * DAY + timedelta(hours=1))
    opened(rules, ripening, f"Update {bases[0]} to 1.1")


def test_no_more_than_so_many_are_open_and_the_next_comes_when_one_is_done(rules: Stage) -> None:
    rules.move_clock(timedelta())
    images(rules, *(f"{place}/base:{tag}" for place in ("narrow", "strait") for tag in ("1", "2")))
    recipe = f"FROM {rules.registry}/narrow/base:1 AS a\nFROM {rules.registry}/strait/base:1\n"
    world = enrol(rules, "narrow", "{limits: {open: 1}}", recipe)
    until_said(rules, world, "waits, because the limit of 1 open pull request is reached")
    (first,) = updates(world)
    world.close("alice", first.number)
    rules.move_clock(timedelta())
    second = rules.until(lambda: next(iter(updates(world)), None), SOON, "the second pull request")
    assert second.title != first.title


def test_no_more_than_so_many_are_opened_in_an_hour(rules: Stage) -> None:
    rules.move_clock(timedelta())
    images(rules, *(f"{place}/base:{tag}" for place in ("slow", "steady") for tag in ("1", "2")))
    recipe = f"FROM {rules.registry}/slow/base:1 AS a\nFROM {rules.registry}/steady/base:1\n"
    world = enrol(rules, "slow", "{limits: {per_hour: 1}}", recipe)
    until_said(rules, world, "waits, because the limit of 1 new pull request an hour is reached")
    assert len(updates(world)) == 1
    rules.move_clock(timedelta(minutes=61))
    rules.until(lambda: len(updates(world)) == 2, SOON, "the second pull request")


def test_what_a_person_closed_is_ignored_until_the_next_version(rules: Stage) -> None:
    images(rules, "unloved/base:1.0", "unloved/base:1.1")
    base = f"{rules.registry}/unloved/base"
    world = enrol(rules, "unloved", "{}", f"FROM {base}:1.0\n")
    world.close("alice", opened(rules, world, f"Update {base} to 1.1").number)
    world.push("alice", "main", {"README.md": "look again\n"})
    until_said(rules, world, f"a person closed “Update {base} to 1.1”")
    assert not updates(world)
    images(rules, "unloved/base:1.2")
    opened(rules, world, f"Update {base} to 1.2")


def test_an_update_is_merged_at_its_commit_when_the_last_required_check_has_passed(rules: Stage) -> None:
    rules.move_clock(timedelta())
    images(rules, *(f"{place}/base:{tag}" for place in ("sure", "touched") for tag in ("1.0", "1.1")))
    sure, touched = (f"{rules.registry}/{place}/base" for place in ("sure", "touched"))
    world = rules.world.another("merging", {"README.md": "# merging\n"})
    assert world.require("ci/late")
    update = "{automerge: {minor: true, checks: [ci/tests]}}"
    recipe = f"FROM {sure}:1.0 AS a\nFROM {touched}:1.0\n"
    world.push("owner", "main", {".sigbot.yaml": f"version: 1\nupdate: {update}\n", "Containerfile": recipe})

    stays = opened(rules, world, f"Update {touched} to 1.1")
    theirs = world.push("alice", stays.head_branch, {"notes": "mine\n"}, start=stays.head_branch)
    for name in ("ci/tests", "ci/late"):
        world.report("alice", theirs, name, "success")
    until_said(rules, world, f"#{stays.number} holds a commit that is not ours")

    one = opened(rules, world, f"Update {sure} to 1.1")
    world.report("alice", one.head_sha, "ci/tests", "success")
    until_said(rules, world, f"#{one.number} is not merged yet: ci/late has not reported")
    assert world.pr(one.number).state == "open"
    world.report("alice", one.head_sha, "ci/late", "success")
    rules.until(lambda: world.pr(one.number).state == "merged", SOON, "the merge")
    assert world.pr(one.number).head_sha == one.head_sha
    assert world.read("Containerfile") == recipe.replace(f"{sure}:1.0", f"{sure}:1.1").encode()
    assert world.pr(stays.number).state == "open"


def test_a_newer_index_with_the_same_for_the_platforms_in_use_is_no_update(rules: Stage) -> None:
    used = ("linux/amd64", "linux/arm64")
    digest = rules.publish("noise/base", "1.0", {"release": b"1"}, platforms=used)
    world = enrol(rules, "noise", "{}", f"FROM {rules.registry}/noise/base:1.0@{digest}\n")
    until_said(rules, world, "its digest is current")
    assert rules.publish("noise/base", "1.0", {"release": b"1"}, platforms=(*used, "linux/s390x")) != digest
    until_said(rules, world, "points at a newer index that holds the same for linux/amd64, linux/arm64")
    assert not updates(world)


def test_an_index_that_lost_an_architecture_is_no_update_and_people_can_see_why(rules: Stage) -> None:
    rules.publish("shrunk/base", "1.0", {"release": b"1"}, platforms=("linux/amd64", "linux/s390x"))
    rules.publish("shrunk/base", "1.1", {"release": b"2"}, platforms=("linux/amd64", "linux/arm64"))
    world = enrol(rules, "shrunk", "{}", f"FROM {rules.registry}/shrunk/base:1.0\n")
    until_said(rules, world, "the index of 1.1 lacks linux/s390x")
    assert not updates(world)
