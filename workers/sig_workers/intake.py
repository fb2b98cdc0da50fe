"""From a raw delivery to planned jobs: parse, find the repositories, read their configuration, plan, settle."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sig_bots import planner
from sig_bots.config import ConfigProblem, RepoConfig
from sig_bots.errors import FencedOff, NotFound, SigbotError, Transient
from sig_bots.events import Event, Ignored, ImagePushed, PullRequestChanged, Rejected, dump_event, load_event
from sig_bots.jobstate import OPEN
from sig_bots.refs import Actor, Repo
from sig_bots.sources.lookup import events_of
from sig_bots.sources.visibility import stated_private
from sig_workers.leases import LeaseKeeper
from sig_workers.observe import working_on
from sig_workers.repoconfig import configuration, is_old
from sig_workers.service import Service
from sig_workers.store.deliveries import OWN
from sig_workers.store.deliverystate import DeliveryState
from sig_workers.store.errors import StoreDown
from sig_workers.store.inventory import SqlInventory
from sig_workers.store.rows import DeliveryRow, NewEvent, NewJob, RepositoryRow, Settlement, Supersede

__all__ = ["Intake", "Taken"]

type Parsed = tuple[Event, ...] | Ignored | Rejected

TRUSTED = 1.0
"""Seconds for which the repositories of a batch are believed; reading a configuration may take longer."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Taken:
    """What one batch came to."""

    deliveries: int
    """How many were claimed."""
    more: bool = False
    """Whether there may be more that are due."""
    interactive: tuple[int, ...] = ()
    """Ids of the jobs of deliveries that have interactive ones, which the same worker runs at once."""
    queues: frozenset[str] = frozenset()
    """Other queues that have work now."""


