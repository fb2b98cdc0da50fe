"""The bots' clock can be moved in a rehearsal, and nowhere else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sig_bots import Bot, Context, Push
from sig_workers import clock
from sig_workers.settings import Instance, Settings
from tests.workers.conftest import Build

AWAY = timedelta(days=400)
bot = Bot("watch")


@bot.on(Push)
def tell(ctx: Context, event: Push) -> None:
    """Say what time it is."""
    ctx.log(f"it is {ctx.now.isoformat()}")


def test_the_file_moves_the_clock_of_the_next_run(build: Build, tmp_path: Path) -> None:
    house = build(bot, clock_file=tmp_path / "clock")
    (tmp_path / "clock").write_text(f"{AWAY.total_seconds()}\n")
    house.push({"a": "1"})
    house.run()
    told = datetime.fromisoformat(house.log(house.jobs("watch")[-1].id).removeprefix("it is "))
    assert abs(told - datetime.now(UTC) - AWAY) < timedelta(minutes=5)


@pytest.mark.parametrize("text", [None, "", "tomorrow", "1e400", "inf", "nan"])
def test_a_file_without_a_number_moves_nothing(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "clock").write_text(text)
    assert abs(clock.now(tmp_path / "clock") - datetime.now(UTC)) < timedelta(minutes=5)


@pytest.mark.parametrize(
    "url", ["https://github.com", "http://127.0.0.1.example:80", "http://10.0.0.1", "http://127.1"]
)
def test_with_an_instance_elsewhere_the_clock_is_not_for_moving(tmp_path: Path, url: str) -> None:
    far = Instance(name="forge", kind="github", url=url, allow_http=True)
    with pytest.raises(ValueError, match="instance forge is elsewhere"):
        Settings(clock_file=tmp_path / "clock", instance=(far,))


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:80"])
def test_on_this_machine_it_is(tmp_path: Path, url: str) -> None:
    near = Instance(name="forge", kind="github", url=url, allow_http=True)
    assert Settings(clock_file=tmp_path / "clock", instance=(near,)).clock_file == tmp_path / "clock"
