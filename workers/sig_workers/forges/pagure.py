"""Pagure (src.fedoraproject.org's dist-git, pagure.io): one configured instance. Its verbs are in `pagure_forge`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sig_bots.forge import Capabilities
from sig_bots.refs import Repo
from sig_workers.forges.base import matches
from sig_workers.forges.factory import token_of
from sig_workers.forges.pagure_api import PagureApi, PagureConfig, split_path
from sig_workers.forges.pagure_forge import PAGURE, PagureForge
from sig_workers.forges.pagure_json import understood

if TYPE_CHECKING:
    from sig_workers.service import Service
    from sig_workers.settings import Instance

__all__ = ["PAGURE", "PagureConfig", "PagureForge", "PagureHost", "make_host"]


def make_host(instance: Instance, service: Service) -> PagureHost:
    """The Pagure of an instance. Raises ForgeError without a token, UserError for an address that cannot be."""
    config = PagureConfig(
        name=instance.name, url=instance.url, account=instance.account, token=token_of(instance),
        service=service.settings.service, repositories=instance.repositories,
        project_tokens=instance.project_credentials(), allow_http=instance.allow_http,
    )  # fmt: skip
    return PagureHost(config)


class PagureHost:
    """One configured Pagure instance."""

    def __init__(self, config: PagureConfig) -> None:
        self.config = config
        self.api = PagureApi(config)

    @property
    def name(self) -> str:
        """The instance's name in sigbot.toml."""
        return self.config.name

    @property
    def capabilities(self) -> Capabilities:
        """What Pagure can do."""
        return PAGURE

    @understood
    def repositories(self) -> Sequence[Repo]:
        """The projects the globs enable. A glob finds public projects; a private one must be named in full."""
        globs = self.config.repositories
        found = {path: self.repository(path).repo for path in globs if not _is_glob(path)}
        for glob in filter(_is_glob, globs):
            namespace, _, name = glob.rpartition("/")
            # Pagure's own search narrows by name within a namespace and knows `*` alone
            exact = {"namespace": namespace, "pattern": name if set("?[").isdisjoint(name) else "*"}
            narrowed = exact if namespace and not _is_glob(namespace) else {}
            for raw in self.api.pages("projects", key="projects", anonymous=True, fork="false", **narrowed):
                path = raw["url_path"]
                if matches(path, globs) and path not in found:
                    found[path] = Repo(path=path, instance=self.name, forge_id=str(raw["id"]), private=False)
        return list(found.values())

    def repository(self, path: str, bot: str = "sigbot") -> PagureForge:
        """One project; `bot` names whose comments and pull requests are meant. Raises ForgeError for a path Pagure cannot have."""
        split_path(path)
        return PagureForge(self.api, path, bot)

    def git_credentials(self, path: str) -> tuple[str, str] | None:
        """Our account and its token: Pagure takes a token where git asks for a password."""
        return self.config.account, self.config.token

    @understood
    def hook_keys(self, path: str) -> Mapping[str, bytes]:
        """The key Pagure signs webhooks with, of the project and of those of its forks our account has some right in.

        Raises ForgeError when our account has no right in the project itself: Pagure tells the key to its people only.
        """
        keys = {path: self._hook_key(path)}
        name = path.rsplit("/", 1)[-1]
        for raw in self.api.pages("projects", key="projects", fork="true", pattern=name):
            if (raw.get("parent") or {}).get("url_path") != path:
                continue
            if any(self.config.account in names for names in raw.get("access_users", {}).values()):
                keys[raw["url_path"]] = self._hook_key(raw["url_path"])
        return keys

    @understood
    def _hook_key(self, path: str) -> bytes:
        key: str = self.api.get(path, "webhook", "token")["webhook"]["token"]
        return key.encode()


def _is_glob(path: str) -> bool:
    return any(sign in path for sign in "*?[")
