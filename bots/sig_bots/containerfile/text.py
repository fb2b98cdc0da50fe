"""Words, flags and spans inside one logical line (the lines of an instruction, joined as the builder joins them)."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["BLANK", "EDGE", "SPACES", "Flag", "LogicalLine", "Word", "decode", "split_flags", "split_words"]

BLANK = b"\t\v\f\r "
"""What separates words. A line feed cannot occur inside a logical line."""

SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
"""What Go's unicode.IsSpace takes for a space. Python's str.isspace has the separators U+001C to U+001F besides."""

EDGE = (
    rb"[\t\v\f\r ]*+(?:(?:\xc2[\x85\xa0]|\xe1\x9a\x80|\xe2\x80[\x80-\x8a\xa8\xa9\xaf]|\xe2\x81\x9f|\xe3\x80\x80)"
    rb"[\t\v\f\r ]*+)*+"
)
"""A pattern for the blanks at the edge of a line, where all of SPACES count, in UTF-8."""

_EDGE = re.compile(EDGE)
_PLAIN = frozenset(range(0x21, 0x7F))
_LAST_OF_SPACE = frozenset(char.encode()[-1] for char in SPACES)
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


class Word(NamedTuple):
    """A word of an instruction, as written (quotes, variables and escapes untouched).

    `start` and `end` are byte offsets in the file; when the word is not `contiguous` (a continuation runs through
    it) they span the continuation as well.
    """

    text: str
    start: int
    end: int
    contiguous: bool = True


class Flag(NamedTuple):
    """A builder flag, `--name` or `--name=value`, with quotes and escapes taken out of `value`.

    `offsets` has the place in the file of each byte of `value` plus one for the end; it is how a part of a value
    (`from=` inside `--mount=`) is found again.
    """

    name: str
    value: str | None
    start: int
    end: int
    raw_value: bytes
    offsets: Sequence[int]

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
    """The joined bytes of an instruction and the way back to offsets in the file.

    The bytes are `text[first:last]`, blanks at both edges left out; `whole` has them. Without a continuation `text`
    is the file itself and indexes are offsets.
    """

    __slots__ = ("_bounds", "_joined", "_places", "end", "first", "last", "text")

    def __init__(self, data: bytes, segments: list[tuple[int, int]]) -> None:
        self.end = segments[-1][1]
        self._places: list[int] = []
        self._joined = [0]
        if len(segments) == 1:
            self.text = data
            self._trim(*segments[0])
            return
        self.text = b"".join(data[start:end] for start, end in segments)
        self._trim(0, len(self.text))
        self._places = [start for start, _ in segments]
        for start, end in segments[:-1]:
            self._joined.append(self._joined[-1] + end - start)

    def _trim(self, first: int, last: int) -> None:
        self._bounds = first, last
        self.first = first if first == last or self.text[first] in _PLAIN else self.past_blanks(first, last)
        if last > self.first and self.text[last - 1] in _LAST_OF_SPACE:
            last = self.first + len(
                decode(self.text[self.first : last]).rstrip(SPACES).encode(errors="surrogateescape")
            )
        self.last = last

    @property
    def whole(self) -> bytes:
        """The bytes with the blanks at the edges."""
        return self.text[slice(*self._bounds)]

    def past_blanks(self, index: int, last: int) -> int:
        """The first index from `index` on that holds no blank, at most `last`."""
        match = _EDGE.match(self.text, index, last)
        return match.end() if match else index

    def offset(self, index: int) -> int:
        """Offset in the file of byte `index` of the text."""
        if not self._places:
            return index
        if index >= self.last:
            return self.end
        # Empty segments share an index; the last one holds the byte.
        segment = bisect_right(self._joined, index) - 1
        return self._places[segment] + index - self._joined[segment]

    def span(self, first: int, last: int) -> tuple[int, int, bool]:
        """File span of bytes `first` to `last` of the text, and whether it is unbroken there."""
        if not self._places:
            return first, last, True
        start = self.offset(first)
        end = self.offset(last - 1) + 1 if last > first else start
        return start, end, end - start == last - first

    def rest(self, first: int) -> bytes:
        """The bytes from index `first` on."""
        return self.text[first : self.last]

    def search(self, pattern: re.Pattern[bytes], first: int) -> re.Match[bytes] | None:
        """Find `pattern` from index `first` on."""
        return pattern.search(self.text, first, self.last)


def split_words(line: LogicalLine, position: int, escape: bytes | None = None) -> tuple[Word, ...]:
    """Words from `position` on, separated by blanks. With `escape` quotes hold blanks together (ARG, ENV, LABEL)."""
    pattern = _QUOTED_WORD[escape] if escape else _WORD
    return tuple(
        Word(decode(match[0]), *line.span(*match.span())) for match in pattern.finditer(line.text, position, line.last)
    )


def split_flags(line: LogicalLine, position: int) -> tuple[tuple[Flag, ...], int]:
    """The flags at the start of an instruction's arguments, and where the other arguments begin.

    A lone `--` ends the flags. Backslash escapes and quotes are taken out, whatever the escape directive says: that
    is what BuildKit does.
    """
    text, last = line.text, line.last
    flags: list[Flag] = []
    while True:
        blank = _SPACES.match(text, position, last)
        position = blank.end() if blank else position
        plain = _PLAIN_FLAG.match(text, position, last)
        if plain:
            raw, end = plain[0], plain.end()
            places: Sequence[int] = range(position, end)
        elif text.startswith(b"--", position, last):
            raw, places, end = _unquote(text, position, last)
        else:
            if position < last and text[position] not in _PLAIN:
                position = line.past_blanks(position, last)
            return tuple(flags), position
        if raw == b"--":
            return tuple(flags), line.past_blanks(end, last)
        flags.append(_flag(line, raw, places, position, end))
        position = end


def _flag(line: LogicalLine, raw: bytes, places: Sequence[int], first: int, last: int) -> Flag:
    name, equals, value = raw[2:].partition(b"=")
    start, end, contiguous = line.span(first, last)
    skipped = 2 + len(name) + len(equals)
    if contiguous and isinstance(places, range):
        offsets: Sequence[int] = range(start + skipped, end + 1)
    else:
        offsets = [line.offset(place) for place in places[skipped:]]
        offsets.append(offsets[-1] + 1 if offsets else end)
    return Flag(decode(name), decode(value) if equals else None, start, end, value, offsets)


def _unquote(text: bytes, position: int, last: int) -> tuple[bytes, list[int], int]:
    """Read one flag with quotes or escapes: its bytes, the place of each, and where it ends."""
    raw = bytearray()
    places: list[int] = []
    quote = 0
    while position < last:
        char = text[position]
        if not quote and char in BLANK:
            break
        if quote and char == quote:
            quote = 0
        elif not quote and char in b"'\"":
            quote = char
        elif char == 0x5C:
            position += 1
            if position < last:
                raw.append(text[position])
                places.append(position)
        else:
            raw.append(char)
            places.append(position)
        position += 1
    return bytes(raw), places, min(position, last)
