"""The clock of the service: sweeper, schedules, webhook keys. Several may run; a lock in the store picks the one that acts."""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta

from sig_bots.config import RepoConfig
from sig_bots.errors import SigbotError
from sig_bots.events import Tick, dump_event
from sig_workers.intake import configuration
from sig_workers.runner import Runner
from sig_workers.service import Service
from sig_workers.store.rows import RepositoryRow, ScheduleRow

__all__ = ["Beat", "sync_hook_keys"]

log = logging.getLogger(__name__)

LOCK = "beat"


class Beat:
    """One loop. `stop` may be called from a signal handler or another thread."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._stop = threading.Event()
        self._synced = float("-inf")

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
            self._service.local_forge.hooks.flush()
        if time.monotonic() - self._synced > self._service.settings.timing.hook_sync.total_seconds():
            self._synced = time.monotonic()
            self._sync()
        self._tick()

    def _sweep(self) -> None:
        swept = self._service.store.sweep()
        if swept.jobs or swept.dead:
            log.warning("sweeper: %d jobs given back, %d dead", swept.jobs, len(swept.dead))
        for job_id in swept.dead:
            Runner(self._service).tell_dead(job_id)
        queues = set(swept.queues) | ({"receive"} if swept.deliveries else set())
        self._service.wake_ups.wake(queues)

    def _sync(self) -> None:
        """Learn of repositories, their configuration and their webhook keys."""
        for instance in self._service.settings.instances:
            if instance.kind not in ("github", "pagure", "local"):
                continue
            try:
                sync_repositories(self._service, instance.name)
                if instance.kind == "pagure":
                    sync_hook_keys(self._service, instance.name)
            except SigbotError as error:
                log.warning("instance %s: %s", instance.name, error)
        for row in self._service.store.list_repositories():
            try:
                self._schedule(row)
            except SigbotError as error:
                log.warning("%s:%s: %s", row.instance, row.path, error)

    def _schedule(self, row: RepositoryRow) -> None:
        instance = self._service.settings.instance(row.instance)
        if instance is None or not instance.enabled(row.path):
            self._service.store.put_schedules(row.id, {})
            return
        config = configuration(self._service, row)
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
        self._service.store.accept(
            instance="", source="sigbot", delivery_id=name, headers={}, body=dump_event(event).encode()
        )
        self._service.wake_ups.wake({"receive"})

    def _period(self, bot: str, handler: str, default: timedelta) -> timedelta:
        return self._service.settings.timing.periods.get(f"{bot}.{handler}", default)


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
