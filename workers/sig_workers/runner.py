"""Run a claimed job: make its context, keep its lease, call the handler, write the outcome. Knows nothing of Celery."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime

from sig_bots.bot import CommandSpec
from sig_bots.config import CONFIG_FILE, ConfigProblem, RepoConfig
from sig_bots.configlayers import for_pull_request
from sig_bots.context import Context, Log
from sig_bots.errors import FencedOff, ForgeError, NotFound, Obsolete, SigbotError, Transient
from sig_bots.events import dump_event, load_event
from sig_bots.execution import Outcome, run_handler, tell_failure
from sig_bots.jobstate import JobState
from sig_bots.roster import command_of
from sig_bots.wording import plain_line
from sig_workers import clock
from sig_workers.joblog import JobLog
from sig_workers.leases import Lease, LeaseKeeper
from sig_workers.ledger import Ledger, run_key
from sig_workers.observe import working_on
from sig_workers.recorded import RecordedForge
from sig_workers.repoconfig import configuration
from sig_workers.rundoors import RunServices, job_url
from sig_workers.service import Service
from sig_workers.store.errors import StoreDown
from sig_workers.store.rows import HostBlock, JobRow

__all__ = ["Runner"]

log = logging.getLogger(__name__)


class Runner:
    """Runs jobs of one process."""

    def __init__(self, service: Service, keeper: LeaseKeeper | None = None) -> None:
        """`keeper` renews the leases of the whole process."""
        self._service = service
        self._keeper = keeper or LeaseKeeper(service.store, service.settings.timing)

    def run(self, job: JobRow) -> str:
        """Run one attempt of a claimed job; returns the state it ended in. Raises StoreDown only."""
        service = self._service
        lines = JobLog(service.store, service.redact, job)
        ids = {"job": job.id, "attempt": job.attempt, "bot": job.bot, "repo": f"{job.repo.instance}:{job.repo.path}"}
        with working_on(**ids), self._keeper.job(job) as lease:
            try:
                lease.hold()
                return self._attempt(job, lease, lines)
            except FencedOff as error:
                log.warning("%s", error)
                return "fenced"

    def tell_dead(self, job_id: int) -> None:
        """Say on the forge that a job died with its workers. What the forge refuses is logged, not raised."""
        job = self._service.store.job(job_id)
        if job is None or job.state != JobState.DEAD:
            return
        with working_on(job=job.id, bot=job.bot):
            try:
                ctx, _ = self._context(job, lambda: None, log.info, recorded=False)
                tell_failure(ctx, Outcome(JobState.FAILED, job.reason))
            except SigbotError as error:
                log.warning("could not tell on the forge that the job is dead: %s", error)

    def _attempt(self, job: JobRow, lease: Lease, lines: JobLog) -> str:
        ctx: Context | None = None
        try:
            spec = self._service.bots.handler(job.bot, job.handler)
            if spec is None:
                raise ForgeError(
                    f"bot {job.bot} has no handler {job.handler} here; it was removed since this was planned"
                )

            def alive() -> None:
                lines.settle()
                lease.check()

            ctx, config = self._context(job, alive, lines)
            who = config.who(spec) if isinstance(spec, CommandSpec) else None
            outcome = run_handler(spec, ctx, who=who)
            outcome = self._last_word(job, lease, ctx, outcome)
        except (FencedOff, StoreDown):
            raise
        except Transient as error:
            outcome = Outcome(JobState.QUEUED, str(error), retry_after=error.retry_after, host=error.host)
        except SigbotError as error:
            outcome = Outcome(JobState.OBSOLETE if isinstance(error, Obsolete) else JobState.FAILED, str(error))
        except Exception as error:  # an error of ours must end this job only, and reach the operator whole
            reason = f"internal error ({type(error).__name__}); the log has the details"
            outcome = Outcome(JobState.QUEUED, reason, traceback.format_exc(), unexpected=True)
        if outcome.detail:
            log.error("%s\n%s", outcome.reason, outcome.detail)
        lines.flush()
        return self._finish(job, lease, outcome)

    def _last_word(self, job: JobRow, lease: Lease, ctx: Context, outcome: Outcome) -> Outcome:
        """What follows from this being the end: nothing is tried again that was called off, nobody is left waiting."""
        if outcome.state == JobState.QUEUED and not lease.handed_back:
            lease.renew()
            if lease.asked:
                outcome = Outcome(JobState.OBSOLETE, lease.asked)
            elif job.tries >= job.max_attempts:
                _told(lambda: tell_failure(ctx, outcome))
        forge = ctx.services.forge
        if outcome.state == JobState.OBSOLETE and isinstance(forge, RecordedForge):
            _told(lambda: forge.call_off(outcome.reason))
        return outcome

    def _finish(self, job: JobRow, lease: Lease, outcome: Outcome) -> str:
        service = self._service
        reason = plain_line(service.redact(outcome.reason))
        if outcome.state == JobState.QUEUED and lease.handed_back:
            service.store.hand_back(job.id, job.attempt, reason)
            service.wake_ups.wake({job.queue})
            return JobState.QUEUED
        if outcome.state == JobState.QUEUED:
            wait = outcome.retry_after or service.settings.timing.back_off(job.tries)
            block = HostBlock(outcome.host, wait, reason) if outcome.host and outcome.retry_after else None
            return service.store.finish(job.id, job.attempt, JobState.FAILED, reason, retry_at=wait, host_block=block)
        if outcome.state == JobState.OBSOLETE and lease.asked:
            return service.store.finish(job.id, job.attempt, JobState.CANCELLED, service.redact(lease.asked))
        events = [dump_event(event.at_home(f"job-{job.id}", datetime.now(UTC))) for event in outcome.events]
        state = service.store.finish(job.id, job.attempt, outcome.state, reason, events=events)
        if events:
            service.wake_ups.wake({"receive"})
        return state

    def _context(
        self, job: JobRow, alive: Callable[[], None], lines: Log, *, recorded: bool = True
    ) -> tuple[Context, RepoConfig]:
        service = self._service
        event = load_event(job.event or "")
        repo = job.repo.ref()
        base = configuration(service, job.repo)
        if isinstance(base, ConfigProblem):
            base = RepoConfig()  # the planner makes no job of a bot from a broken file; built-in ones need no section
        forge = service.host(job.repo.instance).repository(job.repo.path, job.bot)
        config = self._narrowed(job, base)
        dry_run = lines if service.settings.is_dry(job.repo.instance) else None
        ledger = Ledger(service.store, job, recorded and service.settings.effects_ledger, dry_run)
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
            now=clock.now(service.settings.clock_file),
            log=lines,
            mention=f"@{instance.account}" if instance else "",
            job_key=run_key(job),
            job_url=job_url(service, job, job.id),
            number=job.number,
            actor=job.actor,
            head_sha=job.head_sha,
            command=command_of(job.handler),
            args=job.args,
            reply_key=job.reply_key,
            alive=alive,
            pause=lambda: time.sleep(service.settings.timing.poll.total_seconds()),
            bots=service.bots,
            permissions=config.permissions,
        )
        return ctx, config

    def _narrowed(self, job: JobRow, base: RepoConfig) -> RepoConfig:
        """What the pull request's own file narrows."""
        if job.number is None or job.head_sha is None:
            return base
        try:
            data = self._service.host(job.repo.instance).repository(job.repo.path).read_file(CONFIG_FILE, job.head_sha)
        except NotFound:
            return base
        return for_pull_request(base, data, self._service.bots)


def _told(tell: Callable[[], None]) -> None:
    """Say something on the forge that is not worth another attempt: what it refuses is logged. Raises FencedOff."""
    try:
        tell()
    except (FencedOff, StoreDown):
        raise
    except SigbotError as error:
        log.warning("could not be told on the forge: %s", error)
