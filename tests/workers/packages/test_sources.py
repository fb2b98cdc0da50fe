"""From which source package each package was made, and which distribution an image is."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from sig_bots.packages import Distribution, Package, PackageList
from sig_workers.packages.limits import Budget
from sig_workers.packages.osrelease import parse_os_release
from sig_workers.packages.rpmdatabase import read_rpm
from sig_workers.packages.textdatabase import read_apk, read_dpkg
from tests.workers.packages.layers import SQLITE, STATUS, HardLink, Image, Link, header, rpm_sqlite, status
from tests.workers.packages.managers import OLD, Dpkg, Rpm

RELEASE = b'NAME="Debian GNU/Linux"\nID=debian\nVERSION_ID="12"\n'
DEBIAN = Distribution(id="debian", version="12")


@pytest.mark.server
def test_the_sources_of_an_rpm_database_are_those_that_rpm_says(tmp_path: Path) -> None:
    rpm = Rpm(tmp_path, "sqlite")
    rpm.install(tmp_path / "db", rpm.make(OLD))
    found = read_rpm(tmp_path / "db/rpmdb.sqlite", Budget()).packages
    assert {f"{one.name} {'-'.join(one.origin)}.src.rpm" for one in found} == rpm.sources(tmp_path / "db")


@pytest.mark.server
def test_the_sources_of_a_dpkg_database_are_those_that_dpkg_query_says(tmp_path: Path) -> None:
    dpkg = Dpkg(tmp_path)
    dpkg.install(tmp_path / "db", dpkg.make(OLD))
    found = read_dpkg((tmp_path / "db/status").read_bytes(), Budget()).packages
    assert {" ".join((one.name, *one.origin)) for one in found} == dpkg.sources(tmp_path / "db")


def test_the_source_of_an_apk_package_is_its_origin() -> None:
    text = b"P:libssl3\nV:3.3.1-r0\nA:x86_64\no:openssl\n\nP:tar\nV:1.35-r2\nA:x86_64\no:tar\n"
    found = read_apk(text, Budget()).packages
    assert [one.origin for one in found] == [("openssl", "3.3.1-r0"), ("tar", "1.35-r2")]


def distribution(*layers: Mapping[str, bytes | Link | HardLink | None]) -> Distribution | None:
    found = Image(*layers).read()
    assert found is not None
    return found.distribution


def test_the_distribution_is_read_from_the_same_layer_or_one_above() -> None:
    base = {STATUS: status(("tar", "1"))}
    assert distribution({**base, "etc/os-release": RELEASE}) == DEBIAN
    assert (
        distribution({**base, "usr/lib/os-release": RELEASE, "etc/os-release": Link("../usr/lib/os-release")}) == DEBIAN
    )
    assert distribution(base, {"usr/lib/os-release": RELEASE}) == DEBIAN
    other = RELEASE.replace(b"12", b"13")
    assert distribution({**base, "usr/lib/os-release": RELEASE}, {"usr/lib/os-release": other}) == Distribution(
        id="debian", version="13"
    )
    elsewhere: dict[str, bytes | Link | HardLink | None] = {
        "usr/lib/os.d/a": RELEASE,
        "usr/lib/os-release": Link("os.d/a"),
    }
    assert distribution({**base, **elsewhere}) == DEBIAN


def test_no_older_layer_is_fetched_for_the_distribution_where_packages_tell_it(tmp_path: Path) -> None:
    image = Image({"etc/os-release": RELEASE}, {STATUS: status(("base-files", "12.4+deb12u5"))})
    found = image.read()
    assert (found and found.distribution, image.fetched) == (DEBIAN, [1])
    fedora = rpm_sqlite(tmp_path, [header("fedora-release-common", "42", "1.fc42")])
    assert distribution({"a": b"x"}, {SQLITE: fedora}) == Distribution(id="fedora", version="42")


def test_for_ubuntu_older_layers_are_read_until_one_says_it() -> None:
    ubuntu = b'ID=ubuntu\nVERSION_ID="22.04"\n'
    image = Image(
        {"a": b"x"}, {"usr/lib/os-release": ubuntu}, {"b": b"x"}, {STATUS: status(("base-files", "12ubuntu4.6"))}
    )
    found = image.read()
    assert found is not None
    assert (found.distribution, image.fetched) == (Distribution(id="ubuntu", version="22.04"), [3, 2, 1])
    hidden = Image({"etc/os-release": ubuntu}, {"etc/.wh.os-release": b"", STATUS: status(("base-files", "12ubuntu4"))})
    assert hidden.read() == PackageList.of(
        "dpkg", [Package(name="base-files", version="12ubuntu4", architecture="amd64")]
    )


def test_a_broken_layer_below_costs_the_distribution_only() -> None:
    image = Image(b"no archive at all, but long enough to be one" * 20, {STATUS: status(("base-files", "12ubuntu4"))})
    assert [one.name for one in (image.read() or PackageList(kind="rpm", packages=())).packages] == ["base-files"]


def test_a_distribution_that_is_too_long_to_be_one_is_not_read() -> None:
    assert distribution({STATUS: status(("tar", "1")), "etc/os-release": RELEASE + b"#" * 70_000}) is None


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"ID=fedora\nVERSION_ID=42\n", ("fedora", "42", "")),
        (b"# x\n\nID='alpine'\nVERSION_ID=3.20.3\nVERSION_ID_X=1\n", ("alpine", "3.20.3", "")),
        (b'ID="rhel"\nVERSION_ID="9.4"\nCPE_NAME="cpe:/o:redhat:enterprise_linux:9::baseos"', ("rhel", "9.4", "cpe:/o:redhat:enterprise_linux:9::baseos")),
        (b"ID=arch\n", ("arch", "", "")),
        (b"ID=debian\nVERSION_ID=$(id)\n", ("debian", "", "")),
        (b'ID="x\nVERSION_ID=1', None),
        (b"ID=<b>\n", None),
        (b"VERSION_ID=1", None),
        (b"\xff\xfe\x00", None),
    ],
)  # fmt: skip
def test_os_release_is_read_as_a_shell_would(content: bytes, found: tuple[str, str, str] | None) -> None:
    named = parse_os_release(content)
    assert (named and (named.id, named.version, named.cpe)) == found
