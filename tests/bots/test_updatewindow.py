"""Windows of a schedule in their time zone."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sig_bots.updatewindow import is_open, next_opening, parse_duration, parse_window, parse_zone

PRAGUE = ZoneInfo("Europe/Prague")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PRAGUE)


@pytest.mark.parametrize(
    ("window", "inside", "outside"),
    [
        ("mon-fri 08:00-17:00", ["2026-11-23T08:00", "2026-11-27T16:59"], ["2026-11-23T07:59", "2026-11-28T12:00", "2026-11-23T17:00"]),
        ("sat,sun", ["2026-11-28T00:00", "2026-11-29T23:59"], ["2026-11-30T00:00"]),
        ("22:00-06:00", ["2026-11-23T22:00", "2026-11-24T05:59"], ["2026-11-24T06:00", "2026-11-24T21:59"]),
        ("fri 22:00-06:00", ["2026-11-27T23:00", "2026-11-28T05:00"], ["2026-11-28T23:00", "2026-11-27T05:00"]),
        ("day 1", ["2026-12-01T09:00"], ["2026-12-02T00:00"]),
        ("day 1,15 08:00-10:00", ["2026-12-15T09:00"], ["2026-12-15T11:00", "2026-12-14T09:00"]),
        ("sat-mon", ["2026-11-28T12:00", "2026-11-30T12:00"], ["2026-12-01T12:00"]),
        ("00:00-24:00", ["2026-11-28T00:00", "2026-11-30T23:59"], []),
    ],
)  # fmt: skip
def test_a_window_is_open_when_it_says(window: str, inside: list[str], outside: list[str]) -> None:
    windows = [parse_window(window)]
    assert [one for one in inside if not is_open(windows, PRAGUE, at(one))] == []
    assert [one for one in outside if is_open(windows, PRAGUE, at(one))] == []


def test_the_zone_decides_and_summer_time_counts() -> None:
    windows = [parse_window("08:00-09:00")]
    assert is_open(windows, PRAGUE, datetime(2026, 7, 1, 6, 30, tzinfo=UTC))
    assert is_open(windows, PRAGUE, datetime(2026, 12, 1, 7, 30, tzinfo=UTC))
    assert not is_open(windows, PRAGUE, datetime(2026, 12, 1, 6, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    "name", ["Europe/Brno", "Europe", "", "../UTC", "a." * 2000, "a/" * 2000 + "a", "\0", "é" * 60]
)
def test_what_is_no_zone_is_one_short_sentence(name: str) -> None:
    with pytest.raises(ValueError, match=r"^.{0,300} is no time zone; write one as in Europe/Prague or UTC$"):
        parse_zone(name)


def test_no_window_means_always() -> None:
    assert is_open([], PRAGUE, at("2026-11-23T03:00"))
    assert next_opening([], PRAGUE, at("2026-11-23T03:00")) is None


def test_the_next_opening_is_told_in_utc() -> None:
    windows = [parse_window("mon-fri 08:00-17:00")]
    assert next_opening(windows, PRAGUE, at("2026-11-27T18:00")) == datetime(2026, 11, 30, 7, 0, tzinfo=UTC)


@given(
    st.sampled_from(["mon 08:00-17:00", "22:00-06:00", "day 31", "sat,sun", "day 29 10:00-12:00"]),
    st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)),
    st.sampled_from(["UTC", "Europe/Prague", "America/New_York", "Asia/Kathmandu"]),
)
def test_a_window_is_open_at_its_next_opening(window: str, moment: datetime, zone: str) -> None:
    windows, place, now = [parse_window(window)], parse_zone(zone), moment.replace(tzinfo=UTC)
    opening = next_opening(windows, place, now)
    assert opening is not None
    assert now < opening <= now + timedelta(days=63)
    assert is_open(windows, place, opening)


@given(st.text(max_size=30))
def test_any_text_is_a_window_or_one_sentence(text: str) -> None:
    with suppress(ValueError):
        assert parse_window(text).end <= 24 * 60


def test_lengths_of_time() -> None:
    assert parse_duration("3d") == timedelta(days=3)
    assert parse_duration("2w") == timedelta(weeks=2)
    with pytest.raises(ValueError, match="no length of time"):
        parse_duration("soon")
