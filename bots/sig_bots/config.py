"""The repository's `.sigbot.yaml`: bytes -> configuration or problem, as values.

    version: 1
    lint:                     # one section per bot; a present section means enabled, also an empty one
    update: {}                # the same
    rebuild: false            # switched off, as with `enabled: false` inside the section
    images: [...]             # what the repository publishes
    permissions: {lint: anyone}

What a pull request's own file may change of it is in `configlayers`, its JSON Schema in `configschema`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError

from sig_bots.arguments import explain, nearest
from sig_bots.bot import Bot, CommandSpec, Who
from sig_bots.imagespec import ImageSpec
from sig_bots.messages import code
from sig_bots.refs import Value
from sig_bots.roster import Roster
from sig_bots.yamltree import Document, Path, YamlError, load_yaml

__all__ = [
    "CONFIG_FILE",
    "ConfigProblem",
    "ImageSpec",
    "Problem",
    "RepoConfig",
    "blob_sha",
    "default_config",
    "parse_config",
]

CONFIG_FILE = ".sigbot.yaml"
VERSION = 1
_MAX_PROBLEMS = 10
_CACHED_BYTES = 16 * 1024
_WHO: TypeAdapter[Who] = TypeAdapter(Who)
_KEPT_BY_WRITERS = frozenset({"ok"})
"""Commands that no configuration may give to people without write access: an approval lets foreign code run."""


@dataclass(frozen=True)
class RepoConfig:
    """A valid configuration."""

    images: tuple[ImageSpec, ...] = ()
    permissions: Mapping[str, Who] = field(default_factory=dict)
    """Command -> least right, where it differs from the command's own."""
    sections: Mapping[str, BaseModel] = field(default_factory=dict)
    """Enabled bots and their settings."""
    disabled: frozenset[str] = frozenset()
    """Bots switched off in so many words (which a lower file may have enabled)."""
    from_file: bool = True
    """False for the defaults of a repository without a file: lint as a check, no comment."""
    notes: tuple[str, ...] = ()
    """What a pull request's own file asks for and does not get before it is merged."""
    blob: str | None = None
    """The file it was read from, as `git hash-object` names it; None for the defaults."""

    def enabled(self, bot: Bot) -> bool:
        """Whether the bot runs here."""
        return bot.always or bot.name in self.sections

    def section(self, bot: Bot) -> BaseModel:
        """The bot's settings; its defaults when it has no section."""
        return self.sections.get(bot.name) or bot.config_model()

    def who(self, command: CommandSpec) -> Who:
        """The least right the command needs here."""
        return self.permissions.get(command.name, command.who)


class Problem(Value):
    """One thing that is wrong: the line (from 1, None when it is the file as a whole), the key, what to do."""

    line: int | None
    where: str
    message: str

    def __str__(self) -> str:
        parts = [f"line {self.line}" if self.line else "", code(self.where) if self.where else "", self.message]
        return ": ".join(part for part in parts if part)


class ConfigProblem(Value):
    """Why a `.sigbot.yaml` cannot be used."""

    problems: tuple[Problem, ...]
    more: int = 0
    """How many there are beside these."""
    blob: str | None = None
    """The file it was read from, as `git hash-object` names it."""

    def __str__(self) -> str:
        text = "; ".join([*map(str, self.problems), *([f"and {self.more} more"] if self.more else [])])
        return text if text.endswith("?") else f"{text}."


def default_config(roster: Roster) -> RepoConfig:
    """The configuration of an enabled repository without a file: the bots with `default=True` (lint)."""
    sections = {bot.name: bot.config_model() for bot in roster.bots.values() if bot.default}
    return RepoConfig(sections=sections, from_file=False)


def parse_config(data: bytes, roster: Roster) -> RepoConfig | ConfigProblem:
    """Read a `.sigbot.yaml`. Any bytes give a value; all problems are told at once, of more than ten the number."""
    if len(data) > _CACHED_BYTES:
        return _parse(data, roster)
    return _parse_cached(data, roster, len(roster.bots))


@lru_cache(maxsize=512)
def _parse_cached(data: bytes, roster: Roster, bots: int) -> RepoConfig | ConfigProblem:
    """Most deliveries find the file they found before; the values are frozen, so they can be shared."""
    return _parse(data, roster)


def _parse(data: bytes, roster: Roster) -> RepoConfig | ConfigProblem:
    try:
        document = load_yaml(data)
    except YamlError as error:
        problem = Problem(line=error.line, where="", message=str(error))
        return ConfigProblem(problems=(problem,), blob=blob_sha(data))
    parser = _Parser(document, roster)
    config = parser.config()
    if not parser.problems:
        return replace(config, blob=blob_sha(data))
    ordered = sorted(parser.problems, key=lambda one: one.line or 0)
    told = tuple(ordered[:_MAX_PROBLEMS])
    return ConfigProblem(problems=told, more=len(ordered) - len(told), blob=blob_sha(data))


