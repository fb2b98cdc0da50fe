"""When updates may be proposed: windows of the week in a time zone, and how long a version must have been out. Pure.

window  = [days] [times]          days  = mon-fri | sat,sun | day 1 | day 1,15
                                  times = 08:00-17:00; 22:00-06:00 runs into the next day
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

__all__ = ["Window", "is_open", "next_opening", "parse_duration", "parse_window", "parse_zone"]

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIMES = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})")
_DURATION = re.compile(r"(\d{1,4})\s*(m|h|d|w)")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_FORM = "write it as in `mon-fri 08:00-17:00`, `sat,sun`, `22:00-06:00` or `day 1`"
_SHORTEST = 60
"""Minutes; we look once an hour, and a shorter window could pass between two looks."""
_DAY = 24 * 60
_LONGEST_ZONE = 64
_HORIZON = 62
"""Days within which each window opens: the 31st comes every other month at the latest."""


@dataclass(frozen=True, slots=True)
class Window:
    """One window. `weekdays` (0 is Monday) and `dates` (days of the month) are None when each day will do.

    `start` and `end` are minutes of the day; an `end` at or before `start` is on the next day.
    """

    weekdays: frozenset[int] | None = None
    dates: frozenset[int] | None = None
    start: int = 0
    end: int = _DAY

    def opens_on(self, day: date) -> bool:
        """Whether it opens on that day."""
        if self.weekdays is not None and day.weekday() not in self.weekdays:
            return False
        return self.dates is None or day.day in self.dates

    def holds(self, local: datetime) -> bool:
        """Whether it is open at that local time."""
        minute = local.hour * 60 + local.minute
        today = local.date()
        if self.start < self.end:
            return self.opens_on(today) and self.start <= minute < self.end
        late = minute >= self.start and self.opens_on(today)
        return late or (minute < self.end and self.opens_on(today - timedelta(days=1)))


def parse_window(text: str) -> Window:
    """Read one window. Raises ValueError with a sentence."""
    words = text.lower().split()
    times = _TIMES.fullmatch(words[-1]) if words else None
    start, end = _span(times, text) if times else (0, _DAY)
    days = words[:-1] if times else words
    if not words or len(days) > 2:
        raise ValueError(f"{text[:60]!r} is no window; {_FORM}")
    if not days:
        return Window(start=start, end=end)
    if days[0] == "day" and len(days) == 2:
        return Window(dates=_numbers(days[1], text), start=start, end=end)
    if len(days) == 1:
        return Window(weekdays=_weekdays(days[0], text), start=start, end=end)
    raise ValueError(f"{text[:60]!r} is no window; {_FORM}")


def _span(match: re.Match[str], text: str) -> tuple[int, int]:
    hours, minutes = (int(match[1]), int(match[3])), (int(match[2]), int(match[4]))
    start, end = hours[0] * 60 + minutes[0], hours[1] * 60 + minutes[1]
    if max(minutes) > 59 or start >= _DAY or end > _DAY:
        raise ValueError(f"{text[:60]!r} has a time that no clock shows; {_FORM}")
    if start == end:
        raise ValueError(f"{text[:60]!r} begins and ends at once; leave the time out for the whole day")
    if (end - start) % _DAY < _SHORTEST and (start, end) != (0, _DAY):
        raise ValueError(f"{text[:60]!r} is shorter than an hour, and we look once an hour; make it longer")
    return start, end


def _weekdays(word: str, text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in word.split(","):
        first, dash, last = part.partition("-")
        if first not in _DAYS or (dash and last not in _DAYS):
            raise ValueError(f"{text[:60]!r} is no window; {_FORM}")
        begin, length = _DAYS.index(first), (_DAYS.index(last or first) - _DAYS.index(first)) % 7
        found.update((begin + step) % 7 for step in range(length + 1))
    return frozenset(found)


def _numbers(word: str, text: str) -> frozenset[int]:
    parts = word.split(",")
    if not all(part.isascii() and part.isdigit() and 1 <= int(part[:3]) <= 31 for part in parts):
        raise ValueError(f"{text[:60]!r} has a day that no month has; {_FORM}")
    return frozenset(map(int, parts))


def parse_zone(name: str) -> ZoneInfo:
    """The time zone of an IANA name (`Europe/Prague`). Raises ValueError with a sentence."""
    try:
        if len(name) <= _LONGEST_ZONE:  # it becomes a path, and a package for each part
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise ValueError(f"{name[:60]!r} is no time zone; write one as in Europe/Prague or UTC")


def parse_duration(text: str) -> timedelta:
    """`90m`, `12h`, `3d` or `2w`. Raises ValueError with a sentence."""
    match = _DURATION.fullmatch(text.strip().lower())
    if match is None:
        raise ValueError(f"{text[:60]!r} is no length of time; write it as in 12h, 3d or 2w")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def is_open(windows: Iterable[Window], zone: ZoneInfo, now: datetime) -> bool:
    """Whether one of the windows is open at `now` (aware); always, when there is none."""
    local = now.astimezone(zone)
    windows = tuple(windows)
    return not windows or any(one.holds(local) for one in windows)


def next_opening(windows: Iterable[Window], zone: ZoneInfo, now: datetime) -> datetime | None:
    """When the next window opens after `now`, in UTC; None when there is no window, or none in two months."""
    today = now.astimezone(zone).date()
    openings = []
    for one in windows:
        for ahead in range(_HORIZON + 1):
            day = today + timedelta(days=ahead)
            if not one.opens_on(day):
                continue
            opening = datetime.combine(day, time(one.start // 60, one.start % 60), zone).astimezone(UTC)
            if opening > now:
                openings.append(opening)
                break
    return min(openings, default=None)
