"""The client of Bodhi against a server that computes its answers."""

from collections.abc import Iterator

import pytest

from sig_bots.advisories import AdvisoryDifference
from sig_bots.packages import Distribution, Package, PackageList, parse_evr
from sig_bots.refs import ImageRef
from sig_workers.advisories.answers import MemoryAnswers
from sig_workers.advisories.factory import make_advisories
from sig_workers.instances import AdvisoryServices
from sig_workers.settings import Settings
from tests.standins.bodhi import BodhiStandIn
from tests.standins.json_server import Fault

OLD, NEW = ImageRef.parse("q.example/base:1"), ImageRef.parse("q.example/base:2")
FEDORA = Distribution(id="fedora", version="42")


@pytest.fixture
def bodhi() -> Iterator[BodhiStandIn]:
    with BodhiStandIn() as server:
        yield server


def between(
    bodhi: BodhiStandIn, old: list[Package], new: list[Package], was: Distribution = FEDORA, now: Distribution = FEDORA
) -> AdvisoryDifference:
    services = AdvisoryServices(osv="", bodhi=bodhi.url, private_bases=True)
    asked = make_advisories(Settings(advisories=services), MemoryAnswers())
    return asked.between(OLD, NEW, PackageList.of("rpm", old, was), PackageList.of("rpm", new, now))


def libs(version: str) -> Package:
    return parse_evr("curl-libs", version).model_copy(update={"source": "curl"})


def test_only_security_updates_that_are_stable_and_of_the_release_count(bodhi: BodhiStandIn) -> None:
    bodhi.publish("FEDORA-2026-aaaa000001", "curl-8.1-1.fc42", cves=("CVE-2026-0001",), severity="high")
    bodhi.publish("FEDORA-2026-aaaa000002", "curl-8.1-2.fc42", kind="bugfix")
    bodhi.publish("FEDORA-2026-aaaa000003", "curl-8.1-3.fc42", status="testing")
    bodhi.publish("FEDORA-2026-aaaa000004", "curl-8.1-4.fc41", release="F41")
    bodhi.publish("FEDORA-2026-aaaa000005", "tar-8.1-4.fc42")
    (found,) = between(bodhi, [libs("8.0-1.fc42")], [libs("8.2-1.fc42")]).fixed
    assert (found.id, found.package, found.severity, found.cves) == (
        "FEDORA-2026-aaaa000001", "curl", "important", ("CVE-2026-0001",),
    )  # fmt: skip
    assert (found.url, found.fixed_in) == (f"{bodhi.url}/updates/FEDORA-2026-aaaa000001", "8.1-1.fc42")


def test_a_build_counts_from_above_the_old_version_up_to_the_new_one(bodhi: BodhiStandIn) -> None:
    for number, version in enumerate(("8.0-1", "8.0-2", "8.2-1", "8.2-2")):
        bodhi.publish(f"FEDORA-2026-aaaa00000{number}", f"curl-{version}.fc42")
    found = between(bodhi, [libs("8.0-1.fc42")], [libs("8.2-1.fc42")]).fixed
    assert [one.id[-1] for one in found] == ["1", "2"]


def test_a_move_to_another_release_is_asked_of_the_new_one(bodhi: BodhiStandIn) -> None:
    bodhi.publish("FEDORA-2026-aaaa000001", "curl-8.1-1.fc42")
    bodhi.publish("FEDORA-2026-aaaa000002", "curl-8.1-1.fc41", release="F41")
    older = Distribution(id="fedora", version="41")
    found = between(bodhi, [libs("8.0-1.fc41")], [libs("8.1-1.fc42")], was=older)
    assert [one.id[-1] for one in found.fixed] == ["1"]


def test_an_epoch_is_left_out_on_both_sides(bodhi: BodhiStandIn) -> None:
    """A build's name has none, and a source package's file name neither."""
    bodhi.publish("FEDORA-2026-aaaa000001", "perl-5.40-2.fc42")
    old, new = (parse_evr("perl", f"4:5.40-{release}.fc42") for release in "12")
    assert len(between(bodhi, [old], [new]).fixed) == 1


def test_names_go_in_questions_of_forty_and_answers_in_pages(bodhi: BodhiStandIn) -> None:
    bodhi.most = 1
    names = [f"p{number:02}" for number in range(50)]
    for number in (1, 2, 45):
        bodhi.publish(f"FEDORA-2026-aaaa0000{number:02}", f"p{number:02}-2-1.fc42")
    old, new = ([parse_evr(name, f"{version}-1.fc42") for name in names] for version in "12")
    assert len(between(bodhi, old, new).fixed) == 3
    assert [line.partition("page=")[2] for line in bodhi.log if "rows_per_page" in line] == [
        "100&page=1", "100&page=2", "100&page=1",
    ]  # fmt: skip


def test_epel_is_asked_about_where_its_repository_is_installed(bodhi: BodhiStandIn) -> None:
    bodhi.publish("FEDORA-EPEL-2026-aaaa000001", "htop-3.4-1.el9", release="EPEL-9")
    rocky = Distribution(id="rocky", version="9.4")
    old, new = (parse_evr("htop", f"3.{minor}-1.el9") for minor in "34")
    assert between(bodhi, [old], [new], rocky, rocky) == AdvisoryDifference()
    epel = parse_evr("epel-release", "9-8.el9")
    assert [one.id for one in between(bodhi, [old, epel], [new, epel], rocky, rocky).fixed] == [
        "FEDORA-EPEL-2026-aaaa000001"
    ]


def test_a_release_it_does_not_know_is_a_sentence(bodhi: BodhiStandIn) -> None:
    unborn = Distribution(id="fedora", version="99")
    assert "answered with status 400" in between(bodhi, [libs("1-1")], [libs("2-1")], unborn, unborn).problem


@pytest.mark.parametrize(
    "body",
    [
        b"[]", b'{"updates": 1}', b'{"updates": [1]}',
        b'{"updates": [{"builds": [{"nvr": "curl-8.1-1.fc42"}], "alias": "F-1"}], "pages": 10000}',
    ],
)  # fmt: skip
def test_an_answer_of_another_form_is_one_sentence(bodhi: BodhiStandIn, body: bytes) -> None:
    bodhi.fault = Fault(200, body)
    found = between(bodhi, [libs("8.0-1.fc42")], [libs("8.2-1.fc42")])
    assert found.problem.endswith("gave an answer that cannot be read.")


@pytest.mark.parametrize(
    "update",
    [
        b'{"alias": "](evil)", "builds": [{"nvr": "curl-8.1-1.fc42"}]}', b'{"alias": "FEDORA-2026-aa1", "builds": 7}',
        b'{"alias": "FEDORA-2026-aa1", "builds": [7, {"nvr": 7}, {"nvr": "x"}, {"nvr": "--"}], "bugs": [7]}', b"{}",
    ],
)  # fmt: skip
def test_an_update_of_another_form_does_not_count(bodhi: BodhiStandIn, update: bytes) -> None:
    bodhi.fault = Fault(200, b'{"pages": 1, "updates": [' + update + b"]}")
    assert between(bodhi, [libs("8.0-1.fc42")], [libs("8.2-1.fc42")]) == AdvisoryDifference(asked=True)
