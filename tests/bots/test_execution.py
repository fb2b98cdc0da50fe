"""How a handler ends is mapped in one place: four outcomes, and what the person sees of each."""

from datetime import timedelta

import pytest

from sig_bots import Bot, Context, NoArgs, Permission, PullRequestChanged, Skip, Transient, UserError
from sig_bots.errors import FencedOff, NotFound, Obsolete
from sig_bots.execution import Outcome
from sig_bots.forge import CheckState
from sig_bots.testing import SigHarness


def world(error: Exception | None = None, *, who: str = "anyone") -> SigHarness:
    bot = Bot("probe", summary="Raises what a test wants.")

    @bot.on(PullRequestChanged)
    def changed(ctx: Context, event: PullRequestChanged) -> None:
        """React to a pull request."""
        if error:
            raise error

    @bot.command("probe", who=who)  # type: ignore[arg-type]
    def asked(ctx: Context, args: NoArgs) -> None:
        """React to a person."""
        if error:
            raise error
        ctx.reply("done it")

    return SigHarness(bots=[bot])


def outcome(sig: SigHarness) -> Outcome:
    return next(one for name, one in reversed(sig.outcomes) if name.startswith("probe"))


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (Skip("nothing to do"), "skipped"),
        (UserError("write a tag"), "failed"),
        (NotFound("gone"), "failed"),
        (Obsolete("newer head"), "obsolete"),
        (Transient("later"), "queued"),
    ],
)
def test_each_kind_of_end_has_its_state_and_keeps_its_sentence(error: Exception, state: str) -> None:
    sig = world(error)
    sig.open_pr({"a": "1"})
    assert (outcome(sig).state, outcome(sig).reason) == (state, str(error))


def test_a_user_error_of_a_command_is_the_answer_word_for_word() -> None:
    sig = world(UserError("write a tag"))
    number = sig.open_pr({"a": "1"})
    sig.comment("/sig probe", on=number)
    assert sig.replies() == ["write a tag"]


def test_a_user_error_of_a_pull_request_is_a_red_check() -> None:
    sig = world(UserError("write a tag"))
    check = sig.checks(sig.open_pr({"a": "1"}))["sigbot/probe"]
    assert (check.state, check.summary) == (CheckState.FAILURE, "write a tag")


def test_a_skip_says_nothing_on_the_forge() -> None:
    sig = world(Skip("nothing to do"))
    number = sig.open_pr({"a": "1"})
    assert not sig.checks(number)
    assert not sig.replies()


def test_the_wait_another_side_asked_for_is_kept() -> None:
    sig = world(Transient("busy", retry_after=timedelta(minutes=5), host="forge.example"))
    sig.open_pr({"a": "1"})
    assert (outcome(sig).retry_after, outcome(sig).host) == (timedelta(minutes=5), "forge.example")


def test_losing_the_lease_is_no_outcome_but_ends_the_attempt() -> None:
    sig = world(FencedOff("another worker has it"))
    with pytest.raises(FencedOff):
        sig.open_pr({"a": "1"})


def test_an_unforeseen_error_is_raised_in_a_test_with_its_traceback() -> None:
    sig = world(KeyError("surprise"))
    with pytest.raises(AssertionError, match="KeyError: 'surprise'"):
        sig.open_pr({"a": "1"})


@pytest.mark.parametrize(
    ("who", "login", "allowed"),
    [
        ("anyone", "bob", True),
        ("author", "bob", True),
        ("author", "carol", False),
        ("author", "alice", True),
        ("write", "bob", False),
        ("write", "alice", True),
        ("admin", "alice", False),
        ("admin", "olga", True),
    ],
)
def test_a_command_asks_the_forge_what_the_person_may_do(who: str, login: str, allowed: bool) -> None:
    sig = world(who=who)
    sig.grant("olga", Permission.ADMIN)
    number = sig.open_pr({"a": "1"}, by="bob", fork=True)
    sig.comment("/sig probe", by=login, on=number)
    assert (sig.replies() == ["done it"]) is allowed


def test_a_check_that_a_command_set_to_running_does_not_stay_so_when_the_job_fails() -> None:
    bot = Bot("probe", summary="Begins and fails.")

    @bot.command("probe")
    def asked(ctx: Context, args: NoArgs) -> None:
        """Begin, then find the forge unwilling."""
        ctx.check(CheckState.RUNNING, "at work")
        raise NotFound("the branch is gone")

    sig = SigHarness(bots=[bot])
    number = sig.open_pr({"a": "1"})
    sig.comment("/sig probe", on=number)
    assert sig.checks(number)["sigbot/probe"].state == CheckState.ERROR
    assert "the branch is gone" in sig.replies()[-1]


def test_a_user_error_may_say_more_where_there_is_room() -> None:
    sig = world(UserError("write a tag", more="```\nlog\n```"))
    number = sig.open_pr({"a": "1"})
    check = sig.checks(number)["sigbot/probe"]
    assert (check.summary, check.text, outcome(sig).reason) == ("write a tag", "```\nlog\n```", "write a tag")
    sig.comment("/sig probe", on=number)
    assert sig.replies() == ["write a tag\n\n```\nlog\n```"]


def test_a_check_that_the_handler_has_failed_itself_stays_as_it_set_it() -> None:
    bot = Bot("probe", summary="Fails its own check.")

    @bot.on(PullRequestChanged)
    def changed(ctx: Context, event: PullRequestChanged) -> None:
        """Fail."""
        ctx.check(CheckState.ERROR, "the whole story", text="with a text")
        raise UserError("in short")

    sig = SigHarness(bots=[bot])
    check = sig.checks(sig.open_pr({"a": "1"}))["sigbot/probe"]
    assert (check.state, check.summary, check.text) == (CheckState.ERROR, "the whole story", "with a text")
