"""A role of the service that ends itself by SIGKILL at a named point: `python -m tests.faults.killing FAULT -- ROLE ...`.

The process is the ordinary one, with doors that watch what passes. Points: the functions of the store where something has
just been written or is about to be, the builder that says an image is published, the local forge in the middle of a verb.
Before it dies it leaves a witness; once there is one, it lets everything pass, so that a restarted child does not die again.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from flask import Flask

from sig_bots.jobstate import JobState
from sig_bots.refs import PullRequest
from sig_bots.tools import BuildHandle, BuildStatus
from sig_bots.updatelimits import FullLimit
from sig_workers.cli.options import read_settings
from sig_workers.cli.roles import serve_arguments, worker_arguments
from sig_workers.localforge.state import LocalState
from sig_workers.observe import configure_logging
from sig_workers.service import Service
from sig_workers.settings import Settings
from sig_workers.store.rows import Accepted, DeliveryRow, Effect, JobRow, Settlement
from sig_workers.store.store import Store
from sig_workers.tasks import worker_app

FAULT = "FAULT"
"""Environment variable that carries the fault to the processes gunicorn starts."""


@dataclass(frozen=True)
class Fault:
    """Which passage of which point ends whom: `one` process, or its whole `group`; `stop` freezes instead of killing."""

    point: str
    folder: str
    passage: int = 1
    whom: str = "group"
    how: str = "kill"

    @property
    def witness(self) -> Path:
        return Path(self.folder) / "witness.json"

    def passing(self, point: str) -> None:
        """Called where something passes; does not return when this is the passage."""
        if point != self.point or self.witness.exists():
            return
        # Children of one worker count together: the length of a file they all append to is the number of the passage.
        descriptor = os.open(Path(self.folder) / "passages", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(descriptor, b".")
        passage = os.fstat(descriptor).st_size
        os.close(descriptor)
        if passage != self.passage:
            return
        seen = {"point": point, "passage": passage, "pid": os.getpid(), "at": time.time()}
        fresh = self.witness.with_suffix(".new")
        fresh.write_text(json.dumps(seen))
        fresh.rename(self.witness)
        number = signal.SIGKILL if self.how == "kill" else signal.SIGSTOP
        if self.whom == "group":
            os.killpg(os.getpgid(0), number)
        else:
            os.kill(os.getpid(), number)
        time.sleep(0.2)  # a signal to oneself is there before kill(2) returns; other threads go on until they are seen


class WatchedStore(Store):
    """The store; `fault` hears of what passes."""

    fault: Fault

    def accept(self, **values: Any) -> Accepted:
        accepted = super().accept(**values)
        if accepted.status == "new":
            self.fault.passing("delivery accepted")
        return accepted

    def claim_deliveries(self, owner: str, limit: int, lease: Any) -> list[DeliveryRow]:
        rows = super().claim_deliveries(owner, limit, lease)
        if rows:
            self.fault.passing("deliveries claimed")
        return rows

    def settle(self, settlements: Sequence[Settlement]) -> list[tuple[int, ...]]:
        inserted = super().settle(settlements)
        if any(inserted):
            self.fault.passing("jobs planned")
        return inserted

    def claim_jobs(self, queue: str, owner: str, lease: Any, limit: int = 1) -> list[JobRow]:
        return self._claimed(super().claim_jobs(queue, owner, lease, limit))

    def claim_given(self, jobs: Sequence[int], owner: str, lease: Any, *, queue: str | None = None) -> list[JobRow]:
        return self._claimed(super().claim_given(jobs, owner, lease, queue=queue))

    def _claimed(self, jobs: list[JobRow]) -> list[JobRow]:
        if jobs:
            self.fault.passing("jobs claimed")
        return jobs

    def take_place(self, *arguments: Any, **options: Any) -> FullLimit | None:
        full = super().take_place(*arguments, **options)
        self.fault.passing("place taken")
        return full

    def begin_effect(
        self, job: int, attempt: int, repo: int, kind: str, key: str, content_sha: str, *, detail: Any = None
    ) -> Effect:
        self.fault.passing(f"before {kind}")
        effect = super().begin_effect(job, attempt, repo, kind, key, content_sha, detail=detail)
        if effect.state != "confirmed":
            _KINDS[effect.id] = kind
            self.fault.passing(f"intended {kind}")
        return effect

    def confirm_effect(self, effect: int, attempt: int, result: str = "", url: str = "") -> None:
        self.fault.passing(f"done {_KINDS[effect]}")
        super().confirm_effect(effect, attempt, result, url)
        self.fault.passing(f"confirmed {_KINDS[effect]}")

    def finish(self, job: int, attempt: int, state: JobState, reason: str = "", **values: Any) -> JobState:
        self.fault.passing("before finish")
        ended = super().finish(job, attempt, state, reason, **values)
        self.fault.passing("finished")
        return ended


_KINDS: dict[int, str] = {}


class WatchedBuilder:
    """The builder; says when it has seen an image published."""

    def __init__(self, inner: Any, fault: Fault) -> None:
        self._inner = inner
        self._fault = fault

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def poll(self, handle: BuildHandle) -> BuildStatus:
        status: BuildStatus = self._inner.poll(handle)
        self._fault.passing("build running" if status.state == "running" else "build ended")
        return status


class WatchedState(LocalState):
    """The local forge's tables; a verb of it passes here half done."""

    fault: Fault

    def add_pull(self, *arguments: Any) -> PullRequest:
        added = super().add_pull(*arguments)
        self.fault.passing("inside pull request")
        return added

    def add_comment(self, *arguments: Any) -> str:
        comment = super().add_comment(*arguments)
        self.fault.passing("inside comment")
        return comment


def watched_service(settings: Settings, fault: Fault) -> Service:
    """The doors of a process, watched."""
    service = Service(settings)
    service.store = watched_store(settings, fault)
    service.builder = WatchedBuilder(service.builder, fault)
    if settings.local is not None:
        state = WatchedState(service.store.database)
        state.fault = fault
        service.local_forge = replace(service.local_forge, state=state)
    return service


def watched_store(settings: Settings, fault: Fault) -> WatchedStore:
    store = WatchedStore.open(settings.store_url, durable=settings.durable)
    store.fault = fault
    return store


def application() -> Flask:
    """The web process; gunicorn calls this in its worker."""
    from sig_webhooks.app import create_app

    settings = read_settings()
    return create_app(settings, store=watched_store(settings, Fault(**json.loads(os.environ[FAULT]))))


def main(arguments: Sequence[str]) -> None:
    """`FAULT as JSON` `worker QUEUES POOL CONCURRENCY`, or `serve BIND`."""
    fault, role, *rest = arguments
    os.environ[FAULT] = fault
    if role == "serve":
        argv = serve_arguments(rest[0], 1, 8, "tests.faults.killing:application()")
        os.execv(sys.executable, argv)
    service = watched_service(read_settings(), Fault(**json.loads(fault)))
    configure_logging(service.redact)
    _ = service.bots
    queues, pool, concurrency = rest
    worker_app(service).worker_main(worker_arguments(queues.split(","), pool, int(concurrency)))


def as_argument(fault: Fault) -> str:
    """The fault as `main` reads it."""
    return json.dumps(asdict(fault))


if __name__ == "__main__":
    main(sys.argv[1:])
