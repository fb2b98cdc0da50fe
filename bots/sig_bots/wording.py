"""Words of sentences that are read in more than one place: counted things, and Markdown taken out of one-line texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate

__all__ = ["as_markdown", "counted", "fitting", "in_words", "plain_line", "unescaped"]

_LINK = re.compile(r"(?<!\\)!?\[([^\[\]\n]{0,500})\]\([^()\s]{0,2000}\)")
_STRONG = re.compile(r"\*\*([^*\n]{1,500})\*\*")
_ESCAPED = re.compile(r"\\([\\`*_\[\]()#~|!&<>])")
_CODE_OR_ESCAPED = re.compile(r"`[^`\n]+`|\\([\\`*_\[\]()#~|!&<>])")
_LINKED = re.compile(r"\b(www)(?=\.)|\b(GH)(?=-[0-9])", re.IGNORECASE)
"""What forges make links of though it has no scheme: GFM's extended autolinks, and GitHub's short form of `#1`."""
_MARKDOWN = re.compile(r"([\\`*_\[\]()#~|!&<>])")


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 image`, `2 images`; `plural` where an s at the end is not enough."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def in_words(name: str) -> str:
    """A name of the code as people read it: `after_push` is "after push", `command:help` is "/sig help"."""
    return name.replace("command:", "/sig ").replace("_", " ")


def plain_line(text: str) -> str:
    """Markdown as one line of plain text: a check's summary and a job's reason are shown where nothing renders it."""
    line = _LINK.sub(r"\1", " ".join(text.split()))
    return _ESCAPED.sub(r"\1", _STRONG.sub(r"\1", line)).replace("`", "")


def unescaped(text: str) -> str:
    """Markdown as a terminal shows it: without the backslashes before signs, but for those in code between backquotes."""
    return _CODE_OR_ESCAPED.sub(lambda match: match[1] or match[0], text)


def as_markdown(text: str) -> str:
    """Plain text as Markdown that shows just this text: no link, picture, mention or markup comes of it."""
    printable = "".join(char if char.isprintable() else " " for char in text)
    plain = _MARKDOWN.sub(r"\\\1", printable).replace("@", "@\u200b").replace("://", ":\u200b//")
    return _LINKED.sub("\\g<0>\u200b", plain)


def fitting(parts: Sequence[str], most: int) -> list[str]:
    """The first of the parts, as many as have at most so many characters together, counting two between them."""
    lengths = accumulate(len(part) + 2 for part in parts)
    return [part for part, length in zip(parts, lengths, strict=True) if length <= most]
