"""Which jobs an event makes: pure, from the event, the facts about repositories and the installed bots.

A job is one handler of one bot in one repository. Every bot gets a sentence (verdict) that says what it will do or why
it does nothing. A new head of a pull request supersedes the jobs that are bound to another head; so does its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pydantic import BaseModel

from sig_bots import messages
from sig_bots.bot import Bot, Handler, ScheduleSpec
from sig_bots.command_jobs import plan_commands
from sig_bots.config import CONFIG_FILE, ConfigProblem, RepoConfig, default_config
from sig_bots.events import CheckRerequested, Comment, Event, PullRequestChanged, Push, Tick
from sig_bots.plans import (
    COMMAND,
    Plan,
    PlannedJob,
    Planning,
    RepoFacts,
    Superseded,
    event_job,
    internal_job,
    is_account,
)
from sig_bots.refs import Actor, Repo
from sig_bots.roster import BUILT_IN, Roster
from sig_bots.subjects import subject_of
from sig_bots.wording import in_words

__all__ = ["NOT_ENABLED", "Plan", "PlannedJob", "RepoFacts", "Superseded", "plan", "touches_config"]

NOT_ENABLED = "repository not enabled, add it to sigbot.toml"


def plan(
    event: Event,
    facts: Sequence[RepoFacts],
    roster: Roster,
    *,
    account: Actor | None = None,
    mentions: Sequence[str] = (),
    service: str = "sigbot",
    prefix: str = "/sig",
) -> Plan:
    """The jobs for an event.

    `facts` are those of the event's repository, or of all repositories that may be concerned when it names none.
    `account` is our own account on the instance and `mentions` the names it is addressed by. A bot that handles
    `CheckRerequested` gets it only when all checks, or one of its own (`<service>/<bot>...`), are to be run again.
    """
    known = [one for one in facts if event.repo is None or _same_repo(one.repo, event.repo)]
    enabled = [one for one in known if one.enabled]
    if event.repo is not None and not enabled:
        return Plan(ignored=NOT_ENABLED)
    if reason := _not_for_us(event, account):
        return Plan(ignored=reason)
    planning = Planning(event, roster, subject_of(event), account, mentions, service, prefix)
    result = Plan()
    said: dict[str, list[str]] = {name: [] for name in roster.bots}
    for one in enabled:
        _plan_in(planning, one, result, said)
    result.verdicts = [(bot, _verdict(sentences, len(enabled))) for bot, sentences in said.items()]
    # The service's own jobs come last: what people wait for is the bots' answer.
    result.jobs.sort(key=lambda job: job.bot == BUILT_IN and job.priority != COMMAND)
    if not result.jobs and not result.supersedes and not result.config_changed:
        result.ignored = _nothing(planning, bool(enabled))
    return result


def touches_config(event: Event, default_branch: str | None) -> bool:
    """Whether the event may have changed `.sigbot.yaml` on the default branch (any branch while that is unknown)."""
    if not isinstance(event, Push) or event.branch is None or event.deleted:
        return False
    if default_branch is not None and event.branch != default_branch:
        return False
    return not event.paths_complete or CONFIG_FILE in event.paths


def _same_repo(one: Repo, other: Repo) -> bool:
    if one.instance and other.instance and one.instance != other.instance:
        return False
    if one.forge_id and other.forge_id:
        return one.forge_id == other.forge_id
    return one.path == other.path


def _not_for_us(event: Event, account: Actor | None) -> str | None:
    if not isinstance(event, Comment):
        return None
    if event.action == "deleted":
        return "the comment was deleted"
    if event.automatic:
        return "the forge wrote this comment itself"
    return "our own comment" if is_account(event.actor, account) else None


# ---------------------------------------------------------------- one repository


def _plan_in(planning: Planning, facts: RepoFacts, result: Plan, said: dict[str, list[str]]) -> None:
    event, subject = planning.event, planning.subject
    default_branch = facts.repo.default_branch or (event.repo.default_branch if event.repo else None)
    if touches_config(event, default_branch):
        result.config_changed = True
        if isinstance(facts.config, ConfigProblem) and isinstance(event, Push):
            problems = [problem.model_dump() for problem in facts.config.problems]
            job = internal_job(planning, facts, "config_problem", {"problems": problems, "more": facts.config.more})
            result.jobs.append(replace(job, head_sha=event.after))
    if isinstance(event, PullRequestChanged) and event.action in ("updated", "reopened", "closed", "merged"):
        result.supersedes.append(Superseded(facts.repo_id, event.pull_request.number, subject.head_sha))
    config = default_config(planning.roster) if facts.config is None else facts.config
    plan_commands(planning, facts, config, result, said)
    for bot in planning.roster.bots.values():
        chosen, sentence = _choose(planning, bot, config)
        for one in chosen:
            result.jobs.append(event_job(planning, facts, one))
        if sentence:
            said[bot.name].append(sentence)


def _choose(
    planning: Planning, bot: Bot, config: RepoConfig | ConfigProblem
) -> tuple[Sequence[Handler | ScheduleSpec], str]:
    """The handlers of a bot that run, and its verdict."""
    event = planning.event
    if isinstance(event, Tick):
        if event.bot != bot.name:
            return (), "the schedule of another bot"
        wanted: list[Handler | ScheduleSpec] = [one for one in bot.schedules if one.name == event.handler]
    elif isinstance(event, CheckRerequested) and not _is_check_of(planning, bot, event.check):
        return (), f"{messages.code(event.check or '')} is not its check"
    else:
        wanted = [one for one in bot.handlers if isinstance(event, one.event)]
    if not wanted:
        return (), f"does not react to {in_words(event.kind)}"
    if isinstance(config, ConfigProblem):
        if not bot.always:
            return (), messages.config_problem(str(config))
    elif not config.enabled(bot):
        return (), _not_enabled(config)
    chosen: list[Handler | ScheduleSpec] = []
    for one in wanted:
        try:
            fits = not isinstance(one, Handler) or one.wants(event, _section(config, bot))
        except Exception as error:  # a plugin's condition is foreign code: it must not stop the other bots
            return (), f"its condition for {in_words(one.name)} failed ({type(error).__name__})"
        if fits:
            chosen.append(one)
    if not chosen:
        return (), f"not needed for this {in_words(event.kind)}"
    return chosen, "runs " + ", ".join(in_words(one.name) for one in chosen)


def _section(config: RepoConfig | ConfigProblem, bot: Bot) -> BaseModel:
    return config.section(bot) if isinstance(config, RepoConfig) else bot.config_model()


def _not_enabled(config: RepoConfig) -> str:
    if config.from_file:
        return f"not enabled in this repository's {CONFIG_FILE}"
    return f"not enabled: the repository has no {CONFIG_FILE}, so only the default bots run"


def _is_check_of(planning: Planning, bot: Bot, check: str | None) -> bool:
    if check is None:
        return True
    service, _, rest = check.partition("/")
    name = rest.partition("/")[0]
    return service == planning.service and name == ("config" if bot.name == BUILT_IN else bot.name)


def _verdict(sentences: Sequence[str], repositories: int) -> str:
    if repositories == 1:
        return "; ".join(dict.fromkeys(sentences)) or "nothing to do"
    runs = sum(sentence.startswith("runs ") for sentence in sentences)
    return f"runs in {runs} of {repositories} repositories"


def _nothing(planning: Planning, any_repository: bool) -> str:
    if not any_repository:
        return "no enabled repository"
    return f"no enabled bot needs this {in_words(planning.event.kind)}"
