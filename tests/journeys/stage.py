"""A stage: a forge with people and two repositories, a registry, and the whole service between them, running.

The live stage is real processes, webhooks, a real registry and buildah. (The stage of the unit tests is in `rehearsal`.)
A journey acts as people do and looks where people look; it never calls a bot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from functools import partial
from html import unescape
from pathlib import Path
from typing import Protocol

import httpx

from sig_bots.fakes.upstreams import FakeUpstreams
from sig_bots.refs import ImageRef
from sig_workers.registries.seed import publish
from tests.contract.world import World
from tests.journeys.images import SeenImage, look_at
from tests.servers.process import free_port
from tests.servers.registry import Notification, Registry
from tests.servers.service import RunningService
from tests.standins.anitya.server import Monitor, open_monitor

CLOCK = "clock"
"""File in the data folder that moves the bots' clock."""
REGISTRY_SECRET = "secret of the registry's notifications"


class Stage(Protocol):
    """What a journey needs besides the world's people."""

    @property
    def world(self) -> World:
        """The repository of an application's image."""
        ...

    @property
    def child(self) -> World:
        """A second repository on the same forge."""
        ...

    @property
    def registry(self) -> str:
        """Host and port, as image references name it."""
        ...

    @property
    def monitor(self) -> FakeUpstreams | Monitor:
        """The release monitor's own side: projects appear and release versions."""
        ...

    def publish(
        self, name: str, tag: str, files: Mapping[str, bytes], *, platforms: Sequence[str] = ("linux/amd64",),
        created: datetime | None = None,
    ) -> str:  # fmt: skip
        """Somebody who is not us pushes an image to the registry; its digest by the registry's own answer."""
        ...

    def image(self, name: str, tag: str) -> SeenImage | None:
        """The image as the registry has it now."""
        ...

    def move_clock(self, ahead: timedelta) -> None:
        """The bots' clock is so far ahead from now on; what waits for a time is looked at."""
        ...

    def said(self, path: str, text: str) -> bool:
        """Whether the update bot has said this in the log of a job in the repository, on its public page."""
        ...

    def until[T](self, look: Callable[[], T | None], seconds: float, what: str) -> T:
        """What `look` gives as soon as it is something; fails the test after `seconds`."""
        ...


class LiveStage:
    """See `Stage`."""

    def __init__(
        self, world: World, child: World, service: RunningService, registry: Registry, monitor: Monitor
    ) -> None:
        self.world = world
        self.child = child
        self.service = service
        self.monitor = monitor
        self.registry = registry.host
        self._registry = registry
        self._clock = service.data / CLOCK

    def publish(
        self, name: str, tag: str, files: Mapping[str, bytes], *, platforms: Sequence[str] = ("linux/amd64",),
        created: datetime | None = None,
    ) -> str:  # fmt: skip
        digest = publish(ImageRef.parse(f"{self.registry}/{name}:{tag}"), files, platforms, created)
        if len(platforms) > 1:
            return digest
        pushed = self.image(name, tag)
        assert pushed is not None
        return pushed.digest

    def image(self, name: str, tag: str) -> SeenImage | None:
        return look_at(self._registry.url, name, tag)

    def move_clock(self, ahead: timedelta) -> None:
        new = self._clock.with_suffix(".new")
        new.write_text(f"{ahead.total_seconds()}\n")
        new.replace(self._clock)

    def said(self, path: str, text: str) -> bool:
        """The newest jobs first: what is looked for was said lately."""
        jobs = [one for one in self.service.service.store.jobs(bot="update", limit=100) if one.repo.path == path]
        with httpx.Client(base_url=self.service.url, timeout=10, trust_env=False) as client:
            return any(text in unescape(client.get(f"/jobs/{one.id}").text) for one in jobs[:25])

    def until[T](self, look: Callable[[], T | None], seconds: float, what: str) -> T:
        return self.service.wait(look, seconds, what)


@contextmanager
def open_live_stage(
    world: World, data: Path, make_registry: Callable[..., Registry], *, notify: bool, **settings: object
) -> Iterator[LiveStage]:
    """The service started, its hooks in place. `data` is its data folder; `settings` go to `RunningService`.

    `notify`: the registry tells the service of pushes; otherwise only a sweep can find them.
    """
    port = free_port()
    bearer = {"Authorization": f"Bearer {REGISTRY_SECRET}"}
    listener = Notification("sigbot", f"http://127.0.0.1:{port}/hooks/registry", bearer)
    registry = make_registry(notifications=[listener] if notify else [])
    child = world.another("child", {"README.md": "# child\n"})
    monitors = ExitStack()
    monitor = monitors.enter_context(open_monitor())
    instance = dict(world.hook_instance())
    name = str(instance["name"])
    service = RunningService(
        data,
        instances=[instance, {"name": "registry", "kind": "registry", "hook_secrets": [REGISTRY_SECRET]}],
        registries=[{"host": registry.host, "insecure": True, "push_from": [f"{name}:*"]}],
        port=port,
        anitya={"url": monitor.url, "allow_http": True, "allow_private_network": True},
        clock_file=str(data / CLOCK),
        **settings,  # type: ignore[arg-type]
    )
    try:
        service.start()
        for one in (world, child):
            one.set_hook(service.hook(name))
            service.wait(partial(_known, service, name, one.path), 30, f"the sync of {one.path}")
        yield LiveStage(world, child, service, registry, monitor)
    finally:
        service.stop()
        monitors.close()


def _known(service: RunningService, instance: str, path: str) -> bool:
    """Whether the beat process has learnt of the repository, and of its webhook key where the forge makes one."""
    store = service.service.store
    configured = service.service.settings.instance(instance)
    if configured is not None and configured.traits.makes_keys and store.hook_key(instance, path) is None:
        return False
    return store.find_repository(instance, path) is not None
