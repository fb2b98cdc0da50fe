"""Run a claimed job: make its context, keep its lease, call the handler, write the outcome. Knows nothing of Celery."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial

from sig_bots.bot import CommandSpec
from sig_bots.config import CONFIG_FILE, ConfigProblem, RepoConfig, parse_config
from sig_bots.configlayers import narrow
from sig_bots.context import Approvals, Context, JobBoard, JobSummary, Log
from sig_bots.errors import FencedOff, ForgeError, NotFound, Obsolete, SigbotError, Transient
from sig_bots.events import dump_event, load_event
from sig_bots.execution import Outcome, run_handler, tell_failure
from sig_bots.forge import Forge
from sig_bots.refs import Actor
from sig_bots.tools import Builder, Inventory, Linter, Registry, Workspace
from sig_workers.intake import configuration
from sig_workers.ledger import GuardedBuilder, Ledger, RecordedForge, RecordedWorkspace
from sig_workers.observe import working_on
from sig_workers.service import Service
from sig_workers.store.inventory import SqlInventory
from sig_workers.store.rows import HostBlock, JobRow
from sig_workers.store.store import Store, StoreDown

__all__ = ["Runner"]

log = logging.getLogger(__name__)

LONGEST = {"interactive": timedelta(minutes=10), "bulk": timedelta(hours=1), "builds": timedelta(hours=6)}
"""After this long a job's lease is no longer renewed, so that another worker takes it from a stuck one."""

MAX_BACKOFF = timedelta(hours=1)


