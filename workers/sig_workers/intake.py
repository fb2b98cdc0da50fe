"""From a raw delivery to planned jobs: parse, find the repositories, read their configuration, plan, settle."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sig_bots import planner
from sig_bots.config import CONFIG_FILE, ConfigProblem, RepoConfig, default_config, parse_config
from sig_bots.errors import ForgeError, NotFound, Transient
from sig_bots.events import Event, Ignored, ImagePushed, Rejected, dump_event, load_event
from sig_bots.refs import Actor
from sig_bots.sources.lookup import events_of
from sig_workers.observe import working_on
from sig_workers.service import Service
from sig_workers.store.inventory import SqlInventory
from sig_workers.store.rows import DeliveryRow, NewEvent, NewJob, RepositoryRow, Settlement, Supersede

__all__ = ["Intake", "Taken", "configuration"]

INTERNAL = "sigbot"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Taken:
    """What one batch came to."""

    deliveries: int
    """How many were claimed; a full batch means there may be more."""
    interactive: tuple[int, ...] = ()
    """Ids of the planned jobs that the same worker runs at once."""
    queues: frozenset[str] = frozenset()
    """Other queues that have work now."""


class Intake:
    """Turns deliveries into jobs. One transaction per batch; what cannot be settled now is retried later."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def take(self, limit: int = 16) -> Taken:
        """Claim up to `limit` due deliveries and settle them."""
        service = self._service
        rows = service.store.claim_deliveries(service.owner, limit, service.settings.timing.lease)
        settlements = []
        for row in rows:
            with working_on(delivery=row.delivery_id, instance=row.instance):
                settled = self._settle(row)
            if settled is not None:
                settlements.append(settled)
        inserted = service.store.settle(settlements)
        interactive: list[int] = []
        queues = set()
        for settlement, ids in zip(settlements, inserted, strict=True):
            # Ids come in the order of the settlement's jobs, those with a known key left out; a wake-up too many is harmless.
            queues |= {job.queue for job in settlement.jobs if job.queue != "interactive"}
            if all(job.queue == "interactive" for job in settlement.jobs):
                interactive += ids
            elif any(job.queue == "interactive" for job in settlement.jobs):
                queues.add("interactive")
        return Taken(len(rows), tuple(interactive), frozenset(queues))

    def _settle(self, row: DeliveryRow) -> Settlement | None:
        try:
            return self._read(row)
        except Transient as error:
            wait = error.retry_after or self._service.settings.timing.retry * 2 ** (row.attempt - 1)
            self._service.store.fail_delivery(row.id, row.attempt, str(error), wait)
        except ForgeError as error:
            self._service.store.fail_delivery(row.id, row.attempt, str(error), None)
        except Exception as error:  # whatever went wrong, the delivery must stay visible with a reason
            log.error("delivery could not be planned\n%s", traceback.format_exc())
            reason = f"internal error ({type(error).__name__}) while planning; the log has the details"
            self._service.store.fail_delivery(row.id, row.attempt, reason, self._service.settings.timing.retry)
        return None

    def _read(self, row: DeliveryRow) -> Settlement:
        parsed = self._parse(row)
        if isinstance(parsed, Ignored):
            return Settlement(row.id, row.attempt, "ignored", parsed.reason)
        if isinstance(parsed, Rejected):
            return Settlement(row.id, row.attempt, "rejected", parsed.reason)
        if len(parsed) > 1:
            return self._split(row, parsed)
        event = parsed[0]
        if row.source != INTERNAL:
            event = event.at(row.instance, row.delivery_id, row.received_at)
        return self._plan(row, event)

    def _parse(self, row: DeliveryRow) -> tuple[Event, ...] | Ignored | Rejected:
        if row.source == INTERNAL:
            return (load_event(row.body),)
        return events_of(row.source, row.headers, row.body)

    def _split(self, row: DeliveryRow, events: Sequence[Event]) -> Settlement:
        """One delivery that holds several events becomes several deliveries of our own."""
        for number, event in enumerate(events):
            body = dump_event(event.at(row.instance, row.delivery_id, row.received_at)).encode()
            self._service.store.accept(
                instance="", source=INTERNAL, delivery_id=f"delivery-{row.id}-{number}", headers={}, body=body
            )
        return Settlement(row.id, row.attempt, "done", f"held {len(events)} events, each planned on its own")

    def _plan(self, row: DeliveryRow, event: Event) -> Settlement:
        repositories = self._repositories(event)
        facts = [
            planner.RepoFacts(
                repo=one.ref(), repo_id=one.id, enabled=self._enabled(one), config=self._config(one, event)
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
        first = repositories[0] if repositories else None
        return Settlement(
            row.id,
            row.attempt,
            "ignored" if plan.ignored else "done",
            plan.ignored or "",
            repo_id=first.id if first else None,
            private=any(one.private is not False for one in repositories) if repositories else None,
            event=NewEvent(event.kind, dump_event(event)),
            verdicts=plan.verdicts,
            jobs=[_new_job(job) for job in plan.jobs],
            supersedes=[Supersede(one.repo_id, one.number, one.keep_sha or "") for one in plan.supersedes],
        )

    def _repositories(self, event: Event) -> list[RepositoryRow]:
        """The repositories an event concerns: its own, or those that make images from the one it is about."""
        store = self._service.store
        if event.repo is not None:
            return [store.ensure_repository(event.repo.instance, event.repo)]
        if isinstance(event, ImagePushed):
            # By name alone: a tag nobody uses yet may be the newer one that somebody waits for.
            children = SqlInventory(store).children(event.image.with_tag(None))
            repos = {(child.repo.instance, child.repo.path): child.repo for child in children}
            return [store.ensure_repository(repo.instance, repo) for repo in repos.values()]
        return []

    def _enabled(self, row: RepositoryRow) -> bool:
        instance = self._service.settings.instance(row.instance)
        return instance is not None and row.enabled and instance.enabled(row.path)

    def _config(self, row: RepositoryRow, event: Event) -> RepoConfig | ConfigProblem | None:
        if not self._enabled(row):
            return None
        return configuration(self._service, row, fresh=planner.touches_config(event, row.default_branch))

    def _account(self, event: Event) -> Actor | None:
        instance = self._service.settings.instance(event.repo.instance) if event.repo else None
        return Actor(login=instance.account, id=instance.account_id, bot=True) if instance else None

    def _mentions(self, event: Event) -> tuple[str, ...]:
        instance = self._service.settings.instance(event.repo.instance) if event.repo else None
        return (instance.account,) if instance else ()


def configuration(service: Service, row: RepositoryRow, *, fresh: bool = False) -> RepoConfig | ConfigProblem:
    """The configuration of a repository's default branch, from the store unless it is old or `fresh` is asked for."""
    age = datetime.now(UTC) - row.config_read_at if row.config_read_at else None
    text = row.config_text
    if fresh or age is None or age > service.settings.timing.config_age or age < timedelta(0):
        try:
            data = service.host(row.instance).repository(row.path).read_file(CONFIG_FILE)
        except NotFound:
            data = None  # an empty repository, or one that is gone: defaults, and the bots say what they find
        text = data.decode("utf-8", "surrogateescape") if data is not None else None
        service.store.save_config(row.id, text, None)
    if text is None:
        return default_config(service.bots)
    return parse_config(text.encode("utf-8", "surrogateescape"), service.bots)


def _new_job(job: planner.PlannedJob) -> NewJob:
    return NewJob(
        repo_id=job.repo_id, bot=job.bot, handler=job.handler, queue=job.queue, priority=job.priority,
        target=job.target, key=job.key, version=job.version, number=job.number, head_sha=job.head_sha,
        args=job.args, actor=job.actor, reply_key=job.reply_key,
    )  # fmt: skip
