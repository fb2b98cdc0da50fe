"""Whom the service talks to, as sigbot.toml says it: forges and other senders (`[[instance]]`), registries (`[[registry]]`)."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from sig_bots.errors import SigbotError
from sig_bots.sources.kinds import KINDS, Kind

__all__ = ["AdvisoryServices", "Instance", "RegistryAccess", "ReleaseMonitor", "Section", "SettingsError"]


class SettingsError(SigbotError):
    """The settings cannot be used; one sentence naming file, key and remedy."""


class Section(BaseModel):
    """A closed part of the settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AdvisoryServices(Section):
    """Who is asked which security advisories a new base image fixes: `[advisories]`."""

    osv: str = "https://api.osv.dev"
    """Address of an OSV server, for Debian, Ubuntu, Alpine, Red Hat, Rocky, Alma and openSUSE; empty: it is not asked."""
    bodhi: str = "https://bodhi.fedoraproject.org"
    """Address of a Bodhi server, for Fedora and EPEL; empty: it is not asked."""
    private_bases: bool = False
    """Tell them of base images too that need a login or lie inside our network: names and versions of their packages."""

    @field_validator("osv", "bodhi")
    @classmethod
    def _address(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or parts.query):
            raise ValueError("must be https://HOST, or empty")
        return url.rstrip("/")


def plain_address(value: str) -> str:
    """The address without a slash at its end. Raises ValueError unless it is http or https, without credentials."""
    parts = urlsplit(value)
    if value and (parts.scheme not in ("http", "https") or not parts.hostname or parts.username):
        raise ValueError("write https://host[:port], without user name or password")
    return value.rstrip("/")


class Instance(Section):
    """One forge or other sender: `[[instance]]`."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,62}$")
    """What the instance is called: in the address of its hook, in `push_from`, on the pages."""
    kind: str
    """Kind of the sender, as in the table of sources."""
    url: str = ""
    """Its address, `https://host[:port]`; git may talk to this origin only. Needed for every hosted forge."""
    api_url: str = ""
    """GitHub: address of the API, when it is not where it is on github.com or an Enterprise server."""
    account: str = "sigbot"
    """Login of our account there; people may address it instead of `/sig`."""
    account_id: str | None = None
    """The forge's own id of that account; with it a renamed account is still known."""
    token: SecretStr | None = None
    """Token of the account."""
    token_file: Path | None = None
    """File that holds the token."""
    project_tokens: Mapping[str, SecretStr] = Field(default_factory=dict)
    """Pagure: tokens tied to one project, by its full path, with which its dashboard issue can be edited."""
    app_id: str | None = None
    """GitHub: id of the App, in place of a token."""
    private_key: SecretStr | None = None
    """GitHub: the App's key (PEM)."""
    private_key_file: Path | None = None
    """File that holds the App's key."""
    hook_secrets: tuple[SecretStr, ...] = ()
    """Secrets of its webhooks; several while one is replaced."""
    hook_secret_files: tuple[Path, ...] = ()
    """Files that hold one each."""
    repositories: tuple[str, ...] = ()
    """Globs of the repositories that are enabled; a valid signature alone does not enrol."""
    allow_http: bool = False
    """Let `url` be plain http."""
    allow_private_network: bool = False
    """Let git connect to an address that is not public."""
    dry_run: bool = False
    """Bots read here and say in their jobs' logs what they would have done; nothing is written or pushed."""
    max_body: int | None = Field(default=None, gt=0)
    """Largest body in bytes; each kind has a default."""

    @field_validator("kind")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in KINDS:
            raise ValueError(f"there is no kind {value[:60]!r}; there are {', '.join(KINDS)}")
        return value

    _addresses = field_validator("url", "api_url")(plain_address)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.traits.needs_url and not self.url:
            raise ValueError(f"instance {self.name}: url is missing")
        if urlsplit(self.url).scheme == "http" and not self.allow_http:
            raise ValueError(f"instance {self.name}: url is plain http; use https, or set allow_http = true")
        return self

    @property
    def traits(self) -> Kind:
        """What is so for all instances of its kind."""
        return KINDS[self.kind]

    def enabled(self, path: str) -> bool:
        """Whether a repository is enabled by one of the globs.

        A GitHub App without globs works where it is installed: nothing else is signed with its secret.
        """
        if self.traits.has_apps and self.app_id and not self.repositories:
            return True
        return any(fnmatchcase(path, pattern) for pattern in self.repositories)

    def secrets(self) -> tuple[bytes, ...]:
        """All active webhook secrets. Raises SettingsError when a file cannot be read."""
        given = [secret.get_secret_value().encode() for secret in self.hook_secrets]
        return tuple(one for one in [*given, *(read_secret(path) for path in self.hook_secret_files)] if one)

    def credential(self) -> str | None:
        """The token, in place or from its file."""
        if self.token_file:
            return read_secret(self.token_file).decode()
        return self.token.get_secret_value() if self.token else None

    def project_credentials(self) -> dict[str, str]:
        """The tokens tied to single projects, by full path."""
        return {path: token.get_secret_value() for path, token in self.project_tokens.items()}

    def app_key(self) -> str | None:
        """The App's private key (PEM), in place or from its file."""
        if self.private_key_file:
            return read_secret(self.private_key_file).decode()
        return self.private_key.get_secret_value() if self.private_key else None


