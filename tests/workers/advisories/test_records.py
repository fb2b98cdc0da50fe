from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sig_bots.packages import Distribution, PackageList, parse_evr
from sig_workers.advisories.cvss import base_score, severity_of_score
from sig_workers.advisories.ecosystems import bodhi_release, osv_ecosystems, osv_of_both
from sig_workers.advisories.records import fixed_in, read_record


# Scores as the calculator of the specification's publisher gives them.
@pytest.mark.parametrize(
    ("vector", "score"),
    [
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0),
        ("CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:N/A:H", 5.9),
        ("CVSS:3.0/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:N", 7.4),
        ("CVSS:3.1/AV:L/AC:L/PR:L/UI:R/S:U/C:H/I:H/A:H", 7.3),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
        ("CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:C/C:L/I:L/A:N", 5.5),
        ("CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N", 1.6),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:P/RL:O", 9.8),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", None),
        ("AV:N/AC:L/Au:N/C:P/I:P/A:P", None),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/X:X", None),
        ("", None),
    ],
)
def test_a_vector_has_the_score_of_the_specification(vector: str, score: float | None) -> None:
    assert base_score(vector) == score


def test_scores_have_the_words_of_the_specification() -> None:
    scores = (0.0, 0.1, 3.9, 4.0, 6.9, 7.0, 8.9, 9.0, 10.0)
    words = [None, "low", "low", "moderate", "moderate", "important", "important", "critical", "critical"]
    assert [severity_of_score(score) for score in scores] == words


@pytest.mark.parametrize(
    ("name", "version", "cpe", "ecosystems"),
    [
        ("debian", "12", "", ("Debian:12",)),
        ("ubuntu", "22.04", "", ("Ubuntu:22.04:LTS",)),
        ("ubuntu", "24.10", "", ("Ubuntu:24.10",)),
        ("ubuntu", "23.04", "", ("Ubuntu:23.04",)),
        ("alpine", "3.20.3", "", ("Alpine:v3.20",)),
        ("rocky", "9.4", "", ("Rocky Linux:9",)),
        ("almalinux", "9.4", "", ("AlmaLinux:9",)),
        ("opensuse-leap", "15.6", "", ("openSUSE:Leap 15.6",)),
        ("opensuse-tumbleweed", "", "", ("openSUSE:Tumbleweed",)),
        ("rhel", "9.4", "cpe:/o:redhat:enterprise_linux:9::baseos",
         ("Red Hat:enterprise_linux:9::baseos", "Red Hat:enterprise_linux:9::appstream")),
        ("rhel", "8.9", "", ("Red Hat:enterprise_linux:8::baseos", "Red Hat:enterprise_linux:8::appstream")),
        ("rhel", "10.1", "cpe:/o:redhat:enterprise_linux:10::baseos",
         ("Red Hat:enterprise_linux:10.1", "Red Hat:enterprise_linux:10::baseos", "Red Hat:enterprise_linux:10::appstream")),
        ("fedora", "42", "", ()),
        ("debian", "", "", ()),
        ("alpine", "3.21_alpha", "", ()),
        ("wolfi", "20230201", "", ()),
    ],
)  # fmt: skip
def test_a_distribution_has_the_name_that_osv_gives_it(
    name: str, version: str, cpe: str, ecosystems: tuple[str, ...]
) -> None:
    assert osv_ecosystems(Distribution(id=name, version=version, cpe=cpe)) == ecosystems


def test_minor_releases_of_one_red_hat_are_asked_about_together_and_other_releases_apart() -> None:
    old, new = (
        Distribution(id="rhel", version=version, cpe="cpe:/o:redhat:enterprise_linux:10")
        for version in ("10.0", "10.1")
    )
    both = tuple(f"Red Hat:enterprise_linux:{one}" for one in ("10.0", "10", "10.1"))
    assert osv_of_both(old, new) == (both, both)
    debian = [Distribution(id="debian", version=version) for version in ("12", "13")]
    assert osv_of_both(*debian) == (("Debian:12",), ("Debian:13",))


@pytest.mark.parametrize(("name", "version", "release"), [("fedora", "42", "F42"), ("centos", "9", "EPEL-9"), ("rhel", "9.4", "EPEL-9"), ("fedora", "", ""), ("debian", "12", "")])  # fmt: skip
def test_a_distribution_has_the_name_that_bodhi_gives_it(name: str, version: str, release: str) -> None:
    epel = parse_evr("epel-release", "9-8")
    assert bodhi_release(PackageList.of("rpm", [epel], Distribution(id=name, version=version))) == release


@pytest.mark.parametrize(
    ("more", "severity"),
    [
        ({"severity": [{"type": "Ubuntu", "score": "medium"}, {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]}, "moderate"),
        ({"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]}, "critical"),
        ({"severity": [{"type": "CVSS_V4", "score": "CVSS:4.0/AV:N"}]}, None),
        ({"summary": "Important: openssl security update"}, "important"),
        ({"database_specific": {"severity": "HIGH"}}, "important"),
        ({"affected": [{"package": {"name": "x", "ecosystem": "Debian:12"}, "ecosystem_specific": {"urgency": "unimportant"}}]}, "low"),
        ({"affected": [{"package": {"name": "x", "ecosystem": "Debian:11"}, "ecosystem_specific": {"urgency": "high"}}]}, None),
        ({"affected": [{"package": {"name": "x", "ecosystem": "Debian:12"}, "ecosystem_specific": {"urgency": "not yet assigned"}}]}, None),
    ],
)  # fmt: skip
def test_a_severity_is_the_publishers_word_else_the_score(more: dict[str, Any], severity: str | None) -> None:
    read = read_record({"id": "DSA-1-1", **more}, "x", ["Debian:12"])
    assert read is not None
    assert read[0].severity == severity


def test_the_fixing_version_is_the_oldest_above_the_old_one() -> None:
    assert fixed_in("dpkg", ["1:2-1", "3-1", "1:1-1", "1:3-1"], ["1:1-1"]) == "1:2-1"
    assert fixed_in("dpkg", ["1-1"], ["2-1"]) == ""


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["id", "affected", "package", "name", "ecosystem", "ranges", "events", "fixed", "severity", "type",
                         "score", "aliases", "upstream", "summary", "database_specific", "ecosystem_specific"]), inner, max_size=6,
    ),
    max_leaves=30,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["affected", "severity", "aliases", "summary", "database_specific"]), _JSON))
def test_any_record_is_read_or_left_out(record: dict[str, Any]) -> None:
    read = read_record({"id": "DSA-1-1", **record}, "x", ["Debian:12"])
    assert read is not None
    assert all(one.startswith("CVE-") for one in read[0].cves)


def test_a_record_without_a_usable_id_is_left_out() -> None:
    for name in (None, 7, "", "x", "[a](b)", "DSA-" + "1" * 200):
        assert read_record({"id": name}, "x", []) is None
