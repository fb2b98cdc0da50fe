"""The pages in a real browser: legible, usable without a mouse or eyes (axe-core), and alive."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import axe_core_python  # type: ignore[import-untyped]
import pytest

from sig_bots.jobstate import JobState
from sig_workers.store.store import Store
from tests.servers.chromium import Chromium
from tests.webhooks.conftest import migrated
from tests.webhooks.exhibits import Exhibits, shown
from tests.webhooks.web import Web

pytestmark = pytest.mark.server
AXE = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text()
RULES = '{runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}'


@dataclass(frozen=True)
class Looking:
    browser: Chromium
    web: Web
    exhibits: Exhibits
    addresses: list[str]

    def open(self, address: str, **form: Any) -> None:
        self.browser.open(self.web.url + address, **form)


@pytest.fixture(scope="module")
def looking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Looking]:
    folder = tmp_path_factory.mktemp("pages")
    browser = Chromium(tmp_path_factory.mktemp("browser"))
    browser.start()
    web = Web(folder, store=migrated(f"sqlite:///{folder / 'sigbot.db'}"))
    try:
        with closing(Store.open(web.store_url)) as store:
            exhibits = Exhibits(store, folder)
            yield Looking(browser, web.start(), exhibits, [*shown(exhibits), "/nowhere"])
    finally:
        web.stop()
        browser.stop()


@pytest.mark.parametrize(("width", "dark"), [(390, False), (390, True), (1200, False), (1200, True)])
def test_every_page_is_accessible_and_fits_its_window(looking: Looking, width: int, dark: bool) -> None:
    for address in looking.addresses:
        looking.open(address, width=width, dark=dark)
        looking.browser.run("document.querySelectorAll('details').forEach(one => one.open = true)")
        looking.browser.run(AXE)
        found = looking.browser.run(f"axe.run(document, {RULES})")
        told = [(one["id"], one["help"], [node["html"] for node in one["nodes"]]) for one in found["violations"]]
        assert told == [], address
        assert len(found["passes"]) > 15
        assert looking.browser.run("document.documentElement.scrollWidth <= innerWidth"), address


def test_a_log_grows_without_loading_the_page_again(looking: Looking) -> None:
    _, job = looking.exhibits.planned(looking.exhibits.repository("sig/live", private=False))
    row = looking.exhibits.run(job, ["the first line"])
    looking.open(f"/jobs/{job}")
    looking.browser.run("window.same = true")
    looking.exhibits.store.log(job, row.attempt, ["<b>a later line</b>"])
    looking.browser.wait("document.getElementById('log').textContent.includes('<b>a later line</b>')")
    assert looking.browser.run(
        "window.same && document.getElementById('log').textContent.split('the first line').length === 2"
    )
    looking.exhibits.store.finish(job, row.attempt, JobState.DONE, "All is well")
    looking.browser.wait(
        "document.getElementById('reason')?.textContent === 'All is well' && document.readyState === 'complete'"
    )
    assert looking.browser.run("document.querySelector('#state').textContent") == "done"
    assert looking.browser.run("document.scripts.length") == 0


def test_without_javascript_the_page_loads_itself_again(looking: Looking) -> None:
    _, job = looking.exhibits.planned(looking.exhibits.repository("sig/live", private=False))
    row = looking.exhibits.run(job, ["the first line"])
    looking.open(f"/jobs/{job}", javascript=False)
    looking.exhibits.store.log(job, row.attempt, ["a later line"])
    looking.browser.wait("document.getElementById('log')?.textContent.includes('a later line')")
    looking.exhibits.store.finish(job, row.attempt, JobState.DONE, "All is well")
    looking.browser.wait("document.getElementById('reason')?.textContent === 'All is well'")


def test_all_can_be_reached_with_the_keyboard(looking: Looking) -> None:
    looking.open("/")
    reached = []
    for _ in range(6):
        for kind in ("keyDown", "keyUp"):
            looking.browser.ask("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        reached.append(looking.browser.run("document.activeElement.textContent.trim()"))
        visible = "getComputedStyle(document.activeElement).outlineStyle !== 'none' && document.activeElement.getBoundingClientRect().left >= 0"
        assert looking.browser.run(visible), reached
    assert reached[:4] == ["Skip to the content", "sigbot", "Activity", "Local forge"]
