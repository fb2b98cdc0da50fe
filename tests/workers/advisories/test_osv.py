"""The client of OSV against a server that computes its answers, and against one that is broken."""

import time
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sig_bots.advisories import AdvisoryDifference
from sig_bots.packages import Distribution, PackageKind, PackageList, parse_evr
from sig_bots.refs import ImageRef
from sig_workers.advisories.answers import MemoryAnswers, StoredAnswers
from sig_workers.advisories.asked import AskedAdvisories
from sig_workers.advisories.factory import make_advisories
from sig_workers.instances import AdvisoryServices
from sig_workers.settings import Settings
from sig_workers.store.store import Store
from tests.standins.json_server import Fault
from tests.standins.osv import OsvStandIn

OLD, NEW = ImageRef.parse("q.example/base:1"), ImageRef.parse("q.example/base:2")
DEBIAN = Distribution(id="debian", version="12")
HIGH: dict[str, Any] = {"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}]}


@pytest.fixture
def osv() -> Iterator[OsvStandIn]:
    with OsvStandIn() as server:
        yield server


def client(osv: OsvStandIn) -> AskedAdvisories:
    services = AdvisoryServices(osv=osv.url, bodhi="", private_bases=True)
    return make_advisories(Settings(advisories=services), MemoryAnswers())


def between(
    asked: AskedAdvisories, old: dict[str, str], new: dict[str, str], system: Distribution = DEBIAN,
    kind: PackageKind = "dpkg",
) -> AdvisoryDifference:  # fmt: skip
    lists = [PackageList.of(kind, [parse_evr(*one) for one in side.items()], system) for side in (old, new)]
    return asked.between(OLD, NEW, lists[0], lists[1])


def ids(found: AdvisoryDifference) -> list[str]:
    assert found.problem == ""
    return [one.id for one in found.fixed]


def test_all_packages_of_two_images_are_asked_about_at_once_and_inside_the_lifetime_not_again(osv: OsvStandIn) -> None:
    for name in ("curl", "tar", "bash"):
        osv.publish(f"DSA-{len(osv.records)}-1", name, "2-1", **HIGH)
    asked, old = client(osv), dict.fromkeys(("bash", "curl", "tar", "same"), "1-1")
    new = {**dict.fromkeys(old, "2-1"), "same": "1-1"}
    assert ids(between(asked, old, new)) == ["DSA-2-1", "DSA-0-1", "DSA-1-1"]
    assert osv.log == ["POST /v1/querybatch", *(f"GET /v1/vulns/DSA-{number}-1" for number in range(3))]
    assert ids(between(asked, old, new)) == ["DSA-2-1", "DSA-0-1", "DSA-1-1"]
    assert len(osv.log) == 4


def test_a_record_that_is_known_is_not_read_again_for_another_image(osv: OsvStandIn) -> None:
    osv.publish("DSA-1-1", "curl", "2-1")
    asked = client(osv)
    for old in ("1-1", "1-2"):
        assert ids(between(asked, {"curl": old}, {"curl": "2-1"})) == ["DSA-1-1"]
    assert osv.log.count("GET /v1/vulns/DSA-1-1") == 1


def test_answers_in_pages_are_read_to_the_end(osv: OsvStandIn) -> None:
    osv.page = 2
    for number in range(5):
        osv.publish(f"DSA-{number}-1", "curl", "2-1")
    assert len(ids(between(client(osv), {"curl": "1-1", "tar": "1"}, {"curl": "2-1", "tar": "2"}))) == 5
    assert osv.log.count("POST /v1/querybatch") == 3


def test_pages_without_end_are_one_sentence(osv: OsvStandIn) -> None:
    osv.page = 1
    for number in range(30):
        osv.publish(f"DSA-{number}-1", "curl", "2-1")
    found = between(client(osv), {"curl": "1-1"}, {"curl": "2-1"})
    assert "gave an answer that cannot be read" in found.problem
    assert len(osv.log) == 5


def test_more_than_a_thousand_questions_go_in_batches(osv: OsvStandIn) -> None:
    names = [f"p{number:04}" for number in range(700)]
    osv.publish("DSA-1-1", "p0699", "2-1")
    assert ids(between(client(osv), dict.fromkeys(names, "1-1"), dict.fromkeys(names, "2-1"))) == ["DSA-1-1"]
    assert osv.log.count("POST /v1/querybatch") == 2


def test_of_many_records_a_hundred_are_read_those_of_the_distribution_first(osv: OsvStandIn) -> None:
    for number in range(150):
        osv.publish(f"DEBIAN-CVE-2026-{number:04}", "curl", "2-1", **HIGH)
    osv.publish("DSA-1-1", "curl", "2-1", **HIGH)
    found = between(client(osv), {"curl": "1-1"}, {"curl": "2-1"}).fixed
    assert len(found) == 151
    assert sum(one.severity == "important" for one in found) == 100
    assert next(one for one in found if one.id == "DSA-1-1").severity == "important"


def test_an_advisory_of_the_distribution_stands_for_its_cves(osv: OsvStandIn) -> None:
    cves = [f"CVE-2026-000{number}" for number in range(3)]
    osv.publish("DSA-1-1", "curl", "2-1", upstream=(*cves[:2], *(f"DEBIAN-{one}" for one in cves[:2])))
    for cve in cves:
        osv.publish(f"DEBIAN-{cve}", "curl", "2-1", upstream=(cve,), **HIGH)
    found = between(client(osv), {"curl": "1-1"}, {"curl": "2-1"}).fixed
    assert [(one.id, one.severity, one.cves) for one in found] == [
        ("DEBIAN-CVE-2026-0002", "important", (cves[2],)),
        ("DSA-1-1", "important", tuple(cves[:2])),
    ]


def test_what_was_withdrawn_does_not_count(osv: OsvStandIn) -> None:
    osv.publish("DSA-1-1", "curl", "2-1", withdrawn="2026-01-01T00:00:00Z")
    assert ids(between(client(osv), {"curl": "1-1"}, {"curl": "2-1"})) == []


def test_what_is_removed_is_fixed_and_what_is_added_brings_its_own(osv: OsvStandIn) -> None:
    osv.publish("DSA-1-1", "curl", None)
    found = between(client(osv), {"curl": "1-1"}, {"tar": "1"})
    assert (ids(found), found.fixed[0].fixed_in) == (["DSA-1-1"], "")
    assert [one.id for one in between(client(osv), {"tar": "1"}, {"curl": "1-1"}).brought] == ["DSA-1-1"]


def test_a_kernel_does_not_count(osv: OsvStandIn) -> None:
    osv.publish("DSA-1-1", "linux", "2-1")
    assert ids(between(client(osv), {"linux": "1-1", "linux-base": "1"}, {"linux": "2-1", "linux-base": "2"})) == []
    assert osv.log == []


def test_the_old_release_is_asked_about_the_old_versions_and_the_new_one_about_the_new(osv: OsvStandIn) -> None:
    osv.publish("DEBIAN-CVE-2026-0001", "curl", None)
    osv.publish("DEBIAN-CVE-2026-0001", "curl", "3-1", ecosystem="Debian:13")
    lists = [
        PackageList.of("dpkg", [parse_evr("curl", version)], Distribution(id="debian", version=release))
        for version, release in (("1-1", "12"), ("3-1", "13"))
    ]
    assert ids(client(osv).between(OLD, NEW, *lists)) == ["DEBIAN-CVE-2026-0001"]


def test_red_hat_is_asked_for_both_streams_by_the_names_of_what_is_installed(osv: OsvStandIn) -> None:
    rhel = Distribution(id="rhel", version="9.4", cpe="cpe:/o:redhat:enterprise_linux:9::baseos")
    osv.publish("RHSA-2026:1", "openssl-libs", "1:3.0.7-27.el9", ecosystem="Red Hat:enterprise_linux:9::appstream",
                summary="Important: openssl security update")  # fmt: skip
    lists = [
        PackageList.of("rpm", [parse_evr("openssl-libs", text).model_copy(update={"source": "openssl"})], rhel)
        for text in ("1:3.0.7-20.el9", "1:3.0.7-27.el9")
    ]
    (found,) = client(osv).between(OLD, NEW, *lists).fixed
    assert (found.id, found.package, found.severity) == ("RHSA-2026:1", "openssl", "important")
    assert found.fixed_in == "1:3.0.7-27.el9"


def test_an_advisory_that_names_all_packages_of_a_source_is_told_once(osv: OsvStandIn) -> None:
    alma = Distribution(id="almalinux", version="9.4")
    names = ("openssl", "openssl-libs")
    for name in names:
        osv.publish("ALSA-2026:1", name, "3-2", ecosystem="AlmaLinux:9")
    lists = [
        PackageList.of("rpm", [parse_evr(name, text).model_copy(update={"source": "openssl"}) for name in names], alma)
        for text in ("3-1", "3-2")
    ]
    assert [(one.id, one.package) for one in client(osv).between(OLD, NEW, *lists).fixed] == [
        ("ALSA-2026:1", "openssl")
    ]


# ---------------------------------------------------------------- hostile and failing servers


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{}", b'{"results": 1}', b'{"results": []}', b'{"results": [1, 2]}', b'{"results": [{"vulns": 1}, {}]}',
        b'{"results": [{"vulns": [{"id": 1}]}, {}]}', b'{"results": [{"vulns": [{"id": "[x](javascript:y)"}]}, {}]}',
        b"[" * 100_000, b"\xff\xfe",
    ],
)  # fmt: skip
def test_an_answer_of_another_form_is_one_sentence(osv: OsvStandIn, body: bytes) -> None:
    osv.fault = Fault(200, body)
    found = between(client(osv), {"curl": "1-1"}, {"curl": "2-1"})
    assert found.problem == f"The advisory service {osv.url[7:]} gave an answer that cannot be read."
    assert (found.fixed, found.brought) == ((), ())


