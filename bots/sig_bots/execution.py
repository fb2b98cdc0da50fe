"""Run one handler and say how it ended. The four outcomes of a handler are mapped here, once, for every bot."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from datetime import timedelta

from pydantic import ValidationError

from sig_bots import messages
from sig_bots.bot import CommandSpec, Handler, ScheduleSpec, Who
from sig_bots.context import Context
from sig_bots.errors import FencedOff, NotFound, Obsolete, SigbotError, Skip, Transient, UserError
from sig_bots.events import Event
from sig_bots.forge import CheckState, Permission
from sig_bots.jobstate import JobState
from sig_bots.refs import same_account

__all__ = ["Outcome", "refusal_of", "run_handler", "tell_failure"]


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended. `reason` is for people; `detail` (a traceback) for the operator's log only."""

    state: JobState
    """The job's state from now on; QUEUED: it is to be tried again."""
    reason: str = ""
    detail: str = ""
    retry_after: timedelta | None = None
    host: str | None = None
    events: tuple[Event, ...] = ()
    unexpected: bool = False
    """An error nobody foresaw: retried too, but its text is not for the public."""


def run_handler(spec: Handler | CommandSpec | ScheduleSpec, ctx: Context, *, who: Who | None = None) -> Outcome:
    """Check the right of the person who asked (`who` overrides the command's own), call the handler, map its end.

    Raises FencedOff, which only the caller's lease can explain; nothing else.
    """
    try:
        try:
            return _call(spec, ctx, who)
        except UserError as error:
            _tell_user(ctx, error)
            return Outcome(JobState.FAILED, str(error))
    except Skip as skip:
        return Outcome(JobState.SKIPPED, str(skip))
    except Obsolete as error:
        return Outcome(JobState.OBSOLETE, str(error))
    except Transient as error:
        return Outcome(JobState.QUEUED, str(error), retry_after=error.retry_after, host=error.host)
    except FencedOff:
        raise
    except ValidationError as error:
        return Outcome(
            JobState.FAILED, f"the job's arguments no longer fit the command ({error.error_count()} problems)"
        )
    except SigbotError as error:
        return _refused(ctx, Outcome(JobState.FAILED, str(error)))
    except (Exception, SystemExit) as error:
        # A bot is foreign code: whatever it raises must end its own job only, and reach the operator whole.
        return Outcome(
            JobState.QUEUED, f"{type(error).__name__} in bot {ctx.bot}", traceback.format_exc(), unexpected=True
        )


def _call(spec: Handler | CommandSpec | ScheduleSpec, ctx: Context, who: Who | None) -> Outcome:
    if isinstance(spec, CommandSpec):
        refusal = refusal_of(ctx, spec, who or spec.who)
        if refusal:
            ctx.reply(refusal)
            return Outcome(JobState.SKIPPED, f"refused: {refusal}")
    argument = spec.args.model_validate(ctx.args) if isinstance(spec, CommandSpec) else ctx.event
    spec.function(ctx, argument)
    return Outcome(JobState.DONE, ctx.summary, events=tuple(ctx.emitted))


def _refused(ctx: Context, outcome: Outcome) -> Outcome:
    """Something outside refused for good, perhaps the forge itself: then there is nowhere to tell it."""
    try:
        tell_failure(ctx, outcome)
    except FencedOff:
        raise
    except SigbotError as error:
        ctx.log(f"could not be told on the forge: {error}")
    return outcome


def tell_failure(ctx: Context, outcome: Outcome) -> None:
    """Say on the forge, where the person looks, that a job ended badly for good. Raises what the forge raises."""
    reason = "an unexpected error; the operators see the details" if outcome.unexpected else outcome.reason
    text = messages.job_failed(ctx.bot, reason, ctx.job_url)
    line = messages.job_failed(ctx.bot, reason)  # a check has the link of its own
    for sha, part in sorted(ctx.started):
        ctx.check(CheckState.ERROR, line, sha=sha, part=part)
    if ctx.command:
        ctx.reply(text)
    elif ctx.head_sha is not None and ctx.number is not None:
        ctx.check(CheckState.ERROR, line)


def _tell_user(ctx: Context, error: UserError) -> None:
    if ctx.command:
        ctx.reply("\n\n".join(part for part in (str(error), error.more) if part))
    elif ctx.head_sha is not None and ctx.number is not None and (ctx.head_sha, "") not in ctx.failed:
        ctx.check(CheckState.FAILURE, str(error), text=error.more)


def refusal_of(ctx: Context, spec: CommandSpec, who: Who) -> str | None:
    """Why whoever caused the event may not run the command, which needs the right `who`; None when they may."""
    if who == "anyone":
        return None
    if ctx.actor is None:
        return messages.refused("somebody unknown", spec.name, who, "none")
    needed = Permission.ADMIN if who == "admin" else Permission.WRITE
    held = ctx.forge.permission(ctx.actor)
    if held >= needed:
        return None
    if who == "author" and ctx.number is not None and _is_author(ctx):
        return None
    return messages.refused(ctx.actor.login, spec.name, who, held.name.lower())


def _is_author(ctx: Context) -> bool:
    try:
        author = ctx.pull_request.author
    except NotFound:
        return False
    return ctx.actor is not None and same_account(author, ctx.actor)
