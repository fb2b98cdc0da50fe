"""The local forge as an instance; it lives in `sig_workers.localforge`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sig_bots.forge import ForgeHost
from sig_workers.localforge.adapter import LocalHost

if TYPE_CHECKING:
    from sig_workers.service import Service
    from sig_workers.settings import Instance

__all__ = ["make_host"]


def make_host(instance: Instance, service: Service) -> ForgeHost:
    """The local forge under the instance's name and account."""
    return LocalHost(service.local_forge, instance.name, instance.account, service.settings.service)
