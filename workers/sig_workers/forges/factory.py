"""From a configured instance to its adapter. Forge libraries are loaded here, by the worker, on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sig_bots.errors import ForgeError
from sig_bots.forge import ForgeHost
from sig_workers.settings import Instance

if TYPE_CHECKING:
    from sig_workers.service import Service

__all__ = ["make_host"]


def make_host(instance: Instance, service: Service) -> ForgeHost:
    """The adapter of an instance. Raises ForgeError for a kind that has none, or when a credential is missing."""
    name = service.settings.service
    if instance.kind == "local":
        from sig_workers.localforge.adapter import LocalHost

        return LocalHost(service.local_forge, instance.name, instance.account, name)
    if instance.kind == "pagure":
        from sig_workers.forges.pagure import PagureConfig, PagureHost

        return PagureHost(
            PagureConfig(
                name=instance.name, url=instance.url, account=instance.account, token=_token(instance), service=name,
                repositories=instance.repositories, allow_http=instance.allow_http,
            )
        )  # fmt: skip
    if instance.kind == "github":
        from sig_workers.forges.github import GitHubConfig, GitHubHost

        return GitHubHost(
            GitHubConfig(
                name=instance.name, url=instance.url, api_url=instance.api_url, account=instance.account,
                account_id=instance.account_id, token="" if instance.app_id else _token(instance),
                app_id=instance.app_id or "", private_key=_app_key(instance), service=name,
                repositories=instance.repositories, allow_http=instance.allow_http,
            )
        )  # fmt: skip
    raise ForgeError(f"instance {instance.name}: kind {instance.kind} sends events but has no repositories to act on")


def _token(instance: Instance) -> str:
    token = instance.credential()
    if not token:
        raise ForgeError(f"instance {instance.name} has no token; set token or token_file in sigbot.toml")
    return token


def _app_key(instance: Instance) -> str:
    key = instance.app_key() if instance.app_id else ""
    if key is None:
        raise ForgeError(
            f"instance {instance.name} has an app_id but no key; set private_key or private_key_file in sigbot.toml"
        )
    return key
