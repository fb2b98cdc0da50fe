"""The update bot merges what it was told to merge, at the commit that passed, and nothing else."""

import pytest

from sig_bots.forge import CheckState
from sig_bots.refs import PullRequest
from sig_bots.testing import SigHarness
from tests.bots.plugins.test_update_pulls import BASE, look, world

PATCHES = "{automerge: {patch: true}}"


def opened(update: str = PATCHES, newer: str = "1.0.1") -> tuple[SigHarness, PullRequest]:
    sig = world(f"FROM {BASE}:1.0.0\n", f"{BASE}:1.0.0", f"{BASE}:{newer}", update=update)
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
    assert "the bot merges it once every check has passed" in one.body
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
