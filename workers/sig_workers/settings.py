"""Settings of the service: one object, read at start from `sigbot.toml` and the environment, never at import.

Environment wins over the file: `SIGBOT_STORE`, `SIGBOT_BROKER`, `SIGBOT_TIMING__LEASE`, ... A secret is given in place,
or as `<name>_file`, the path of a mounted file. Secrets are `SecretStr`: printing the settings shows none.
"""

from __future__ import annotations

import os
import re
import tomllib
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource
from pydantic_settings import SettingsError as BadEnvironment

from sig_bots.errors import SigbotError
from sig_bots.sources.kinds import KINDS, Kind

__all__ = ["Instance", "RegistryAccess", "Settings", "SettingsError", "Timing", "load_settings"]

_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


class SettingsError(SigbotError):
    """The settings cannot be used; one sentence naming file, key and remedy."""


_SPAN_WANTED = "must be a length of time, as in 500ms, 15s, 10m, 6h or 1d"
_WRONG = {
    "extra_forbidden": "is no setting; docs/configuration.md lists what there is",
    "missing": "is missing",
    "time_delta_parsing": _SPAN_WANTED,
    "time_delta_type": _SPAN_WANTED,
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
}
"""Kinds of pydantic's errors -> the rest of the sentence."""


def parse_span(value: object) -> object:
    """A length of time: `15s`, `6h`, `500ms`, or a number of seconds."""
    if isinstance(value, str) and (match := _SPAN.fullmatch(value.strip())):
        return timedelta(seconds=float(match[1]) * _UNITS[match[2]])
    return value


class Section(BaseModel):
    """A closed part of the settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Timing(Section):
    """Lengths of time. Tests shorten them; the defaults are for production."""

    lease: timedelta = timedelta(seconds=60)
    """How long a silent worker keeps a job or delivery."""
    heartbeat: timedelta = timedelta(seconds=15)
    sweep: timedelta = timedelta(seconds=15)
    """How often the sweeper looks for due work nobody was woken for."""
    retry: timedelta = timedelta(seconds=30)
    """First wait before another attempt; doubles each time."""
    periods: dict[str, timedelta] = Field(default_factory=dict)
    """Periods of bots' schedules that differ from the bot's own: `"update.sweep" = "1h"`."""
    longest: dict[str, timedelta] = Field(default_factory=dict)
    """Time limits of jobs that differ from ours (`interactive` 10m, `bulk` 1h, `builds` 6h); then another worker tries."""
    hook_sync: timedelta = timedelta(minutes=10)
    config_age: timedelta = timedelta(minutes=10)
    """How long a repository's configuration is believed without a push that touches it."""
    request: timedelta = timedelta(seconds=10)
    """How long a sender may take for the head of a request, and again for its body. GitHub gives up after 10 s."""
    poll: timedelta = timedelta(milliseconds=500)
    """How often a running build is asked for its state."""

    _spans = field_validator("*", mode="before")(parse_span)

    @field_validator("periods", "longest", mode="before")
    @classmethod
    def _spans_by_name(cls, value: object) -> object:
        return {key: parse_span(span) for key, span in value.items()} if isinstance(value, dict) else value

    def back_off(self, tries: int) -> timedelta:
        """The wait after so many failed tries: `retry`, doubled each time, an hour at most."""
        doubled: timedelta = self.retry * 2 ** min(tries - 1, 20)
        return min(doubled, timedelta(hours=1))


class Instance(Section):
    """One forge or other sender: `[[instance]]`."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,62}$")
    kind: str
    """One of `sig_bots.sources.kinds`."""
    url: str = ""
    api_url: str = ""
    account: str = "sigbot"
    account_id: str | None = None
    token: SecretStr | None = None
    token_file: Path | None = None
    app_id: str | None = None
    private_key: SecretStr | None = None
    private_key_file: Path | None = None
    hook_secrets: tuple[SecretStr, ...] = ()
    hook_secret_files: tuple[Path, ...] = ()
    repositories: tuple[str, ...] = ()
    """Globs of the repositories that are enabled; a valid signature alone does not enrol."""
    allow_http: bool = False
    allow_private_network: bool = False
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

    @field_validator("url", "api_url")
    @classmethod
    def _no_credentials(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname or parts.username):
            raise ValueError("write https://host[:port], without user name or password")
        return value.rstrip("/")

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
        return tuple(one for one in [*given, *(_read(path) for path in self.hook_secret_files)] if one)

    def credential(self) -> str | None:
        """The token, in place or from its file."""
        if self.token_file:
            return _read(self.token_file).decode()
        return self.token.get_secret_value() if self.token else None

    def app_key(self) -> str | None:
        """The App's private key (PEM), in place or from its file."""
        if self.private_key_file:
            return _read(self.private_key_file).decode()
        return self.private_key.get_secret_value() if self.private_key else None


