"""Version rules: values of ARG, ENV and LABEL follow an upstream project by pull request."""

from __future__ import annotations

import pytest

from sig_bots.fakes.upstreams import FakeUpstreams
from sig_bots.plugins.update import bot
from sig_bots.refs import PullRequest
from sig_bots.testing import SigHarness
from sig_bots.wording import unescaped

NODE = "{arg: NODE_VERSION, project: nodejs}"
RECIPE = "FROM scratch\nARG NODE_VERSION=20.1.0\nRUN get $NODE_VERSION\n"


def world(*rules: str, recipe: str = RECIPE, more: str = "", **files: str) -> SigHarness:
    """A repository with these rules, and nodejs with two releases at the monitor."""
    config = f"version: 1\nupdate:\n  versions: [{', '.join(rules or (NODE,))}]\n{more}"
    sig = SigHarness(bots=[bot], files={"Containerfile": recipe, ".sigbot.yaml": config, **files})
    sig.upstreams.add("nodejs", ["22.1.0", "20.1.0"], prereleases=["23.0.0-rc.1"])
    return sig


def look(sig: SigHarness) -> list[PullRequest]:
    sig.tick("update", "sweep")
    return list(sig.forge().find_prs("sigbot/update/"))


def text(sig: SigHarness, one: PullRequest, path: str = "Containerfile") -> str:
    return (sig.forge().read_file(path, one.head_sha) or b"").decode()


def test_a_newer_version_becomes_a_pull_request_that_says_why_and_where() -> None:
    sig = world()
    (one,) = look(sig)
    assert one.title == "Update nodejs to 22.1.0"
    assert one.head_branch == "sigbot/update/project-nodejs"
    assert text(sig, one) == RECIPE.replace("20.1.0", "22.1.0")
    assert "| project | from | to | where |" in one.body
    assert "| `nodejs` | `20.1.0` | `22.1.0` | `Containerfile:2 ARG NODE_VERSION` |" in one.body
    assert "22.1.0 is the newest one among the 2 stable versions of `nodejs`, ordered by version (semver)" in one.body
    assert "left out: 1 pre-release" in one.body
    assert "[homepage](https://1.example/nodejs)" in one.body
    assert "[its versions at the release monitor](https://monitor.example/project/1/)" in one.body
    assert "take its rule out of `update: versions:`" in one.body


def test_all_values_of_a_project_move_together_in_every_file() -> None:
    web = "FROM scratch\nENV NODE v20.1.0\nLABEL version=20.1 other=20.1.0\n"
    rules = (NODE, "{env: NODE, project: nodejs}", "{label: version, project: nodejs, file: 'web/*'}")
    sig = world(*rules, **{"web/Containerfile": web})
    (one,) = look(sig)
    assert text(sig, one, "web/Containerfile") == "FROM scratch\nENV NODE v22.1.0\nLABEL version=22.1 other=20.1.0\n"
    assert text(sig, one) == RECIPE.replace("20.1.0", "22.1.0")
    assert one.title == "Update nodejs to 22.1.0"
    assert sig.upstreams.requests == 1


def test_values_at_different_versions_are_named_in_the_title() -> None:
    sig = world(
        "{env: A, project: nodejs, allowed: '20.*'}",
        "{env: B, project: nodejs}",
        recipe="FROM scratch\nENV A=20.0.0 B=20.0.0\n",
    )
    (one,) = look(sig)
    assert one.title == "Update nodejs to 20.1.0, 22.1.0"
    assert text(sig, one) == "FROM scratch\nENV A=20.1.0 B=22.1.0\n"


def test_very_many_values_of_a_rule_are_looked_at_in_time_and_the_rest_is_told() -> None:
    sig = world(recipe="FROM scratch\n" + "ARG NODE_VERSION=20.1.0\n" * 3000)
    (one,) = look(sig)
    assert text(sig, one).count("22.1.0") == 500
    assert any("only the first 500 of 3,000 values are looked at" in line for line in sig.log)


def test_a_pull_request_of_very_many_versions_stays_readable() -> None:
    names = [f"V{number}" for number in range(60)]
    rules = [f"{{env: {name}, project: nodejs, allowed: '20\\.{number}\\..*'}}" for number, name in enumerate(names)]
    sig = world(*rules, recipe="FROM scratch\n" + "".join(f"ENV {name}=20.{number}.0\n" for number, name in enumerate(names)))  # fmt: skip
    for number in range(60):
        sig.upstreams.release(1, f"20.{number}.1")
    (one,) = look(sig)
    assert one.title == "Update nodejs to 20.0.1, 20.1.1, 20.10.1, 20.11.1, 20.12.1, 55 more"
    assert text(sig, one).count(".1\n") == 60
    assert "- … and 30 more" in one.body
    assert len(one.body) < 20_000


