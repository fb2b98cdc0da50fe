"""The service with its processes, a forge and a registry, and what one does to it: kill, freeze, and count afterwards."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sig_bots.jobstate import JobState
from sig_bots.refs import ImageRef
from sig_workers.registries.seed import publish
from sig_workers.store.store import Store
from tests.contract.forges.local import LocalWorld
from tests.faults.killing import Fault, as_argument
from tests.servers.registry import Registry
from tests.servers.service import RunningService

LEASE = 2.0
RECOVERY = 45.0
"""Seconds a journey may take after a kill, on a machine that does other things too; alone it takes about five."""
QUEUES = "interactive,bulk,builds"


class Arena:
    """One service, on SQLite and files or on PostgreSQL and Redis, over the local forge. Each journey has its own repository."""

    def __init__(self, name: str, world: LocalWorld, service: RunningService, registry: Registry, pool: str) -> None:
        self.name = name
        self.world = world
        self.service = service
        self.registry = registry
        self.pool = pool
        self._faults = 0
        self._victim = ""
        self._names = 0

    @property
    def store(self) -> Store:
        return self.service.service.store

    # ------------------------------------------------------------ harm

    def start_victim(self, role: str, point: str, passage: int = 1, *, whom: str = "group", how: str = "kill") -> Fault:
        """Put a process that ends itself at the point in the place of the role's ordinary one."""
        self._faults += 1
        folder = self.world.data / "faults" / str(self._faults)
        folder.mkdir(parents=True)
        fault = Fault(point, str(folder), passage, whom, how)
        self._victim = role
        if role in self.service.processes:
            self.service.processes[role].kill()
        arguments = ["serve", f"127.0.0.1:{self.service.port}"]
        if role == "worker":
            arguments = ["worker", QUEUES, *self.pool.split()]
        self.service.start_as(role, [sys.executable, "-m", "tests.faults.killing", as_argument(fault), *arguments])
        if role == "web":
            self.service.start("web")  # runs already; returns when it answers
        return fault

    def start_other(self, name: str) -> None:
        """A second ordinary process: `other` worker or `beat2`."""
        words = ["beat"] if name.startswith("beat") else ["worker", "--queues", QUEUES, "--pool", "threads"]
        self.service.start_as(name, [sys.executable, "-m", "sig_workers.cli", *words])

    def end(self, name: str) -> None:
        """End a process the hard way."""
        self.service.processes.pop(name).kill()

    def wait_killed(self, fault: Fault, seconds: float = 40) -> dict[str, Any]:
        """Return when the process has died at the point; the test fails when it did not."""
        self.service.wait(fault.witness.exists, seconds, f"the passage of “{fault.point}”")
        witness: dict[str, Any] = json.loads(fault.witness.read_text())
        assert witness["point"] == fault.point
        process, pid = self.service.processes[self._victim], witness["pid"]
        if fault.how == "stop":
            self.service.wait(lambda: process_state(pid) == "T", 5, "the freezing of the process")
        elif fault.whom == "group" or pid == process.pid:
            self.service.wait(lambda: not process.alive(), 5, "the end of the process")
        else:
            self.service.wait(lambda: process_state(pid) in ("Z", ""), 5, "the end of the child")
        return witness

    # ------------------------------------------------------------ people

    def repository(self, files: Mapping[str, str]) -> LocalWorld:
        """A fresh repository, pushed by its owner; the webhook of that is on its way."""
        self._names += 1
        return self.world.another(f"r{self._names}", files)

    def publish(self, name: str, tag: str, content: bytes) -> str:
        return publish(ImageRef.parse(f"{self.registry.host}/{name}:{tag}"), {"release": content})

    # ------------------------------------------------------------ looking

    def wait_idle(self, seconds: float = RECOVERY) -> None:
        """Until everything that arrived is dealt with, twice in a row."""
        calm = [0]

        def idle() -> bool:
            calm[0] = 0 if self.open_work() else calm[0] + 1
            return calm[0] > 3

        self.service.wait(idle, seconds, "the end of all work")

    def open_work(self) -> Sequence[str]:
        """What is not dealt with: kept webhooks, deliveries, jobs."""
        outgoing = self.world.data / "outgoing-hooks"
        found = [f"hook {file.name}" for file in outgoing.glob("*")] if outgoing.is_dir() else []
        found += [
            f"delivery {one.id} {one.state}"
            for one in self.store.recent_deliveries(500, public_only=False)
            if one.state in ("received", "processing", "failed")
        ]
        return found + [
            f"job {one.id} {one.state}" for one in self.store.jobs(states=(JobState.QUEUED, JobState.RUNNING))
        ]

    def manifests_pushed(self, name: str, tag: str) -> int:
        """How often the registry took a manifest under the tag."""
        return sum(one.status == 201 for one in self.registry.requests("PUT", f"/v2/{name}/manifests/{tag}"))

    def badly_ended(self) -> Sequence[str]:
        """Jobs and deliveries that were given up."""
        jobs = [
            f"job {one.id} {one.bot}/{one.handler}: {one.reason}"
            for one in self.store.jobs(states=(JobState.FAILED, JobState.DEAD))
        ]
        return jobs + [f"delivery {one.id}: {one.reason}" for one in self.store.dead_deliveries()]


def process_state(pid: int) -> str:
    """One letter as in proc(5): R, S, T (stopped), Z (dead, not yet waited for); empty when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


@contextmanager
def open_arena(
    name: str, data: Path, registry: Registry, *, store: str = "", broker: str = "filesystem", pool: str = "threads 4",
    **settings: Any,
) -> Iterator[Arena]:  # fmt: skip
    """The service started. `pool`: Celery's pool and concurrency of the worker."""
    address = store or f"sqlite:///{data / 'sigbot.db'}"
    own = Store.open(address)
    own.migrate()
    world = LocalWorld(data, own, address)
    service = RunningService(
        data,
        instances=[world.hook_instance()],
        registries=[{"host": registry.host, "insecure": True, "push_from": ["local:*"]}],
        store=store,
        broker=broker,
        workers={"worker": ["--queues", QUEUES, "--pool", pool.split()[0], "--concurrency", pool.split()[1]]},
        **settings,
    )
    world.set_hook(service.hook("local"))
    try:
        yield Arena(name, world, service.start(), registry, pool)
    finally:
        for process in service.processes.values():
            process.kill()  # nothing of theirs is needed any more
        service.stop()
        own.close()
