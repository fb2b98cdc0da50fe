"""What every implementation of `Advisories` does: the one of the fakes, OSV and Bodhi."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

import pytest

from sig_bots.advisories import Advisories, AdvisoryDifference, Severity
from sig_bots.fakes.advisories import FakeAdvisories
from sig_bots.packages import Distribution, Package, PackageKind, PackageList, parse_evr
from sig_bots.refs import ImageRef
from sig_workers.advisories.answers import MemoryAnswers
from sig_workers.advisories.factory import make_advisories
from sig_workers.instances import AdvisoryServices
from sig_workers.settings import Settings
from tests.standins.bodhi import BodhiStandIn
from tests.standins.json_server import Fault
from tests.standins.osv import OsvStandIn

OLD, NEW = ImageRef.parse("q.example/base:1"), ImageRef.parse("q.example/base:2")
NAMES = ("FEDORA-2026-aaaa000001", "FEDORA-2026-aaaa000002")


class Publisher(Protocol):
    """Puts an advisory where the implementation under test finds it."""

    def __call__(self, name: str, fixed: str, severity: Severity | None = None) -> None: ...


@dataclass
class House:
    """An implementation with its world."""

    advisories: Advisories
    publish: Publisher
    kind: PackageKind
    distribution: Distribution
    stop: object

    def list(self, version: str) -> PackageList:
        lib = parse_evr("openssl-libs", version).model_copy(update={"source": "openssl"})
        return PackageList.of(self.kind, [lib, Package(name="bash", version="5", release="1")], self.distribution)

    def between(self, old: str, new: str) -> AdvisoryDifference:
        return self.advisories.between(OLD, NEW, self.list(old), self.list(new))

    def break_down(self) -> None:
        if isinstance(self.stop, FakeAdvisories):
            self.stop.down = True
        elif isinstance(self.stop, OsvStandIn | BodhiStandIn):
            self.stop.fault = Fault(503)


WORDS: dict[Severity | None, str] = {None: "unspecified", "low": "low", "moderate": "medium", "important": "high", "critical": "urgent"}  # fmt: skip


@pytest.fixture(params=["fake", "osv", "bodhi"])
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    with ExitStack() as stack:
        if request.param == "fake":
            fake = FakeAdvisories()

            def publish(name: str, fixed: str, severity: Severity | None = None) -> None:
                fake.publish(name, "openssl", fixed, severity=severity)

            yield House(fake, publish, "rpm", Distribution(id="fedora", version="42"), fake)
            return
        osv, bodhi = stack.enter_context(OsvStandIn()), stack.enter_context(BodhiStandIn())
        uses_osv = request.param == "osv"
        services = AdvisoryServices(
            osv=osv.url if uses_osv else "", bodhi="" if uses_osv else bodhi.url, private_bases=True
        )
        client = make_advisories(Settings(advisories=services), MemoryAnswers())

        def publish_osv(name: str, fixed: str, severity: Severity | None = None) -> None:
            osv.publish(name, "openssl", fixed, database_specific={"severity": severity} if severity else {})

        def publish_bodhi(name: str, fixed: str, severity: Severity | None = None) -> None:
            bodhi.publish(name, f"openssl-{fixed}", severity=WORDS[severity])

        if uses_osv:
            yield House(client, publish_osv, "dpkg", Distribution(id="debian", version="12"), osv)
        else:
            yield House(client, publish_bodhi, "rpm", Distribution(id="fedora", version="42"), bodhi)


def test_an_advisory_is_fixed_by_the_version_that_fixes_it_and_by_newer_ones(house: House) -> None:
    house.publish(NAMES[0], "3.0.2-2", "important")
    for new in ("3.0.2-2", "3.0.3-1"):
        found = house.between("3.0.2-1", new)
        assert [(one.id, one.package, one.severity, one.fixed_in) for one in found.fixed] == [
            (NAMES[0], "openssl", "important", "3.0.2-2")
        ]
        assert (found.asked, found.brought, found.problem) == (True, (), "")


def test_neither_what_was_fixed_before_nor_what_is_not_fixed_yet_counts(house: House) -> None:
    house.publish(NAMES[0], "3.0.2-1")
    house.publish(NAMES[1], "3.0.9-1")
    assert house.between("3.0.2-1", "3.0.3-1") == AdvisoryDifference(asked=True)


def test_an_older_version_brings_what_was_fixed(house: House) -> None:
    house.publish(NAMES[0], "3.0.2-2")
    found = house.between("3.0.3-1", "3.0.2-1")
    assert ([one.id for one in found.brought], found.fixed) == ([NAMES[0]], ())


def test_the_worst_comes_first_and_what_nobody_rated_last(house: House) -> None:
    for name, severity in zip(("A", "B", "C", "D", "E"), WORDS, strict=True):
        house.publish(f"FEDORA-2026-aaaa00000{name.lower()}", "3.0.2-2", severity)
    found = house.between("3.0.2-1", "3.0.2-2")
    assert [one.severity for one in found.fixed] == ["critical", "important", "moderate", "low", None]


def test_equal_packages_have_no_difference(house: House) -> None:
    house.publish(NAMES[0], "3.0.2-2")
    found = house.between("3.0.2-1", "3.0.2-1")
    assert (found.fixed, found.brought, found.problem) == ((), (), "")


def test_a_service_that_does_not_answer_is_one_sentence(house: House) -> None:
    house.publish(NAMES[0], "3.0.2-2")
    house.break_down()
    found = house.between("3.0.2-1", "3.0.2-2")
    assert (found.fixed, found.brought) == ((), ())
    assert found.problem.startswith("The advisory service ")
    assert found.problem.endswith(".")
    assert "\n" not in found.problem


def test_an_image_that_does_not_say_what_it_is_has_no_advisories_and_no_problem(house: House) -> None:
    house.publish(NAMES[0], "3.0.2-2")
    if not isinstance(house.stop, FakeAdvisories):
        house.distribution = Distribution(id="homemade", version="1")
        assert house.between("3.0.2-1", "3.0.2-2") == AdvisoryDifference()