def test_a_newer_release_refreshes_the_open_pull_request() -> None:
    sig = world()
    (first,) = look(sig)
    sig.upstreams.release(1, "22.2.0")
    (second,) = look(sig)
    assert (second.number, second.title) == (first.number, "Update nodejs to 22.2.0")
    repository = sig.host.repos["team/app"]
    assert repository.commits[second.head_sha].parent == repository.branches["main"]


def test_one_that_a_person_declined_waits_for_the_next_version() -> None:
    sig = world()
    (one,) = look(sig)
    pulls = sig.host.repos["team/app"].pull_requests
    pulls[one.number] = pulls[one.number].model_copy(update={"state": "closed"})
    assert look(sig) == []
    sig.upstreams.release(1, "22.2.0")
    assert [each.title for each in look(sig)] == ["Update nodejs to 22.2.0"]


def test_a_commit_of_somebody_else_is_left_alone() -> None:
    sig = world()
    (one,) = look(sig)
    sig.push({"notes": "mine"}, branch=one.head_branch)
    theirs = sig.forge().branch_sha(one.head_branch)
    sig.upstreams.release(1, "22.2.0")
    look(sig)
    assert sig.forge().branch_sha(one.head_branch) == theirs


def test_it_is_closed_when_the_rule_goes_or_the_value_was_changed_by_hand() -> None:
    sig = world()
    (one,) = look(sig)
    sig.push({"Containerfile": RECIPE.replace("20.1.0", "22.1.0")})
    assert sig.forge().pull_request(one.number).state == "closed"
    again = world()
    (two,) = look(again)
    again.push({".sigbot.yaml": "version: 1\nupdate: {}\n"})
    assert again.forge().pull_request(two.number).state == "closed"


def test_a_monitor_that_is_down_closes_nothing_and_the_job_says_so() -> None:
    sig = world(recipe=f"FROM registry.example/base:1\n{RECIPE.removeprefix('FROM scratch')}")
    for tag in ("1", "2"):
        sig.registry.publish(f"registry.example/base:{tag}", {"f": tag.encode()})
    look(sig)
    sig.upstreams.down = True
    assert [one.title for one in look(sig)] == ["Update nodejs to 22.1.0", "Update registry.example/base to 2"]
    assert sig.outcomes[-1][1].state == "done"
    assert "; 1 project was not looked at: project:nodejs (" in (sig.outcomes[-1][1].reason or "")


def test_without_rules_the_monitor_is_not_asked() -> None:
    sig = SigHarness(bots=[bot], files={"Containerfile": RECIPE})
    look(sig)
    assert sig.upstreams.requests == 0


def test_an_arg_of_an_image_stays_with_the_image() -> None:
    sig = world(recipe="ARG NODE_VERSION=20.1.0\nFROM registry.example/node:$NODE_VERSION\n")
    for tag in ("20.1.0", "21.0.0"):
        sig.registry.publish(f"registry.example/node:{tag}", {"f": tag.encode()})
    assert [one.title for one in look(sig)] == ["Update registry.example/node to 21.0.0"]
    assert any("part of the image registry.example/node:20.1.0 on line 2" in line for line in sig.log)


@pytest.mark.parametrize(
    ("beside", "place"),
    [
        ("ARG NODE_SHA256=" + "a" * 64 + "\n", "Containerfile:3: ARG NODE_SHA256"),
        ("ENV NODE_CHECKSUM_ARM64=abc\n", "Containerfile:3: ENV NODE_CHECKSUM_ARM64"),
        ("ADD --checksum=sha256:" + "a" * 64 + " https://x.example/$NODE_VERSION.tgz /\n", "Containerfile:3: ADD"),
        ('RUN get ${NODE_VERSION} \\\n && echo "' + "a" * 64 + '  node" | sha256sum -c\n', "Containerfile:3: RUN"),
    ],
)
def test_a_checksum_beside_the_version_is_left_to_a_person_and_nothing_is_merged(beside: str, place: str) -> None:
    sig = world(recipe=RECIPE.replace("RUN get $NODE_VERSION\n", beside), more="  automerge: {major: true}\n")
    (one,) = look(sig)
    assert f"**To be changed by hand:** `{place}`: a checksum that belongs to the old version" in one.body
    assert "the bot merges it" not in one.body


def test_without_a_checksum_a_version_is_merged_by_its_kind() -> None:
    sig = world(more="  automerge: {major: true}\n")
    (one,) = look(sig)
    assert "Because this is a major version, the bot merges it once its checks have passed" in one.body