class Intake:
    """Turns deliveries into jobs. One transaction per batch; what cannot be settled now is retried later."""

    def __init__(self, service: Service, keeper: LeaseKeeper | None = None) -> None:
        """`keeper` renews the leases of the whole process."""
        self._service = service
        self._keeper = keeper or LeaseKeeper(service.store, service.settings.timing)

    def take(self, limit: int = 16) -> Taken:
        """Claim up to `limit` due deliveries and settle them."""
        service = self._service
        rows = service.store.claim_deliveries(service.owner, limit, service.settings.timing.lease)
        with self._keeper.deliveries(rows):
            batch = _Batch(service, rows)
            settlements = []
            for row in rows:
                with working_on(delivery=row.delivery_id, instance=row.instance):
                    settled = self._settle(row, batch)
                if settled is not None:
                    settlements.append(settled)
            inserted = service.store.settle(settlements)
        interactive: list[int] = []
        queues = set()
        for settlement, ids in zip(settlements, inserted, strict=True):
            # Ids come without their queues, those with a known key left out; a wake-up too many is harmless.
            planned = {job.queue for job in settlement.jobs}
            queues |= planned - {"interactive"} if ids else set()
            if "interactive" in planned:
                interactive += ids
        # What was tried before is claimed alone; what was split is due anew.
        more = len(rows) == limit or batch.split or any(row.tries > 1 for row in rows)
        return Taken(len(rows), more, tuple(interactive), frozenset(queues))

    def _settle(self, row: DeliveryRow, batch: _Batch) -> Settlement | None:
        try:
            return self._read(row, batch)
        except StoreDown:
            raise
        except Transient as error:
            wait = error.retry_after or self._service.settings.timing.back_off(row.attempt)
            self._fail(row, str(error), wait)
        except SigbotError as error:
            self._fail(row, str(error), None)
        except Exception as error:  # whatever went wrong, the delivery must stay visible with a reason
            log.error("delivery could not be planned\n%s", traceback.format_exc())
            reason = f"internal error ({type(error).__name__}) while planning; the log has the details"
            self._fail(row, reason, self._service.settings.timing.back_off(row.attempt))
        return None

    def _fail(self, row: DeliveryRow, reason: str, wait: timedelta | None) -> None:
        try:
            self._service.store.fail_delivery(row.id, row.attempt, self._service.redact(reason), wait)
        except FencedOff as error:  # it took so long that somebody else has it; the rest of the batch is ours
            log.warning("%s", error)

    def _read(self, row: DeliveryRow, batch: _Batch) -> Settlement:
        parsed = batch.parsed(row)
        if isinstance(parsed, Ignored):
            return Settlement(
                row.id, row.attempt, DeliveryState.IGNORED, parsed.reason, private=stated_private(row.body)
            )
        if isinstance(parsed, Rejected):
            return Settlement(
                row.id, row.attempt, DeliveryState.REJECTED, parsed.reason, private=stated_private(row.body)
            )
        if len(parsed) > 1:
            batch.split = True
            return self._split(row, parsed)
        return self._plan(row, parsed[0], batch)

    def _split(self, row: DeliveryRow, events: Sequence[Event]) -> Settlement:
        """One delivery that holds several events becomes several deliveries of our own."""
        for number, event in enumerate(events):
            self._service.store.accept_own(f"delivery-{row.id}-{number}", dump_event(event), trace=row.trace)
        return Settlement(
            row.id, row.attempt, DeliveryState.DONE, f"held {len(events)} events, each planned on its own"
        )

    def _plan(self, row: DeliveryRow, event: Event, batch: _Batch) -> Settlement:
        instance = self._service.settings.instance(row.instance)
        if event.repo is not None and instance is not None and not instance.traits.acts:
            said = f"this version reads what {instance.kind} sends and cannot act there yet"
            kept = NewEvent(event.kind, dump_event(event))
            return Settlement(row.id, row.attempt, DeliveryState.IGNORED, said, private=event.repo.private, event=kept)
        repositories = self._repositories(event, batch)
        facts = [
            planner.RepoFacts(
                repo=one.ref(), repo_id=one.id, enabled=self._enabled(one), config=self._config(one, event, batch)
            )
            for one in repositories
        ]
        plan = planner.plan(
            event,
            facts,
            self._service.bots,
            account=self._account(event),
            mentions=self._mentions(event),
            service=self._service.settings.service,
        )
        if isinstance(event, PullRequestChanged) and self._told_late(event, plan, repositories, batch):
            plan.supersedes = []
        first = repositories[0] if repositories else None
        return Settlement(
            row.id,
            row.attempt,
            DeliveryState.IGNORED if plan.ignored else DeliveryState.DONE,
            plan.ignored or "",
            repo_id=first.id if first else None,
            private=any(one.private is not False for one in repositories) if repositories else None,
            event=NewEvent(event.kind, dump_event(event)),
            verdicts=plan.verdicts,
            jobs=[_new_job(job, row.trace) for job in plan.jobs],
            supersedes=[Supersede(one.repo_id, one.number, one.keep_sha or "") for one in plan.supersedes],
        )

    def _told_late(
        self, event: PullRequestChanged, plan: planner.Plan, repositories: Sequence[RepositoryRow], batch: _Batch
    ) -> bool:
        """Whether the pull request has another head by now.

        Some forges tell two pushes in the wrong order, and the older one must not end the work on the newer. The forge is
        asked only when there is work on another head.
        """
        if not any(one.keep_sha for one in plan.supersedes):
            return False
        row, number, told = repositories[0], event.pull_request.number, event.pull_request.head_sha
        going = self._service.store.jobs(repo=row.id, number=number, states=OPEN)
        heads = {job.head_sha for job in going} | batch.heads.setdefault((row.id, number), set())
        batch.heads[row.id, number].add(told)
        if not heads - {None, told}:
            return False
        try:
            return self._service.host(row.instance).repository(row.path).pull_request(number).head_sha != told
        except NotFound:
            return False

    def _repositories(self, event: Event, batch: _Batch) -> list[RepositoryRow]:
        """The repositories an event concerns: its own, or those that make images from the one it is about."""
        store = self._service.store
        if event.repo is not None:
            return [batch.repository(event.repo)]
        if isinstance(event, ImagePushed):
            store.forget_answers(event.image.name)
            # By name alone: a tag nobody uses yet may be the newer one that somebody waits for.
            children = SqlInventory(store).children(event.image.with_tag(None))
            repos = {(child.repo.instance, child.repo.path): child.repo for child in children}
            return [store.ensure_repository(repo.instance, repo) for repo in repos.values()]
        return []

    def _enabled(self, row: RepositoryRow) -> bool:
        instance = self._service.settings.instance(row.instance)
        return instance is not None and row.enabled and instance.enabled(row.path)

    def _config(self, row: RepositoryRow, event: Event, batch: _Batch) -> RepoConfig | ConfigProblem | None:
        if not self._enabled(row):
            return None
        fresh = planner.touches_config(event, row.default_branch)
        if fresh or is_old(row, self._service.settings.timing.config_age):
            batch.forget()  # what is read now must be seen by the next delivery
        return configuration(self._service, row, fresh=fresh)

    def _account(self, event: Event) -> Actor | None:
        instance = self._service.settings.instance(event.repo.instance) if event.repo else None
        return Actor(login=instance.account, id=instance.account_id, bot=True) if instance else None

    def _mentions(self, event: Event) -> tuple[str, ...]:
        instance = self._service.settings.instance(event.repo.instance) if event.repo else None
        return (instance.account,) if instance else ()


