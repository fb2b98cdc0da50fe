"""Which jobs an event makes, and what every bot says to it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from sig_bots import Bot, BotConfig, Context, Push
from sig_bots.config import ConfigProblem, Problem, RepoConfig, parse_config
from sig_bots.events import CheckRerequested, Comment, Event, ImagePushed, PackagesUpdated, PullRequestChanged, Tick
from sig_bots.planner import NOT_ENABLED, Plan, PlannedJob, RepoFacts, plan, touches_config
from sig_bots.refs import Actor, ImageRef, PullRequest, Repo
from sig_bots.roster import Roster
from tests.bots.sample import build, lint, sample_roster, update

ROSTER = sample_roster()
REPO = Repo(path="sig/app", instance="gh", forge_id="7", private=False, default_branch="main")
ALICE = Actor(login="alice", id="1")
ACCOUNT = Actor(login="sigbot[bot]", id="99", bot=True)
ALL = parse_config(b"version: 1\nlint:\nbuild:\nupdate:\npermissions: {build: admin}\n", ROSTER)
BROKEN = ConfigProblem(problems=(Problem(line=2, where="lnt", message="unknown key; did you mean `lint`?"),))


def facts(config: RepoConfig | ConfigProblem | None = ALL, **more: Any) -> RepoFacts:
    return RepoFacts(**{"repo": REPO, "repo_id": 5, "config": config, **more})


def planned(event: Event, config: RepoConfig | ConfigProblem | None = ALL, **more: Any) -> Plan:
    return plan(event, [facts(config)], ROSTER, **{"account": ACCOUNT, "mentions": ["sigbot"], **more})


def names(result: Plan) -> list[str]:
    return [f"{job.bot}.{job.handler}" for job in result.jobs]


def comment(text: str, **more: Any) -> Comment:
    return Comment(**{
        "source": "github", "repo": REPO, "place": "pull_request", "text": text, "actor": ALICE, "comment_id": "c1",
        "number": 12, "delivery": "d1", **more,
    })  # fmt: skip


def change(action: str = "opened", sha: str = "a" * 40, **more: Any) -> PullRequestChanged:
    request = PullRequest(
        number=12, title="Change", author=ALICE, head_sha=sha, head_branch="topic", base_branch="main",
        body=more.pop("body", ""),
    )  # fmt: skip
    return PullRequestChanged.model_validate({
        "source": "github", "repo": REPO, "action": action, "pull_request": request, "actor": ALICE, "delivery": "d1",
        **more,
    })  # fmt: skip


def push(**more: Any) -> Push:
    return Push(**{
        "source": "github", "repo": REPO, "ref": "refs/heads/main", "before": "a" * 40, "after": "b" * 40,
        "actor": ALICE, "delivery": "d1", **more,
    })  # fmt: skip


def commands(result: Plan) -> list[PlannedJob]:
    return [job for job in result.jobs if job.handler.startswith("command:")]


def errors(result: Plan) -> list[str]:
    return [message for job in result.jobs if job.handler == "command_errors" for _, message in job.args["errors"]]


# ---------------------------------------------------------------- who gets an event


def test_a_change_runs_the_enabled_bots_and_says_why_for_each() -> None:
    result = planned(change())
    assert names(result) == ["lint.lint_change", "build.build_change", "sigbot.check_config"]
    assert dict(result.verdicts)["lint"] == "runs lint change"
    assert dict(result.verdicts)["update"] == "does not react to pull request"
    assert result.ignored is None


def test_a_bot_without_section_says_so() -> None:
    only_lint = parse_config(b"version: 1\nlint:\n", ROSTER)
    result = planned(change(), only_lint)
    assert names(result) == ["lint.lint_change", "sigbot.check_config"]
    assert dict(result.verdicts)["build"] == "not enabled in this repository's .sigbot.yaml"


def test_without_a_file_only_the_default_bots_run() -> None:
    result = planned(change(), None)
    assert names(result) == ["lint.lint_change", "sigbot.check_config"]
    assert "no .sigbot.yaml" in dict(result.verdicts)["build"]


def test_a_condition_that_is_not_met_is_no_job() -> None:
    result = planned(change("labelled"))
    assert "lint.lint_change" not in names(result)
    assert dict(result.verdicts)["lint"] == "not needed for this pull request"


def test_a_repository_that_is_not_enabled_is_ignored() -> None:
    assert plan(change(), [facts(enabled=False)], ROSTER).ignored == NOT_ENABLED
    assert plan(change(), [], ROSTER).ignored == NOT_ENABLED
    other = Repo(path="sig/app", instance="other")
    assert plan(change(), [facts(repo=other)], ROSTER).ignored == NOT_ENABLED


def test_a_renamed_repository_is_known_by_its_id() -> None:
    result = plan(change(), [facts(repo=REPO.model_copy(update={"path": "sig/old"}))], ROSTER)
    assert result.jobs


def test_a_handler_runs_only_where_the_section_asks_for_it() -> None:
    class Asked(BotConfig):
        """What is asked for."""

        pushes: bool = False

    picky = Bot("picky", summary="Looks at pushes where it is told to.")
    picky.config(Asked)

    @picky.on(Push, where=lambda config: config.pushes)
    def look(ctx: Context, event: Push) -> None:
        """Look."""

    roster = Roster.of([picky])
    configs = [parse_config(f"version: 1\npicky: {{pushes: {word}}}\n".encode(), roster) for word in ("true", "false")]
    made = [plan(push(), [facts(config)], roster) for config in configs]
    assert [names(one) for one in made] == [["picky.look"], []]
    assert dict(made[1].verdicts)["picky"] == "not needed for this push"


def test_a_condition_that_raises_stops_only_its_bot() -> None:
    bad = Bot("bad", always=True)

    @bad.on(Push, when=lambda event: bool(1 / 0))
    def never(ctx: Context, event: Push) -> None:
        """Never."""

    result = plan(push(), [facts()], Roster.of([update, bad]))
    assert names(result) == ["update.update_push"]
    assert dict(result.verdicts)["bad"] == "its condition for never failed (ZeroDivisionError)"


def test_an_event_nobody_needs_says_so() -> None:
    event = PackagesUpdated(source="fedora", nvrs=("bash-5-1",))
    assert plan(event, [facts()], ROSTER).ignored == "no enabled bot needs this packages updated"


def test_an_image_reaches_every_repository_given() -> None:
    event = ImagePushed(source="quay", image=ImageRef.parse("quay.io/sig/base:1"), tags=("1",), delivery="d")
    other = Repo(path="sig/other", instance="gh", forge_id="8")
    result = plan(event, [facts(), facts(repo=other, repo_id=6), facts(None, repo_id=7)], ROSTER)
    assert [(job.repo_id, job.queue, job.priority) for job in result.jobs] == [(5, "bulk", 40), (6, "bulk", 40)]
    assert dict(result.verdicts)["update"] == "runs in 2 of 3 repositories"
    assert len({job.key for job in result.jobs}) == 2


def test_a_tick_runs_its_one_schedule() -> None:
    event = Tick(source="clock", repo=REPO, bot="update", handler="sweep", scheduled=datetime(2026, 1, 1, tzinfo=UTC))
    (job,) = planned(event).jobs
    assert (job.bot, job.handler, job.queue, job.priority) == ("update", "sweep", "bulk", 40)
    assert planned(event, None).jobs == []


def test_a_check_that_is_asked_for_again_reaches_its_bot_only() -> None:
    event = CheckRerequested(
        source="github", repo=REPO, sha="a" * 40, check="sigbot/build/app", actor=ALICE, numbers=(12,)
    )
    (job,) = planned(event).jobs
    assert (job.bot, job.head_sha, job.number, job.priority) == ("build", "a" * 40, 12, 20)
    everything = planned(event.model_copy(update={"check": None}))
    assert {job.bot for job in everything.jobs} == {"lint", "build", "sigbot"}
    config = planned(event.model_copy(update={"check": "sigbot/config"}))
    assert names(config) == ["sigbot.recheck_config"]
    assert planned(event.model_copy(update={"check": "sigbot-stg/build"})).jobs == []
    assert planned(event.model_copy(update={"check": "ci/build"})).ignored is not None


# ---------------------------------------------------------------- the job itself


def test_a_job_knows_its_subject() -> None:
    job = planned(change("updated", "c" * 40)).jobs[0]
    assert job.target == "5/pr-12/lint"
    assert (job.number, job.head_sha, job.priority, job.actor) == (12, "c" * 40, 20, ALICE)
    assert planned(push()).jobs[0].target == "5/repository/update"
    assert planned(push()).jobs[0].priority == 30


def test_jobs_on_the_default_branch_of_one_bot_never_overlap() -> None:
    tick = Tick(source="clock", repo=REPO, bot="update", handler="sweep", scheduled=datetime(2026, 1, 1, tzinfo=UTC))
    assert planned(push()).jobs[0].target == planned(tick).jobs[0].target


def test_the_same_push_told_twice_is_one_job() -> None:
    assert planned(push()).jobs[0].key == planned(push(source="fedora", delivery="d2")).jobs[0].key
    assert planned(change()).jobs[0].key == planned(change(delivery="d2")).jobs[0].key


def test_a_head_that_comes_back_is_a_new_job() -> None:
    first, again = planned(change("updated")), planned(change("updated", delivery="d3"))
    assert first.jobs[0].key != again.jobs[0].key


def test_keys_of_one_plan_are_distinct() -> None:
    result = planned(change(body="/sig lint\n/sig lint\n/sig build\n/sig nope"))
    assert len({job.key for job in result.jobs}) == len(result.jobs)


# ---------------------------------------------------------------- superseding


def test_a_new_head_supersedes_the_others() -> None:
    (found,) = planned(change("updated", "c" * 40)).supersedes
    assert (found.repo_id, found.number, found.keep_sha) == (5, 12, "c" * 40)
    assert planned(change("opened")).supersedes == []
    assert planned(change("labelled")).supersedes == []


def test_a_closed_pull_request_supersedes_all_and_its_own_jobs_are_unbound() -> None:
    for action in ("closed", "merged"):
        result = planned(change(action))
        assert [one.keep_sha for one in result.supersedes] == [None]
        assert [(job.bot, job.head_sha) for job in result.jobs] == [("build", None)]


# ---------------------------------------------------------------- commands


def test_a_command_becomes_a_job_with_its_right_and_arguments() -> None:
    (job,) = commands(planned(comment("Hello\n\n/sig build app --force")))
    assert (job.bot, job.handler, job.queue, job.priority) == ("build", "command:build", "builds", 10)
    assert job.args == {"images": ["app"], "force": True, "jobs": 1}
    assert (job.actor, job.reply_key, job.number, job.head_sha) == (ALICE, "c1-3", 12, None)


def test_a_mention_is_a_command() -> None:
    assert [job.handler for job in commands(planned(comment("@sigbot lint")))] == ["command:lint"]


def test_commands_of_built_in_bots_need_no_section() -> None:
    assert [job.handler for job in commands(planned(comment("/sig help\n/sig status"), None))] == [
        "command:help",
        "command:status",
    ]


def test_handlers_of_comments_run_beside_the_commands() -> None:
    assert names(planned(comment("/sig lint"))) == ["lint.command:lint", "lint.lint_comment"]


def test_faulty_commands_get_one_answer() -> None:
    result = planned(comment("/sig lnt\n/sig build --jobs x"))
    (job,) = [job for job in result.jobs if job.handler == "command_errors"]
    assert (job.bot, job.priority, job.reply_key) == ("sigbot", 10, "c1-1")
    assert [line for line, _ in job.args["errors"]] == [1, 2]


def test_a_command_of_a_bot_that_is_not_enabled_is_answered() -> None:
    assert errors(planned(comment("/sig build"), None)) == [
        "`/sig build` did nothing: build is not enabled in this repository. "
        "Add the line `build: {}` to `.sigbot.yaml` on the default branch."
    ]


def test_deleted_automatic_and_our_own_comments_do_nothing() -> None:
    assert planned(comment("/sig lint", action="deleted")).ignored == "the comment was deleted"
    assert planned(comment("/sig lint", automatic=True)).ignored == "the forge wrote this comment itself"
    assert planned(comment("/sig lint", actor=ACCOUNT)).ignored == "our own comment"
    without_id = Actor(login="SigBot")
    assert planned(comment("/sig lint", actor=without_id)).ignored == "our own comment"


def test_a_person_named_like_our_account_is_not_us() -> None:
    assert commands(planned(comment("/sig lint", actor=Actor(login="sigbot", id="3"))))


def test_commands_of_other_bots_are_not_run() -> None:
    result = planned(comment("/sig lint", actor=Actor(login="ci[bot]", id="4", bot=True)))
    assert commands(result) == []
    assert dict(result.verdicts)["sigbot"].startswith("commands of other bots are not run")


def test_an_edit_runs_what_it_adds() -> None:
    result = planned(comment("/sig lint\n/sig build", action="edited", previous_text="/sig lint"))
    assert [job.handler for job in commands(result)] == ["command:build"]


def test_an_edit_whose_old_text_is_unknown_repeats_only_known_keys() -> None:
    first = planned(comment("/sig lint\n/sig build"))
    again = planned(comment("/sig build\n\n/sig lint\n/sig update", action="edited", delivery="d2"))
    known = {job.key for job in commands(first)}
    assert [job.handler for job in commands(again) if job.key not in known] == ["command:update"]


def test_a_command_taken_out_and_written_again_is_a_new_one() -> None:
    first = commands(planned(comment("/sig lint")))
    again = commands(planned(comment("/sig lint", action="edited", previous_text="/sig build")))
    assert first[0].key != again[0].key


def test_the_same_comment_told_twice_gives_the_same_keys() -> None:
    first, second = planned(comment("/sig lint")), planned(comment("/sig lint", source="fedora", delivery="d2"))
    assert [job.key for job in first.jobs] == [job.key for job in second.jobs]


def test_the_text_of_a_pull_request_holds_commands() -> None:
    assert [job.handler for job in commands(planned(change(body="/sig build")))] == ["command:build"]
    edited = change("edited", body="/sig build\n/sig lint", previous_body="/sig build")
    assert [job.handler for job in commands(planned(edited))] == ["command:lint"]
    assert commands(planned(change("updated", body="/sig build"))) == []


def test_our_own_pull_request_is_checked_but_gives_no_orders() -> None:
    result = planned(change(body="/sig build", actor=ACCOUNT))
    assert commands(result) == []
    assert "lint.lint_change" in names(result)


# ---------------------------------------------------------------- a broken configuration


def test_a_broken_file_stops_the_bots_and_says_why() -> None:
    result = planned(change(), BROKEN)
    assert names(result) == ["sigbot.check_config"]
    assert dict(result.verdicts)["lint"].startswith("`.sigbot.yaml` cannot be used: line 2: `lnt`: unknown key")


def test_with_a_broken_file_commands_are_answered_and_help_works() -> None:
    result = planned(comment("/sig lint\n/sig help"), BROKEN)
    assert [job.handler for job in commands(result)] == ["command:help"]
    assert errors(result)[0].startswith("No bot runs here because `.sigbot.yaml` on the default branch")


def test_the_push_that_broke_the_file_is_told_on_its_commit() -> None:
    result = planned(push(), BROKEN)
    (job,) = result.jobs
    assert (job.handler, job.head_sha, job.args["problems"][0]["line"]) == ("config_problem", "b" * 40, 2)
    assert planned(push(paths=("a",), paths_complete=True), BROKEN).jobs == []


def test_a_push_to_the_default_branch_may_change_the_configuration() -> None:
    assert touches_config(push(), "main")
    assert touches_config(push(paths=(".sigbot.yaml",), paths_complete=True), "main")
    assert not touches_config(push(paths=("a",), paths_complete=True), "main")
    assert not touches_config(push(ref="refs/heads/topic"), "main")
    assert not touches_config(push(ref="refs/tags/main"), "main")
    assert not touches_config(push(deleted=True), "main")
    assert touches_config(push(ref="refs/heads/topic"), None)
    assert planned(push()).config_changed


def test_every_planned_job_can_be_run() -> None:
    for event in (change(body="/sig build\n/sig nope"), push(), comment("/sig lint")):
        for config in (ALL, BROKEN, None):
            for job in planned(event, config).jobs:
                assert ROSTER.handler(job.bot, job.handler) is not None
    assert {bot.name for bot in (lint, build, update)} < set(ROSTER.bots)


def test_a_planned_job_names_the_bots_version_and_the_configuration() -> None:
    roster = Roster()
    roster.add(Bot("sigbot", summary="Itself."), "here")
    roster.add(lint, "wheel", "1.2")
    text = b"version: 1\nlint:\n"
    (job,) = plan(change(), [facts(parse_config(text, roster))], roster).jobs
    assert (job.plugin_version, job.config_sha) == ("1.2", hashlib.sha1(b"blob 17\0" + text).hexdigest())
    (job,) = plan(change(), [facts(None)], roster).jobs
    assert job.config_sha is None


def test_a_commands_job_names_them_too() -> None:
    roster = Roster.of(())
    roster.add(lint, "wheel", "1.2")
    text = b"version: 1\nlint:\n"
    (job,) = commands(plan(comment("/sig lint"), [facts(parse_config(text, roster))], roster))
    assert (job.plugin_version, job.config_sha) == ("1.2", hashlib.sha1(b"blob 17\0" + text).hexdigest())