def test_groups_hold_images_and_projects_together() -> None:
    recipe = f"FROM registry.example/base:1\n{RECIPE.removeprefix('FROM scratch')}"
    sig = world(recipe=recipe, more="  groups: {web: ['project:node*', 'registry.example/*']}\n")
    for tag in ("1", "2"):
        sig.registry.publish(f"registry.example/base:{tag}", {"f": tag.encode()})
    (one,) = look(sig)
    assert one.title == "Update group web: base to 2, nodejs to 22.1.0"
    assert text(sig, one) == recipe.replace("base:1", "base:2").replace("20.1.0", "22.1.0")
    assert "| image or project | from | to | where |" in one.body


def test_a_group_of_all_images_holds_no_project() -> None:
    sig = world(more="  groups: {all: ['*']}\n")
    assert [one.head_branch for one in look(sig)] == ["sigbot/update/project-nodejs"]


@pytest.mark.parametrize("ignored", ["project:nodejs", "project:node*"])
def test_an_ignored_project_stays(ignored: str) -> None:
    sig = world(more=f"  ignore: ['{ignored}']\n")
    assert look(sig) == []
    assert any("project:nodejs is ignored by the configuration" in line for line in sig.log)


def test_ignored_versions_and_major_ones_are_passed_over() -> None:
    sig = world(more="  ignore: ['project:nodejs:22.*']\n")
    assert look(sig) == []
    assert any("22.1.0 of nodejs is newer and not allowed" in line for line in sig.log)
    strict = world(more="  allow: {major: false}\n")
    strict.upstreams.release(1, "20.9.0")
    assert [one.title for one in look(strict)] == ["Update nodejs to 20.9.0"]


def test_a_rule_that_finds_no_value_is_told_to_who_asks() -> None:
    sig = world("{arg: GO_VERSION, project: nodejs}")
    number = sig.open_pr({"README.md": "hello"})
    sig.comment("/sig update", by="alice", on=number)
    (reply,) = sig.replies()
    assert "update.versions[0]: no Containerfile gives ARG GO_VERSION a value" in unescaped(reply)


def test_a_rule_whose_value_cannot_be_edited_is_told_to_who_asks() -> None:
    sig = world(recipe="ARG NODE_VERSION=20.1.0\nFROM registry.example/node:$NODE_VERSION\n")
    number = sig.open_pr({"README.md": "hello"})
    sig.comment("/sig update", by="alice", on=number)
    (reply,) = sig.replies()
    assert "update.versions[0]: Containerfile:1: ARG NODE_VERSION stays: it is part of the image" in unescaped(reply)
    assert sig.upstreams.requests == 0


def test_a_name_that_several_projects_have_is_told_with_their_numbers() -> None:
    sig = world()
    sig.upstreams.add("NodeJS", ["99"], ecosystem="npm")
    number = sig.open_pr({"README.md": "hello"})
    sig.comment("/sig update", by="alice", on=number)
    (reply,) = sig.replies()
    assert "Several projects are named nodejs" in reply
    assert "(npm)" in unescaped(reply)
    assert look(sig) == []


def test_a_project_that_is_gone_leaves_the_pull_request_open() -> None:
    sig = world()
    (one,) = look(sig)
    sig.upstreams.projects.clear()
    assert [each.number for each in look(sig)] == [one.number]


def test_what_a_project_calls_itself_is_only_words_in_title_and_body() -> None:
    sig = world("{arg: NODE_VERSION, project: 2}")
    evil = sig.upstreams.add("@everyone <!-- x --> [a](b)\n`", ["22.1.0", "20.1.0"])
    bad = evil.model_copy(update={"homepage": "javascript:alert(1)", "page": "https://x.example/) [evil](https://y"})
    sig.upstreams.projects[evil.id] = bad
    (one,) = look(sig)
    assert one.title == "Update everyone -- x -- a b to 22.1.0"
    assert "javascript" not in one.body
    assert "evil" not in one.body


def test_versions_obey_the_schedule_and_the_limits() -> None:
    sig = world(NODE, "{env: CURL, project: curl}", recipe=RECIPE + "ENV CURL=8.0\n", more="  limits: {open: 1}\n")
    sig.upstreams.add("curl", ["8.1", "8.0"])
    assert [one.title for one in look(sig)] == ["Update nodejs to 22.1.0"]
    assert any("Update curl to 8.1 waits" in line for line in sig.log)


def test_the_fake_monitor_counts_and_numbers_its_projects() -> None:
    fake = FakeUpstreams()
    assert [fake.add(name, []).id for name in ("a", "b")] == [1, 2]
