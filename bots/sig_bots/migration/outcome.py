"""What a migration gives: the text of a `.sigbot.yaml` and what it could not take over; and the draft it grows in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sig_bots.errors import UserError
from sig_bots.refs import Value
from sig_bots.yamltree import Document, Path

__all__ = ["LONGEST_NAME", "Draft", "Loss", "Migration", "MigrationError", "dotted", "shown", "without_templates"]

_SHOWABLE = re.compile(r"(?!.*://)[A-Za-z0-9_.:>/()#,*?^$|\[\]{}<=~!\\+ -]{1,60}", re.ASCII)
_KEY_LENGTH = 120
LONGEST_NAME = 100
"""Characters of a group's name; a key of YAML has at most 1,024 (section 7.4.2), escapes included."""


class MigrationError(UserError):
    """The file cannot be read, or is none of those that are known."""


class Loss(Value):
    """One thing that has no equivalent."""

    key: str
    """Where it is in the file, as in `packageRules[2].groupName`."""
    line: int | None
    """Its line, from 1; None when it concerns the file as a whole."""
    message: str
    """What happens instead, and what to do; never a value that may be a secret."""

    def __str__(self) -> str:
        return ": ".join(part for part in (f"line {self.line}" if self.line else "", self.key, self.message) if part)


class Migration(Value):
    """The result: text of the file, and the losses in the order of their lines."""

    text: str
    losses: tuple[Loss, ...]


def dotted(path: Path) -> str:
    """The path as it is written for a person, without anything that could act on a terminal."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
    plain = "".join(char if char.isprintable() else "?" for char in text)
    return plain if len(plain) <= _KEY_LENGTH else plain[: _KEY_LENGTH - 1] + "…"


def shown(text: str) -> str:
    """A value as it may be quoted: short and of plain letters, no address (which may hold a password); else `this`."""
    return f"`{text}`" if _SHOWABLE.fullmatch(text) else "this"


@dataclass
class Draft:
    """The update section while it grows."""

    document: Document
    update: dict[str, Any] = field(default_factory=dict)
    off: bool = False
    """The update bot is not to run at all."""
    merges_less: Path | None = None
    """The first place that keeps something from being merged which sigbot cannot tell apart: then nothing is merged."""
    dashboard_title: str = ""
    """What the dashboard issue is to be called, should there be one."""
    alert_age: tuple[Path, str] | None = None
    """How old a fix of a vulnerability must be (empty: no age at all), and where that is said."""
    losses: dict[tuple[str, str], Loss] = field(default_factory=dict)
    origins: dict[Path, Path] = field(default_factory=dict)
    """Where a value of the update section comes from, by its path there."""

    def lose(self, path: Path, message: str) -> None:
        """Note what has no equivalent; the same thing once."""
        loss = Loss(key=dotted(path), line=self.document.line(path), message=message)
        self.losses[(loss.key, loss.message)] = loss

    def set(self, key: str, value: object, path: Path) -> None:
        """Set a key."""
        self.update[key] = value
        self.origins[(key,)] = path

    def merge_less(self, path: Path) -> None:
        """Something here was not to be merged, and sigbot cannot tell it apart."""
        self.merges_less = self.merges_less if self.merges_less is not None else path

    def extend(self, key: str, values: list[str], path: Path) -> None:
        """Add to a list; what is in it already stays there once."""
        self.update[key] = list(dict.fromkeys([*self.update.get(key, []), *values]))
        self.origins[(key,)] = path

    def put(self, section: str, values: Mapping[str, Any], path: Path) -> None:
        """Set keys of a subsection."""
        self.update[section] = {**self.update.get(section, {}), **values}
        self.origins.update({(section, key): path for key in values})

    def lead(self, section: str, key: str, value: object, path: Path) -> None:
        """Set a key of a subsection of which the first that fits counts, before those set so far."""
        self.update[section] = {
            key: value,
            **{name: one for name, one in self.update.get(section, {}).items() if name != key},
        }
        self.origins[(section, key)] = path

    def texts(self, path: Path, value: object) -> list[str]:
        """A list of texts, or one; anything else in it is a loss."""
        given = value if isinstance(value, list) else [] if value is None else [value]
        found = [one.strip() for one in given if isinstance(one, str) and one.strip()]
        if len(found) != len(given):
            self.lose(path, "is not a list of texts; write the list by hand.")
        return found

    def flag(self, path: Path, value: object) -> bool | None:
        """True or false; None for anything else, which is a loss."""
        if isinstance(value, bool):
            return value
        self.lose(path, "is neither true nor false, so it was left out.")
        return None

    def number(self, path: Path, value: object) -> int | None:
        """A whole number, also one written as text (YAML's are); None for anything else, which is a loss."""
        if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10:
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9:
            return value
        self.lose(path, "is no whole number, so it was left out.")
        return None


def without_templates(draft: Draft, path: Path, names: list[str]) -> list[str]:
    """The names that are meant as they stand; one to be filled in for each update (`{{packageName}}`) is a loss."""
    fixed = [name for name in names if "{{" not in name]
    if len(fixed) != len(names):
        draft.lose(path, "sigbot fills nothing in (`{{…}}`); only the names that are always the same were taken over.")
    return fixed
