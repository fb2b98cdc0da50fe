"""The registry client as the settings describe it."""

from __future__ import annotations

from collections.abc import Mapping

from sig_workers.registries.auth import Login
from sig_workers.registries.client import RegistryCache, RegistryClient
from sig_workers.settings import Settings

__all__ = ["insecure_hosts", "logins", "make_registry", "mirrors"]


def make_registry(settings: Settings, cache: RegistryCache | None = None) -> RegistryClient:
    """The client for all registries. Raises UserError when a password file cannot be read."""
    return RegistryClient(
        logins=logins(settings), insecure_hosts=insecure_hosts(settings), mirrors=mirrors(settings), cache=cache
    )


def logins(settings: Settings) -> dict[str, Login]:
    """The configured logins by `host[/prefix]`."""
    found = {}
    for access in settings.registries:
        secret = access.secret()
        if access.username is not None and secret is not None:
            found["/".join(part for part in (access.host, access.prefix.strip("/")) if part)] = Login(
                access.username, secret
            )
    return found


def insecure_hosts(settings: Settings) -> frozenset[str]:
    """Hosts that are spoken to over http: the registries set so, or the mirror of such a one."""
    return frozenset(
        (access.mirror or access.host).partition("/")[0] for access in settings.registries if access.insecure
    )


def mirrors(settings: Settings) -> Mapping[str, str]:
    """Registry to `host[/prefix]` that is asked instead."""
    return {access.host: access.mirror for access in settings.registries if access.mirror}
