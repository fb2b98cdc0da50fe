"""Here-documents: which words of a line start one, and where their bodies end."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sig_bots.containerfile.text import SPACES, decode

__all__ = ["Heredoc", "HeredocStart", "heredoc_starts", "read_bodies"]

_HEREDOC = re.compile(r"([0-9]*)<<(-?)([^<]*)\Z", re.DOTALL)
_NAME = re.compile(r"[^\W\d]\w*|\d+|[@*#?$!-]")
_DEEPEST = 60
"""Substitutions inside substitutions that are followed; nobody writes more by hand."""


@dataclass(frozen=True, slots=True)
class HeredocStart:
    """What a word such as `<<-"EOF"` says: terminator, tabs stripped or not, variables expanded or not."""

    name: str
    strip_tabs: bool
    expand: bool
    descriptor: int


@dataclass(frozen=True, slots=True)
class Heredoc:
    """A here-document with the byte span of its body (without the terminator line)."""

    name: str
    start: int
    end: int
    strip_tabs: bool
    expand: bool
    descriptor: int
    terminated: bool


class _Unreadable(Exception):
    """The line is not a sequence of shell words; the builder then sees no heredoc in it."""


class _Shell:
    """Split a line into shell words the way BuildKit does when it looks for heredocs: quotes kept, nothing expanded."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.depth = 0

    def words(self) -> list[str]:
        return self._until("")

    def _until(self, stop: str) -> list[str]:
        words: list[str] = []
        word = ""
        while self.position < len(self.text):
            char = self.text[self.position]
            if char == stop:
                self.position += 1
                return [*words, word] if word else words
            if char in "'\"":
                word += self._quoted(char)
            elif char == "$":
                # Blanks in a substitution part words like those outside.
                for char in self._dollar():
                    if char not in SPACES:
                        word += char
                    elif word:
                        words.append(word)
                        word = ""
            elif char == "\\":
                word += self.text[self.position : self.position + 2]
                self.position += 2
            else:
                self.position += 1
                if char not in SPACES:
                    word += char
                elif word:
                    words.append(word)
                    word = ""
        if stop:
            raise _Unreadable
        return [*words, word] if word else words

    def _quoted(self, quote: str) -> str:
        begin = self.position
        self.position += 1
        while self.position < len(self.text):
            char = self.text[self.position]
            if char == quote:
                self.position += 1
                return self.text[begin : self.position]
            if quote == '"' and char == "$":
                self._dollar()
            elif quote == '"' and char == "\\":
                follows = self.text[self.position + 1 : self.position + 2]
                self.position += 2 if follows and follows in '"$\\' else 1
            else:
                self.position += 1
        raise _Unreadable

    def _dollar(self) -> str:
        begin = self.position
        self.position += 1
        if self.text[self.position : self.position + 1] != "{":
            name = _NAME.match(self.text, self.position)
            if name:
                self.position = name.end()
            return self.text[begin : self.position]
        self.position += 1
        if self.text[self.position : self.position + 1] in ("", "{", "}", ":"):
            raise _Unreadable
        name = _NAME.match(self.text, self.position)
        self.position = name.end() if name else self.position
        operator = self.text[self.position : self.position + 1]
        self.position += 1
        if operator == ":":
            # The builder takes any character here (bash's `${x:0:3}`); it refuses the unknown ones when it expands.
            self.position += 1
        elif operator not in ("}", "+", "-", "?", "#", "%", "/"):
            raise _Unreadable
        if operator != "}":
            self.depth += 1
            if self.depth > _DEEPEST:
                raise _Unreadable
            if operator == "/":
                self.position += self.text.startswith("/", self.position)
                self._until("/")
            self._until("}")
            self.depth -= 1
        return self.text[begin : self.position]


def _unquoted(word: str) -> str:
    """A shell word without its quotes and escapes."""
    result = ""
    quote = ""
    position = 0
    while position < len(word):
        char = word[position]
        position += 1
        if quote:
            if char == quote:
                quote = ""
                continue
            if quote == '"' and char == "\\" and word[position : position + 1] in ('"', "$", "\\"):
                char = word[position]
                position += 1
            result += char
        elif char in "'\"":
            quote = char
        elif char == "\\":
            result += word[position : position + 1]
            position += 1
        else:
            result += char
    return result


def _start(word: str) -> HeredocStart | None:
    match = _HEREDOC.match(word)
    if match is None or not match[3]:
        return None
    try:
        rest = _Shell(match[3]).words()
    except _Unreadable:
        return None
    if len(rest) != 1 or not _unquoted(rest[0]):
        return None
    name = _unquoted(rest[0])
    # More than 18 digits do not fit the builder's number; no file descriptor is that large.
    return HeredocStart(name, bool(match[2]), name == rest[0], int(match[1][:18] or 0))


def heredoc_starts(line: str) -> list[HeredocStart]:
    """The here-documents a logical line starts, in order. Empty when the line is not readable as shell words."""
    try:
        words = _Shell(line).words()
    except _Unreadable:
        return []
    return [start for word in words if (start := _start(word)) is not None]


def read_bodies(data: bytes, position: int, starts: list[HeredocStart]) -> tuple[tuple[Heredoc, ...], int]:
    """Read the bodies that begin at `position` (start of a line).

    Out: the here-documents and the offset of the end of the last terminator line, its line feed left out (the end of
    the data when a terminator is missing).
    """
    found: list[Heredoc] = []
    end = position
    for start in starts:
        body = position
        while position < len(data):
            newline = data.find(b"\n", position)
            after = newline + 1 if newline >= 0 else len(data)
            line = data[position:after].rstrip(b"\r\n")
            if decode(line.lstrip(b"\t") if start.strip_tabs else line) == start.name:
                found.append(_heredoc(start, body, position, terminated=True))
                end = newline if newline >= 0 else len(data)
                position = after
                break
            position = after
        else:
            found.append(_heredoc(start, body, len(data), terminated=False))
            return tuple(found), len(data)
    return tuple(found), end


def _heredoc(start: HeredocStart, body: int, end: int, *, terminated: bool) -> Heredoc:
    return Heredoc(start.name, body, end, start.strip_tabs, start.expand, start.descriptor, terminated)
