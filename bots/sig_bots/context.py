"""What a handler is given: the event, facts read on demand, and verbs. Built by the runner, or by the test harness.

All verbs are idempotent, so a handler that is run again after a crash ends in the same place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from pydantic import BaseModel

from sig_bots.advisories import Advisories
from sig_bots.errors import UserError
from sig_bots.events import Event
from sig_bots.forge import Annotation, CheckState, Forge
from sig_bots.jobstate import JobState
from sig_bots.refs import Actor, PullRequest, Repo, Value
from sig_bots.tools import Builder, Inventory, Linter, Registry, Workspace
from sig_bots.updatelimits import Places
from sig_bots.upstreams import Upstreams
from sig_bots.wording import plain_line

if TYPE_CHECKING:
    from sig_bots.bot import Who
    from sig_bots.config import ImageSpec
    from sig_bots.roster import Roster

__all__ = ["Approvals", "Context", "JobBoard", "JobSummary", "Log", "Services"]


class JobSummary(Value):
    """One job, as `/sig status` and the pages show it."""

    id: int
    bot: str
    handler: str
    state: JobState
    reason: str = ""
    number: int | None = None
    head_sha: str | None = None
    created: datetime
    url: str = ""


class Approvals(Protocol):
    """Approvals of single commits (`/sig ok SHA`)."""

    def approve(self, number: int, sha: str, by: Actor) -> None:
        """Record that somebody with write approved this very commit of the pull request."""
        ...

    def approved_by(self, number: int, sha: str) -> str | None:
        """Login of who approved the commit, None when nobody did."""
        ...

    def ours(self, sha: str) -> bool:
        """Whether the commit was written by us (recorded when we pushed it)."""
        ...

    def pushed_by(self, sha: str) -> Actor | None:
        """Who pushed the commit to this repository lately, as far as a webhook told."""
        ...


class JobBoard(Protocol):
    """The jobs of this repository."""

    def of(self, number: int | None = None) -> Sequence[JobSummary]:
        """Jobs of a pull request (of the repository when None), newest first, at most 50."""
        ...

    def cancel(self, number: int | None, *, bot: str | None, reason: str) -> int:
        """Ask queued and running jobs (of one bot) to end; how many were asked. Never the asking job itself."""
        ...


class Log(Protocol):
    """The job's log, shown live on its page."""

    def __call__(self, line: str, /) -> None:
        """Add a line; secrets are taken out."""
        ...


class Services(Protocol):
    """The doors to the outside, for one repository; each may be opened on first use."""

    @property
    def forge(self) -> Forge:
        """The forge, bound to the repository."""
        ...

    @property
    def workspace(self) -> Workspace:
        """Git on the repository."""
        ...

    @property
    def registry(self) -> Registry:
        """Image registries."""
        ...

    @property
    def advisories(self) -> Advisories:
        """Who knows security advisories."""
        ...

    @property
    def upstreams(self) -> Upstreams:
        """The release monitor, which knows the versions of upstream projects."""
        ...

    @property
    def builder(self) -> Builder:
        """The builder."""
        ...

    @property
    def linter(self) -> Linter:
        """The lint engine."""
        ...

    @property
    def inventory(self) -> Inventory:
        """What the service knows of images."""
        ...

    @property
    def approvals(self) -> Approvals:
        """Approvals of commits."""
        ...

    @property
    def jobs(self) -> JobBoard:
        """Jobs of the repository."""
        ...

    @property
    def places(self) -> Places:
        """The repository's places under the limits that repositories share."""
        ...


