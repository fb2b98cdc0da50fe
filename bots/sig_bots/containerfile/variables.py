"""Variables in image names: what `$X`, `${X:-d}` and `${X:+d}` stand for, and where each piece of the result is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sig_bots.containerfile.patterns import cut
from sig_bots.containerfile.text import Word, decode

__all__ = ["PLATFORM_ARGS", "Piece", "Scope", "Variable", "expand", "name_and_value"]

PLATFORM_ARGS = frozenset(
    f"{side}{part}" for side in ("TARGET", "BUILD") for part in ("PLATFORM", "OS", "ARCH", "VARIANT")
)
"""ARGs the builder sets by itself, visible in FROM without a declaration (Dockerfile reference, "global scope")."""

_SPECIAL = re.compile(rb"[$'\"\\`]")
_NAME = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*")
_PLAIN_PART = re.compile(rb"([^$'\"\\`]++)|\$([A-Za-z_][A-Za-z0-9_]*)|\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_PLAIN = re.compile(rb"(?:[^$'\"\\`]++|\$[A-Za-z_][A-Za-z0-9_]*|\$\{[A-Za-z_][A-Za-z0-9_]*\})*+")
_OPERATOR = re.compile(rb"\}|:?[-+?]|##?|%%?|//?")
_CUT = {
    "#": re.compile(rb"([^}$'\"`\\?]{0,64})\}"),
    "%": re.compile(rb"([^}$'\"`\\?]{0,64})\}"),
    "/": re.compile(rb"([^}/$'\"`\\?*]{1,64})/([^}$'\"`\\]{0,64})\}"),
}
"""What stands behind the operator; variables and quotes in it are not followed."""
_DEEPEST = 20
_MOST_PIECES = 64
_LONGEST_TEXT = 4096
"""Bounds for ARGs that are made of ARGs, which could grow without end; an image name has at most 512 characters."""


class Piece(NamedTuple):
    """A stretch of the resolved text and the bytes of the file that give it.

    `arg` is the ARG whose default holds it, None when it stands in the word itself. Only a piece that is `exact`
    (the bytes at `start`:`end` are the text, unbroken and without escapes) can be edited. With a `problem` the text
    is unknown and empty. A `default` stands in the word itself, inside `${X:-...}` or `${X:+...}`.
    """

    text: str
    start: int
    end: int
    arg: str | None = None
    exact: bool = True
    problem: str = ""
    default: bool = False
    obstacle: str = ""
    """Why it is not exact, where there is more to say than how it is written."""


class Variable(NamedTuple):
    """An ARG in force: its value as pieces, None when it has no default; how many defaults the file gives it."""

    name: str
    line: int
    pieces: tuple[Piece, ...] | None
    defaults: int = 1


type Scope = Mapping[str, Variable]


def name_and_value(word: Word) -> tuple[str, bytes | None, int | None]:
    """Split `NAME=value` of an ARG: name, raw value (None without `=`), offset of the value in the file.

    The offset is None when a continuation runs through the word.
    """
    name, equals, value = word.text.partition("=")
    raw = value.encode("utf-8", "surrogateescape")
    return name, raw if equals else None, word.end - len(raw) if word.contiguous else None


def expand(raw: bytes, place: int | None, scope: Scope, escape: bytes, hidden: Mapping[str, int]) -> tuple[Piece, ...]:
    """Resolve a word as the builder does.

    `raw` is the word as written, `place` its offset in the file (None: broken by a continuation, nothing in it is
    exact), `hidden` maps ARGs that are declared where this word cannot see them to their line.
    """
    if _SPECIAL.search(raw) is None:
        return (Piece(decode(raw), place or 0, (place or 0) + len(raw), exact=place is not None),)
    expander = _Expander(raw, place, scope, escape, hidden)
    pieces = tuple(expander.plain() if _PLAIN.fullmatch(raw) else expander.pieces())
    if len(pieces) > _MOST_PIECES or sum(len(piece.text) for piece in pieces) > _LONGEST_TEXT:
        return (expander.unknown("the variables in it give a text that is too long for an image name"),)
    return pieces


class _Expander:
    def __init__(self, raw: bytes, place: int | None, scope: Scope, escape: bytes, hidden: Mapping[str, int]) -> None:
        self.raw = raw
        self.place = place
        self.scope = scope
        self.escape = escape
        self.hidden = hidden
        self.position = 0
        self.depth = 0

    def plain(self) -> Iterable[Piece]:
        """The pieces of a word that has `$X` and `${X}` but no quotes, escapes or defaults in it."""
        for match in _PLAIN_PART.finditer(self.raw):
            name = match[2] or match[3]
            if name:
                yield from self._value(decode(name))
            else:
                yield self._literal(*match.span())

    def pieces(self, stop: bytes = b"") -> list[Piece]:
        found: list[Piece] = []
        quote = b""
        while self.position < len(self.raw):
            char = self.raw[self.position : self.position + 1]
            if char == stop and not quote:
                break
            if char == quote or (not quote and char in (b"'", b'"')):
                quote = b"" if quote else char
                self.position += 1
            elif char == b"$" and quote != b"'":
                found.extend(self._dollar())
            elif char == self.escape and quote != b"'":
                found.append(self._literal(self.position + 1, self.position + 2, exact=False))
                self.position += 2
            else:
                found.append(self._run(stop, quote))
        if quote:
            found.append(self.unknown(f"the quote {decode(quote)} is not closed"))
        return _merged(found)

    def _run(self, stop: bytes, quote: bytes) -> Piece:
        first = self.position
        ends = quote + (b"$" + self.escape if quote != b"'" else b"") + (b"" if quote else b"'\"" + stop)
        self.position += 1
        while self.position < len(self.raw) and self.raw[self.position] not in ends:
            self.position += 1
        return self._literal(first, self.position)

    def _literal(self, first: int, last: int, *, exact: bool = True) -> Piece:
        base = self.place or 0
        text = decode(self.raw[first:last])
        return Piece(text, base + first, base + min(last, len(self.raw)), exact=exact and self.place is not None)

    def unknown(self, problem: str) -> Piece:
        """The whole word as a piece without a text."""
        base = self.place or 0
        return Piece("", base, base + len(self.raw), exact=False, problem=problem)

    def _dollar(self) -> Iterable[Piece]:
        braces = self.raw[self.position + 1 : self.position + 2] == b"{"
        match = _NAME.match(self.raw, self.position + (2 if braces else 1))
        if match is None:
            if not braces:
                self.position += 1
                return [self._literal(self.position - 1, self.position)]
            return self._give_up()
        self.position = match.end()
        name = decode(match[0])
        return self._braced(name) if braces else self._value(name)

    def _give_up(self) -> list[Piece]:
        text = decode(self.raw[:80])
        self.position = len(self.raw)
        return [self.unknown(f"{text!r} uses a substitution that is not understood; write $X, ${{X}}, ${{X:-d}} or ${{X:+d}}")]  # fmt: skip

    def _braced(self, name: str) -> Iterable[Piece]:
        operator = _OPERATOR.match(self.raw, self.position)
        if operator is None:
            return self._give_up()
        self.position = operator.end()
        if operator[0] == b"}":
            return self._value(name)
        if operator[0][:1] in (b"#", b"%", b"/"):
            return self._cut(name, decode(operator[0]))
        self.depth += 1
        if self.depth > _DEEPEST:
            return self._give_up()
        other = [piece if piece.arg else piece._replace(default=True) for piece in self.pieces(b"}")]
        self.depth -= 1
        if self.raw[self.position : self.position + 1] != b"}":
            return self._give_up()
        self.position += 1
        variable = self.scope.get(name)
        given = variable is not None and variable.pieces is not None
        if name in PLATFORM_ARGS and not given:
            return self._value(name)
        if operator[0].startswith(b":") and variable is not None and variable.pieces is not None:
            given = any(piece.text or piece.problem for piece in variable.pieces)
        if operator[0].endswith(b"+"):
            return other if given else []
        if given or operator[0].endswith(b"?"):
            return self._value(name)
        return other

    def _cut(self, name: str, operator: str) -> list[Piece]:
        """`${X#pattern}`, `${X%pattern}` and `${X/pattern/new}`: known when the value is, never edited."""
        words = _CUT[operator[0]].match(self.raw, self.position)
        if words is None:
            return self._give_up()
        self.position = words.end()
        value = self._value(name)
        problem = next((piece for piece in value if piece.problem), None)
        if problem:
            return [problem]
        text = cut("".join(piece.text for piece in value), operator, *map(decode, words.groups()))
        why = f"only a part of ARG {name} is used here; edit it by hand"
        return [Piece(text, 0, 0, name, exact=False, obstacle=why)]

    def _value(self, name: str) -> Iterable[Piece]:
        variable = self.scope.get(name)
        if variable is not None and variable.pieces is not None:
            if variable.defaults > 1:
                why = f"ARG {name} has several defaults; leave one of them to have it updated"
                return [piece._replace(exact=False, obstacle=why) for piece in variable.pieces]
            return variable.pieces
        if name in PLATFORM_ARGS:
            return [self.unknown(f"{name} is different on each platform")]
        if variable is not None:
            return [self.unknown(f"ARG {name} on line {variable.line} has no default, so its value is known only at build time")]  # fmt: skip
        if name in self.hidden:
            return [self.unknown(f"ARG {name} on line {self.hidden[name]} is declared after the first FROM and cannot be seen here; declare it before the first FROM")]  # fmt: skip
        return [self.unknown(f"{name} is not declared; add ARG {name}= with a default before the first FROM")]


def _merged(pieces: list[Piece]) -> list[Piece]:
    """Neighbouring pieces of the same word that follow each other without a gap become one."""
    result: list[Piece] = []
    for piece in pieces:
        last = result[-1] if result else None
        if last and last.exact and piece.exact and last.arg is None and piece.arg is None and last.end == piece.start:
            result[-1] = last._replace(text=last.text + piece.text, end=piece.end)
        else:
            result.append(piece)
    return result
