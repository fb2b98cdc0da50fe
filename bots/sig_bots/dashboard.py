"""The text of the dashboard issue: what moves and what waits, each with a box to tick. Drawing and reading back are pure.

A box is known by a hidden marker on its line (group and versions), never by its place:

    - [ ] <!-- box GROUP/VERSIONS --> [#12](address) Update quay.io/fedora/fedora to 42: waits for the schedule
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from sig_bots.wording import as_markdown, counted

__all__ = [
    "LOOK", "Board", "Entry", "Kind", "Wishes", "box_key", "draw", "group_key", "is_withdrawn", "named", "news", "news_of", "outcome", "retold",
    "ticked", "unticked", "withdrawn", "without_marks",
]  # fmt: skip

type Kind = Literal["open", "waiting", "declined"]

LOOK = "look"
"""Key of the box that asks for another look."""
_BOX = re.compile(r"^([ \t]{0,3}[-*+][ \t]+\[)([ xX])(\][ \t]*<!-- box ([0-9a-z/]{4,33}) -->)", re.MULTILINE)
_WITHDRAWN = "<!-- withdrawn -->"
_MARKS = re.compile(r"<!-- box [0-9a-z/]{4,33} --> ?| ?<!-- (?:news|withdrawn) -->")
_LOOK_BOX = re.compile(r"^- \[ \] <!-- box look -->", re.MULTILINE)
_ADDRESS = re.compile(r"https?://[^\s()<>]{1,300}")
_NEWS = re.compile(r"^(Last tick: (?:(?!<!--)[^\r\n]){1,2000}) <!-- news -->[ \t]*\r?$", re.MULTILINE)
_MOST = 40
"""Entries of one section; what is left out is counted."""
_MOST_FIXED = 30
_MOST_TOLD = 3
_WIDTH = 200
_SECTIONS: Sequence[tuple[Kind, str, str]] = (
    ("open", "Open", "Tick one to have it brought up to date now."),
    ("waiting", "Waiting", "Tick one to have it opened now; schedule, limits and cooldown do not hold it back then."),
    ("declined", "Declined", "A person closed these. Tick one to have it proposed again."),
)
_INTRO = (
    "What moves in the images of this repository. The bot keeps this list and does what you tick, once; the box is then "
    "shown empty again. Ticking needs the right that `/sig update` needs."
)


@dataclass(frozen=True)
class Entry:
    """One update. `slug` and `fingerprint` are its group's; without a fingerprint it has no box."""

    kind: Kind
    slug: str
    fingerprint: str
    title: str
    reason: str = ""
    number: int | None = None
    """Its pull request."""
    url: str = ""

    @property
    def key(self) -> str:
        """What its box is known by."""
        return box_key(self.slug, self.fingerprint)


@dataclass(frozen=True)
class Wishes:
    """What somebody asked for by ticking: `keys` of boxes, and `slugs` of groups whose versions go ahead of their cooldown."""

    keys: frozenset[str] = frozenset()
    slugs: frozenset[str] = frozenset()

    def holds(self, slug: str, fingerprint: str, *, refresh: bool) -> bool:
        """Whether the group is meant; to `refresh` its open pull request, whatever versions it had when the box was drawn."""
        same = group_key(slug)
        return (
            slug in self.slugs
            or box_key(slug, fingerprint) in self.keys
            or (refresh and any(key.partition("/")[0] == same for key in self.keys))
        )


@dataclass
class Board:
    """All that the issue shows."""

    entries: Sequence[Entry] = ()
    held: Sequence[str] = ()
    """Images of which something newer is held back, or that could not be looked at: one sentence each."""
    fixed: Sequence[str] = ()
    """References that cannot be edited: one sentence each."""
    news: str = ""
    """What came of the last tick, a line of Markdown."""


