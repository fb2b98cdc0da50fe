"""Anitya's client: how often it asks, and what it makes of answers that are none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from sig_bots.errors import ForgeError, Transient
from sig_workers.anitya import AnityaClient
from sig_workers.registries.answers import StoredAnswers
from sig_workers.settings import SettingsError, load_settings
from sig_workers.store.store import Store
from tests.standins.anitya.server import Monitor, open_monitor


@pytest.fixture
def monitor() -> Iterator[Monitor]:
    with open_monitor() as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path / 'store.db'}")
    opened.migrate()
    yield opened
    opened.close()


def client(monitor: Monitor, store: Store | None = None, age: timedelta = timedelta(hours=1)) -> AnityaClient:
    """As another process would make it."""
    cache = StoredAnswers(store, age) if store else None
    return AnityaClient(monitor.url, private_network=True, timeout=5, cache=cache)


def test_inside_the_lifetime_nothing_is_asked_by_any_process(monitor: Monitor, store: Store) -> None:
    monitor.add("nodejs", ["22.1.0"])
    first = client(monitor, store).project("nodejs")
    monitor.release(1, "22.2.0")
    assert client(monitor, store).project("NodeJS") == first
    assert len(monitor.asked) == 1
    assert client(monitor, store, timedelta(0)).project("nodejs").stable == ("22.2.0", "22.1.0")


def test_that_there_is_no_such_project_is_remembered_too(monitor: Monitor, store: Store) -> None:
    for _ in range(2):
        with pytest.raises(ForgeError, match="knows no project"):
            client(monitor, store).project("nothing")
    assert len(monitor.asked) == 1


def test_a_number_is_enough_where_the_first_api_is_gone(monitor: Monitor) -> None:
    monitor.add("nodejs", ["22.1.0"])
    monitor.first_api = False
    found = client(monitor).project("1")
    assert (found.name, found.homepage, found.stable) == ("project 1", "", ("22.1.0",))
    assert found.page == f"{monitor.url}/project/1/"


def test_stable_versions_are_told_with_upstreams_prefix_and_all_versions_without(monitor: Monitor) -> None:
    """Anitya's models take `version_prefix` off `versions` alone."""
    monitor.add("tool", ["release-2.0", "release-1.0"], prefix="release-")
    found = client(monitor).project("tool")
    assert found.versions == ("2.0", "1.0")
    assert found.stable == ("release-2.0", "release-1.0")


def test_a_request_to_wait_is_obeyed_without_another_request(monitor: Monitor) -> None:
    monitor.trouble = (429, {"Retry-After": "30"}, b"")
    asking = client(monitor)
    for _ in range(2):
        with pytest.raises(Transient) as caught:
            asking.project("nodejs")
        assert caught.value.retry_after is not None
        assert timedelta(seconds=25) < caught.value.retry_after <= timedelta(seconds=30)
        assert caught.value.host == monitor.url.removeprefix("http://")
    assert len(monitor.asked) == 1


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (500, b"", Transient),
        (200, b"<html>Making sure you're not a bot</html>", ForgeError),
        (200, b"[1]", ForgeError),
        (200, b'{"items": [{"id": 1, "name": "x", "versions": null}]}', ForgeError),
        (200, b'{"items": [{"id": null, "versions": [], "stable_versions": []}]}', ForgeError),
        (200, b'{"items": ["x"]}', ForgeError),
        (200, b"[" * 100_000, ForgeError),
        (200, b" " * (9 << 20), ForgeError),
        (403, b"", ForgeError),
        (302, b"", ForgeError),
    ],
)
def test_an_answer_that_is_none_is_told_in_one_sentence(
    monitor: Monitor, status: int, body: bytes, kind: type[Exception]
) -> None:
    monitor.trouble = (status, {"Location": "http://127.0.0.1:1/"}, body)
    with pytest.raises(kind) as caught:
        client(monitor).project("nodejs")
    assert str(caught.value).startswith("The release monitor")
    assert len(str(caught.value)) < 150
    assert len(monitor.asked) == 1


def test_a_name_cannot_become_part_of_the_address(monitor: Monitor) -> None:
    monitor.add("a&ecosystem=x/../../b c", ["1.0"])
    assert client(monitor).project("a&ecosystem=x/../../b c").stable == ("1.0",)


def test_it_is_not_asked_inside_our_network_unless_that_is_allowed(monitor: Monitor) -> None:
    with pytest.raises(ForgeError, match=r"not a public address.*below `\[anitya\]`"):
        AnityaClient(monitor.url, timeout=5).project("nodejs")
    assert monitor.asked == []


def test_one_that_does_not_run_is_said_to_be_unreachable() -> None:
    with pytest.raises(Transient, match=r"127\.0\.0\.1:1 is not reachable \(connection refused\)"):
        AnityaClient("http://127.0.0.1:1", private_network=True, timeout=5).project("nodejs")


def test_plain_http_has_to_be_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGBOT_CONFIG", "")  # taken back after the test
    file = tmp_path / "sigbot.toml"
    file.write_text('[anitya]\nurl = "http://monitor.example"\n')
    with pytest.raises(SettingsError, match="anitya: url is plain http"):
        load_settings(file)
    file.write_text('[anitya]\nurl = "http://monitor.example/"\nallow_http = true\n')
    assert load_settings(file).anitya.url == "http://monitor.example"
