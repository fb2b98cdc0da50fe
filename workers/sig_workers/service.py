"""Everything one process of the service works with, made from the settings on first use."""

from __future__ import annotations

import os
import socket
import threading
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sig_bots.advisories import Advisories
from sig_bots.errors import ForgeError
from sig_bots.forge import ForgeHost
from sig_bots.roster import Roster, load_bots
from sig_bots.tools import Builder, Linter, Registry, Workspace
from sig_bots.upstreams import Upstreams
from sig_workers.observe import Redactor
from sig_workers.queue import WakeUps
from sig_workers.settings import Instance, Settings
from sig_workers.store.rows import RepositoryRow
from sig_workers.store.store import Store

if TYPE_CHECKING:
    from sig_workers.localforge.forge import LocalForge

__all__ = ["Service"]


class Service:
    """The doors of one process. Opening them is lazy, so a web process never loads a forge library."""

    def __init__(self, settings: Settings, *, bots: Roster | None = None) -> None:
        self.settings = settings
        self._given_bots = bots
        self._hosts: dict[str, ForgeHost] = {}
        self._lock = threading.Lock()
        self.owner = f"{socket.gethostname()}:{os.getpid()}"

    @cached_property
    def store(self) -> Store:
        """The store, opened; migrations are not run here."""
        return Store.open(self.settings.store_url, durable=self.settings.durable)

    @cached_property
    def bots(self) -> Roster:
        """All installed bots. Raises PluginError."""
        return self._given_bots if self._given_bots is not None else load_bots()

    @cached_property
    def redact(self) -> Redactor:
        """Takes our secrets out of text."""
        return Redactor(self.settings.secret_values())

    @cached_property
    def wake_ups(self) -> WakeUps:
        """Publisher of wake-ups."""
        return WakeUps(self.settings)

    def host(self, name: str) -> ForgeHost:
        """The forge behind an instance. Raises ForgeError when there is none of that name."""
        with self._lock:
            if name not in self._hosts:
                from sig_workers.forges.factory import make_host

                self._hosts[name] = make_host(self._instance(name), self)
            return self._hosts[name]

    def _instance(self, name: str) -> Instance:
        instance = self.settings.instance(name)
        if instance is None:
            raise ForgeError(f"there is no instance {name} in sigbot.toml (any more)")
        return instance

    @cached_property
    def local_forge(self) -> LocalForge:
        """The local forge."""
        from sig_workers.localforge.forge import LocalForge
        from sig_workers.localforge.hooks import HookSender

        data = self.settings.data
        return LocalForge.of(data, self.settings.url, self.store.database, HookSender.for_data(data))

    @cached_property
    def registry(self) -> Registry:
        """The registry client, its answers shared with the other processes through the store."""
        from sig_workers.registries.answers import StoredAnswers
        from sig_workers.registries.factory import make_registry

        return make_registry(self.settings, StoredAnswers(self.store, self.settings.timing.registry_age))

    @cached_property
    def advisories(self) -> Advisories:
        """The advisory services, their answers shared with the other processes through the store."""
        from sig_workers.advisories.answers import StoredAnswers
        from sig_workers.advisories.factory import make_advisories

        return make_advisories(self.settings, StoredAnswers(self.store, self.settings.timing.advisory_age))

    @cached_property
    def upstreams(self) -> Upstreams:
        """The release monitor, its answers shared with the other processes through the store."""
        from sig_workers.anitya import AnityaClient
        from sig_workers.registries.answers import StoredAnswers

        monitor, cache = self.settings.anitya, StoredAnswers(self.store, self.settings.timing.upstream_age)
        return AnityaClient(monitor.url, private_network=monitor.allow_private_network, cache=cache)

    @cached_property
    def builder(self) -> Builder:
        """The configured builder."""
        from sig_workers.builders.factory import make_builder

        return make_builder(self.settings)

    @cached_property
    def linter(self) -> Linter:
        """hadolint."""
        from sig_workers.hadolint import Hadolint

        return Hadolint()

    def workspace(self, repository: RepositoryRow) -> Workspace:
        """Git for one repository. Raises ForgeError when its address is not the instance's own."""
        from sig_workers.clone_url import CloneUrl, check_clone_url, local_clone_url
        from sig_workers.git import GitCredentials
        from sig_workers.workspace import GitWorkspace

        instance = self._instance(repository.instance)
        host = self.host(repository.instance)

        def remote() -> CloneUrl:
            if instance.traits.is_ours:
                return local_clone_url(self.local_forge.history(repository.path).folder, self.local_forge.root)
            parts = urlsplit(instance.url)
            return check_clone_url(
                host.repository(repository.path).clone_url(), f"{parts.scheme}://{parts.netloc}",
                instance.allow_http, instance.allow_private_network,
            )  # fmt: skip

        def credentials() -> GitCredentials | None:
            given = host.git_credentials(repository.path)
            return GitCredentials(*given) if given else None

        return GitWorkspace(self.settings.data / "cache", f"{repository.id}", remote, credentials)
