"""Values that a Containerfile gives to names by ARG, ENV and LABEL: where each is written, and edits of just that text.

ARG X=1.2 Y="3"      ENV X=1.2 Y=3      ENV X 1.2 (old form: the rest of the line)      LABEL version='1.2' "a"=b
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from sig_bots.containerfile.edits import EditRefused
from sig_bots.containerfile.finder import references
from sig_bots.containerfile.lexer import Instruction, lex
from sig_bots.containerfile.text import decode
from sig_bots.containerfile.variables import name_and_value

__all__ = ["Assignment", "Keyword", "assignments", "set_values"]

type Keyword = Literal["ARG", "ENV", "LABEL"]

_KEYWORDS = frozenset({"ARG", "ENV", "LABEL"})
_QUOTE = re.compile("['\"]")
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~-]{0,99}", re.ASCII)
"""What needs no quotes and no escapes wherever it stands."""


class Assignment(NamedTuple):
    """One value. `start`:`end` are the bytes of its text, inside its quotes; `line` counts from 1.

    `stage` is the number of the stage it stands in, from 0; None above the first FROM. When the value cannot be edited,
    `reason` says why, the rest of a sentence, and `value` is the text as written.
    """

    keyword: Keyword
    name: str
    value: str
    start: int
    end: int
    line: int
    stage: int | None
    reason: str = ""

    @property
    def what(self) -> str:
        """`ARG NODE_VERSION`."""
        return f"{self.keyword} {self.name}"


def assignments(data: bytes) -> list[Assignment]:
    """All values, in the order of the file. Any bytes give a list.

    A declaration without a value (`ARG X`) is none. What here-documents and RUN hold is theirs; ONBUILD's ARG, ENV and
    LABEL count. An ARG that feeds an image's name says so in its `reason`.
    """
    found: list[Assignment] = []
    stage: int | None = None
    for instruction in lex(data):
        if instruction.keyword == "FROM":
            stage = 0 if stage is None else stage + 1
        inner = instruction.inner if instruction.keyword == "ONBUILD" else instruction
        if inner is not None and inner.keyword in _KEYWORDS:
            found += _of(data, inner, stage)
    return _without_images(data, found) if any(one.keyword == "ARG" for one in found) else found


def _of(data: bytes, instruction: Instruction, stage: int | None) -> Iterator[Assignment]:
    words = instruction.words
    keyword: Keyword = instruction.keyword  # type: ignore[assignment]  # one of _KEYWORDS
    if keyword != "ARG" and words and "=" not in words[0].text:
        if len(words) > 1 and not _QUOTE.search(words[0].text):
            yield _old_form(data, instruction, keyword, stage)
        return
    escape = instruction.escape
    counted, line = instruction.start, instruction.line
    for word in words:
        name, raw, place = name_and_value(word)
        if raw is None:
            continue
        line += data.count(b"\n", counted, word.start)
        counted = word.start
        value, start, reason = _plain(raw, place or word.start, escape)
        if place is None:
            reason = "its value is split over lines; put it on one line to have it updated"
        yield Assignment(keyword, _unquoted(name), value, start, start + _length(value), line, stage, reason)


def _old_form(data: bytes, instruction: Instruction, keyword: Keyword, stage: int | None) -> Assignment:
    """`ENV NAME VALUE`: everything behind the name is the value."""
    name, value, *more = instruction.words
    line = instruction.line + data.count(b"\n", instruction.start, value.start)
    text, start, reason = _plain(value.text.encode(errors="surrogateescape"), value.start, instruction.escape)
    if more or not value.contiguous:
        reason = "its value is more than one word"
    return Assignment(keyword, _unquoted(name.text), text, start, start + _length(text), line, stage, reason)


def _plain(raw: bytes, place: int, escape: bytes) -> tuple[str, int, str]:
    """The text of a value without its quotes, where that begins, and why it cannot be edited."""
    quote = raw[:1]
    inside = raw[1:-1] if quote in (b'"', b"'") and len(raw) > 1 and raw.endswith(quote) else raw
    start = place + (len(raw) - len(inside)) // 2
    if b"$" in inside:
        return decode(raw), place, "its value is put together from variables; a rule for those moves it"
    if escape in inside or b"\\" in inside:
        return decode(raw), place, "its value is written with escapes"
    if b'"' in inside or b"'" in inside:
        return decode(raw), place, "its value is put together from quoted pieces"
    return decode(inside), start, "" if inside else "its value is empty"


def _unquoted(name: str) -> str:
    return name[1:-1] if len(name) > 1 and name[0] in "'\"" and name[-1] == name[0] else name


def _length(text: str) -> int:
    return len(text.encode(errors="surrogateescape"))


def _without_images(data: bytes, found: list[Assignment]) -> list[Assignment]:
    """Say of each ARG that is part of an image's name that the image decides about it."""
    feeds: dict[str, tuple[str, int]] = {}
    places: dict[tuple[str, int], tuple[str, int]] = {}
    for reference in references(data):
        for piece in reference.pieces:
            if piece.arg is None:
                continue
            use = (reference.resolved or reference.text, reference.line)
            if piece.end > piece.start:
                places.setdefault((piece.arg, piece.start), use)
            else:
                feeds.setdefault(piece.arg, use)
    return [_unless_feeding(one, places.get((one.name, one.start)) or feeds.get(one.name)) for one in found]


def _unless_feeding(one: Assignment, use: tuple[str, int] | None) -> Assignment:
    if one.keyword != "ARG" or use is None:
        return one
    return one._replace(reason=f"it is part of the image {use[0]} on line {use[1]}, and moves with the image's tags")


def set_values(data: bytes, new: Mapping[int, str]) -> bytes:
    """Make the values that start at these places say something else, and change nothing else.

    Raises EditRefused when a value cannot be edited, when a new text would need quotes, or unless reading the result again
    gives exactly the values meant and the images of before.
    """
    before = assignments(data)
    known = {one.start: one for one in before}
    for start, text in new.items():
        one = known.get(start)
        if one is None:
            raise EditRefused("A value is no longer where it was; read the file again.")
        if one.reason:
            raise EditRefused(f"{one.what} on line {one.line} cannot be edited: {one.reason}.")
        if not _SAFE.fullmatch(text):
            raise EditRefused(f"{one.what} on line {one.line} cannot become {text[:40]!r}, which is no plain version.")
    result = data
    for start in sorted(new, reverse=True):
        result = result[:start] + new[start].encode() + result[known[start].end :]
    _verify(data, result, before, new)
    return result


def _verify(data: bytes, result: bytes, before: list[Assignment], new: Mapping[int, str]) -> None:
    wanted = [one._replace(value=new.get(one.start, one.value), start=0, end=0) for one in before]
    seen = [one._replace(start=0, end=0) for one in assignments(result)]
    same = _images(data) == _images(result)
    shape = [(one.keyword, one.line) for one in lex(data)] == [(one.keyword, one.line) for one in lex(result)]
    if wanted != seen or not same or not shape:
        line = next(one.line for one in before if one.start in new)
        raise EditRefused(f"Changing the value on line {line} would change something else as well; edit it by hand.")


def _images(data: bytes) -> list[tuple[str | None, str, str]]:
    return [(one.resolved, one.kind, one.stage) for one in references(data)]
