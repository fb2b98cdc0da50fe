"""`update: versions:` of `.sigbot.yaml`: which values of a Containerfile are versions of which upstream project. Pure."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from sig_bots.bot import BotConfig
from sig_bots.containerfile.assignments import Assignment
from sig_bots.messages import code
from sig_bots.tagpatterns import checked_expression
from sig_bots.tagschemes import Scheme
from sig_bots.versionmoves import PROJECT

__all__ = ["MOST_RULES", "VersionRule"]

MOST_RULES = 100
"""Each project is asked for at the release monitor."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}", re.ASCII)
_LABEL = re.compile(r"[^\s\"'`$=\\]{1,200}")


def _variable(text: str) -> str:
    if not _VARIABLE.fullmatch(text):
        raise ValueError(f"must be the name of a variable, as in NODE_VERSION, not {code(text)}")
    return text


def _label(text: str) -> str:
    if not _LABEL.fullmatch(text):
        raise ValueError(f"must be the name of a label, as in org.opencontainers.image.version, not {code(text)}")
    return text


def _project(text: str) -> str:
    if not text.strip() or not text.isprintable() or len(text) > 100:
        raise ValueError("must be the name or the number of a project at the release monitor, as in nodejs or 8251")
    return text.strip()


def _text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class VersionRule(BotConfig):
    """One value that follows the versions of an upstream project."""

    arg: Annotated[str, AfterValidator(_variable)] | None = None
    """Name of an ARG whose value is the version. Write one of `arg`, `env` and `label`."""
    env: Annotated[str, AfterValidator(_variable)] | None = None
    """Name of an ENV variable."""
    label: Annotated[str, AfterValidator(_label)] | None = None
    """Name of a label."""
    project: Annotated[str, BeforeValidator(_text), AfterValidator(_project)]
    """Name or number of the project at the release monitor (release-monitoring.org)."""
    file: str = Field(default="*", min_length=1, max_length=300)
    """Glob of the Containerfiles: of their names (`Containerfile*`) or, with a slash in it, of their paths (`web/*`)."""
    ecosystem: str = Field(default="", max_length=200)
    """Tells projects of the same name apart: `pypi`, `npm`, ...; the homepage for a project of no such kind."""
    scheme: Scheme | None = None
    """How the versions are ordered; otherwise inferred from all of them."""
    prefix: str = Field(default="", max_length=60)
    """What the versions of the project begin with, where one project has several series: `cli-v`."""
    allowed: Annotated[str, AfterValidator(checked_expression)] | None = None
    """A regular expression that a proposed value must match as a whole."""
    prereleases: bool = False
    """Whether pre-releases are proposed as well."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        given = [name for name in ("arg", "env", "label") if getattr(self, name) is not None]
        if not given:
            raise ValueError("needs one of `arg`, `env` and `label`, which says what holds the version")
        if len(given) > 1:
            raise ValueError(f"has {' and '.join(f'`{name}`' for name in given)}; write a rule for each")
        return self

    @property
    def what(self) -> str:
        """Keyword and name of the value, as `Assignment.what` has it."""
        return f"ARG {self.arg}" if self.arg else f"ENV {self.env}" if self.env else f"LABEL {self.label}"

    @property
    def key(self) -> str:
        """What the project is called in `groups` and `ignore`: `project:nodejs`, `project:pypi/requests`."""
        return PROJECT + (f"{self.ecosystem}/{self.project}" if self.ecosystem else self.project)

    def fits(self, path: str, one: Assignment) -> bool:
        """Whether it is about this value of this file; `path` is relative to the root of the repository."""
        name = path if "/" in self.file else PurePosixPath(path).name
        return one.what == self.what and fnmatchcase(name, self.file)
