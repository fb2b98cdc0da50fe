"""Containerfile bytes -> instructions with byte spans, nothing lost. Follows BuildKit's parser; never raises."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import NamedTuple

from sig_bots.containerfile.heredocs import Heredoc, heredoc_starts, read_bodies
from sig_bots.containerfile.text import EDGE, Flag, LogicalLine, Word, decode, split_flags, split_words

__all__ = ["KNOWN", "Instruction", "lex", "parser_directives"]

KNOWN = (
    "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER", "ONBUILD",
    "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
)  # fmt: skip
"""The instructions of the Dockerfile reference."""

_CAN_HOLD_HEREDOC = frozenset({"RUN", "COPY", "ADD", "ONBUILD"})
_QUOTED_ARGUMENTS = frozenset({"ARG", "ENV", "LABEL"})
_SPELLINGS = {spelling.encode(): name for name in KNOWN for spelling in (name, name.lower(), name.capitalize())}
_NAME_NO_IMAGE = (
    "LABEL", "ENV", "WORKDIR", "USER", "CMD", "ENTRYPOINT", "EXPOSE", "VOLUME", "HEALTHCHECK", "SHELL", "STOPSIGNAL",
    "MAINTAINER",
)  # fmt: skip
_BOM = b"\xef\xbb\xbf"

# Blank lines and comments; inside a continuation they are dropped without ending it.
_GAP = rb"(?:" + EDGE + rb"(?:\#[^\n]*+)?\n)*+"
_LAST_COMMENT = rb"(?:" + EDGE + rb"\#[^\n]*+\Z)?+"
_DIRECTIVE = re.compile(
    EDGE + rb"\#[\t\f\r ]*([a-zA-Z][a-zA-Z0-9]*)[\t\f\r ]*=[\t\f\r ]*(.+?)[\t\f\r ]*\Z"  # Go's \s has no vertical tab
)
_FIRST_COMMENT = re.compile(EDGE + rb"\#")
_KEYWORD = re.compile(rb"[^\t\v\f\r ]+")


class _Patterns(NamedTuple):
    """What a file's escape character decides."""

    step: re.Pattern[bytes]
    """From the end of an instruction to the end of the next one; group 1 is its keyword where that is simple."""
    skip: re.Pattern[bytes]
    """The same, but past instructions that cannot name an image."""
    line_break: re.Pattern[bytes]
    """A line break inside an instruction, with the comments and blank lines that follow it."""
    flags: re.Pattern[bytes]
    """The start of an instruction that may have flags."""
    source: re.Pattern[bytes]
    """The word `from`, which a `--mount` that names an image has in it."""


def _any_case(names: tuple[str, ...]) -> bytes:
    """A pattern for keywords in any case; character classes let the matcher reject by the first letter."""
    return "|".join("".join(f"[{char}{char.lower()}]" for char in name) for name in names).encode()


@lru_cache(maxsize=4)
def _patterns(escape: bytes) -> _Patterns:
    e = re.escape(escape)
    # One escape character, not preceded by another, at the end of the line.
    line_break = rb"[ \t]*+\r*+(?:\n" + _GAP + _LAST_COMMENT + rb"|\Z)"
    body = (rb"[^E\n]*+(?:E(?:E++|LB|)[^E\n]*+)*+").replace(b"LB", line_break).replace(b"E", e)
    no_heredoc = rb"[^E\n<]*+(?:(?:E(?:E++|LB|)|<(?![<E]))[^E\n<]*+)*+"
    no_heredoc = no_heredoc.replace(b"LB", line_break).replace(b"E", e)
    line_break = e + line_break
    flag = rb"(?:[\t\v\f\r ]|" + line_break + rb")++-[-" + e + rb"]"
    boring = (
        _GAP + EDGE + rb"(?:(?:" + _any_case(_NAME_NO_IMAGE) + rb")(?=[\t\v\f\r \n]|\Z)" + body
        + rb"|(?:" + _any_case(("RUN", "COPY", "ADD")) + rb")(?=[\t\v\f\r ])(?!" + flag + rb")" + no_heredoc + rb"(?=\n|\Z))"
    )  # fmt: skip
    step = _GAP + EDGE + rb"(?:\#[^\n]*+\Z)?+((?:[A-Za-z]+(?=[\t\v\f\r \n]|\Z))?+)" + body
    return _Patterns(
        re.compile(step),
        re.compile(rb"(?:" + boring + rb")*+" + step),
        re.compile(rb"(?<!" + e + rb")" + line_break),
        re.compile(rb"[A-Za-z]*+(?:" + line_break + rb"|" + flag + rb")"),
        re.compile((rb"(?:" + line_break + rb")*+").join([b"[Ff]", b"[Rr]", b"[Oo]", b"[Mm]"])),
    )


