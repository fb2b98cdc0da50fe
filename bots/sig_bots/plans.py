"""What the planner reads and gives: facts about repositories, planned jobs, the plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sig_bots.bot import CommandSpec, Handler, ScheduleSpec
from sig_bots.config import ConfigProblem, RepoConfig
from sig_bots.events import CheckRerequested, Comment, Event, PullRequestChanged, Push
from sig_bots.queues import Queue
from sig_bots.refs import Actor, Repo
from sig_bots.roster import BUILT_IN, Roster
from sig_bots.subjects import Subject

__all__ = [
    "COMMAND",
    "Plan",
    "PlannedJob",
    "Planning",
    "RepoFacts",
    "Superseded",
    "event_job",
    "internal_job",
    "is_account",
]

COMMAND, CHANGE, PUSH, REST = 10, 20, 30, 40
"""Priorities: a person's command, a pull request or check, a push, everything that comes in masses."""


@dataclass(frozen=True, slots=True)
class RepoFacts:
    """What the store knows of a repository. `config` None: the default branch has no `.sigbot.yaml`."""

    repo: Repo
    repo_id: int
    config: RepoConfig | ConfigProblem | None
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """A job to insert, unless one with the same key was ever inserted."""

    repo_id: int
    bot: str
    handler: str
    """A handler's or schedule's name, or `command:NAME`; found again by `Roster.handler`."""
    queue: Queue
    priority: int
    target: str
    """Only one job per target runs at a time."""
    version: str
    key: str
    number: int | None = None
    head_sha: str | None = None
    args: Mapping[str, Any] = field(default_factory=dict)
    actor: Actor | None = None
    reply_key: str = ""
    plugin_version: str = ""
    """Version of the distribution the bot comes from; empty when it has none."""
    config_sha: str | None = None
    """The `.sigbot.yaml` that planned it, as `git hash-object` names it; None: the repository has none."""


@dataclass(frozen=True, slots=True)
class Superseded:
    """Jobs of a pull request that are bound to another commit than `keep_sha` end; to any commit when it is None."""

    repo_id: int
    number: int
    keep_sha: str | None


@dataclass(slots=True)
class Plan:
    """What follows from an event."""

    jobs: list[PlannedJob] = field(default_factory=list)
    verdicts: list[tuple[str, str]] = field(default_factory=list)
    """(bot, sentence), also for the bots that do nothing."""
    supersedes: list[Superseded] = field(default_factory=list)
    config_changed: bool = False
    """The push may have changed `.sigbot.yaml` of the default branch: read it again, then plan with the new facts."""
    ignored: str | None = None
    """Why nothing at all follows."""


@dataclass(frozen=True, slots=True)
class Planning:
    """What is the same for all repositories of one planning."""

    event: Event
    roster: Roster
    subject: Subject
    account: Actor | None
    mentions: Sequence[str]
    service: str
    prefix: str


def event_job(planning: Planning, facts: RepoFacts, spec: Handler | CommandSpec | ScheduleSpec) -> PlannedJob:
    """The job of one handler for the event; what makes the job of a command another one, `command_jobs` puts in its place."""
    subject = planning.subject
    return PlannedJob(
        repo_id=facts.repo_id,
        bot=spec.bot,
        handler=spec.name,
        queue=spec.queue,
        priority=_priority(planning.event),
        target=f"{facts.repo_id}/{subject.name}/{spec.bot}",
        version=subject.version,
        key=f"{facts.repo_id}:{spec.bot}:{spec.name}:{subject.name}:{subject.version}",
        number=subject.number,
        head_sha=subject.head_sha,
        actor=getattr(planning.event, "actor", None),
        plugin_version=planning.roster.versions.get(spec.bot, ""),
        config_sha=facts.config.blob if facts.config is not None else None,
    )


def internal_job(planning: Planning, facts: RepoFacts, handler: str, args: Mapping[str, Any]) -> PlannedJob:
    """A job of the built-in bot that no event asks for by itself."""
    spec = next(one for one in planning.roster.bots[BUILT_IN].internals if one.name == handler)
    return replace(event_job(planning, facts, spec), args=args)


def _priority(event: Event) -> int:
    if isinstance(event, (PullRequestChanged, CheckRerequested, Comment)):
        return CHANGE
    return PUSH if isinstance(event, Push) else REST


def is_account(actor: Actor, account: Actor | None) -> bool:
    """Whether the actor is our own account: by id where both have one, else by name (`x[bot]` is `x`)."""
    if account is None:
        return False
    if actor.id and account.id:
        return actor.id == account.id
    return actor.login.removesuffix("[bot]").lower() == account.login.removesuffix("[bot]").lower()
