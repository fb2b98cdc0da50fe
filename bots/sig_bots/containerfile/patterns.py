"""Shell patterns in `${X#p}`, `${X%p}` and `${X/p/new}`, matched as BuildKit does (Dockerfile syntax 1.7)."""

from __future__ import annotations

__all__ = ["cut"]


def cut(value: str, operator: str, pattern: str, new: str = "") -> str:
    """The value without what matches, in linear time.

    `#` takes the shortest prefix away, `##` the longest, `%` and `%%` a suffix; `*` in the pattern stands for anything.
    `/` puts `new` in place of the first match and `//` of each; there the pattern is plain text.
    """
    if operator == "/":
        return value.replace(pattern, new, 1)
    if operator == "//":
        return value.replace(pattern, new)
    longest = len(operator) == 2
    if operator[0] == "#":
        end = _matched(value, pattern, longest=longest)
        return value if end is None else value[end:]
    end = _matched(value[::-1], pattern[::-1], longest=longest)
    return value if end is None else value[: len(value) - end]


def _matched(value: str, pattern: str, *, longest: bool) -> int | None:
    """Where the shortest or the longest prefix ends that matches; None when none does."""
    first, *rest = pattern.split("*")
    if not value.startswith(first):
        return None
    end = len(first)
    for number, part in enumerate(rest, 1):
        last = number == len(rest)
        place = value.rfind(part, end) if last and longest else value.find(part, end)
        if place < 0:
            return None
        end = place + len(part)
    return end
