"""What a builder would refuse in a Containerfile, as values with line numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sig_bots.containerfile.lexer import KNOWN, Instruction, lex, parser_directives
from sig_bots.containerfile.model import Problem

__all__ = ["problems"]

_STAGE_NAME = re.compile(r"[a-z][a-z0-9._-]*")
_NOT_IN_ONBUILD = ("ONBUILD", "FROM", "MAINTAINER")


def problems(data: bytes) -> list[Problem]:
    """Reasons why builders refuse the file, in the order of its lines; empty when it parses.

    Checked: an unknown or empty instruction, FROM with a wrong number of words or a bad stage name, no FROM, an
    instruction other than ARG above the first FROM, a here-document without end, ONBUILD of what cannot be there, an
    escape directive that is neither a backslash nor a backtick.
    """
    instructions = lex(data)
    found = []
    escape = parser_directives(data).get("escape", "\\")
    if escape not in ("\\", "`"):
        found.append(Problem(1, f"the escape directive says {escape!r}; only \\ and ` are possible"))
    if not instructions:
        return [*found, Problem(1, "the file has no instruction; start with FROM")]
    stage_seen = False
    names: dict[str, int] = {}
    for instruction in instructions:
        found.extend(_of(instruction, names))
        if instruction.keyword == "FROM":
            stage_seen = True
        elif not stage_seen and instruction.keyword in KNOWN and instruction.keyword != "ARG":
            stage_seen = True
            found.append(Problem(instruction.line, f"{instruction.keyword} stands above the first FROM; only ARG can"))
    if not any(instruction.keyword == "FROM" for instruction in instructions):
        found.append(Problem(instructions[-1].line, "the file has no FROM"))
    return sorted(found, key=lambda problem: problem.line)


def _of(instruction: Instruction, names: dict[str, int]) -> Iterator[Problem]:
    line, keyword = instruction.line, instruction.keyword
    if not keyword:
        yield Problem(line, "a continuation leads to no instruction")
    elif keyword not in KNOWN:
        yield Problem(line, f"unknown instruction {keyword[:40]!r}")
    elif keyword == "FROM":
        yield from _of_from(instruction, names)
    elif keyword == "ONBUILD":
        inner = instruction.inner
        if inner is None:
            yield Problem(line, "ONBUILD names no instruction")
        elif inner.keyword not in KNOWN or inner.keyword in _NOT_IN_ONBUILD:
            yield Problem(line, f"ONBUILD cannot hold {inner.keyword[:40]!r}")
    for heredoc in instruction.heredocs:
        if not heredoc.terminated:
            yield Problem(line, f"the here-document {heredoc.name!r} has no end; put {heredoc.name} alone on a line")


def _of_from(instruction: Instruction, names: dict[str, int]) -> Iterator[Problem]:
    line, words = instruction.line, instruction.words
    if not words:
        yield Problem(line, "FROM names no image")
    elif len(words) not in (1, 3) or (len(words) == 3 and words[1].text.lower() != "as"):
        yield Problem(line, "FROM takes an image, or an image AS a stage name (a comment needs its own line)")
    elif len(words) == 3:
        name = words[2].text.lower()
        if not _STAGE_NAME.fullmatch(name) or name in ("scratch", "context"):
            yield Problem(
                line, f"{words[2].text[:40]!r} cannot name a stage; use letters, digits, dot, dash, underscore"
            )
        elif name in names:
            yield Problem(line, f"stage {name} is already defined on line {names[name]}")
        names.setdefault(name, line)
