"""When the update bot proposes: schedule, cooldown and limits, with the clock in the test's hand."""

from datetime import UTC, datetime, timedelta

import pytest

from sig_bots.fakes.registry import FakeImage
from sig_bots.forge import Permission
from sig_bots.testing import SigHarness
from tests.bots.plugins.test_update_pulls import BASE, close, look, world

SUNDAY = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
WEEK = "{schedule: [mon-fri 08:00-17:00], timezone: Europe/Prague}"


def at(sig: SigHarness, moment: datetime) -> SigHarness:
    sig.clock = lambda: moment
    return sig


def titles(sig: SigHarness) -> list[str]:
    return [one.title for one in look(sig)]


def one_base(update: str, *tags: str) -> SigHarness:
    return at(world(f"FROM {BASE}:1.0\n", *(f"{BASE}:{tag}" for tag in ("1.0", *tags)), update=update), SUNDAY)


def several(update: str) -> SigHarness:
    """Three images of three places, each with something newer."""
    names = [f"{letter}.example/x" for letter in "abc"]
    recipe = "".join(f"FROM {name}:1\n" for name in names)
    return at(world(recipe, *(f"{name}:{tag}" for name in names for tag in "12"), update=update), SUNDAY)


def test_outside_the_schedule_nothing_is_opened_and_the_log_says_until_when() -> None:
    sig = one_base(WEEK, "1.1")
    assert titles(sig) == []
    assert any("waits for the schedule, until 2026-11-23 07:00 UTC" in line for line in sig.log)
    at(sig, SUNDAY + timedelta(days=1)).tick("update", "hourly")
    assert [one.title for one in sig.forge().find_prs("sigbot/update/")] == [f"Update {BASE} to 1.1"]


def test_outside_the_schedule_an_open_one_is_neither_refreshed_nor_closed() -> None:
    sig = at(one_base(WEEK, "1.1"), SUNDAY + timedelta(days=1))
    before = look(sig)
    sig.registry.publish(f"{BASE}:1.2", {"motd": b"1.2"})
    assert look(at(sig, SUNDAY)) == before
    assert titles(at(sig, SUNDAY + timedelta(days=1))) == [f"Update {BASE} to 1.2"]


def test_outside_the_schedule_what_is_not_needed_any_more_is_closed() -> None:
    sig = at(one_base(WEEK, "1.1"), SUNDAY + timedelta(days=1))
    look(sig)
    at(sig, SUNDAY).push({"Containerfile": f"FROM {BASE}:1.1\n"})
    assert sig.forge().find_prs("sigbot/update/") == []


def test_a_person_who_asks_need_not_wait_for_the_schedule() -> None:
    sig = one_base(WEEK, "1.1")
    number = sig.open_pr({"README.md": "hello"})
    sig.comment("/sig update", on=number)
    assert sig.replies() == [f"- #{number + 1}: Update {BASE} to 1.1"]


def dated(sig: SigHarness, tag: str, created: datetime) -> None:
    sig.registry.push(f"{BASE}:{tag}", [FakeImage({"motd": tag.encode()}, {}, created=created)])


def test_a_version_waits_for_its_cooldown_and_an_older_one_goes_first() -> None:
    sig = one_base("{cooldown: 3d}")
    dated(sig, "1.1", SUNDAY - timedelta(days=10))
    dated(sig, "1.2", SUNDAY - timedelta(days=1))
    assert titles(sig) == [f"Update {BASE} to 1.1"]
    assert any(
        "1.2 was made on 2026-11-21 and waits until 2026-11-24 12:00 UTC (cooldown 3d)" in line for line in sig.log
    )
    (one,) = sig.forge().find_prs("sigbot/update/")
    assert "ignored" not in one.body
    assert "; 1.2 was made on 2026-11-21 and waits until 2026-11-24 12:00 UTC (cooldown 3d)." in one.body
    assert titles(at(sig, SUNDAY + timedelta(days=2))) == [f"Update {BASE} to 1.2"]


def test_an_image_without_a_date_does_not_wait_for_ever() -> None:
    """A reproducible build sets its date to 1970."""
    sig = one_base("{cooldown: 3d}")
    dated(sig, "1.1", datetime(1970, 1, 1, tzinfo=UTC))
    assert titles(sig) == [f"Update {BASE} to 1.1"]


def test_what_waits_for_its_cooldown_is_told_to_who_asks_and_comes_at_once_if_that_is_wanted() -> None:
    sig = one_base("{cooldown: 3d}")
    dated(sig, "1.1", SUNDAY)
    number = sig.open_pr({"README.md": "hello"})
    sig.comment("/sig update", on=number)
    assert "waits until 2026-11-25" in sig.replies()[0]
    sig.comment("/sig update --now", on=number)
    assert sig.replies() == [f"- #{number + 1}: Update {BASE} to 1.1"]


def test_no_more_than_so_many_are_open_at_a_time() -> None:
    sig = several("{limits: {open: 2}}")
    assert len(look(sig)) == 2
    assert any("the limit of 2 open pull requests is reached" in line for line in sig.log)
    sig.merge(look(sig)[0].number)
    assert len(look(sig)) == 2


def test_a_limit_does_not_keep_an_open_one_from_being_refreshed() -> None:
    sig = one_base("{limits: {open: 1, per_hour: 1}}", "1.1")
    look(sig)
    sig.registry.publish(f"{BASE}:1.2", {"motd": b"1.2"})
    assert titles(sig) == [f"Update {BASE} to 1.2"]


def test_no_more_than_so_many_are_opened_within_an_hour_whatever_became_of_them() -> None:
    sig = several("{limits: {per_hour: 1}}")
    (first,) = look(sig)
    close(sig, first.number)
    assert look(at(sig, SUNDAY + timedelta(minutes=59))) == []
    assert len(look(at(sig, SUNDAY + timedelta(minutes=60)))) == 1


@pytest.mark.parametrize("limit", ["open", "per_hour"])
def test_none_are_opened_when_the_limit_is_none(limit: str) -> None:
    sig = several(f"{{limits: {{{limit}: 0}}}}")
    assert look(sig) == []
    assert any("the limit of 0 " in line for line in sig.log)


@pytest.mark.parametrize(
    ("update", "reason"), [("{}", "nothing here waits for a time"), (WEEK, "outside the schedule")]
)
def test_the_hourly_look_costs_nothing_where_nothing_waits(update: str, reason: str) -> None:
    sig = one_base(update, "1.1")
    sig.grant("alice", Permission.WRITE)
    sig.registry.requests.clear()
    sig.tick("update", "hourly")
    assert sig.outcomes[-1][1].reason == reason
    assert sig.registry.requests == {}


def test_what_waits_for_a_limit_of_the_service_says_so_and_comes_at_the_hourly_look() -> None:
    sig = several("{}")
    sig.counts.open = 2
    assert len(look(sig)) == 2
    assert any("waits, because the service's limit of 2 open pull requests is reached" in line for line in sig.log)
    sig.counts.open = 3
    sig.tick("update", "hourly")
    assert len(sig.forge().find_prs("sigbot/update/")) == 3
