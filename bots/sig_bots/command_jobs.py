"""The jobs that the commands of a comment or of a pull request's text make."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sig_bots import messages
from sig_bots.commands import Command, CommandError, parse_new
from sig_bots.config import ConfigProblem, RepoConfig
from sig_bots.events import Comment, Event, PullRequestChanged
from sig_bots.plans import COMMAND, Plan, PlannedJob, Planning, RepoFacts, event_job, internal_job, is_account
from sig_bots.refs import Actor
from sig_bots.roster import BUILT_IN
from sig_bots.subjects import Subject, fingerprint

__all__ = ["plan_commands"]


@dataclass(frozen=True, slots=True)
class _Text:
    """A text that may hold commands, and who answers for it."""

    text: str
    previous: str | None
    id: str
    actor: Actor


def _text_of(event: Event, subject: Subject) -> _Text | None:
    if isinstance(event, Comment):
        previous = event.previous_text if event.action == "edited" else None
        return _Text(event.text, previous, event.comment_id or fingerprint(subject.version), event.actor)
    if isinstance(event, PullRequestChanged) and event.action in ("opened", "edited"):
        request = event.pull_request
        previous = event.previous_body if event.action == "edited" else None
        return _Text(request.body, previous, f"body-{request.number}", event.actor)
    return None


def plan_commands(
    planning: Planning,
    facts: RepoFacts,
    config: RepoConfig | ConfigProblem,
    result: Plan,
    said: dict[str, list[str]],
) -> None:
    """Add the jobs for the commands in the event's text, if it has one, and one job that answers the faulty ones."""
    source = _text_of(planning.event, planning.subject)
    if source is None or is_account(source.actor, planning.account):
        return
    found = parse_new(source.previous, source.text, planning.roster, prefix=planning.prefix, mentions=planning.mentions)
    if found and source.actor.bot:
        said[BUILT_IN].append("commands of other bots are not run")
        return
    errors: list[tuple[int, str]] = []
    for one, key in _with_keys(found, source):
        refusal = one.message if isinstance(one, CommandError) else _cannot_run(planning, one, config)
        if isinstance(one, CommandError) or refusal:
            errors.append((one.line, refusal or ""))
            continue
        result.jobs.append(_command_job(planning, facts, one, key, source))
        said[one.bot].append(f"runs command {one.name} for {source.actor.login}")
    if errors:
        job = internal_job(planning, facts, "command_errors", {"errors": errors})
        key = f"{facts.repo_id}:errors:{source.id}:{fingerprint(repr(errors))}{_edit(source)}"
        reply = f"{source.id}-{errors[0][0]}"
        result.jobs.append(replace(job, key=key, priority=COMMAND, actor=source.actor, reply_key=reply, head_sha=None))
        said[BUILT_IN].append(f"answers {len(errors)} faulty command{'s' if len(errors) > 1 else ''}")


def _with_keys(found: Sequence[Command | CommandError], source: _Text) -> Iterator[tuple[Command | CommandError, str]]:
    """Each command with what makes it the same command when its text is told again: comment, words, which of equals.

    Not its line: a forge that does not tell the text before an edit would run a moved command again.
    """
    seen: dict[str, int] = {}
    for one in found:
        seen[one.canonical] = seen.get(one.canonical, 0) + 1
        yield one, f"{source.id}:{fingerprint(one.canonical)}:{seen[one.canonical]}{_edit(source)}"


def _edit(source: _Text) -> str:
    """Where the forge tells both texts, a command taken out and written again later is a new one."""
    return "" if source.previous is None else f":{fingerprint(source.previous + chr(0) + source.text)}"


def _cannot_run(planning: Planning, command: Command, config: RepoConfig | ConfigProblem) -> str | None:
    bot = planning.roster.bots[command.bot]
    if bot.always:
        return None
    if isinstance(config, ConfigProblem):
        return messages.config_broken_here(str(config))
    if not config.enabled(bot):
        return messages.bot_not_enabled(bot.name, command.name, prefix=planning.prefix)
    return None


def _command_job(
    planning: Planning,
    facts: RepoFacts,
    command: Command,
    key: str,
    source: _Text,
) -> PlannedJob:
    return replace(
        event_job(planning, facts, planning.roster.commands[command.name]),
        handler=f"command:{command.name}",
        priority=COMMAND,
        key=f"{facts.repo_id}:{command.bot}:command:{command.name}:{key}",
        head_sha=None,  # whoever asks means the pull request as it is when the command runs
        args=command.args.model_dump(mode="json"),
        actor=source.actor,
        reply_key=f"{source.id}-{command.line}",
    )