@dataclass
class Lease:
    """Keeps a running job ours, and learns when it is asked to end."""

    store: Store
    job: JobRow
    length: timedelta
    every: timedelta
    asked: str | None = None
    lost: bool = False
    _done: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Lease:
        self._thread = threading.Thread(target=self._beat, name=f"lease-{self.job.id}", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._done.set()
        self._thread.join()

    def _beat(self) -> None:
        until = time.monotonic() + LONGEST[self.job.queue].total_seconds()
        while not self._done.wait(self.every.total_seconds()) and time.monotonic() < until:
            try:
                self.asked = self.store.heartbeat(self.job.id, self.job.attempt, self.length) or self.asked
            except FencedOff:
                self.lost = True
                return
            except StoreDown as error:
                log.warning("lease not renewed: %s", error)

    def check(self) -> None:
        """Raises FencedOff when the lease is lost, Obsolete when the job was asked to end."""
        if self.lost:
            raise FencedOff(f"job {self.job.id}: attempt {self.job.attempt} lost its lease")
        if self.asked:
            raise Obsolete(self.asked)


class JobLog:
    """The job's log: written in batches, at once when half a second has passed, redacted."""

    def __init__(self, service: Service, job: JobRow) -> None:
        self._service = service
        self._job = job
        self._lines: list[str] = []
        self._written = time.monotonic()

    def __call__(self, line: str) -> None:
        """Add a line."""
        self._lines.append(self._service.redact(line)[:4000])
        if time.monotonic() - self._written > 0.5 or len(self._lines) >= 200:
            self.flush()

    def flush(self) -> None:
        """Write what is pending. The log is not worth a job: with the store down the lines wait."""
        self._written = time.monotonic()
        if not self._lines:
            return
        try:
            self._service.store.log(self._job.id, self._job.attempt, self._lines)
        except StoreDown:
            return
        self._lines = []


@dataclass(frozen=True)
class StoredApprovals:
    """Approvals and own commits, from the store."""

    store: Store
    repo_id: int

    def approve(self, number: int, sha: str, by: Actor) -> None:
        """See `Approvals.approve`."""
        self.store.approve(self.repo_id, number, sha, by)

    def approved_by(self, number: int, sha: str) -> str | None:
        """See `Approvals.approved_by`."""
        return self.store.approved_by(self.repo_id, number, sha)

    def ours(self, sha: str) -> bool:
        """See `Approvals.ours`."""
        return self.store.own_commit(self.repo_id, sha)


@dataclass(frozen=True)
class StoredJobs:
    """The jobs of a repository, from the store."""

    store: Store
    job: JobRow
    url: Callable[[int], str]

    def of(self, number: int | None = None) -> Sequence[JobSummary]:
        """See `JobBoard.of`."""
        rows = self.store.jobs(repo=self.job.repo.id, number=number, limit=50)
        return [
            JobSummary(
                id=row.id, bot=row.bot, handler=row.handler, state=row.state, reason=row.reason, number=row.number,
                head_sha=row.head_sha, created=row.created_at, url=self.url(row.id),
            )
            for row in rows
            if row.id != self.job.id
        ]  # fmt: skip

    def cancel(self, number: int | None, *, bot: str | None, reason: str) -> int:
        """See `JobBoard.cancel`."""
        return self.store.cancel(self.job.repo.id, number=number, bot=bot, reason=reason, except_job=self.job.id)


@dataclass
class RunServices:
    """The doors of one run; what costs time or a library is opened when a handler first asks for it."""

    forge: Forge
    ledger: Ledger
    service: Service

    @cached_property
    def workspace(self) -> Workspace:
        """Git on the repository, pushes recorded."""
        return RecordedWorkspace(self.service.workspace(self.ledger.job.repo), self.ledger)

    @property
    def registry(self) -> Registry:
        """The registry client."""
        return self.service.registry

    @cached_property
    def builder(self) -> Builder:
        """The builder, guarded by who may publish what."""
        return GuardedBuilder(self.service.builder, self.ledger, self.service.settings)

    @property
    def linter(self) -> Linter:
        """hadolint."""
        return self.service.linter

    @property
    def inventory(self) -> Inventory:
        """The fleet, from the store."""
        return SqlInventory(self.service.store, self.ledger.job.id)

    @property
    def approvals(self) -> Approvals:
        """Approvals, from the store."""
        return StoredApprovals(self.service.store, self.ledger.job.repo.id)

    @property
    def jobs(self) -> JobBoard:
        """Jobs of the repository, from the store."""
        return StoredJobs(self.service.store, self.ledger.job, partial(job_url, self.service, self.ledger.job))


def job_url(service: Service, job: JobRow, number: int) -> str:
    """Link to a job's page; none for a private repository, whose pages are shown to nobody."""
    return f"{service.settings.url}/jobs/{number}" if job.repo.private is False else ""


class Runner:
    """Runs jobs of one process."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def run(self, job: JobRow) -> str:
        """Run one attempt of a claimed job; returns the state it ended in. Raises StoreDown only."""
        service = self._service
        timing = service.settings.timing
        lines = JobLog(service, job)
        ids = {"job": job.id, "attempt": job.attempt, "bot": job.bot, "repo": f"{job.repo.instance}:{job.repo.path}"}
        with working_on(**ids), Lease(service.store, job, timing.lease, timing.heartbeat) as lease:
            try:
                return self._attempt(job, lease, lines)
            except FencedOff as error:
                log.warning("%s", error)
                return "fenced"

    def tell_dead(self, job_id: int) -> None:
        """Say on the forge that a job died with its workers. What the forge refuses is logged, not raised."""
        job = self._service.store.job(job_id)
        if job is None or job.state != "dead":
            return
        with working_on(job=job.id, bot=job.bot):
            try:
                ctx, _ = self._context(job, lambda: None, log.info)
            except SigbotError as error:
                log.warning("could not tell on the forge that the job is dead: %s", error)
                return
            self._tell(ctx, Outcome("failed", job.reason))

    def _attempt(self, job: JobRow, lease: Lease, lines: JobLog) -> str:
        ctx: Context | None = None
        try:
            spec = self._service.bots.handler(job.bot, job.handler)
            if spec is None:
                raise ForgeError(
                    f"bot {job.bot} has no handler {job.handler} here; it was removed since this was planned"
                )
            ctx, config = self._context(job, lease.check, lines)
            who = config.who(spec) if isinstance(spec, CommandSpec) else None
            outcome = run_handler(spec, ctx, who=who)
        except Transient as error:
            outcome = Outcome("retry", str(error), retry_after=error.retry_after, host=error.host)
        except FencedOff:
            raise
        except SigbotError as error:
            outcome = Outcome("obsolete" if isinstance(error, Obsolete) else "failed", str(error))
        if outcome.detail:
            log.error("%s\n%s", outcome.reason, outcome.detail)
        state = self._finish(job, lease, lines, outcome)
        if state in ("dead", "failed") and outcome.state == "retry" and ctx is not None:
            self._tell(ctx, outcome)
        return state

    def _finish(self, job: JobRow, lease: Lease, lines: JobLog, outcome: Outcome) -> str:
        lines.flush()
        store = self._service.store
        reason = self._service.redact(outcome.reason)
        if outcome.state == "retry":
            wait = outcome.retry_after or min(self._service.settings.timing.retry * 2 ** (job.attempt - 1), MAX_BACKOFF)
            block = HostBlock(outcome.host, wait, reason) if outcome.host and outcome.retry_after else None
            return store.finish(job.id, job.attempt, "failed", reason, retry_at=wait, host_block=block)
        if outcome.state == "obsolete" and lease.asked:
            return store.finish(job.id, job.attempt, "cancelled", lease.asked)
        events = [dump_event(event.at_home(f"job-{job.id}", datetime.now(UTC))) for event in outcome.events]
        return store.finish(job.id, job.attempt, outcome.state, reason, events=events)

    def _tell(self, ctx: Context, outcome: Outcome) -> None:
        """The job is dead: say so on the forge, outside the ledger, since the attempt has ended."""
        if isinstance(ctx.services, RunServices) and isinstance(ctx.services.forge, RecordedForge):
            ctx.services = replace(ctx.services, forge=ctx.services.forge.inner)
        try:
            tell_failure(ctx, outcome)
        except SigbotError as error:
            log.warning("could not tell on the forge that the job is dead: %s", error)

    def _context(self, job: JobRow, alive: Callable[[], None], lines: Log) -> tuple[Context, RepoConfig]:
        service = self._service
        event = load_event(job.event or "")
        repo = job.repo.ref()
        base = configuration(service, job.repo)
        if isinstance(base, ConfigProblem):
            base = RepoConfig()  # the planner makes no job of a bot from a broken file; built-in ones need no section
        forge = service.host(job.repo.instance).repository(job.repo.path, job.bot)
        config = self._narrowed(job, base)
        ledger = Ledger(service.store, job, service.settings.effects_ledger)
        services = RunServices(RecordedForge(forge, ledger, service.redact), ledger, service)
        bot = service.bots.bots[job.bot]
        instance = service.settings.instance(job.repo.instance)
        ctx = Context(
            service=service.settings.service,
            bot=job.bot,
            event=event,
            repo=repo.model_copy(update={"default_branch": repo.default_branch or forge.repo.default_branch}),
            services=services,
            config=config.section(bot),
            images=base.images,
            configured=config.from_file and bot.name in config.sections,
            now=datetime.now(UTC),
            log=lines,
            mention=f"@{instance.account}" if instance else "",
            job_key=f"job-{job.id}",
            job_url=job_url(service, job, job.id),
            number=job.number,
            actor=job.actor,
            head_sha=job.head_sha,
            command=job.handler.removeprefix("command:") if job.handler.startswith("command:") else "",
            args=job.args,
            reply_key=job.reply_key,
            alive=alive,
            pause=lambda: time.sleep(service.settings.timing.poll.total_seconds()),
            bots=service.bots,
        )
        return ctx, config

    def _narrowed(self, job: JobRow, base: RepoConfig) -> RepoConfig:
        """What the pull request's own file narrows; a broken one is told by its own check and changes nothing here."""
        if job.number is None or job.head_sha is None:
            return base
        try:
            data = self._service.host(job.repo.instance).repository(job.repo.path).read_file(CONFIG_FILE, job.head_sha)
        except NotFound:
            return base
        head = parse_config(data, self._service.bots) if data is not None else None
        return narrow(base, head) if isinstance(head, RepoConfig) else base
