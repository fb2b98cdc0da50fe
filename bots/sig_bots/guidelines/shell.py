"""Shell text -> the simple commands in it, with the place of each word. Follows the POSIX shell grammar loosely.

It is for finding what a RUN does, not for running it: whatever the text, a list comes out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["Command", "ShellWord", "commands"]

_BLANK = re.compile(r"[ \t\r\v\f]+")
_COMMENT = re.compile(r"#[^\n]*")
_REDIRECT = re.compile(r"[0-9]*(?:<<<|<<-?|>>|>\||>&|<&|<>|<(?!\()|>(?!\())|&>>?")
_CONTROL = re.compile(r"&&|\|\||;;&?|;&|\|&|[;&|()\n]")
_PLAIN = re.compile(r"[^\s;&|()<>'\"\\$`]+")
_INNER = re.compile(r"[^\"\\$`]+")
_OPENS = frozenset({"if", "while", "until", "for", "select", "case", "{"})
_CLOSES = frozenset({"fi", "done", "esac", "}"})
_PASSED_OVER = frozenset({"if", "then", "elif", "else", "do", "while", "until", "!", "time", "{"})
_WRAPPERS = frozenset({"env", "exec", "command", "nohup", "eatmydata"})
_SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh"})
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")
_DEEPEST = 30


@dataclass(frozen=True, slots=True)
class ShellWord:
    """A word with its quotes taken off; `start` and `end` are indexes in the text, quotes included."""

    text: str
    start: int
    end: int


@dataclass(slots=True, eq=False)
class Command:
    """A simple command. `depth` is 0 for one that always runs in the RUN's own shell, in its turn."""

    depth: int
    before: str = ""
    """The operator in front of it: `&&`, `||`, `|`, `;`, a line feed, or nothing."""
    after: str = ""
    words: list[ShellWord] = field(default_factory=list)
    end: int = 0
    """Index behind its last word or redirection."""
    calls: list[Command] = field(default_factory=list)
    """Commands in its `$(...)`, backticks and `<(...)`."""

    @property
    def program(self) -> list[ShellWord]:
        """The words from the program's name on: assignments, `env`, `exec` and the like left out."""
        words = self.words
        first = 0
        while first < len(words):
            name = words[first].text
            if _ASSIGNMENT.match(name):
                first += 1
            elif name.rsplit("/", 1)[-1] in _WRAPPERS and first + 1 < len(words):
                first += 1
                while first + 1 < len(words) and words[first].text.startswith("-"):
                    first += 1
            else:
                break
        return words[first:]

    @property
    def name(self) -> str:
        """The program without its folder; empty for assignments alone."""
        program = self.program
        return program[0].text.rsplit("/", 1)[-1] if program else ""

    @property
    def arguments(self) -> list[str]:
        """The words behind the program's name."""
        return [word.text for word in self.program[1:]]


def commands(text: str, start: int = 0, end: int | None = None) -> list[Command]:
    """All simple commands of a script, those inside `$(...)`, `sh -c '...'` and the like included, in order."""
    last = len(text) if end is None else end
    parser = _Parser(text, last)
    parser.position = start
    parser.read("", 0)
    return [command for command in parser.found if command.words or command.calls]


