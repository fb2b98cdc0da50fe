"""Renovate's lengths of time (`minimumReleaseAge`, in words; `stabilityDays`, a number) as `update.cooldown` takes them."""

from __future__ import annotations

import re

__all__ = ["cooldown_of"]

_AGE = re.compile(r"(\d{1,4})\s*(minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w|months?)", re.ASCII)


def cooldown_of(value: object) -> str | None:
    """`3 days` as `3d`; empty for no time at all (null, 0, `0 days`); None when it is not understood."""
    if value is None:
        return ""
    text = f"{value} days" if isinstance(value, int) and not isinstance(value, bool) else value
    match = _AGE.fullmatch(text.strip().lower()) if isinstance(text, str) else None
    if match is None:
        return None
    number, unit = int(match[1]), match[2]
    if not number:
        return ""
    if unit[0] == "h" and number % 24 == 0:
        return f"{number // 24}d"
    return f"{number * 30}d" if unit.startswith("mo") else f"{number}{unit[0]}"
