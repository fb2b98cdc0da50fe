"""When the other tools work, as windows of ours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sig_bots.migration.schedules import Windows, cron, dependabot, later


@pytest.mark.parametrize(
    ("text", "windows"),
    [
        ("at any time", ()),
        ("every weekend", ("sat,sun",)),
        ("before 5am on monday", ("mon 00:00-05:00",)),
        ("after 10pm every weekday", ("mon-fri 22:00-24:00",)),
        ("after 10pm and before 5:00am", ("22:00-05:00",)),
        ("after 10pm and before 5am every weekday", ("mon-fri 00:00-05:00", "mon-fri 22:00-24:00")),
        ("after 6am and before 10am on Monday, Wednesday, Friday", ("mon,wed,fri 06:00-10:00",)),
        ("before 4am on the first day of the month", ("day 1 00:00-04:00",)),
        ("on the 15th day of the month", ("day 15",)),
        ("after 12pm on saturdays", ("sat 12:00-24:00",)),
        ("before 17:30 every day", ("00:00-17:30",)),
    ],
)
def test_words(text: str, windows: tuple[str, ...]) -> None:
    assert later(text) == Windows(windows)


@pytest.mark.parametrize(
    "text",
    ["", "soon", "every 2 weeks on friday", "every 3 months on the first day of the month", "after 25:00", "after 13pm",
     "after 10pm and before 10:30pm", "on the 40th day of the month"],
)  # fmt: skip
def test_words_that_are_not_understood_are_not_guessed(text: str) -> None:
    assert later(text) is None


@pytest.mark.parametrize(
    ("text", "windows"),
    [
        ("* * * * *", ()),
        ("* 0-4 * * 1", ("mon 00:00-05:00",)),
        ("* 0-4,22-23 * * *", ("22:00-05:00",)),
        ("* 0-4,22-23 * * 1-5", ("mon-fri 00:00-05:00", "mon-fri 22:00-24:00")),
        ("* * * * 0,6", ("sat,sun",)),
        ("* * * * SAT-SUN", ("sat,sun",)),
        ("* * * * 5-7", ("fri-sun",)),
        ("* */6 * * 3", ("wed 00:00-01:00", "wed 06:00-07:00", "wed 12:00-13:00", "wed 18:00-19:00")),
        ("* 0-3 1,15 * *", ("day 1,15 00:00-04:00",)),
    ],
)
def test_cron_is_the_hours_in_which_renovate_works(text: str, windows: tuple[str, ...]) -> None:
    assert cron(text) == Windows(windows)


def test_days_of_the_month_that_are_also_weekdays_are_told_and_not_widened_to_both() -> None:
    week = "the days of the month are left out, so it is each of these days of the week"
    month = "the days of the week are left out, so it is each of these days of the month"
    assert cron("* 0-3 1-7 * 1") == Windows(("mon 00:00-04:00",), week)
    assert cron("* * 1 * 1-5") == Windows(("day 1",), month)
    assert cron("* * 1-31 * 1") == Windows(("mon",))
    assert cron("* * 1 * 0-6") == Windows(("day 1",))


def test_dependabot_works_on_either_of_the_days_of_month_and_week() -> None:
    assert dependabot("cron", cronjob="0 9 1 * 1") == Windows(("day 1 09:00-15:00", "mon 09:00-15:00"))


def test_months_are_left_out_and_told() -> None:
    assert cron("* * 1 */3 *") == Windows(("day 1",), "the months are left out, so it is every month")


@pytest.mark.parametrize(
    "text", ["", "* * *", "*/5 * * * *", "* 24 * * *", "* * * * MOO", "* 5-3 * * *", "* */0 * * *"]
)
def test_cron_that_cannot_be_read(text: str) -> None:
    assert cron(text) is None


def test_dependabot_has_six_hours_from_its_time_on_of_the_same_day() -> None:
    assert dependabot("daily") == Windows(("mon-fri",))
    assert dependabot("weekly", "tuesday", "05:00") == Windows(("tue 05:00-11:00",))
    assert dependabot("weekly", "sunday", "22:30") == Windows(("sun 18:00-24:00",))
    assert dependabot("cron", cronjob="30 9 * * 1") == Windows(("mon 09:30-15:30",))
    assert dependabot("yearly") == Windows(("day 1",), "yearly became the first day of each month")
    assert dependabot("weekly", "someday") is None
    assert dependabot("weekly", "monday", "9 o'clock") is None


@given(st.text(alphabet="0123456789*/,-?LMONSUjan \t", max_size=30), st.booleans())
def test_no_field_of_cron_breaks_the_reader(text: str, moment: bool) -> None:
    found = cron(text, moment=moment)
    assert found is None or all(found.windows)
