"""From a configured instance to its adapter. Forge libraries are loaded here, by the worker, on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from sig_bots.errors import ForgeError
from sig_bots.forge import ForgeHost
from sig_workers.settings import Instance

if TYPE_CHECKING:
    from sig_workers.service import Service

__all__ = ["Adapter", "make_host", "token_of"]


class Adapter(Protocol):
    """What the module `sig_workers.forges.<kind>` offers, of each kind on which bots can act."""

    def make_host(self, instance: Instance, service: Service) -> ForgeHost:
        """The forge behind the instance; no network. Raises SigbotError for settings that cannot work."""
        ...


def make_host(instance: Instance, service: Service) -> ForgeHost:
    """The adapter of an instance. Raises ForgeError for a kind that has none, or when a credential is missing."""
    if not instance.traits.acts:
        raise ForgeError(
            f"instance {instance.name}: kind {instance.kind} sends events but has no repositories to act on"
        )
    adapter = cast("Adapter", import_module(f"sig_workers.forges.{instance.kind}"))
    return adapter.make_host(instance, service)


def token_of(instance: Instance) -> str:
    """The instance's token. Raises ForgeError when there is none."""
    token = instance.credential()
    if not token:
        raise ForgeError(f"instance {instance.name} has no token; set token or token_file in sigbot.toml")
    return token