def test_an_answer_that_is_too_long_is_not_read_on(osv: OsvStandIn) -> None:
    osv.fault = Fault(200, b" " * (17 << 20))
    assert "more than 16 MiB" in between(client(osv), {"curl": "1-1"}, {"curl": "2-1"}).problem


def test_a_redirect_is_not_followed(osv: OsvStandIn) -> None:
    osv.fault = Fault(302, headers={"Location": "http://127.0.0.1:1/"})
    assert "answered with status 302" in between(client(osv), {"curl": "1-1"}, {"curl": "2-1"}).problem


def test_a_service_that_fails_is_left_alone_for_a_while(osv: OsvStandIn) -> None:
    osv.fault = Fault(503)
    asked = client(osv)
    assert "answered with status 503" in between(asked, {"curl": "1-1"}, {"curl": "2-1"}).problem
    assert "is left alone for now" in between(asked, {"curl": "1-1"}, {"curl": "3-1"}).problem
    assert len(osv.log) == 1


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path}/sigbot.db")
    opened.migrate()
    yield opened
    opened.close()


def test_when_a_service_fails_what_it_said_before_still_counts(osv: OsvStandIn, store: Store) -> None:
    osv.publish("DSA-1-1", "curl", "2-1")
    services = AdvisoryServices(osv=osv.url, bodhi="", private_bases=True)
    asked = make_advisories(Settings(advisories=services), StoredAnswers(store, timedelta(0)))
    assert ids(between(asked, {"curl": "1-1"}, {"curl": "2-1"})) == ["DSA-1-1"]
    osv.fault = Fault(500)
    assert ids(between(asked, {"curl": "1-1"}, {"curl": "2-1"})) == ["DSA-1-1"]
    assert len(osv.log) == 3


