"""The update bot merges what it was told to merge, at the commit that passed, and nothing else."""

from datetime import UTC, datetime

import pytest

from sig_bots.events import TestResult
from sig_bots.forge import Check, CheckState
from sig_bots.refs import PullRequest
from sig_bots.testing import SigHarness
from sig_bots.updatemerge import unmet
from sig_bots.wording import unescaped
from tests.bots.plugins.test_update_pulls import BASE, close, look, world
from tests.bots.plugins.test_update_versions import world as versions

PATCHES = "{automerge: {patch: true}}"


def opened(update: str = PATCHES, newer: str = "1.0.1") -> tuple[SigHarness, PullRequest]:
    sig = world(f"FROM {BASE}:1.0.0\n", f"{BASE}:1.0.0", f"{BASE}:{newer}", update=update)
    sig.clock = lambda: datetime(2026, 11, 1, tzinfo=UTC)
    (one,) = look(sig)
    return sig, one


def check(sig: SigHarness, one: PullRequest, state: CheckState, name: str = "ci") -> None:
    sig.forge().set_check(one.head_sha, name, state, summary="")


def state(sig: SigHarness, one: PullRequest) -> str:
    look(sig)
    return sig.forge().pull_request(one.number).state


def test_a_patch_is_merged_when_every_check_has_passed() -> None:
    sig, one = opened()
    check(sig, one, CheckState.SUCCESS)
    assert "the bot merges it once its checks have passed" in one.body
    assert state(sig, one) == "merged"
    assert sig.outcomes[-1][1].reason == f"merged #{one.number} {one.title}"
    assert sig.forge().read_file("Containerfile") == f"FROM {BASE}:1.0.1\n".encode()


@pytest.mark.parametrize("second", [CheckState.PENDING, CheckState.RUNNING, CheckState.FAILURE, CheckState.ERROR])
def test_one_check_that_has_not_passed_is_enough_to_wait(second: CheckState) -> None:
    sig, one = opened()
    check(sig, one, CheckState.SUCCESS)
    check(sig, one, second, "other")
    assert state(sig, one) == "open"
    assert f"#{one.number} is not merged yet: other has not passed" in sig.log


def answer(sig: SigHarness) -> str:
    sig.comment("/sig update", on=sig.open_pr({"README.md": "hello"}))
    return unescaped(sig.replies()[-1])


def test_the_answer_to_the_command_says_why_a_merge_waits() -> None:
    sig, one = opened()
    check(sig, one, CheckState.FAILURE)
    assert f"#{one.number} is not merged yet: ci has not passed" in answer(sig)


def test_without_write_access_the_pull_request_and_the_answer_say_what_to_do() -> None:
    sig, one = opened()
    pulls = sig.host.repos["team/app"].pull_requests
    pulls[one.number] = one.model_copy(update={"from_fork": True})
    check(sig, one, CheckState.PENDING)
    assert "lacks the write access that merging takes: give its account that, or merge it yourself" in answer(sig)
    assert "the bot would merge it, but the bot works from a fork" in sig.forge().pull_request(one.number).body


def test_the_answer_to_the_command_names_what_a_person_declined() -> None:
    sig, one = opened("{}")
    close(sig, one.number)
    assert f"{one.title}: a person closed #{one.number}, so it is not proposed" in answer(sig)


def test_without_any_check_nothing_is_merged() -> None:
    sig, one = opened()
    assert state(sig, one) == "open"


def test_only_the_kinds_named_are_merged() -> None:
    sig, one = opened(newer="1.1.0")
    check(sig, one, CheckState.SUCCESS)
    assert state(sig, one) == "open"


def test_a_commit_that_nobody_checked_is_not_merged() -> None:
    """The checks passed, but something newer appears in the same moment."""
    sig, one = opened()
    check(sig, one, CheckState.SUCCESS)
    sig.registry.publish(f"{BASE}:1.0.2", {"motd": b"2"})
    assert state(sig, one) == "open"
    assert sig.forge().pull_request(one.number).head_sha != one.head_sha


def test_a_commit_of_somebody_else_is_not_merged() -> None:
    sig, one = opened()
    sig.push({"notes": "mine"}, branch=one.head_branch)
    check(sig, sig.forge().pull_request(one.number), CheckState.SUCCESS)
    assert state(sig, one) == "open"


