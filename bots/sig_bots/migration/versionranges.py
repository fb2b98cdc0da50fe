"""Ranges of versions (`>=3.9 <3.13`, `~22`, `3.12.x`) as regular expressions for tags: what `update.tags.*.allowed` takes.

An expression matches the whole tag, which is in a range by the numbers it has: `3.12-slim` is in `<3.13`.
"""

from __future__ import annotations

import re

__all__ = ["allowed_in", "exact", "not_from"]

_PART = re.compile(r"(?P<operator>>=|<=|>|<|~>|~|\^|==|=|)\s*v?(?P<version>[0-9]{1,6}(?:\.(?:[0-9]{1,6}|[xX*]))*)(?=[\s,]|$)[\s,]*", re.ASCII)  # fmt: skip
type Version = tuple[int, ...]


def allowed_in(text: str) -> str | None:
    """The tags inside a range as npm and semver write it; None when it is not understood.

    Parts stand side by side and all hold. `||` and hyphen ranges are not read.
    """
    low: Version | None = None
    high: Version | None = None
    rest = text.strip()
    if not rest:
        return None
    while rest:
        match = _PART.match(rest)
        bounds = _bounds(match["operator"], match["version"]) if match else None
        if match is None or bounds is None:
            return None
        start, end = bounds
        low = max(filter(None, (low, start)), default=None)
        high = min(filter(None, (high, end)), default=None)
        rest = rest[match.end() :]
    return _between(low, high)


def not_from(text: str) -> str | None:
    """The tags that stay when those from a version on (`>= 21`, `> 20`) are ignored; None for any other range."""
    match = re.fullmatch(r"\[?\s*(>=|>)?\s*v?([0-9]{1,6}(?:\.[0-9]{1,6})*)\s*(,\s*\))?", text.strip(), re.ASCII)
    if match is None or (text.strip().startswith("[") is not bool(match[3])) or bool(match[1]) is bool(match[3]):
        return None
    version = _numbers(match[2])
    return _between(None, _next(version) if match[1] == ">" else version)


def exact(text: str) -> str | None:
    """The tag pattern (a glob) of one version or of an x-range: `3.12.x`, `3.12.*` and `3.12.1`; None for anything else."""
    match = re.fullmatch(r"(?:==?)?\s*(v?[0-9]+(?:\.[0-9]+)*)(\.[xX*])*", text.strip(), re.ASCII)
    if match is None:
        return None
    return f"{match[1]}.*" if match[2] else match[1]


def _bounds(operator: str, written: str) -> tuple[Version | None, Version | None] | None:
    """From (inclusive) and to (exclusive)."""
    numbers = _numbers(written)
    if operator in ("", "=", "=="):
        return numbers, _next(numbers)
    if operator == "^":
        lead = next((place for place, number in enumerate(numbers) if number), len(numbers) - 1)
        return numbers, _next(numbers[: lead + 1])
    if operator == "~":
        return numbers, _next(numbers[:2])
    if operator == "~>":
        return numbers, _next(numbers[:-1] or numbers)
    return {
        ">=": (numbers, None), "<": (None, numbers), ">": (_next(numbers), None), "<=": (None, _next(numbers)),
    }.get(operator)  # fmt: skip


def _numbers(written: str) -> Version:
    return tuple(int(part) for part in written.split(".") if part.isdecimal())


def _next(version: Version) -> Version:
    return (*version[:-1], version[-1] + 1)


def _trimmed(version: Version) -> Version:
    """Without zeros at the end: before 4.0.0 is before 4."""
    while len(version) > 1 and version[-1] == 0:
        version = version[:-1]
    return version


def _between(low: Version | None, high: Version | None) -> str | None:
    low, high = (_trimmed(low) if low else None), (_trimmed(high) if high else None)
    if low and high and low >= high:
        return None
    if not low and not high:
        return None
    found = _beginnings(low or (0,), high)
    if not found:
        return None
    core = found[0] if len(found) == 1 else f"(?:{'|'.join(found)})"
    return f"v?{core}(?:[^0-9].*)?"


def _beginnings(low: Version, high: Version | None) -> list[str]:
    """What versions from `low` on and before `high` begin with; `3` alone is not before 3.13, it means the newest 3."""
    first = low[0]
    if high and len(high) > 1 and first == high[0]:
        return [_led(first, _beginnings(low[1:] or (0,), high[1:]))]
    found: list[str] = []
    if len(low) > 1:
        found.append(_led(first, _beginnings(low[1:], None)))
        first += 1
    found += _numbers_from(first) if high is None else _numbers_between(first, high[0] - 1)
    if high and len(high) > 1:
        found.append(_led(high[0], _beginnings((0,), high[1:])))
    return found


def _led(number: int, rest: list[str]) -> str:
    if rest == ["[0-9]", "[1-9][0-9]+"]:
        return rf"{number}\.[0-9]+"
    return rf"{number}\.{rest[0]}" if len(rest) == 1 else rf"{number}\.(?:{'|'.join(rest)})"


def _numbers_from(low: int) -> list[str]:
    digits = len(str(low))
    more = "[1-9][0-9]+" if digits == 1 else f"[1-9][0-9]{{{digits},}}"
    return [*_numbers_between(low, 10**digits - 1), more]


def _numbers_between(low: int, high: int) -> list[str]:
    """Expressions of the whole numbers from low to high, both inclusive."""
    found: list[str] = []
    while low <= high:
        end = min(high, 10 ** len(str(low)) - 1)
        found += _same_length(str(low), str(end))
        low = end + 1
    return found


def _same_length(low: str, high: str) -> list[str]:
    if low == high:
        return [low]
    rest = len(low) - 1
    if low[1:] == "0" * rest and high[1:] == "9" * rest:
        return [_digits(low[0], high[0]) + "[0-9]" * rest]
    if low[0] == high[0]:
        return [low[0] + one for one in _same_length(low[1:], high[1:])]
    first = [low[0] + one for one in _same_length(low[1:], "9" * rest)]
    last = [high[0] + one for one in _same_length("0" * rest, high[1:])]
    middle = (
        [_digits(chr(ord(low[0]) + 1), chr(ord(high[0]) - 1)) + "[0-9]" * rest]
        if ord(high[0]) - ord(low[0]) > 1
        else []
    )
    return [*first, *middle, *last]


def _digits(low: str, high: str) -> str:
    return low if low == high else f"[{low}-{high}]"