def test_answers_are_shared_by_the_processes_of_the_service_for_their_lifetime(osv: OsvStandIn, store: Store) -> None:
    osv.publish("DSA-1-1", "curl", "2-1")
    for _ in range(2):
        services = AdvisoryServices(osv=osv.url, bodhi="", private_bases=True)
        asked = make_advisories(Settings(advisories=services), StoredAnswers(store, timedelta(hours=6)))
        assert ids(between(asked, {"curl": "1-1"}, {"curl": "2-1"})) == ["DSA-1-1"]
    assert len(osv.log) == 2


def test_a_service_that_is_not_there_is_a_sentence_at_once(osv: OsvStandIn) -> None:
    services = AdvisoryServices(osv="http://127.0.0.1:1", bodhi="", private_bases=True)
    asked = make_advisories(Settings(advisories=services), MemoryAnswers())
    began = time.monotonic()
    found = between(asked, {"curl": "1-1"}, {"curl": "2-1"})
    assert found.problem == "The advisory service 127.0.0.1:1 is not reachable (connection refused)."
    assert time.monotonic() - began < 5


# ---------------------------------------------------------------- who is told of what


@pytest.mark.parametrize(
    "registry",
    [
        '{host = "8.8.8.8", username = "u", password = "p"}', '{host = "8.8.8.8", insecure = true}',
        '{host = "8.8.8.8", prefix = "sig", username = "u", password = "p"}',
        '{host = "8.8.8.8", allow_private_network = true}',
    ],
)  # fmt: skip
def test_nobody_is_told_of_images_that_only_we_may_pull(osv: OsvStandIn, registry: str) -> None:
    access = tomllib.loads(f"registry = [{registry}]")["registry"]
    osv.publish("DSA-1-1", "curl", "2-1")
    for registries, told in ((access, 0), ([], 2)):
        osv.log.clear()
        asked = make_advisories(
            Settings(advisories=AdvisoryServices(osv=osv.url, bodhi=""), registry=registries), MemoryAnswers()
        )
        lists = [PackageList.of("dpkg", [parse_evr("curl", text)], DEBIAN) for text in ("1-1", "2-1")]
        base = ImageRef.parse("8.8.8.8/sig/base:1")
        assert asked.between(base, base, *lists).asked is bool(told)
        assert len(osv.log) == told


def test_nobody_is_told_of_images_inside_our_network(osv: OsvStandIn) -> None:
    asked = make_advisories(Settings(advisories=AdvisoryServices(osv=osv.url, bodhi="")), MemoryAnswers())
    lists = [PackageList.of("dpkg", [parse_evr("curl", text)], DEBIAN) for text in ("1-1", "2-1")]
    base = ImageRef.parse("10.1.2.3:5000/base:1")
    assert asked.between(base, base, *lists) == AdvisoryDifference()
    assert osv.log == []
