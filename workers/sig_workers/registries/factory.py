"""The registry client as the settings describe it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from sig_workers.registries.answers import RegistryCache
from sig_workers.registries.auth import Login
from sig_workers.registries.client import RegistryClient
from sig_workers.registries.connections import HostRules
from sig_workers.registries.signatures import SignatureKey
from sig_workers.settings import Settings

__all__ = ["ca_files", "host_rules", "insecure_hosts", "logins", "make_registry", "mirrors", "push_reader"]


def make_registry(
    settings: Settings, cache: RegistryCache | None = None, *, private_network: bool = False
) -> RegistryClient:
    """The client for all registries; `private_network` allows what `allow_private_registries` allows.

    Raises UserError when a password file, the auth file or a key cannot be read.
    """
    return RegistryClient(
        auth_file=settings.registry_auth_file,
        logins=logins(settings),
        hosts=host_rules(settings),
        private_network=private_network or settings.allow_private_registries,
        mirrors=mirrors(settings),
        cache=cache,
        settle=settings.timing.settle,
        keys={access.place: SignatureKey(access.verify.key_file) for access in settings.registries if access.verify},
    )


def logins(settings: Settings) -> dict[str, Login]:
    """The configured logins by `host[/prefix]`."""
    found = {}
    for access in settings.registries:
        secret = access.secret()
        if access.username is not None and secret is not None:
            found[access.place] = Login(access.username, secret)
    return found


def host_rules(settings: Settings) -> dict[str, HostRules]:
    """How each configured host is spoken to: the registry, or the mirror asked instead of it."""
    found: dict[str, HostRules] = {}
    for access in settings.registries:
        host = (access.mirror or access.host).partition("/")[0]
        before = found.get(host, HostRules())
        found[host] = HostRules(
            insecure=access.insecure or before.insecure,
            ca_file=access.ca_file or before.ca_file,
            private=access.allow_private_network or before.private,
        )
    return found


def ca_files(settings: Settings) -> dict[str, Path]:
    """Authorities of their own, by host."""
    return {host: rules.ca_file for host, rules in host_rules(settings).items() if rules.ca_file}


def push_reader(
    logins: Mapping[str, Login], insecure: Collection[str], authorities: Mapping[str, Path]
) -> RegistryClient:
    """The client that reads back what was just pushed: wherever the operator lets us push, inside our network too."""
    hosts = {host: HostRules(ca_file=file) for host, file in authorities.items()}
    return RegistryClient(logins=logins, insecure_hosts=insecure, hosts=hosts, private_network=True)


def insecure_hosts(settings: Settings) -> frozenset[str]:
    """Hosts that are spoken to over http: the registries set so, or the mirror of such a one."""
    return frozenset(host for host, rules in host_rules(settings).items() if rules.insecure)


def mirrors(settings: Settings) -> Mapping[str, str]:
    """Registry to `host[/prefix]` that is asked instead."""
    return {access.host: access.mirror for access in settings.registries if access.mirror}