class _Parser:
    def __init__(self, text: str, end: int) -> None:
        self.text = text
        self.end = end
        self.position = 0
        self.found: list[Command] = []
        self.heredocs: list[tuple[str, bool]] = []
        self.level = 0
        """How many substitutions are open; bounded, whatever the text."""
        self.in_backticks = False

    def read(self, stop: str, depth: int) -> list[Command]:
        """Commands up to `stop`, which is taken in."""
        mine: list[Command] = []
        current = self._next(mine, depth, "")
        closers = 0
        while self.position < self.end:
            char = self.text[self.position]
            if char == stop and closers == 0:
                self.position += 1
                break
            if blank := _BLANK.match(self.text, self.position, self.end):
                self.position = blank.end()
            elif char == "#" and (comment := _COMMENT.match(self.text, self.position, self.end)):
                self.position = comment.end()
            elif redirect := _REDIRECT.match(self.text, self.position, self.end):
                self._redirect(redirect, current, depth)
            elif control := _CONTROL.match(self.text, self.position, self.end):
                self.position = control.end()
                closers += (control[0] == "(") - (control[0] == ")" and closers > 0)
                depth += (control[0] == "(") - (control[0] == ")" and depth > 0)
                current.after = control[0]
                current = self._next(mine, depth, control[0])
                if control[0] == "\n":
                    self._skip_heredocs()
            else:
                word = self._word(current, depth)
                depth = self._take(current, word, depth)
        for one in mine:
            if one.words:
                self._inside(one)
        return mine

    def _next(self, mine: list[Command], depth: int, before: str) -> Command:
        current = Command(depth, before)
        mine.append(current)
        self.found.append(current)
        return current

    def _take(self, command: Command, word: ShellWord, depth: int) -> int:
        bare = word.end - word.start == len(word.text)
        if not command.words and bare:
            if word.text in _OPENS:
                depth += 1
            elif word.text in _CLOSES:
                depth = max(depth - 1, 0)
                command.depth = depth
                return depth
            if word.text in _PASSED_OVER:
                command.depth = depth
                return depth
        command.words.append(word)
        command.end = word.end
        return depth

    def _redirect(self, match: re.Match[str], command: Command, depth: int) -> None:
        self.position = match.end()
        blank = _BLANK.match(self.text, self.position, self.end)
        self.position = blank.end() if blank else self.position
        operator = match[0].lstrip("0123456789")
        if self.position < self.end and self.text[self.position] not in ";&|()\n<>":
            target = self._word(command, depth)
            command.end = target.end
            if operator in ("<<", "<<-"):
                self.heredocs.append((target.text, operator == "<<-"))

    def _skip_heredocs(self) -> None:
        """Step over the bodies of here-documents inside the script."""
        for name, strip in self.heredocs:
            while self.position < self.end:
                newline = self.text.find("\n", self.position, self.end)
                newline = self.end if newline < 0 else newline
                line = self.text[self.position : newline].rstrip("\r")
                self.position = min(newline + 1, self.end)
                if (line.lstrip("\t") if strip else line) == name:
                    break
        self.heredocs = []

    def _word(self, command: Command, depth: int) -> ShellWord:
        start = self.position
        parts: list[str] = []
        while self.position < self.end:
            char = self.text[self.position]
            if plain := _PLAIN.match(self.text, self.position, self.end):
                parts.append(plain[0])
                self.position = plain.end()
            elif char == "'":
                close = self.text.find("'", self.position + 1, self.end)
                close = self.end if close < 0 else close
                parts.append(self.text[self.position + 1 : close])
                self.position = min(close + 1, self.end)
            elif char == '"':
                parts.append(self._double(command, depth))
            elif char == "\\":
                following = self.text[self.position + 1 : min(self.position + 2, self.end)]
                parts.append("" if following == "\n" else following)
                self.position = min(self.position + 2, self.end)
            elif char == "`" and self.in_backticks:
                break
            elif char in "$`":
                parts.append(self._dollar(command, depth))
            elif char in "<>" and self.text.startswith("(", self.position + 1):
                parts.append(self._nested(command, depth, 2, ")"))
            else:
                break
        if self.position == start:
            self.position += 1  # whatever it is, reading goes on
        return ShellWord("".join(parts), start, self.position)

    def _double(self, command: Command, depth: int) -> str:
        self.position += 1
        parts: list[str] = []
        while self.position < self.end:
            char = self.text[self.position]
            if char == '"':
                self.position += 1
                break
            if char == "`" and self.in_backticks:
                break
            if inner := _INNER.match(self.text, self.position, self.end):
                parts.append(inner[0])
                self.position = inner.end()
            elif char == "\\":
                parts.append(self.text[self.position + 1 : min(self.position + 2, self.end)])
                self.position = min(self.position + 2, self.end)
            else:
                parts.append(self._dollar(command, depth))
        return "".join(parts)

    def _dollar(self, command: Command, depth: int) -> str:
        """A substitution: commands in it are read, its text is kept as written."""
        start = self.position
        if self.text[start] == "`":
            return self._nested(command, depth, 1, "`")
        if self.text.startswith("$((", start):
            close = self.text.find("))", start, self.end)
            self.position = self.end if close < 0 else close + 2
        elif self.text.startswith("$(", start):
            return self._nested(command, depth, 2, ")")
        elif self.text.startswith("${", start):
            close = self.text.find("}", start, self.end)
            self.position = self.end if close < 0 else close + 1
        else:
            self.position += 1
        return self.text[start : self.position]

    def _nested(self, command: Command, depth: int, opening: int, stop: str) -> str:
        start = self.position
        self.position += opening
        if self.level >= _DEEPEST:
            self.position = self.end
        else:
            outer, self.in_backticks = self.in_backticks, stop == "`"
            self.level += 1
            command.calls.extend(self.read(stop, depth + 1))
            self.level -= 1
            self.in_backticks = outer
        return self.text[start : self.position]

    def _inside(self, command: Command) -> None:
        """The commands of `sh -c '...'`."""
        script = _script(command)
        if script is not None and command.depth < _DEEPEST:
            inner = _Parser(self.text, script.end - 1)
            inner.position = script.start + 1
            inner.read("", command.depth + 1)
            self.found.extend(inner.found)


def _script(command: Command) -> ShellWord | None:
    """The quoted word behind `-c` of a shell."""
    if command.name not in _SHELLS:
        return None
    words: Iterator[ShellWord] = iter(command.program[1:])
    for word in words:
        if word.text in ("-o", "+o"):
            next(words, None)
            continue
        if re.fullmatch(r"-[a-z]*c", word.text):
            script = next(words, None)
            if script and script.end - script.start == len(script.text) + 2:
                return script
            return None
        if not word.text.startswith(("-", "+")):
            return None
    return None
