"""Words, flags and spans inside one logical line (the lines of an instruction, joined as the builder joins them)."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["BLANK", "Flag", "LogicalLine", "Word", "decode", "quoted_words", "split_flags", "split_words"]

BLANK = b"\t\v\f\r "
"""What separates words. A line feed cannot occur inside a logical line."""

_WORD = re.compile(rb"[^\t\v\f\r ]+")
_SPACES = re.compile(rb"[\t\v\f\r ]*")
_PLAIN_FLAG = re.compile(rb"""--[^\t\v\f\r '"\\]*+(?=[\t\v\f\r ]|\Z)""")
_QUOTED_WORD = {
    escape: re.compile(
        rb"""(?:[^\t\v\f\r '"%(e)s]|'[^']*(?:'|\Z)|"(?:[^"%(e)s]|%(e)s(?:.|\Z))*(?:"|\Z)|%(e)s(?:.|\Z))+"""
        % {b"e": re.escape(escape)},
        re.DOTALL,
    )
    for escape in (b"\\", b"`")
}


def decode(raw: bytes) -> str:
    """Bytes as text; what is not UTF-8 survives as surrogates, so that encoding again gives the same bytes."""
    return raw.decode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class Word:
    """A word of an instruction, as written (quotes, variables and escapes untouched).

    `start` and `end` are byte offsets in the file; when the word is not `contiguous` (a continuation runs through
    it) they span the continuation as well.
    """

    text: str
    start: int
    end: int
    contiguous: bool = True


@dataclass(frozen=True, slots=True)
class Flag:
    """A builder flag, `--name` or `--name=value`, with quotes and escapes taken out of `value`.

    `offsets` has the place in the file of each byte of `value` plus one for the end; it is how a part of a value
    (`from=` inside `--mount=`) is found again.
    """

    name: str
    value: str | None
    start: int
    end: int
    raw_value: bytes
    offsets: tuple[int, ...]

    @property
    def text(self) -> str:
        """The flag as the builder sees it, `--name=value`."""
        return f"--{self.name}" if self.value is None else f"--{self.name}={self.value}"

    def span(self, first: int, last: int) -> tuple[int, int, bool]:
        """Where bytes `first` to `last` of the value stand in the file, and whether they stand there unbroken."""
        if first == last:
            return self.offsets[first], self.offsets[first], True
        start, end = self.offsets[first], self.offsets[last - 1] + 1
        return start, end, end - start == last - first


class LogicalLine:
    """The joined bytes of an instruction and the way back to offsets in the file."""

    __slots__ = ("_joined", "_places", "end", "text")

    def __init__(self, data: bytes, segments: list[tuple[int, int]]) -> None:
        self.text = (
            data[segments[0][0] : segments[0][1]] if len(segments) == 1 else b"".join(data[a:b] for a, b in segments)
        )
        self._places = [start for start, _ in segments]
        self._joined = [0]
        for start, end in segments[:-1]:
            self._joined.append(self._joined[-1] + end - start)
        self.end = segments[-1][1]

    def offset(self, index: int) -> int:
        """Offset in the file of byte `index` of the joined text."""
        if index >= len(self.text):
            return self.end
        if len(self._places) == 1:
            return self._places[0] + index
        segment = bisect_right(self._joined, index) - 1
        # Empty segments share a joined offset; the last one holds the byte.
        return self._places[segment] + index - self._joined[segment]

    def span(self, first: int, last: int) -> tuple[int, int, bool]:
        """File span of joined bytes `first` to `last`, and whether it is unbroken there."""
        start = self.offset(first)
        end = self.offset(last - 1) + 1 if last > first else start
        return start, end, end - start == last - first

    def word(self, first: int, last: int) -> Word:
        """The word made of joined bytes `first` to `last`."""
        start, end, contiguous = self.span(first, last)
        return Word(decode(self.text[first:last]), start, end, contiguous)


def split_words(line: LogicalLine, position: int) -> tuple[Word, ...]:
    """Words from `position` on, separated by blanks, quotes ignored (FROM, COPY, and most others)."""
    return tuple(line.word(*match.span()) for match in _WORD.finditer(line.text, position))


def quoted_words(line: LogicalLine, position: int, escape: bytes) -> tuple[Word, ...]:
    """Words from `position` on where quotes hold blanks together (ARG, ENV, LABEL)."""
    return tuple(line.word(*match.span()) for match in _QUOTED_WORD[escape].finditer(line.text, position))


def split_flags(line: LogicalLine, position: int) -> tuple[tuple[Flag, ...], int]:
    """The flags at the start of an instruction's arguments, and where the other arguments begin.

    A lone `--` ends the flags. Backslash escapes and quotes are taken out, whatever the escape directive says: that
    is what BuildKit does.
    """
    text = line.text
    flags: list[Flag] = []
    while True:
        position = _SPACES.match(text, position).end()  # type: ignore[union-attr]
        if text[position : position + 2] != b"--":
            return tuple(flags), position
        plain = _PLAIN_FLAG.match(text, position)
        if plain:
            raw, end = plain[0], plain.end()
            places: Sequence[int] = range(position, end)
        else:
            raw, places, end = _unquote(text, position)
        if raw == b"--":
            return tuple(flags), end
        flags.append(_flag(line, raw, places, position, end))
        position = end


def _flag(line: LogicalLine, raw: bytes, places: Sequence[int], first: int, last: int) -> Flag:
    name, equals, value = raw[2:].partition(b"=")
    start, end, _ = line.span(first, last)
    offsets = tuple(line.offset(place) for place in places[2 + len(name) + len(equals) :])
    return Flag(
        decode(name), decode(value) if equals else None, start, end, value, (*offsets, offsets[-1] + 1 if offsets else end)
    )  # fmt: skip


def _unquote(text: bytes, position: int) -> tuple[bytes, list[int], int]:
    """Read one flag with quotes or escapes: its bytes, the place of each, and where it ends."""
    raw = bytearray()
    places: list[int] = []
    quote = 0
    length = len(text)
    while position < length:
        char = text[position]
        if not quote and char in BLANK:
            break
        if quote and char == quote:
            quote = 0
        elif not quote and char in b"'\"":
            quote = char
        elif char == 0x5C:
            position += 1
            if position < length:
                raw.append(text[position])
                places.append(position)
        else:
            raw.append(char)
            places.append(position)
        position += 1
    return bytes(raw), places, min(position, length)
