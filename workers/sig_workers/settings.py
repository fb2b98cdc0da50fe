"""Settings of the service: one object, read at start from `sigbot.toml` and the environment, never at import.

Environment wins over the file: `SIGBOT_STORE`, `SIGBOT_BROKER`, `SIGBOT_TIMING__LEASE`, ... A secret is given in place,
or as `<name>_file`, the path of a mounted file. Secrets are `SecretStr`: printing the settings shows none.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Sequence
from datetime import timedelta
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal, Self, get_args
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource
from pydantic_settings import SettingsError as BadEnvironment

from sig_workers.clock import is_this_machine
from sig_workers.instances import AdvisoryServices, Instance, RegistryAccess, ReleaseMonitor, Section, SettingsError
from sig_workers.updatelimits import UpdateLimits

__all__ = ["Instance", "RegistryAccess", "ReleaseMonitor", "Settings", "SettingsError", "Timing", "load_settings"]

_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_SPAN_WANTED = "must be a length of time, as in 500ms, 15s, 10m, 6h or 1d"
_WRONG = {
    "extra_forbidden": "is no setting; docs/settings.md lists what there is",
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


class Timing(Section):
    """Lengths of time. Tests shorten them; the defaults are for production."""

    lease: timedelta = timedelta(seconds=60)
    """How long a silent worker keeps a job or delivery."""
    heartbeat: timedelta = timedelta(seconds=15)
    """How often a worker renews what it holds."""
    sweep: timedelta = timedelta(seconds=15)
    """How often the sweeper looks for due work nobody was woken for."""
    retry: timedelta = timedelta(seconds=30)
    """First wait before another attempt; doubles each time."""
    periods: dict[str, timedelta] = Field(default_factory=dict)
    """Periods of bots' schedules that differ from the bot's own: `"update.sweep" = "1h"`."""
    longest: dict[str, timedelta] = Field(default_factory=dict)
    """Time limits of jobs that differ from ours (`interactive` 10m, `bulk` 1h, `builds` 6h); then another worker tries."""
    hook_sync: timedelta = timedelta(minutes=10)
    """How often forges are asked for their repositories and webhook keys."""
    config_age: timedelta = timedelta(minutes=10)
    """How long a repository's configuration is believed without a push that touches it."""
    registry_age: timedelta = timedelta(minutes=10)
    """How long a registry's answer about a tag is believed without a push that we are told of."""
    advisory_age: timedelta = timedelta(hours=6)
    """How long an advisory service's answer is believed."""
    upstream_age: timedelta = timedelta(hours=1)
    """How long the release monitor's answer about a project is believed."""
    settle: timedelta = timedelta(minutes=30)
    """How long a new digest must have been known before it is proposed: indexes grow platform by platform."""
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
    """Folder of what a process keeps: git's cache, builds, the embedded store and broker."""
    store: str = ""
    """`sqlite:////path/file.db` or `postgresql+psycopg://...`; default: SQLite in the data folder."""
    broker: str = "filesystem"
    """`filesystem` (embedded), `redis://...` or `amqp://...`."""
    durable: bool = False
    """SQLite only: wait for the disk at each commit."""
    builder: Literal["buildah", "none"] = "buildah"
    """What builds images; `none` fails each build with one sentence."""
    build_disk_limit: int = Field(default=8 * 1024**3, gt=0)
    """Bytes one build may occupy."""
    instances: tuple[Instance, ...] = Field(default=(), alias="instance")
    """Forges and other senders."""
    registries: tuple[RegistryAccess, ...] = Field(default=(), alias="registry")
    """Registries that need a login, a mirror or http, and who may publish there."""
    registry_auth_file: Path | None = None
    """Logins for reading: a containers auth.json or Docker config.json."""
    allow_private_registries: bool = False
    """Registries that only a Containerfile names may lie inside our network."""
    update_limits: UpdateLimits = UpdateLimits()
    """How many update pull requests there may be in all, or in an organisation."""
    advisories: AdvisoryServices = AdvisoryServices()
    """Who is asked for security advisories."""
    anitya: ReleaseMonitor = ReleaseMonitor()
    """The release monitor that knows the versions of upstream projects."""
    timing: Timing = Timing()
    """Lengths of time."""
    dry_run: bool = False
    """As an instance's `dry_run`, for all of them."""
    clock_file: Path | None = None
    """Rehearsals: by how many seconds the bots' clock is ahead; only where each instance is on this machine."""
    sweeper: bool = True
    """Look for work that nobody was woken for; only fault tests turn this off, to see that it is needed."""
    effects_ledger: bool = True
    """Record what is done outside; only fault tests turn this off."""

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

    @model_validator(mode="after")
    def _limits_of_known(self) -> Self:
        wanted = (one.instance for one in self.update_limits.owners if one.instance != "*")
        if unknown := next(
            (one for one in wanted if not any(fnmatchcase(it.name, one) for it in self.instances)), None
        ):
            raise ValueError(f"update_limits.owner: there is no instance {unknown[:60]!r}; name one, or leave it out")
        return self

    @model_validator(mode="after")
    def _real_clock(self) -> Self:
        hosts = ((one.name, urlsplit(one.url).hostname) for one in self.instances)
        far = next((name for name, host in hosts if host and not is_this_machine(host)), None)
        if self.clock_file is not None and far is not None:
            raise ValueError(
                f"clock_file is for rehearsals on this machine, and instance {far} is elsewhere; take it out"
            )
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
            found += [one.credential(), one.app_key(), *one.project_credentials().values()]
            found += [secret.decode("utf-8", "replace") for secret in one.secrets()]
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
        raise SettingsError("; ".join(_sentences(error, file))) from None


def _sentences(error: ValidationError, file: str) -> list[str]:
    """What is wrong, one part of a sentence per key. No value is repeated: it may be a secret.

    The file is named once, a variable of the environment at each of its keys.
    """
    found, named = [], False
    for one in error.errors(include_url=False, include_context=False, include_input=False):
        key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in one["loc"]).removeprefix(".")
        what = _WRONG.get(one["type"]) or one["msg"].removeprefix("Value error, ").replace("Input should", "must")
        if one["type"] == "extra_forbidden" and (meant := _meant(one["loc"])):
            what = f"is no setting; did you mean {meant}?"
        sentence = f"{key}: {' '.join(what.split())}" if key else " ".join(what.split())
        if variable := _variable(one["loc"]):
            found.append(f"the environment: {variable}: {' '.join(what.split())}")
        else:
            found.append(sentence if named else f"{file}: {sentence}")
            named = True
    return found


def _variable(loc: tuple[int | str, ...]) -> str | None:
    """The variable a value came from, if one is set: it wins over the file."""
    given = {name.upper() for name in os.environ}
    names = ("SIGBOT_" + "__".join(str(part) for part in loc[:length]).upper() for length in range(len(loc), 0, -1))
    return next((name for name in names if name in given), None)


def _meant(loc: tuple[int | str, ...]) -> str | None:
    """The known key nearest to the last of the path."""
    known = _keys(Settings, [part for part in loc[:-1] if isinstance(part, str)])
    found = get_close_matches(str(loc[-1])[:60].lower(), known, n=1)
    return found[0] if found else None


def _keys(model: type[BaseModel], path: Sequence[str]) -> list[str]:
    """The keys of the section at the end of the path; none where there is no such section."""
    fields = {one.alias or name: one for name, one in model.model_fields.items()}
    if not path:
        return list(fields)
    field = fields.get(path[0])
    kinds = (field.annotation, *get_args(field.annotation)) if field else ()
    sections = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
    return _keys(sections[0], path[1:]) if sections else []
