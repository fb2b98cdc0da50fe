"""Schedules of Renovate (words and cron) and Dependabot as the windows of `update.schedule`.

A window is `[DAYS] [HH:MM-HH:MM]`: days as in `mon-fri` or `sat,sun`, or `day 1,15` of the month; an hour at least.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

__all__ = ["Windows", "cron", "dependabot", "later"]

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NUMBERED = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_END = 24 * 60
_RUN = 6 * 60
"""Minutes a window is open that begins at a moment: short enough to mean the moment, long enough to be met."""
_SHORTEST = 60
"""Minutes; the update bot refuses shorter windows."""
_TIME = r"(\d{1,2})(?::(\d{2}))?(?: ?(am|pm))?"
_AFTER, _BEFORE = re.compile(rf"\bafter {_TIME}\b"), re.compile(rf"\bbefore {_TIME}\b")
_OF_MONTH = re.compile(r"\b(?:on )?the (first|\d{1,2}(?:st|nd|rd|th)) day of (?:the|each|every) month\b|\b(?:every month on|on) the (first|\d{1,2}(?:st|nd|rd|th))(?: day)?\b")  # fmt: skip
_WORD = re.compile(r"\b(?:every |on )?(weekdays?|weekends?|mon(?:day)?s?|tue(?:s|sday)?s?|wed(?:nesday)?s?|thu(?:rs|r|rsday)?s?|fri(?:day)?s?|sat(?:urday)?s?|sun(?:day)?s?)\b")  # fmt: skip
_FILLER = re.compile(r"\b(?:and|on|every day|of the week|of every month|of the month|every month)\b|,")


class Windows(NamedTuple):
    """What a schedule became."""

    windows: tuple[str, ...]
    """Empty: at any time."""
    narrower: str = ""
    """What the windows leave out, as a sentence without its end; empty when they are the same."""


def later(text: str) -> Windows | None:
    """Renovate's words, as in `after 10pm and before 5am every weekday`; None when they are not understood."""
    rest = " ".join(text.lower().split())
    if rest in ("at any time", "anytime", "any time"):
        return Windows(())
    after, rest = _taken(_AFTER, rest)
    before, rest = _taken(_BEFORE, rest)
    of_month = [int(re.sub(r"\D", "", one[0] or one[1]) or 1) for one in _OF_MONTH.findall(rest)]
    rest = _OF_MONTH.sub(" ", rest)
    days = {day for word in _WORD.findall(rest) for day in _named(word)}
    rest = _FILLER.sub(" ", _WORD.sub(" ", rest))
    if (
        rest.strip()
        or len(after) > 1
        or len(before) > 1
        or None in (*after, *before)
        or not all(map(_is_day, of_month))
    ):
        return None
    if not (after or before or of_month or days) and "every day" not in text.lower():
        return None
    if of_month and days:
        return None
    times = _times(*(after or [None]), *(before or [None]))
    if any((end - start) % _END < _SHORTEST and (start, end) != (0, _END) for start, end in times):
        return None
    return Windows(_windows(days, of_month, times))


