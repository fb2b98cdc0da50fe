"""Comments that silence rules: `# sigbot ignore=SIG003,DL3041` above an instruction, `# sigbot global ignore=...` anywhere.

`# hadolint ignore=` and `# hadolint global ignore=` are understood the same way. Behind the ids a reason may follow.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from sig_bots.containerfile import Instruction

__all__ = ["Ignores", "read_ignores"]

_COMMENT = re.compile(
    rb"^[ \t]*#[ \t]*(?:sigbot|hadolint)[ \t]+(global[ \t]+)?ignore[ \t]*=[ \t]*"
    rb"([A-Za-z]+[0-9]+(?:[ \t]*,[ \t]*[A-Za-z]+[0-9]+)*)",
    re.MULTILINE | re.IGNORECASE,
)


@dataclass(frozen=True)
class Ignores:
    """What the comments of one file silence."""

    everywhere: frozenset[str] = frozenset()
    lines: dict[int, frozenset[str]] = field(default_factory=dict)
    """First line of an instruction -> ids."""

    def silences(self, names: Collection[str], line: int) -> bool:
        """Whether one of the names is silenced for the instruction that starts on the line."""
        here = self.lines.get(line, frozenset())
        return any(name in self.everywhere or name in here for name in names)


def read_ignores(data: bytes, instructions: Sequence[Instruction]) -> Ignores:
    """Read the comments. One stands for the instruction it is in (between continued lines), or for the next one."""
    if b"ignore" not in data.lower():
        return Ignores()
    everywhere: set[str] = set()
    lines: dict[int, frozenset[str]] = {}
    ends = [instruction.end for instruction in instructions]
    for match in _COMMENT.finditer(data):
        names = frozenset(part.strip().upper() for part in match[2].decode().split(","))
        index = bisect_left(ends, match.start())
        holder = instructions[index] if index < len(instructions) else None
        if holder is not None and any(one.start <= match.start() < one.end for one in holder.heredocs):
            continue
        if match[1]:
            everywhere |= names
        elif holder is not None:
            lines[holder.line] = lines.get(holder.line, frozenset()) | names
    return Ignores(frozenset(everywhere), lines)