def test_one_is_merged_at_a_time_so_that_the_next_is_checked_on_top_of_it() -> None:
    recipe = "FROM a.example/x:1.0.0 AS a\nFROM b.example/y:1.0.0\n"
    images = [f"{name}:{tag}" for name in ("a.example/x", "b.example/y") for tag in ("1.0.0", "1.0.1")]
    sig = world(recipe, *images, update=PATCHES)
    pulls = look(sig)
    for one in pulls:
        check(sig, one, CheckState.SUCCESS)
    assert [state(sig, one) for one in pulls].count("merged") == 1


# ---------------------------------------------------------------- what must have passed


NAMED = "{automerge: {patch: true, checks: [build, 'ci/*']}}"


def test_named_checks_must_be_there_and_have_passed() -> None:
    sig, one = opened(NAMED)
    check(sig, one, CheckState.SUCCESS, "build")
    assert state(sig, one) == "open"
    assert f"#{one.number} is not merged yet: ci/* has not reported" in sig.log
    check(sig, one, CheckState.RUNNING, "ci/x86")
    assert state(sig, one) == "open"
    check(sig, one, CheckState.SUCCESS, "ci/x86")
    assert state(sig, one) == "merged"


def test_of_the_checks_that_are_not_named_none_may_have_failed() -> None:
    sig, one = opened(NAMED)
    for name in ("build", "ci/x86"):
        check(sig, one, CheckState.SUCCESS, name)
    check(sig, one, CheckState.FAILURE, "spelling")
    assert state(sig, one) == "open"
    check(sig, one, CheckState.RUNNING, "spelling")
    assert state(sig, one) == "merged"


def test_a_check_that_the_forge_requires_and_that_has_not_reported_has_not_passed() -> None:
    sig, one = opened()
    sig.host.repos["team/app"].required["main"] = ("late",)
    check(sig, one, CheckState.SUCCESS)
    assert state(sig, one) == "open"
    assert f"#{one.number} is not merged yet: late has not reported" in sig.log
    check(sig, one, CheckState.SUCCESS, "late")
    assert state(sig, one) == "merged"


@pytest.mark.parametrize(
    ("states", "named", "required", "wanted"),
    [
        ({"a": "success", "b": "neutral"}, (), (), []),
        ({"a": "neutral"}, (), (), ["no check has passed"]),
        ({}, (), (), ["no check has passed"]),
        ({"a": "success", "b": "cancelled"}, (), (), ["b has not passed"]),
        ({"a": "success", "b": "pending"}, ("a",), (), []),
        ({"a": "success", "b": "pending"}, ("a",), ("b",), ["b has not passed"]),
        ({"b": "success"}, ("a",), ("c",), ["a has not reported", "c has not reported"]),
        ({"a": "neutral", "b": "success"}, ("a",), (), ["no check has passed"]),
        ({"`a`\n*": "failure"}, (), (), ["a * has not passed"]),
    ],
)
def test_what_stands_in_the_way(
    states: dict[str, str], named: tuple[str, ...], required: tuple[str, ...], wanted: list[str]
) -> None:
    checks = [Check(name=name, sha="1", state=CheckState(word)) for name, word in states.items()]
    assert unmet(checks, named, required) == wanted


# ---------------------------------------------------------------- as soon as it has


def current(sig: SigHarness, one: PullRequest) -> str:
    return sig.forge().pull_request(one.number).state


def test_it_is_merged_when_the_last_check_passes_without_waiting_for_a_look() -> None:
    sig, one = opened()
    sig.check("ci", CheckState.FAILURE, on=one.number)
    assert current(sig, one) == "open"
    sig.check("ci", CheckState.SUCCESS, on=one.number)
    assert current(sig, one) == "merged"
    assert sig.forge().read_file("Containerfile") == f"FROM {BASE}:1.0.1\n".encode()


def test_a_result_merges_no_other_kind_than_the_commit_is() -> None:
    """What the pull request says of itself is not believed: whoever can write can edit it."""
    sig, one = opened(newer="1.1.0")
    pulls = sig.host.repos["team/app"].pull_requests
    pulls[one.number] = one.model_copy(update={"body": one.body.replace("minor", "patch"), "title": "Update to 1.0.1"})
    sig.check("ci", CheckState.SUCCESS, on=one.number)
    assert current(sig, one) == "open"
    assert sig.outcomes[-1][1].reason == f"#{one.number} is not of a kind that the bot merges"


def test_a_result_merges_a_version_in_an_arg_too() -> None:
    recipe = f"ARG BASE=1.0.0\nFROM {BASE}:${{BASE}}\n"
    sig = world(recipe, f"{BASE}:1.0.0", f"{BASE}:1.0.1", update=PATCHES)
    (one,) = look(sig)
    sig.check("ci", CheckState.SUCCESS, on=one.number)
    assert current(sig, one) == "merged"