def blob_sha(data: bytes) -> str:
    """Git's name of this content, as `git hash-object` prints it."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


class _Parser:
    def __init__(self, document: Document, roster: Roster) -> None:
        self.document = document
        self.roster = roster
        self.problems: list[Problem] = []

    def config(self) -> RepoConfig:
        data = self.document.data
        if data is None:
            self._problem((), "the file is empty; write `version: 1` and a section per bot, for example `lint: {}`")
            return RepoConfig()
        if not isinstance(data, dict):
            self._problem((), "the file must hold keys, beginning with `version: 1`")
            return RepoConfig()
        if data.get("version") != str(VERSION):
            line = "write `version: 1`" if "version" in data else "`version: 1` is missing"
            self._problem(("version",), line)
        sections: dict[str, BaseModel] = {}
        disabled: set[str] = set()
        for key, value in data.items():
            if key in ("version", "images", "permissions"):
                continue
            if bot := self._bot(key):
                section = self._section(bot, value)
                if section is None:
                    disabled.add(bot.name)
                else:
                    sections[bot.name] = section
        return RepoConfig(
            images=self._images(data.get("images")),
            permissions=self._permissions(data.get("permissions")),
            sections=sections,
            disabled=frozenset(disabled),
        )

    def _bot(self, key: str) -> Bot | None:
        bot = self.roster.bots.get(key)
        if bot is None:
            sections = [one.name for one in self.roster.bots.values() if _has_section(one)]
            self._unknown((key,), [*sections, "version", "images", "permissions"])
        elif not _has_section(bot):
            self._problem((key,), "this bot always runs and has no settings; remove the line")
            return None
        return bot

    def _section(self, bot: Bot, value: object) -> BaseModel | None:
        """The bot's settings, None when it is switched off (or wrong, which is then a problem)."""
        if value is False:
            return None
        if value is None or value is True:
            value = {}
        if not isinstance(value, dict):
            self._problem((bot.name,), f"must be a section with keys, `{{}}` or `false`, not {_kind(value)}")
            return None
        on: object = True
        if "enabled" not in bot.config_model.model_fields:
            value = dict(value)
            on = value.pop("enabled", True)
            if not isinstance(on, bool):
                self._problem((bot.name, "enabled"), "must be true or false")
        section = self._validate(bot.config_model, value, (bot.name,))
        return section if on else None

    def _images(self, value: object) -> tuple[ImageSpec, ...]:
        if value is None:
            return ()
        if not isinstance(value, list):
            self._problem(("images",), f"must be a list of images, each with a `name`, not {_kind(value)}")
            return ()
        images: list[ImageSpec] = []
        for index, entry in enumerate(value):
            image = self._validate(ImageSpec, entry, ("images", index))
            if image is None:
                continue
            if image.ref in [other.ref for other in images]:
                self._problem(("images", index), f"{code(str(image.ref))} is in the list twice")
            images.append(image)
        return tuple(images)

    def _permissions(self, value: object) -> dict[str, Who]:
        found: dict[str, Who] = {}
        if value is None:
            return found
        if not isinstance(value, dict):
            self._problem(("permissions",), f"must be keys as in `lint: anyone`, not {_kind(value)}")
            return found
        for command, who in value.items():
            path = ("permissions", command)
            if command not in self.roster.commands:
                self._unknown(path, list(self.roster.commands), "command")
                continue
            try:
                found[command] = _WHO.validate_python(who)
            except ValidationError:
                self._problem(path, f"must be anyone, author, write or admin, not {_kind(who)}")
                continue
            if command in _KEPT_BY_WRITERS and found[command] in ("anyone", "author"):
                self._problem(path, "must be write or admin, because an approval lets foreign code run")
        return found

    def _validate[M: BaseModel](self, model: type[M], value: object, path: Path) -> M | None:
        try:
            return model.model_validate(value, strict=False)
        except ValidationError as error:
            for one in error.errors(include_url=False, include_context=False):
                self._explain(model, one, path)
        except Exception as error:  # a plugin's validator is foreign code
            self._problem(path, f"cannot be checked ({type(error).__name__} in the bot)")
        return None

    def _explain(self, model: type[BaseModel], error: Any, path: Path) -> None:
        where = (*path, *error["loc"])
        kind, given = error["type"], error["input"]
        if kind == "extra_forbidden":
            self._unknown(where, _siblings(model, error["loc"]))
        elif kind == "missing":
            self._problem(where, "is missing")
        elif kind in ("model_type", "dict_type"):
            self._problem(where, f"must be keys and values, not {_kind(given)}")
        else:
            self._problem(where, explain(error, _kind(given)))

    def _unknown(self, path: Path, known: Sequence[str], what: str = "key") -> None:
        near = nearest(str(path[-1]), known)
        self._problem(path, f"unknown {what}" + (f"; did you mean `{near}`?" if near else ""))

    def _problem(self, path: Path, message: str) -> None:
        self.problems.append(Problem(line=self.document.line(path), where=_dotted(path), message=message))


def _has_section(bot: Bot) -> bool:
    return not bot.always or bool(bot.config_model.model_fields)


def _siblings(model: type[BaseModel], loc: Sequence[str | int]) -> list[str]:
    """The keys that are allowed beside the unknown one, found by walking the model down."""
    for part in loc[:-1]:
        known = model.model_fields.get(str(part))
        inner = _inner_model(known.annotation) if known else None
        model = inner or model
    return list(model.model_fields)


def _inner_model(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for one in get_args(annotation) if (found := _inner_model(one))), None)


def _dotted(path: Path) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def _kind(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a section"
    return "a list" if isinstance(value, list) else code(str(value), 40)
