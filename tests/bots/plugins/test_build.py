"""The build bot builds trusted or approved pull requests, publishes nothing, and says why it waits."""

import pytest

from sig_bots.forge import CheckState
from sig_bots.plugins.build import bot
from sig_bots.testing import SigHarness

CONFIG = "version: 1\nimages: [{name: registry.example/sig/app}]\nbuild: {}\n"


@pytest.fixture
def sig() -> SigHarness:
    return SigHarness(bots=[bot], config=CONFIG, files={"Containerfile": "FROM scratch\nCOPY app /\n", "app": "1"})


def test_a_pull_request_by_somebody_with_write_is_built_and_not_published(sig: SigHarness) -> None:
    number = sig.open_pr({"app": "2"}, by="alice")
    assert sig.checks(number)["sigbot/build"].state == CheckState.SUCCESS
    assert len(sig.builder.started) == 1
    assert not sig.registry.names


def test_a_fork_waits_for_an_approval_that_names_its_commit(sig: SigHarness) -> None:
    number = sig.open_pr({"app": "2"}, by="bob", fork=True)
    check = sig.checks(number)["sigbot/build"]
    assert check.state == CheckState.PENDING
    assert f"/sig ok {check.sha[:12]}" in check.summary
    assert not sig.builder.started


def test_the_approved_commit_of_a_fork_is_built(sig: SigHarness) -> None:
    number = sig.open_pr({"app": "2"}, by="bob", fork=True)
    sig.comment(f"/sig ok {sig.forge().pull_request(number).head_sha}", by="alice", on=number)
    assert sig.checks(number)["sigbot/build"].state == CheckState.SUCCESS


def test_a_push_after_the_approval_needs_a_new_one(sig: SigHarness) -> None:
    number = sig.open_pr({"app": "2"}, by="bob", fork=True)
    sig.comment(f"/sig ok {sig.forge().pull_request(number).head_sha}", by="alice", on=number)
    sig.push({"app": "evil"}, by="bob", branch="change", path="bob/app")
    assert sig.checks(number)["sigbot/build"].state == CheckState.PENDING
    assert len(sig.builder.started) == 1


def test_an_approval_without_a_commit_is_answered_with_the_current_one(sig: SigHarness) -> None:
    number = sig.open_pr({"app": "2"}, by="bob", fork=True)
    sig.comment("/sig ok", by="alice", on=number)
    assert sig.forge().pull_request(number).head_sha in sig.replies()[-1]
    assert not sig.builder.started


def test_an_approval_of_an_older_commit_is_refused(sig: SigHarness) -> None:
    number = sig.open_pr({"app": "2"}, by="bob", fork=True)
    old = sig.forge().pull_request(number).head_sha
    sig.push({"app": "3"}, by="bob", branch="change", path="bob/app")
    sig.comment(f"/sig ok {old}", by="alice", on=number)
    assert "is not" in sig.replies()[-1]
    assert not sig.builder.started


def test_the_author_of_a_fork_cannot_approve_it(sig: SigHarness) -> None:
    number = sig.open_pr({"app": "2"}, by="bob", fork=True)
    sig.comment(f"/sig ok {sig.forge().pull_request(number).head_sha}", by="bob", on=number)
    assert "write access" in sig.replies()[-1]
    assert not sig.builder.started


def test_a_failing_build_turns_the_check_red_and_names_the_line(sig: SigHarness) -> None:
    number = sig.open_pr({"Containerfile": "FROM scratch\nRUN false\n"})
    check = sig.checks(number)["sigbot/build"]
    assert check.state == CheckState.FAILURE
    assert "line 2" in check.summary


def test_a_containerfile_that_does_not_parse_is_a_red_check_with_a_sentence(sig: SigHarness) -> None:
    number = sig.open_pr({"Containerfile": "FROM\n"})
    assert "does not parse" in sig.checks(number)["sigbot/build"].summary


def test_a_machine_without_a_builder_says_so_on_the_check(sig: SigHarness) -> None:
    sig.builder.missing = "buildah is not installed; install the package buildah"
    number = sig.open_pr({"app": "2"})
    assert "buildah is not installed" in sig.checks(number)["sigbot/build"].summary


def test_a_change_outside_every_image_builds_nothing_and_is_green() -> None:
    config = "version: 1\nimages: [{name: registry.example/sig/app, context: app}]\nbuild: {}\n"
    sig = SigHarness(bots=[bot], config=config, files={"app/Containerfile": "FROM scratch\n"})
    number = sig.open_pr({"README.md": "words"})
    assert sig.checks(number)["sigbot/build"].state == CheckState.SUCCESS
    assert not sig.builder.started