class ReleaseMonitor(Section):
    """The Anitya that is asked for versions of upstream projects: `[anitya]`. Without rules for versions nobody is."""

    url: str = "https://release-monitoring.org"
    """Its address."""
    allow_http: bool = False
    """Let `url` be plain http."""
    allow_private_network: bool = False
    """It may lie at an address that is not public."""

    _address = field_validator("url")(plain_address)

    @model_validator(mode="after")
    def _secure(self) -> Self:
        if urlsplit(self.url).scheme != "https" and not self.allow_http:
            raise ValueError("url is plain http, or none; use https, or set allow_http = true")
        return self


class Signatures(Section):
    """Whose signature the images of a registry must have before they are proposed: `verify` of a `[[registry]]`."""

    key_file: Path
    """PEM file of cosign's public key."""


class RegistryAccess(Section):
    """How one registry is reached and who may push where: `[[registry]]`."""

    host: str
    """Host as in an image's name, with the port if it has one."""
    prefix: str = ""
    """Part of the registry that login and `push_from` are for: these names and what is below them; all when empty."""
    username: str | None = None
    """Login; without it the registry is read as anybody."""
    password: SecretStr | None = None
    """Its password."""
    password_file: Path | None = None
    """File that holds the password."""
    push_from: tuple[str, ...] = ()
    """Globs `instance:path` of the repositories allowed to push below host/prefix; any other push is refused."""
    insecure: bool = False
    """Speak plain http to it."""
    ca_file: Path | None = None
    """PEM file of authorities that are believed there beside the system's."""
    allow_private_network: bool = False
    """The token server it names and the targets of its redirects may lie inside our network, as it may itself."""
    mirror: str | None = None
    """`host[/prefix]` that is read instead."""
    verify: Signatures | None = None
    """`{key_file = "cosign.pub"}`: images there are proposed only when signed with this key."""

    @property
    def place(self) -> str:
        """`host[/prefix]`."""
        return "/".join(part for part in (self.host, self.prefix.strip("/")) if part)

    def secret(self) -> str | None:
        """The password, in place or from its file."""
        if self.password_file:
            return read_secret(self.password_file).decode()
        return self.password.get_secret_value() if self.password else None

    def allows(self, image_name: str, instance: str, path: str) -> bool:
        """Whether the repository may push the image."""
        inside = image_name == self.place or image_name.startswith(f"{self.place}/")
        return inside and any(fnmatchcase(f"{instance}:{path}", pattern) for pattern in self.push_from)


def read_secret(path: Path) -> bytes:
    """The content of a mounted secret, without blanks around it. Raises SettingsError when it cannot be read."""
    try:
        return path.read_bytes().strip()
    except OSError as error:
        raise SettingsError(f"secret file {path} cannot be read: {error.strerror}") from None
