"""The builder as the settings name it."""

from __future__ import annotations

from sig_bots.tools import Builder
from sig_workers.builders.buildah import BuildahBuilder
from sig_workers.builders.none import NoBuilder
from sig_workers.builders.order import BuildLimits
from sig_workers.registries.factory import ca_files, insecure_hosts, logins, mirrors
from sig_workers.settings import Settings

__all__ = ["make_builder"]


def make_builder(settings: Settings) -> Builder:
    """The configured builder. Raises UserError when a password file cannot be read."""
    if settings.builder == "none":
        return NoBuilder()
    return BuildahBuilder(
        settings.data,
        limits=BuildLimits(disk=settings.build_disk_limit),
        logins=logins(settings),
        insecure_hosts=insecure_hosts(settings),
        ca_files=ca_files(settings),
        mirrors=mirrors(settings),
    )
