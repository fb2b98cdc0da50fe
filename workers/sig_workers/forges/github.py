"""GitHub (github.com or an Enterprise server): one configured instance. Its verbs are in `github_forge`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sig_bots.errors import ForgeError, NotFound
from sig_bots.forge import Capabilities
from sig_bots.refs import Repo
from sig_workers.forges import github_json
from sig_workers.forges.base import matches
from sig_workers.forges.factory import token_of
from sig_workers.forges.github_api import GitHubApi, GitHubConfig, quoted
from sig_workers.forges.github_forge import GitHubForge, capabilities_of

if TYPE_CHECKING:
    from sig_workers.service import Service
    from sig_workers.settings import Instance

__all__ = ["GitHubConfig", "GitHubForge", "GitHubHost", "make_host"]

_PATH = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")


def make_host(instance: Instance, service: Service) -> GitHubHost:
    """The GitHub of an instance, as an App where it has an `app_id`. Raises ForgeError without credential, UserError."""
    key = instance.app_key() if instance.app_id else ""
    if key is None:
        raise ForgeError(
            f"instance {instance.name} has an app_id but no key; set private_key or private_key_file in sigbot.toml"
        )
    config = GitHubConfig(
        name=instance.name, url=instance.url, api_url=instance.api_url, account=instance.account,
        account_id=instance.account_id, token="" if instance.app_id else token_of(instance),
        app_id=instance.app_id or "", private_key=key, service=service.settings.service,
        repositories=instance.repositories, allow_http=instance.allow_http,
    )  # fmt: skip
    return GitHubHost(config)


class GitHubHost:
    """One configured GitHub instance."""

    def __init__(self, config: GitHubConfig) -> None:
        self.config = config
        self.api = GitHubApi(config)

    @property
    def name(self) -> str:
        """The instance's name in sigbot.toml."""
        return self.config.name

    @property
    def capabilities(self) -> Capabilities:
        """What GitHub can do for us: more for an App than for a token."""
        return capabilities_of(self.config.is_app)

    def repositories(self) -> Sequence[Repo]:
        """What the App's installations cover, narrowed by the globs when there are any; for a token, what the globs name.

        An archived repository takes no comment and no push, so it is left out.
        """
        raws = self._installed() if self.config.is_app else self._named()
        found = {raw["full_name"]: raw for raw in raws if not raw.get("archived")}
        return [github_json.repo(raw, self.name) for raw in found.values()]

    def _installed(self) -> Iterator[Mapping[str, Any]]:
        globs = self.config.repositories
        for installation in self.api.installations():
            for raw in self.api.pages("/installation/repositories", installation=installation, key="repositories"):
                if not globs or matches(raw["full_name"], globs):
                    yield raw

    def _named(self) -> Iterator[Mapping[str, Any]]:
        """A glob in the owner's part would have to list all of GitHub: it is refused."""
        owners = []
        for glob in self.config.repositories:
            owner, _, name = glob.partition("/")
            if any(sign in owner for sign in "*?[") or not name:
                raise ForgeError(
                    f"instance {self.name}: repositories: {glob!r} names no owner; write owner/* or owner/name"
                )
            if any(sign in name for sign in "*?["):
                owners.append(owner)
            else:
                yield self.api.call("GET", f"/repos/{quoted(glob)}")
        for owner in dict.fromkeys(owners):
            for raw in self._of(owner):
                if matches(raw["full_name"], self.config.repositories):
                    yield raw

    def _of(self, owner: str) -> Iterator[Mapping[str, Any]]:
        """An organisation's own list shows its private repositories too; a person's list only the public ones."""
        if owner.lower() == self.api.account.login.lower():
            return self.api.pages("/user/repos", params={"affiliation": "owner"})
        try:
            self.api.call("GET", f"/orgs/{quoted(owner)}")
        except NotFound:
            return self.api.pages(f"/users/{quoted(owner)}/repos")
        return self.api.pages(f"/orgs/{quoted(owner)}/repos")

    def repository(self, path: str, bot: str = "sigbot") -> GitHubForge:
        """One repository; `bot` names whose comments and pull requests are meant. Raises ForgeError for a path GitHub cannot have."""
        if not _PATH.fullmatch(path) or {".", ".."} & set(path.split("/")):
            raise ForgeError(f"{path!r} is not a GitHub repository; write owner/name")
        return GitHubForge(self.api, path, bot)

    def git_credentials(self, path: str) -> tuple[str, str] | None:
        """GitHub takes a token as the password of `x-access-token`; an App's is the one of the repository's installation."""
        if self.config.is_app:
            return "x-access-token", self.api.tokens.token_of(self.api.tokens.installation_of(path))
        return "x-access-token", self.config.token

    def hook_keys(self, path: str) -> Mapping[str, bytes]:
        """Empty: on GitHub the secret is ours to choose and stands in the instance's configuration."""
        return {}