def cron(text: str, *, moment: bool = False) -> Windows | None:
    """Five fields of cron (crontab(5)). Renovate reads them as the hours in which it may work, so its minute is `*`;
    `moment` (Dependabot) as a point in time, after which there is a window of six hours. None: not understood.

    With days of the month and of the week, crontab(5) means either; Renovate means days that are both, which no window
    can say: it becomes the fewer days of the two, and that is told.
    """
    fields = text.split()
    if len(fields) != 5:
        return None
    hours = _field(fields[1], 0, 23)
    of_month = _field(fields[2], 1, 31)
    months = _field(
        fields[3].upper(),
        1,
        12,
        ("", *["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]),
    )
    days = _field(fields[4].upper(), 0, 7, tuple(day.upper() for day in _NUMBERED))
    minutes = _field(fields[0], 0, 59)
    if None in (hours, of_month, months, days, minutes) or not (hours and of_month and months and days and minutes):
        return None
    if not moment and fields[0] != "*":
        return None
    if moment:
        # A point in time: with every hour there is nothing to wait for.
        starts = [hour * 60 + min(minutes) for hour in sorted(hours)] if len(hours) < 24 else []
        times = [_opened(start) for start in starts]
    else:
        times = _hour_runs(hours) if len(hours) < 24 else []
    named = {_NUMBERED[day % 7] for day in days}
    by_month = sorted(of_month) if len(of_month) < 31 else []
    told = [] if len(months) == 12 else ["the months are left out, so it is every month"]
    if not moment and by_month and len(named) < 7:
        by_month, named, narrower = _fewer(by_month, named)
        told.append(narrower)
    windows: tuple[str, ...] = ()
    if by_month:
        windows = _windows((), by_month, times)
    if not by_month or len(named) < 7:
        windows += _windows(named, (), times)
    return Windows(tuple(dict.fromkeys(windows)), "; ".join(told))


def _fewer(by_month: list[int], named: set[str]) -> tuple[list[int], set[str], str]:
    """Days of the month or of the week, of which there are fewer in a year; the others are all. And what that leaves out."""
    if len(by_month) * 12 < len(named) * 52:
        return by_month, set(_DAYS), "the days of the week are left out, so it is each of these days of the month"
    return [], named, "the days of the month are left out, so it is each of these days of the week"


def dependabot(interval: str, day: str = "", time: str = "", cronjob: str = "") -> Windows | None:
    """Dependabot's `schedule`: a window of six hours after `time`, or the whole day without it. None: not understood."""
    if interval == "cron":
        return cron(cronjob, moment=True)
    times: list[tuple[int, int]] = []
    if time:
        match = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", time, re.ASCII)
        if match is None:
            return None
        times = [_opened(int(match[1]) * 60 + int(match[2]))]
    if interval == "daily":
        return Windows(_windows(_DAYS[:5], (), times))
    if interval == "weekly":
        name = (day or "monday").lower()[:3]
        return Windows(_windows([name], (), times)) if name in _DAYS else None
    if interval in ("monthly", "quarterly", "semiannually", "yearly"):
        narrower = "" if interval == "monthly" else f"{interval} became the first day of each month"
        return Windows(_windows((), [1], times), narrower)
    return None


def _opened(start: int) -> tuple[int, int]:
    """The window after a moment, on the same day: late in the evening it begins earlier rather than being too short."""
    start = min(start, _END - _RUN)
    return start, start + _RUN


def _taken(pattern: re.Pattern[str], text: str) -> tuple[list[int | None], str]:
    """The times after a word, in minutes (None: no such time), and the text without them."""
    found: list[int | None] = []
    for match in pattern.finditer(text):
        hour, minute, half = int(match[1]), int(match[2] or 0), match[3]
        if half and 1 <= hour <= 12:
            hour = hour % 12 + (12 if half == "pm" else 0)
        elif half:
            hour = 99
        found.append(hour * 60 + minute if hour < 24 and minute < 60 else None)
    return found, pattern.sub(" ", text)


def _times(after: int | None, before: int | None) -> list[tuple[int, int]]:
    if after is None and before is None:
        return []
    return [(after or 0, before if before is not None else _END)]


def _named(word: str) -> Sequence[str]:
    if word.startswith("weekday"):
        return _DAYS[:5]
    return _DAYS[5:] if word.startswith("weekend") else (word[:3],)


def _is_day(number: int) -> bool:
    return 1 <= number <= 31


def _field(text: str, low: int, high: int, names: Sequence[str] = ()) -> set[int] | None:
    """The numbers a field of cron stands for; None when it cannot be read."""
    found: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(
            r"(\*|\?|[0-9]{1,2}|[A-Z]{3})(?:-([0-9]{1,2}|[A-Z]{3}))?(?:/([0-9]{1,2}))?", part, re.ASCII
        )
        if match is None:
            return None
        first, last, step = match.groups()
        try:
            start = low if first in "*?" else names.index(first) if first.isalpha() else int(first)
            end = names.index(last) if last and last.isalpha() else int(last) if last else None
        except ValueError:
            return None
        if end is None:
            end = high if first in "*?" or step else start
        if not (low <= start <= high and low <= end <= high) or step == "0" or (step and not int(step)):
            return None
        if end < start:  # SAT-SUN and the like: over the end of the week
            if not names or high != 7:
                return None
            end += 7
        found.update(value if value <= high else value - 7 for value in range(start, end + 1, int(step or 1)))
    return found


def _hour_runs(hours: Iterable[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for hour in sorted(hours):
        if runs and runs[-1][1] == hour * 60:
            runs[-1] = (runs[-1][0], (hour + 1) * 60)
        else:
            runs.append((hour * 60, (hour + 1) * 60))
    return runs


def _windows(days: Iterable[str], of_month: Sequence[int], times: Sequence[tuple[int, int]]) -> tuple[str, ...]:
    """The windows of these days (of the week or of the month; none: every day) and times (none: the whole day)."""
    named = _day_names(set(days))
    head = f"day {','.join(map(str, sorted(set(of_month))))}" if of_month else named
    if not times:
        return (head,) if head else ()
    return tuple(f"{head} {span}".strip() for span in _spans(times, joined=not head))


def _spans(times: Sequence[tuple[int, int]], *, joined: bool) -> list[str]:
    """Times as text. Over midnight is one window when every day is the same (`joined`); else each day keeps its own
    two ends, since both tools mean the day on which they run."""
    spans = list(times)
    if joined and len(spans) > 1 and spans[0][0] == 0 and spans[-1][1] == _END:
        spans = [*spans[1:-1], (spans[-1][0], spans[0][1])]
    if not joined:
        spans = [part for start, end in spans for part in ([(0, end), (start, _END)] if end <= start else [(start, end)]) if part[0] < part[1]]  # fmt: skip
    return [f"{_clock(start)}-{_clock(end)}" for start, end in spans]


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _day_names(days: set[str]) -> str:
    """`mon-fri`, `sat,sun`; empty for every day."""
    places = [index for index, day in enumerate(_DAYS) if day in days]
    if len(places) in (0, 7):
        return ""
    runs: list[list[int]] = []
    for place in places:
        if runs and runs[-1][-1] == place - 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    return ",".join(
        f"{_DAYS[run[0]]}-{_DAYS[run[-1]]}" if len(run) > 2 else ",".join(_DAYS[place] for place in run) for run in runs
    )