class _Batch:
    """The deliveries taken together: each parsed once, their repositories looked up in one round trip."""

    def __init__(self, service: Service, rows: Sequence[DeliveryRow]) -> None:
        self._store = service.store
        self._parsed = {row.id: parsed for row in rows if (parsed := _parse_safely(row)) is not None}
        self._known: dict[Repo, RepositoryRow] = {}
        self._until = time.monotonic() + TRUSTED
        self.split = False
        """Whether one of them became several others."""
        self.heads: dict[tuple[int, int], set[str]] = {}
        """Heads of pull requests (repository, number) that deliveries of this batch told."""
        if len(rows) > 1:
            self._look_up()

    def parsed(self, row: DeliveryRow) -> Parsed:
        """The events of a delivery, or why there are none. Raises what parsing it raised."""
        return self._parsed[row.id] if row.id in self._parsed else _parse(row)

    def repository(self, repo: Repo) -> RepositoryRow:
        """The repository's row, made or brought up to date when it is not what `repo` says."""
        row = self._known.get(repo) if time.monotonic() < self._until else None
        if row is None:
            self.forget()  # it may be a rename, which changes other rows too
            row = self._store.ensure_repository(repo.instance, repo)
        return row

    def forget(self) -> None:
        """Rows are about to change: each further repository is looked up by itself."""
        self._known.clear()

    def _look_up(self) -> None:
        wanted: dict[str, set[Repo]] = {}
        for parsed in self._parsed.values():
            if isinstance(parsed, tuple) and len(parsed) == 1 and (repo := parsed[0].repo) is not None:
                wanted.setdefault(repo.instance, set()).add(repo)
        for instance, given in wanted.items():
            repos = list(given)
            rows = self._store.known_repositories(instance, repos)
            self._known |= {repo: row for repo, row in zip(repos, rows, strict=True) if row is not None}


def _parse(row: DeliveryRow) -> Parsed:
    if row.source == OWN:
        return (load_event(row.body),)
    parsed = events_of(row.source, row.headers, row.body)
    if isinstance(parsed, (Ignored, Rejected)):
        return parsed
    return tuple(event.at(row.instance, row.delivery_id, row.received_at) for event in parsed)


def _parse_safely(row: DeliveryRow) -> Parsed | None:
    """None: parsing it raises, which is told when this delivery has its turn."""
    try:
        return _parse(row)
    except Exception:
        return None


def _new_job(job: planner.PlannedJob, trace: str | None) -> NewJob:
    return NewJob(
        repo_id=job.repo_id, bot=job.bot, handler=job.handler, queue=job.queue, priority=job.priority,
        target=job.target, key=job.key, version=job.version, number=job.number, head_sha=job.head_sha,
        args=job.args, actor=job.actor, reply_key=job.reply_key, plugin_version=job.plugin_version,
        config_sha=job.config_sha, trace=trace,
    )  # fmt: skip