class Instruction:
    """One instruction with its place in the file.

    `keyword` is upper case (empty when a continuation leads nowhere). `start` and `end` are byte offsets; `end` lies
    behind the last here-document's terminator and before the line feed. `line` counts from 1. Words, flags and the
    rest are read from the bytes when first asked for.
    """

    __slots__ = (
        "_data", "_flags", "_logical", "_words", "body_end", "end", "escape", "heredocs", "keyword", "line", "start",
    )  # fmt: skip

    def __init__(self, data: bytes, keyword: str, start: int, end: int, line: int, escape: bytes) -> None:
        self._data = data
        self.keyword = keyword
        self.start = start
        self.end = end
        self.body_end = end
        self.line = line
        self.escape = escape
        self.heredocs: tuple[Heredoc, ...] = ()
        self._logical: tuple[LogicalLine, int] | None = None
        self._flags: tuple[tuple[Flag, ...], int] | None = None
        self._words: tuple[Word, ...] | None = None

    def __repr__(self) -> str:
        return f"<{self.keyword} line {self.line}>"

    @property
    def raw(self) -> bytes:
        """The instruction as it stands in the file, here-documents included."""
        return self._data[self.start : self.end]

    @property
    def end_line(self) -> int:
        """Last line of the instruction, here-documents included."""
        return self.line + self._data.count(b"\n", self.start, max(self.start, self.end - 1))

    @property
    def logical(self) -> tuple[LogicalLine, int]:
        """The joined line and the index in it where the arguments begin."""
        if self._logical is None:
            line = LogicalLine(self._data, self._segments())
            keyword = line.search(_KEYWORD, line.first)
            self._logical = (line, keyword.end() if keyword else line.last)
        return self._logical

    def _segments(self) -> list[tuple[int, int]]:
        data, end = self._data, self.body_end
        # Without a line feed only the end of the file can make a line break of an escape character.
        if data.find(b"\n", self.start, end) < 0 and (end < len(data) or data.find(self.escape, self.start, end) < 0):
            return [(self.start, end)]
        segments = []
        position = self.start
        for match in _patterns(self.escape).line_break.finditer(self._data, self.start, self.body_end):
            segments.append((position, match.start()))
            position = match.end()
        segments.append((position, self.body_end))
        return segments

    @property
    def may_have_flags(self) -> bool:
        """A cheap look: False means that `flags` is empty."""
        return _patterns(self.escape).flags.match(self._data, self.start, self.body_end) is not None

    @property
    def may_have_source(self) -> bool:
        """A cheap look: False means that no flag has `from` in it."""
        return (
            self.may_have_flags
            and _patterns(self.escape).source.search(self._data, self.start, self.body_end) is not None
        )

    @property
    def flags(self) -> tuple[Flag, ...]:
        """Builder flags (`--from=`, `--mount=`, `--platform=`), in order."""
        return self._split()[0]

    def _split(self) -> tuple[tuple[Flag, ...], int]:
        if self._flags is None:
            self._flags = split_flags(*self.logical)
        return self._flags

    def flag(self, name: str) -> str | None:
        """The value of the first flag of this name, None when it is not there."""
        return next((flag.value or "" for flag in self.flags if flag.name == name), None)

    @property
    def words(self) -> tuple[Word, ...]:
        """The arguments behind the flags; in ARG, ENV and LABEL quotes hold a word together."""
        if self._words is None:
            escape = self.escape if self.keyword in _QUOTED_ARGUMENTS else None
            self._words = split_words(self.logical[0], self._split()[1], escape)
        return self._words

    @property
    def value(self) -> str:
        """The arguments behind the flags as one text, continuations joined."""
        return decode(self.logical[0].rest(self._split()[1]))

    @property
    def exec_form(self) -> tuple[str, ...] | None:
        """The strings of the JSON form (`CMD ["a", "b"]`), None for the shell form."""
        if not self.value.startswith("["):
            return None
        try:
            items, _ = json.JSONDecoder().raw_decode(self.value)
        except (ValueError, RecursionError):
            return None
        return tuple(items) if all(isinstance(item, str) for item in items) else None

    @property
    def inner(self) -> Instruction | None:
        """The instruction that ONBUILD holds, None for others and for an empty ONBUILD."""
        if self.keyword != "ONBUILD":
            return None
        line, position = self.logical[0], self._split()[1]
        keyword = line.search(_KEYWORD, position)
        if keyword is None:
            return None
        place = line.offset(keyword.start())
        inner = Instruction(
            self._data, decode(keyword[0].upper()), place, self.end,
            self.line + self._data.count(b"\n", self.start, place), self.escape,
        )  # fmt: skip
        inner.body_end = self.body_end
        inner.heredocs = self.heredocs
        inner._logical = (line, keyword.end())
        return inner


