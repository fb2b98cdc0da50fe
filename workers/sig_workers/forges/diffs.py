"""Read a unified diff as git prints it: which files, what happened to them, which lines of the new file are new."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Literal

from sig_bots.forge import ChangedFile

__all__ = ["lines_between", "new_lines", "read_diff"]

type Status = Literal["added", "modified", "removed", "renamed"]

_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_ESCAPE = re.compile(r"\\([0-7]{1,3}|.)", re.DOTALL)
_MOST_COMPARED = 2000 * 2000
_LETTERS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


@dataclass
class _File:
    path: str = ""
    old_path: str | None = None
    status: Status = "modified"
    lines: set[int] = field(default_factory=set)
    binary: bool = False

    def done(self) -> ChangedFile:
        lines = None if self.binary else frozenset(self.lines)
        return ChangedFile(path=self.path, old_path=self.old_path, status=self.status, lines=lines)


def new_lines(hunks: str) -> frozenset[int]:
    """Numbers of the lines a file's hunks add or change, in the new file (the `patch` text GitHub gives per file)."""
    file = _File()
    _read_hunks(iter(hunks.split("\n")), file)
    return frozenset(file.lines)


def lines_between(old: bytes, new: bytes) -> frozenset[int] | None:
    """Numbers of the lines of `new` that `old` has not; None for texts so long that comparing them could take minutes."""
    before, after = old.splitlines(), new.splitlines()
    if len(before) * len(after) > _MOST_COMPARED:
        return None
    blocks = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    return frozenset(line + 1 for tag, _, _, start, end in blocks if tag != "equal" for line in range(start, end))


def read_diff(text: str) -> tuple[ChangedFile, ...]:
    """The files of a `git diff`, in its order. Unknown lines are passed over; no text raises."""
    files: list[_File] = []
    lines = iter(text.split("\n"))
    line: str | None = next(lines, None)
    while line is not None:
        if line.startswith("diff --git "):
            files.append(_File(_path_of_header(line.removeprefix("diff --git "))))
        elif files and line.startswith("@@ "):
            line = _read_hunks(_chain(line, lines), files[-1])
            continue
        elif files:
            _read_header_line(line, files[-1])
        line = next(lines, None)
    return tuple(file.done() for file in files if file.path)


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _read_header_line(line: str, file: _File) -> None:
    if line.startswith("new file mode"):
        file.status = "added"
    elif line.startswith("deleted file mode"):
        file.status = "removed"
    elif line.startswith("rename from "):
        file.old_path = _unquote(line.removeprefix("rename from "))
    elif line.startswith("rename to "):
        file.status, file.path = "renamed", _unquote(line.removeprefix("rename to "))
    elif line.startswith("+++ ") and not line.startswith("+++ /dev/null"):
        file.path = _unquote(line.removeprefix("+++ ")).removeprefix("b/")
    elif line.startswith("--- ") and not line.startswith("--- /dev/null") and file.status == "removed":
        file.path = _unquote(line.removeprefix("--- ")).removeprefix("a/")
    elif line.startswith(("Binary files ", "GIT binary patch")):
        file.binary = True


def _read_hunks(lines: Iterator[str], file: _File) -> str | None:
    """Take hunks while they last; the first line that belongs to none, None at the end."""
    old = new = 0
    number = 0
    for line in lines:
        if old <= 0 and new <= 0:
            match = _HUNK.match(line)
            if match is None:
                if line.startswith("\\"):
                    continue
                return line
            old, number, new = int(match[1] or 1), int(match[2]), int(match[3] or 1)
        elif line.startswith("+"):
            file.lines.add(number)
            number, new = number + 1, new - 1
        elif line.startswith("-"):
            old -= 1
        elif not line.startswith("\\"):  # "\ No newline at end of file" belongs to the line before it
            number, old, new = number + 1, old - 1, new - 1
    return None


def _path_of_header(rest: str) -> str:
    """The path of `a/P b/P`, where only two equal halves are certain (names may hold spaces and ` b/`)."""
    if rest.endswith('"') and ' "b/' in rest:
        return _unquote(rest[rest.rindex(' "b/') + 1 :]).removeprefix("b/")
    half = (len(rest) - 1) // 2
    if rest[:half].removeprefix("a/") == rest[half + 1 :].removeprefix("b/"):
        return rest[half + 1 :].removeprefix("b/")
    return ""


def _unquote(name: str) -> str:
    """A file name as git writes it: plain (a tab may end it), or in double quotes with C escapes of its bytes."""
    if not name.startswith('"'):
        return name.rstrip("\r").removesuffix("\t")

    def letter(match: re.Match[str]) -> str:
        if match[1][0] in "01234567":
            return chr(int(match[1], 8) & 0xFF)
        return _LETTERS.get(match[1], match[1])

    raw = _ESCAPE.sub(letter, name[1:].rstrip("\r").removesuffix('"'))
    # the escapes are bytes of UTF-8; what is not, was written plainly and stays as it is
    try:
        return raw.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return raw