def group_key(slug: str) -> str:
    """The part of a box's key that stays the same while the group's versions change. A hash: a slug may hold `--`."""
    return hashlib.sha256(slug.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def box_key(slug: str, fingerprint: str) -> str:
    """The key of an entry's box."""
    return f"{group_key(slug)}/{fingerprint}"


def ticked(text: str, previous: str | None = None) -> frozenset[str]:
    """Keys of the boxes that are ticked, without those that were ticked in the `previous` text."""
    now = frozenset(match[4] for match in _BOX.finditer(text) if match[2] != " ")
    return now if previous is None else now - ticked(previous)


def unticked(text: str) -> str:
    """The text with every box empty."""
    return _BOX.sub(r"\1 \3", text)


def without_marks(text: str) -> str:
    """The text as people read it where hidden marks would be shown."""
    return _MARKS.sub("", text)


def news_of(text: str) -> str:
    """What a drawn text says of the last tick; empty when it says nothing."""
    match = _NEWS.search(text)
    return match[1] if match else ""


def withdrawn(text: str) -> str:
    """A drawn text that says, hidden, that the bot itself is about to close the issue; the next text says it no more."""
    return f"{text}\n\n{_WITHDRAWN}"


def is_withdrawn(text: str) -> bool:
    """Whether a text says so."""
    return _WITHDRAWN in text


def retold(text: str, news: str) -> str:
    """A drawn text with every box empty and other news."""
    emptied, line = unticked(text), f"{news} <!-- news -->"
    if _NEWS.search(emptied):
        return _NEWS.sub(lambda _: line, emptied, count=1)
    return _LOOK_BOX.sub(lambda match: f"{line}\n\n{match[0]}", emptied, count=1)


def news(who: str, when: datetime, told: Sequence[str]) -> str:
    """What came of a tick, one line of Markdown. `who` and `told` are Markdown already."""
    more = f"; and {counted(len(told) - _MOST_TOLD, 'more', 'more')}" if len(told) > _MOST_TOLD else ""
    return f"Last tick: {who}, {when:%Y-%m-%d %H:%M} UTC: {'; '.join(told[:_MOST_TOLD])}{more}."


def outcome(entries: Sequence[Entry], key: str, lost: Collection[str] = ()) -> str:
    """What became of one ticked box, by the entries as they are now. `lost`: keys of groups with an image out of reach."""
    if key == LOOK:
        return "looked again"
    same = key.partition("/")[0]
    mine = [one for one in entries if one.key == key] or [one for one in entries if group_key(one.slug) == same]
    if not mine and same in lost:
        return "an image of that entry is out of reach, so nothing was done yet"
    if not mine:
        return "that entry was not there any more, so nothing was done"
    return named(replace(mine[0], url=""), 90)  # forges link the number themselves


def draw(board: Board, *, folds: bool) -> str:
    """The issue's text. `folds`: whether the forge shows `<details>` folded."""
    parts = [_INTRO, board.news and f"{board.news} <!-- news -->", _box(LOOK, "**Look again now**")]
    for kind, heading, hint in _SECTIONS:
        entries = [one for one in board.entries if one.kind == kind]
        if entries:
            lines = [_line(one) for one in entries[:_MOST]]
            parts.append("\n".join([f"### {heading}", "", hint, "", *lines, *_more(entries, _MOST)]))
    if not board.entries:
        parts.append("Nothing is open, and nothing waits.")
    if board.held:
        lines = [f"- {_plain(one)}" for one in board.held[:_MOST]]
        parts.append("\n".join(["### Held back, or out of reach", "", *lines, *_more(board.held, _MOST)]))
    if board.fixed:
        parts.append(_fixed(board.fixed, folds=folds))
    return "\n\n".join(part for part in parts if part)


def named(one: Entry, width: int = _WIDTH) -> str:
    """An entry as one line of Markdown: pull request, title, reason."""
    text = _plain(one.title, width)
    if one.number is not None:
        linked = f"[#{one.number}]({one.url})" if _ADDRESS.fullmatch(one.url) else f"#{one.number}"
        text = f"{linked} {text}"
    return f"{text}: {_plain(one.reason, width)}" if one.reason else text


def _line(one: Entry) -> str:
    return _box(one.key, named(one)) if one.fingerprint else f"- {named(one)}"


def _box(key: str, text: str) -> str:
    return f"- [ ] <!-- box {key} --> {text}"


def _plain(text: str, width: int = _WIDTH) -> str:
    """Foreign text as one line of Markdown that shows just this text, and that is not too long."""
    line = " ".join(text.split())
    return as_markdown(line if len(line) <= width else f"{line[: width - 1]}…").strip()


def _more(found: Collection[object], most: int) -> list[str]:
    return [f"- and {counted(len(found) - most, 'more', 'more')}"] if len(found) > most else []


def _fixed(sentences: Sequence[str], *, folds: bool) -> str:
    lines = [*(f"- {_plain(one)}" for one in sentences[:_MOST_FIXED]), *_more(sentences, _MOST_FIXED)]
    heading = f"{counted(len(sentences), 'reference')} cannot be edited"
    if not folds:
        return "\n".join([f"### {heading}", "", *lines])
    return "\n".join([f"<details><summary>{heading}</summary>", "", *lines, "", "</details>"])