class RegistryAccess(Section):
    """How one registry is reached and who may push where: `[[registry]]`."""

    host: str
    prefix: str = ""
    username: str | None = None
    password: SecretStr | None = None
    password_file: Path | None = None
    push_from: tuple[str, ...] = ()
    """Globs `instance:path` of the repositories allowed to push below host/prefix; any other push is refused."""
    insecure: bool = False
    mirror: str | None = None

    def secret(self) -> str | None:
        """The password, in place or from its file."""
        if self.password_file:
            return _read(self.password_file).decode()
        return self.password.get_secret_value() if self.password else None

    def allows(self, image_name: str, instance: str, path: str) -> bool:
        """Whether the repository may push the image."""
        below = "/".join(part for part in (self.host, self.prefix.strip("/")) if part)
        inside = image_name == below or image_name.startswith(f"{below}/")
        return inside and any(fnmatchcase(f"{instance}:{path}", pattern) for pattern in self.push_from)


class Settings(BaseSettings):
    """Everything a process of the service needs to know."""

    model_config = SettingsConfigDict(
        env_prefix="SIGBOT_", env_nested_delimiter="__", extra="forbid", frozen=True, toml_file=None
    )

    service: str = Field(default="sigbot", pattern=r"^[a-z][a-z0-9-]{0,30}$")
    """Name in checks, branches and markers, so that staging and production can share a repository."""
    url: str = "http://127.0.0.1:8080"
    """Where people reach the pages; links are made from it."""
    data: Path = Path("/var/lib/sigbot")
    store: str = ""
    """`sqlite:////path/file.db` or `postgresql+psycopg://...`; default: SQLite in the data folder."""
    broker: str = "filesystem"
    """`filesystem` (embedded), `redis://...` or `amqp://...`."""
    durable: bool = False
    """SQLite only: wait for the disk at each commit."""
    builder: Literal["buildah", "none"] = "buildah"
    build_disk_limit: int = Field(default=8 * 1024**3, gt=0)
    """Bytes one build may occupy."""
    instances: tuple[Instance, ...] = Field(default=(), alias="instance")
    registries: tuple[RegistryAccess, ...] = Field(default=(), alias="registry")
    timing: Timing = Timing()
    dry_run: bool = False
    """As an instance's `dry_run`, for all of them."""
    sweeper: bool = True
    """Switches of the safety nets; only fault tests turn one off, to see that it is needed."""
    effects_ledger: bool = True

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments win over the environment, the environment over the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, os.environ.get("SIGBOT_CONFIG"))

    @model_validator(mode="after")
    def _unique(self) -> Self:
        names = [instance.name for instance in self.instances]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"two instances are named {twice}; rename one")
        return self

    @property
    def store_url(self) -> str:
        """The store's address."""
        return self.store or f"sqlite:///{self.data.absolute() / 'sigbot.db'}"

    def instance(self, name: str) -> Instance | None:
        """The configured instance of that name."""
        return next((one for one in self.instances if one.name == name), None)

    def is_dry(self, name: str) -> bool:
        """Whether nothing may be written at the instance of that name."""
        instance = self.instance(name)
        return self.dry_run or (instance is not None and instance.dry_run)

    @property
    def local(self) -> Instance | None:
        """The instance that is the local forge, if it is served (`sigbot up` writes it)."""
        return next((one for one in self.instances if one.traits.is_ours), None)

    def secret_values(self) -> tuple[str, ...]:
        """Every secret, for the redaction of logs and comments."""
        found: list[str | None] = []
        for one in self.instances:
            found += [one.credential(), one.app_key(), *(secret.decode("utf-8", "replace") for secret in one.secrets())]
        for access in self.registries:
            found += [access.secret(), f"{access.username}:{access.secret()}" if access.username else None]
        for password in (urlsplit(self.store_url).password, urlsplit(self.broker).password):
            found += [password, unquote(password) if password else None]
        return tuple(sorted({text for text in found if text and len(text) >= 6}, key=len, reverse=True))


def load_settings(path: Path | None = None, **overrides: object) -> Settings:
    """Read the settings: `path` (or $SIGBOT_CONFIG), the environment, `overrides`.

    Raises SettingsError with one sentence per wrong key.
    """
    if path is not None:
        os.environ["SIGBOT_CONFIG"] = str(path)
    file = os.environ.get("SIGBOT_CONFIG", "the environment")
    if file != "the environment" and not Path(file).is_file():
        raise SettingsError(f"settings file {file} does not exist; set SIGBOT_CONFIG to the path of sigbot.toml")
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} is not TOML: {' '.join(str(error).split())}") from None
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror}") from None
    except BadEnvironment as error:
        named = re.search(r'field "(\w+)"', str(error))
        name = f"SIGBOT_{named[1].upper()}" if named else "a variable"
        raise SettingsError(f"the environment: {name} is not JSON; set {name}__KEY for one key of it") from None
    except ValidationError as error:
        raise SettingsError(f"{file}: " + "; ".join(_sentences(error))) from None


def _sentences(error: ValidationError) -> list[str]:
    """What is wrong, one part of a sentence per key. No value is repeated: it may be a secret."""
    found = []
    for one in error.errors(include_url=False, include_context=False, include_input=False):
        key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in one["loc"]).removeprefix(".")
        what = _WRONG.get(one["type"]) or one["msg"].removeprefix("Value error, ").replace("Input should", "must")
        found.append(f"{key}: {' '.join(what.split())}" if key else " ".join(what.split()))
    return found


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes().strip()
    except OSError as error:
        raise SettingsError(f"secret file {path} cannot be read: {error.strerror}") from None
