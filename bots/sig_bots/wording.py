"""Words of sentences that are read in more than one place: counted things, and Markdown taken out of one-line texts."""

from __future__ import annotations

import re

__all__ = ["as_markdown", "counted", "in_words", "plain_line", "unescaped"]

_LINK = re.compile(r"(?<!\\)!?\[([^\[\]\n]{0,500})\]\([^()\s]{0,2000}\)")
_STRONG = re.compile(r"\*\*([^*\n]{1,500})\*\*")
_ESCAPED = re.compile(r"\\([\\`*_\[\]()#~|!&<>])")
_CODE_OR_ESCAPED = re.compile(r"`[^`\n]+`|\\([\\`*_\[\]()#~|!&<>])")
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
    return _MARKDOWN.sub(r"\\\1", printable).replace("@", "@\u200b").replace("://", ":\u200b//")
