"""The clock of the service: sweeper, schedules, webhook keys. Several may run; a lock in the store picks the one that acts."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from sig_bots.config import RepoConfig
from sig_bots.errors import SigbotError
from sig_bots.events import Tick, dump_event
from sig_workers.repoconfig import configuration
from sig_workers.runner import Runner
from sig_workers.service import Service
from sig_workers.store.rows import RepositoryRow, ScheduleRow

__all__ = ["Beat", "sync_hook_keys"]

log = logging.getLogger(__name__)

LOCK = "beat"
_ANSWERS_KEPT = timedelta(days=90)


class Beat:
    """One loop. `stop` may be called from a signal handler or another thread."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._stop = threading.Event()
        self._synced = float("-inf")
        self._syncing: threading.Thread | None = None

    def stop(self) -> None:
        """End the loop after the current turn."""
        self._stop.set()

    def run(self) -> None:
        """Turn until stopped. What goes wrong in a turn is logged; the next one tries again."""
        pause = self._service.settings.timing.sweep.total_seconds()
        while not self._stop.is_set():
            try:
                if self._service.store.acquire(LOCK, self._service.owner, timedelta(seconds=3 * pause + 5)):
                    self.turn()
            except SigbotError as error:
                log.warning("beat: %s", error)
            except Exception:  # without the sweeper nothing lost comes back, so the loop outlives whatever goes wrong
                log.exception("beat: a turn failed")
            self._stop.wait(pause)
        try:
            self._service.store.release(LOCK, self._service.owner)
        except SigbotError as error:
            log.warning("beat: %s", error)

    def turn(self) -> None:
        """Everything that is due now, once."""
        if self._service.settings.sweeper:
            self._sweep()
        if self._service.settings.local is not None:
            self._service.local_forge.catch_up()
        self._tick()
        self._sync_sometimes()

    def _sweep(self) -> None:
        swept = self._service.store.sweep()
        if swept.jobs or swept.dead:
            log.warning("sweeper: %d jobs given back, %d dead", swept.jobs, len(swept.dead))
        queues = set(swept.queues) | ({"receive"} if swept.deliveries else set())
        self._service.wake_ups.wake(queues)
        for job_id in swept.dead:
            Runner(self._service).tell_dead(job_id)

    def _sync_sometimes(self) -> None:
        """In a thread of its own, for a forge that answers slowly must not keep the sweeper waiting."""
        due = time.monotonic() - self._synced > self._service.settings.timing.hook_sync.total_seconds()
        if due and (self._syncing is None or not self._syncing.is_alive()):
            self._synced = time.monotonic()
            self._syncing = threading.Thread(target=self.sync, name="sync", daemon=True)
            self._syncing.start()

    def sync(self) -> None:
        """Learn of repositories, their schedules and their webhook keys. What goes wrong is logged, the rest goes on."""
        for instance in self._service.settings.instances:
            if instance.traits.acts:
                with _going_on(f"instance {instance.name}"):
                    sync_repositories(self._service, instance.name)
                    if instance.traits.makes_keys:
                        sync_hook_keys(self._service, instance.name)
        with _going_on("answers of registries"):
            self._service.store.forget_old_answers(_ANSWERS_KEPT)
        with _going_on("schedules"):
            for row in self._service.store.list_repositories():
                with _going_on(f"{row.instance}:{row.path}"):
                    self._schedule(row)

    def _schedule(self, row: RepositoryRow) -> None:
        instance = self._service.settings.instance(row.instance)
        if instance is None or not instance.enabled(row.path):
            self._service.store.put_schedules(row.id, {})
            return
        # Pushes bring the configuration up to date; asking for each of a thousand files now and then would eat the rate.
        config = configuration(self._service, row, max_age=timedelta(days=1))
        if isinstance(config, RepoConfig):
            enabled = {bot.name for bot in self._service.bots.bots.values() if config.enabled(bot)}
            wanted = {
                (one.bot, one.name): self._period(one.bot, one.name, one.period)
                for one in self._service.bots.schedules()
                if one.bot in enabled
            }
            self._service.store.put_schedules(row.id, wanted)

    def _tick(self) -> None:
        for due in self._service.store.due_schedules():
            period = next(
                (one.period for one in self._service.bots.schedules() if (one.bot, one.name) == (due.bot, due.handler)),
                None,
            )
            # The delivery comes first: its id makes a second one harmless, a mark without it would lose the tick.
            self._deliver(due)
            self._service.store.mark_schedule(due, self._period(due.bot, due.handler, period or timedelta(days=1)))

    def _deliver(self, due: ScheduleRow) -> None:
        event = Tick(source="clock", repo=due.repo.ref(), bot=due.bot, handler=due.handler, scheduled=due.next_at)
        name = f"tick-{due.id}-{due.next_at.isoformat()}"
        self._service.store.accept_own(name, dump_event(event))
        self._service.wake_ups.wake({"receive"})

    def _period(self, bot: str, handler: str, default: timedelta) -> timedelta:
        return self._service.settings.timing.periods.get(f"{bot}.{handler}", default)


@contextmanager
def _going_on(what: str) -> Iterator[None]:
    """What goes wrong in the block is logged and ends the block only."""
    try:
        yield
    except SigbotError as error:
        log.warning("%s: %s", what, error)
    except Exception:
        log.exception("%s", what)


def sync_repositories(service: Service, instance: str) -> int:
    """Take the repositories of an instance into the store; how many there are. Raises what the forge raises."""
    known = service.host(instance).repositories()
    for repo in known:
        service.store.ensure_repository(instance, repo)
    return len(known)


def sync_hook_keys(service: Service, instance: str) -> int:
    """Bring the webhook keys of an instance's enabled projects and their forks into the store; how many there are.

    A project that does not answer keeps the keys it had. Raises StoreDown.
    """
    configured = service.settings.instance(instance)
    keys: dict[str, bytes] = {}
    for row in service.store.list_repositories(instance):
        if configured is None or not configured.enabled(row.path):
            continue
        try:
            keys |= service.host(instance).hook_keys(row.path)
        except SigbotError as error:
            log.warning("webhook key of %s:%s: %s", instance, row.path, error)
    service.store.put_hook_keys(instance, keys)
    return len(keys)