@dataclass
class Context:
    """One run of one handler."""

    service: str
    """The configured service name: `sigbot`, `sigbot-stg`."""
    bot: str
    """Name of the bot that runs."""
    event: Event
    """What happened; for a command, the comment or pull request that holds it."""
    repo: Repo
    """The repository, with its default branch."""
    services: Services
    """The doors to the outside, each opened on first use."""
    config: BaseModel
    """The bot's section of the repository's configuration; `config_as` gives it typed."""
    images: Sequence[ImageSpec]
    """The `images:` list of the default branch's configuration."""
    now: datetime
    """When the run began, UTC."""
    log: Log
    """Adds a line to the job's live log; secrets are taken out."""
    configured: bool = True
    """Whether the repository's configuration has a section of this bot; False where it runs by default only."""
    mention: str = "@sigbot"
    """How people address our account here."""
    job_key: str = ""
    """Names the job, the same over all its attempts."""
    job_url: str = ""
    """Page of this job; empty for a private repository."""
    number: int | None = None
    """Issue or pull request the event is about."""
    actor: Actor | None = None
    """Who caused the event, where somebody did."""
    head_sha: str | None = None
    """The commit the job is bound to, when the event named one."""
    command: str = ""
    """Name of the command that runs; empty for an event or a schedule."""
    args: Mapping[str, object] = field(default_factory=dict)
    """Arguments of the command, as planned."""
    permissions: Mapping[str, Who] = field(default_factory=dict)
    """Least right per command, where the configuration says another than the command's own."""
    summary: str = ""
    """One line for the job's page and the terminal: what the handler did. Set by the handler."""
    reply_key: str = ""
    """Tells replies to different commands apart (comment id and line)."""
    alive: Callable[[], None] = lambda: None
    """Raises Obsolete when the job was cancelled or superseded, FencedOff when the lease is lost."""
    pause: Callable[[], None] = lambda: None
    """Wait a moment while something outside (a build) goes on."""
    bots: Roster = field(default_factory=lambda: _no_bots())
    """The installed bots, for help and for checking a configuration."""
    emitted: list[Event] = field(default_factory=list)
    """What `emit` was given in this run."""
    started: set[tuple[str, str]] = field(default_factory=set)
    """(commit, part) of the checks this run set to running and has not ended: they must not stay so."""
    failed: set[tuple[str, str]] = field(default_factory=set)
    """(commit, part) of the checks this run has failed: they say more than the error the run ends with."""

    @property
    def forge(self) -> Forge:
        """The forge, bound to the repository."""
        return self.services.forge

    @cached_property
    def pull_request(self) -> PullRequest:
        """The pull request as it is now. Raises UserError when the event is not about one."""
        if self.number is None:
            raise UserError("This works on a pull request only.")
        return self.services.forge.pull_request(self.number)

    def config_as[M: BaseModel](self, model: type[M]) -> M:
        """The bot's configuration, typed."""
        if not isinstance(self.config, model):
            raise TypeError(f"bot {self.bot}: configuration is {type(self.config).__name__}, not {model.__name__}")
        return self.config

    def reply(self, text: str) -> None:
        """Answer the command, once per command."""
        if self.number is None:
            self.log(f"answer (no pull request or issue to put it on): {text}")
            return
        self.services.forge.ensure_comment(self.number, f"reply-{self.reply_key or 'event'}", text)

    def comment(self, topic: str, body: str, *, state: str | None = None, number: int | None = None) -> None:
        """The bot's one living comment of this topic on the pull request."""
        target = number if number is not None else self.number
        if target is None:
            raise UserError("This works on a pull request only.")
        self.services.forge.ensure_comment(target, topic, body, state=state)

    def check(
        self,
        state: CheckState,
        summary: str,
        *,
        sha: str | None = None,
        part: str = "",
        text: str = "",
        annotations: Sequence[Annotation] = (),
    ) -> None:
        """Set the check `<service>/<bot>[/part]` on the commit the job is bound to (or on `sha`).

        Markdown in `summary` is taken out, since forges show it as it is; `text` is Markdown.
        """
        name = "/".join(piece for piece in (self.service, self.bot, part) if piece)
        target = sha or self.head_sha or self.pull_request.head_sha
        if state is CheckState.RUNNING:
            self.started.add((target, part))
        else:
            self.started.discard((target, part))
        if state in (CheckState.FAILURE, CheckState.ERROR):
            self.failed.add((target, part))
        else:
            self.failed.discard((target, part))
        self.services.forge.set_check(
            target, name, state, summary=plain_line(summary), url=self.job_url, text=text, annotations=annotations,
            number=self.number,
        )  # fmt: skip

    def emit(self, event: Event) -> None:
        """Make an event of our own; it is recorded together with the job's success and planned like any other."""
        self.emitted.append(event)


def _no_bots() -> Roster:
    from sig_bots.roster import Roster  # which imports the bots, and they this module

    return Roster()