def parser_directives(data: bytes) -> dict[str, str]:
    """The parser directives at the top (`escape`, `syntax`, `check`), keys in lower case, first of each.

    Only the first lines count: the first line that is not a directive ends them, even a blank one.
    """
    found: dict[str, str] = {}
    position = len(_BOM) if data.startswith(_BOM) else 0
    while position < len(data):
        newline = data.find(b"\n", position)
        newline = len(data) if newline < 0 else newline
        match = _DIRECTIVE.match(data[position:newline])
        key = decode(match[1]).lower() if match else ""
        if match is None or key not in ("escape", "syntax", "check"):
            break
        found.setdefault(key, decode(match[2]))
        position = newline + 1
    return found


def _keyword_of(data: bytes, start: int, end: int, escape: bytes) -> str:
    """Slow way to the keyword: one that holds a continuation or odd characters."""
    instruction = Instruction(data, "", start, end, 0, escape)
    line = instruction.logical[0]
    match = line.search(_KEYWORD, line.first)
    return decode(match[0].upper()) if match else ""


def lex(data: bytes) -> list[Instruction]:
    """Split a Containerfile into its instructions. Any bytes give a list; see `problems` for what is wrong.

    The bytes between two instructions are blank lines and comments only, so nothing is lost. Grammar: BuildKit's
    parser (byte order mark, CRLF, parser directives, continuations with comments and blank lines inside, several
    here-documents per line).
    """
    return _walk(data, everything=True)


def lex_for_images(data: bytes) -> list[Instruction]:
    """The instructions of `lex` without those that cannot name an image (LABEL, RUN without flags, ...)."""
    return _walk(data, everything=False)


def _walk(data: bytes, *, everything: bool) -> list[Instruction]:
    escape = b"\\"
    position = len(_BOM) if data.startswith(_BOM) else 0
    if _FIRST_COMMENT.match(data, position) and parser_directives(data).get("escape") == "`":
        escape = b"`"
    patterns = _patterns(escape)
    step = patterns.step.match if everything else patterns.skip.match
    spellings = _SPELLINGS.get
    found: list[Instruction] = []
    line, counted = 1, 0
    size = len(data)
    while position < size:
        match = step(data, position)
        assert match is not None  # noqa: S101  (every part of the pattern may be empty)
        start, position = match.start(1), match.end()
        if start == position:
            break
        raw = match[1]
        keyword = spellings(raw) or raw.decode().upper() or _keyword_of(data, start, position, escape)
        line += data.count(b"\n", counted, start)
        counted = start
        instruction = Instruction(data, keyword, start, position, line, escape)
        found.append(instruction)
        if keyword in _CAN_HOLD_HEREDOC and data.find(b"<", start, position) >= 0:
            position = _read_heredocs(data, instruction)
    return found


def _read_heredocs(data: bytes, instruction: Instruction) -> int:
    """Attach the here-documents an instruction starts; out: where the instruction ends."""
    line = instruction.logical[0]
    if b"<<" not in line.whole:
        return instruction.end
    holder: Instruction | None = instruction
    if instruction.keyword == "ONBUILD":
        holder = instruction.inner
    if holder is None or holder.keyword not in _CAN_HOLD_HEREDOC - {"ONBUILD"} or holder.exec_form is not None:
        return instruction.end
    starts = heredoc_starts(decode(line.whole))
    if starts:
        at_line_start = instruction.end == 0 or data[instruction.end - 1 : instruction.end] == b"\n"
        body = instruction.end if at_line_start else instruction.end + 1
        instruction.heredocs, instruction.end = read_bodies(data, min(body, len(data)), starts)
    return instruction.end