@pytest.mark.parametrize(
    ("update", "reason"),
    [
        ("{automerge: {digest: true}}", "#1 is not of a kind that the bot merges"),
        ("{automerge: {patch: true}, schedule: ['day 1']}", "outside the schedule"),
    ],
)
def test_a_result_merges_only_what_is_configured_and_in_time(update: str, reason: str) -> None:
    sig, one = opened(update)
    sig.clock = lambda: datetime(2026, 11, 22, tzinfo=UTC)
    sig.check("ci", CheckState.SUCCESS, on=one.number)
    assert current(sig, one) == "open"
    assert sig.outcomes[-1][1].reason == reason


@pytest.mark.parametrize("update", ["{}", "{automerge: {checks: [ci]}}"])
def test_where_nothing_is_merged_a_result_makes_no_job(update: str) -> None:
    sig, one = opened(update)
    before = len(sig.outcomes)
    sig.check("ci", CheckState.SUCCESS, on=one.number)
    assert len(sig.outcomes) == before
    assert ("update", "not needed for this test result") in sig.verdicts


def test_a_result_on_a_branch_behind_main_merges_nothing() -> None:
    sig, one = opened()
    sig.host.repos["team/app"].commit("main", {"README.md": b"moved"}, message="x", author="alice")
    sig.check("ci", CheckState.SUCCESS, on=one.number)
    assert current(sig, one) == "open"
    assert "is not on top of main" in sig.outcomes[-1][1].reason


def test_a_result_on_somebody_else_s_commit_merges_nothing() -> None:
    sig, one = opened()
    sig.push({"notes": "mine"}, branch=one.head_branch)
    sig.check("ci", CheckState.SUCCESS, on=one.number)
    assert current(sig, one) == "open"
    assert "holds a commit that is not ours" in sig.outcomes[-1][1].reason


def test_a_result_on_another_pull_request_is_none_of_its_business() -> None:
    sig, one = opened()
    other = sig.open_pr({"README.md": "hello"})
    sig.check("ci", CheckState.SUCCESS, on=other)
    assert current(sig, one) == "open"
    assert sig.outcomes[-1][1].reason == "no update pull request is at this commit"


def test_a_result_that_names_other_branches_makes_no_job() -> None:
    sig, one = opened()
    before = len(sig.outcomes)
    told = TestResult(source="fake", repo=sig.forge().repo, test="ci", status="passed", subject="x", sha=one.head_sha, branches=("main",))  # fmt: skip
    sig.handle(told)
    assert len(sig.outcomes) == before


def test_the_next_one_is_brought_on_top_when_one_was_merged_by_its_result() -> None:
    recipe = "FROM a.example/x:1.0.0 AS a\nFROM b.example/y:1.0.0\n"
    images = [f"{name}:{tag}" for name in ("a.example/x", "b.example/y") for tag in ("1.0.0", "1.0.1")]
    sig = world(recipe, *images, update=PATCHES)
    pulls = look(sig)
    sig.check("ci", CheckState.SUCCESS, on=pulls[0].number)
    sig.check("ci", CheckState.SUCCESS, on=pulls[1].number)
    assert [current(sig, one) for one in pulls] == ["merged", "open"]
    look(sig)
    sig.check("ci", CheckState.SUCCESS, on=pulls[1].number)
    assert current(sig, pulls[1]) == "merged"


@pytest.mark.parametrize(("beside", "wanted"), [("RUN get $NODE_VERSION\n", "merged"), ("ARG NODE_SHA256=1\n", "open")])
def test_a_result_merges_a_version_of_a_project_but_not_beside_a_checksum(beside: str, wanted: str) -> None:
    sig = versions(recipe=f"FROM scratch\nARG NODE_VERSION=20.1.0\n{beside}", more="  automerge: {major: true}\n")
    (one,) = look(sig)
    sig.check("ci", CheckState.SUCCESS, on=one.number)
    assert current(sig, one) == wanted


def test_what_a_person_aimed_at_another_branch_is_not_merged_there() -> None:
    sig, one = opened()
    repo = sig.host.repos["team/app"]
    repo.branches["stable"] = start = repo.branches["main"]
    repo.pull_requests[one.number] = repo.pull_requests[one.number].model_copy(update={"base_branch": "stable"})
    check(sig, one, CheckState.SUCCESS)
    assert state(sig, one) == "open"
    assert repo.branches["stable"] == start
