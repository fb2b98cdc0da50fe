"""The service's own commands and answers, through the whole way of an event in memory."""

from __future__ import annotations

import pytest

from sig_bots import Bot, CheckState, Context, NoArgs, UserError
from sig_bots.jobstate import JobState
from sig_bots.testing import SigHarness

greeter = Bot("greeter", summary="Say hello.")


@greeter.command("hello", who="write")
def hello(ctx: Context, args: NoArgs) -> None:
    """Say hello."""
    ctx.reply(f"Hello {ctx.actor.login if ctx.actor else 'you'}")


@greeter.command("sorry")
def sorry(ctx: Context, args: NoArgs) -> None:
    """Refuse."""
    raise UserError("Nothing can be done here; ask tomorrow.")


@pytest.fixture
def sig() -> SigHarness:
    return SigHarness(bots=[greeter], files={"README.md": "hello"})


@pytest.fixture
def number(sig: SigHarness) -> int:
    return sig.open_pr({"README.md": "hello, world"})


def test_help_lists_the_commands_of_all_bots(sig: SigHarness, number: int) -> None:
    sig.comment("/sig", on=number, by="bob")
    (reply,) = sig.replies()
    assert "| `/sig hello` | Say hello. | write |" in reply
    assert "| `/sig help [TOPIC]` |" in reply


def test_help_on_a_misspelt_topic_names_the_nearest(sig: SigHarness, number: int) -> None:
    sig.comment("/sig help helo", on=number)
    assert sig.replies() == ["There is no command or bot `helo`. Did you mean `/sig help hello`?"]


def test_a_misspelt_command_is_answered_with_the_right_form(sig: SigHarness, number: int) -> None:
    sig.comment("/sig helo", on=number)
    assert sig.replies() == ["There is no command `/sig helo`. Did you mean `/sig hello`?"]


def test_several_faults_of_one_comment_get_one_answer(sig: SigHarness, number: int) -> None:
    sig.comment("/sig helo\n/sig hello now\n/sig hello", on=number)
    replies = sig.replies()
    assert len(replies) == 2
    assert "Hello alice" in replies
    assert (
        "- line 1: There is no command `/sig helo`. Did you mean `/sig hello`?\n"
        "- line 2: `/sig hello`: `now` is one word too many. Write `/sig hello`."
    ) in replies


def test_every_answer_is_a_line_in_the_list_of_jobs(sig: SigHarness, number: int) -> None:
    sig.comment("/sig help\n/sig help hello\n/sig status\n/sig cancel\n/sig helo", on=number)
    assert len(sig.replies()) == 5
    assert {outcome.reason for _, outcome in sig.outcomes} >= {
        "listed the commands", "explained hello", "told of 3 jobs",
        "There was no job waiting or running here, so nothing was cancelled.",
        "refused: There is no command /sig helo. Did you mean /sig hello?",
    }  # fmt: skip


def test_who_may_not_is_told_what_is_needed(sig: SigHarness, number: int) -> None:
    sig.comment("/sig hello", on=number, by="bob")
    (reply,) = sig.replies()
    assert reply.startswith("`bob`: `/sig hello` needs write access here; you have ")


def test_status_lists_what_ran(sig: SigHarness, number: int) -> None:
    sig.comment("/sig sorry", on=number)
    sig.comment("/sig status", on=number)
    assert sig.replies()[0] == "Nothing can be done here; ask tomorrow."
    assert "| greeter | failed |" in sig.comments(number)[1]
    assert "| Nothing can be done here; ask tomorrow. |" in sig.comments(number)[1]


def test_cancel_needs_write_and_says_what_it_found(sig: SigHarness, number: int) -> None:
    sig.comment("/sig cancel", on=number, by="bob")
    sig.comment("/sig cancel", on=number)
    sig.comment("/sig cancel greter", on=number)
    refused, nothing, unknown = sig.replies()
    assert "needs write access" in refused
    assert nothing == "There was no job waiting or running here, so nothing was cancelled."
    assert unknown == "There is no bot `greter` here. Did you mean `greeter`?"


def test_a_pull_request_that_breaks_the_configuration_gets_a_failed_check(sig: SigHarness) -> None:
    number = sig.open_pr({".sigbot.yaml": "version: 1\ngreter: {}\nx: 1\nimages: 3\n"}, by="bob", fork=True)
    check = sig.checks(number)["sigbot/config"]
    assert check.state is CheckState.FAILURE
    assert check.summary == (
        ".sigbot.yaml cannot be used: line 2: greter: unknown key; did you mean greeter? (and 2 more in lines 3, 4)"
    )
    assert [(one.path, one.line) for one in check.annotations] == [(".sigbot.yaml", line) for line in (2, 3, 4)]
    assert not any("`" in one.message for one in check.annotations)
    assert list(sig.checks(number)) == ["sigbot/config"]
    assert [outcome.state for name, outcome in sig.outcomes if name == "sigbot/check_config"] == [JobState.FAILED]


def test_problems_beyond_the_tenth_are_counted_in_the_check(sig: SigHarness) -> None:
    wrong = "version: 1\n" + "".join(f"x{n}: 1\n" for n in range(13))
    check = sig.checks(sig.open_pr({".sigbot.yaml": wrong}, branch="config"))["sigbot/config"]
    assert check.summary.endswith("(and 12 more, the first in lines 3, 4, 5, 6, 7, 8, 9, 10, 11)")
    assert check.text.endswith("\n- … and 3 more")
    sha = sig.push({".sigbot.yaml": wrong})
    assert "(and 12 more, the first in lines" in sig.forge().checks(sha)[0].summary


def test_a_pull_request_that_mends_the_configuration_gets_a_green_check(sig: SigHarness) -> None:
    number = sig.open_pr({".sigbot.yaml": "version: 1\ngreter: {}\n"}, branch="config")
    sig.push({".sigbot.yaml": "version: 1\ngreeter: {}\n# mended\n"}, branch="config")
    assert sig.checks(number)["sigbot/config"].state is CheckState.SUCCESS


def test_a_pull_request_that_leaves_the_configuration_alone_gets_no_such_check(sig: SigHarness, number: int) -> None:
    assert sig.checks(number) == {}


def test_the_commit_that_broke_the_default_branch_is_told(sig: SigHarness, number: int) -> None:
    sha = sig.push({".sigbot.yaml": "version: 3\n"})
    (check,) = sig.forge().checks(sha)
    assert (check.name, check.state) == ("sigbot/config", CheckState.FAILURE)
    assert (sig.outcomes[-1][0], sig.outcomes[-1][1].state) == ("sigbot/config_problem", JobState.FAILED)
    sig.comment("/sig hello", on=number)
    assert sig.replies()[0].startswith("No bot runs here because `.sigbot.yaml` on the default branch cannot be used")
