import tarfile
from pathlib import Path

import pytest

from sig_workers.packages.limits import Budget, Unreadable
from tests.workers.packages.layers import SQLITE, STATUS, HardLink, Image, Link, header, rpm_sqlite, status, tar


def test_the_newest_layer_with_a_database_counts_and_older_ones_are_not_fetched() -> None:
    image = Image({"a": b"old"}, {STATUS: status(("tar", "1"))}, {STATUS: status(("tar", "2"))}, {"etc/x": b"y"})
    assert image.packages() == ["tar-2.amd64"]
    assert image.fetched == [3, 2]


def test_an_image_without_a_database_has_no_list() -> None:
    image = Image({"app": b"x"}, {"etc/passwd": b"root"})
    assert image.read() is None
    assert image.fetched == [1, 0]


@pytest.mark.parametrize(
    "whiteout", ["var/lib/dpkg/.wh.status", "var/lib/.wh.dpkg", "var/lib/dpkg/.wh..wh..opq", ".wh.var"]
)
def test_a_database_that_a_newer_layer_removes_is_gone(whiteout: str) -> None:
    assert Image({STATUS: status(("tar", "1"))}, {whiteout: b""}).read() is None


def test_a_whiteout_hides_older_layers_only() -> None:
    image = Image({STATUS: status(("tar", "1"))}, {"var/lib/.wh.dpkg": b"", STATUS: status(("tar", "2"))})
    assert image.packages() == ["tar-2.amd64"]
    image = Image({STATUS: status(("tar", "1"))}, {STATUS: status(("tar", "2")), "var/lib/dpkg/.wh..wh..opq": b""})
    assert image.packages() == ["tar-2.amd64"]


def test_a_file_in_the_place_of_a_folder_hides_what_was_in_it() -> None:
    assert Image({STATUS: status(("tar", "1"))}, {"var/lib/dpkg": b"no folder"}).read() is None


@pytest.mark.parametrize("target", ["../../usr/lib/sysimage/rpm", "/usr/lib/sysimage/rpm"])
def test_the_usual_link_to_the_place_of_the_rpm_database_is_followed(target: str, tmp_path: Path) -> None:
    database = rpm_sqlite(tmp_path, [header("bash", "5")])
    image = Image({SQLITE: database, "var/lib/rpm": Link(target)}, {"x": b""})
    assert image.packages() == ["bash-5-1.noarch"]


@pytest.mark.parametrize("upper", [{}, {"opt/db/rpmdb.sqlite": b""}])
def test_a_link_to_any_other_place_is_followed_up_to_the_newest_layer(upper: dict[str, bytes], tmp_path: Path) -> None:
    old, new = (rpm_sqlite(tmp_path, [header("bash", version)]) for version in "12")
    image = Image({"opt/db/rpmdb.sqlite": old, "var/lib/rpm": Link("/opt/db")}, dict.fromkeys(upper, new))
    assert image.packages() == [f"bash-{2 if upper else 1}-1.noarch"]
    assert sorted(image.fetched) == [0, 1], "each layer is fetched once"


def test_links_in_every_part_of_the_path_are_followed() -> None:
    image = Image({"data/state/status": Link("real"), "data/state/real": status(("tar", "1"))}, {"var": Link("mnt")},
                  {"mnt/lib/dpkg": Link("../../data/state")})  # fmt: skip
    assert image.packages() == ["tar-1.amd64"]


def test_a_hard_link_is_the_file_it_names() -> None:
    assert Image({"opt/status": status(("tar", "1")), STATUS: HardLink("opt/status")}).packages() == ["tar-1.amd64"]


@pytest.mark.parametrize("target", ["status", "../../../../../../etc/shadow"])
def test_a_link_to_itself_or_to_nothing_is_no_database(target: str) -> None:
    assert Image({STATUS: Link(target)}).read() is None


def test_links_that_lead_to_ever_new_places_end() -> None:
    for layer in ({"var": Link("var/deeper")}, {STATUS: Link("/var/lib/dpkg/status/x")}):
        with pytest.raises(Unreadable, match="too many links"):
            Image(layer).read()


def test_the_last_of_two_entries_of_one_path_counts() -> None:
    layer = tar({STATUS: status(("tar", "1"))})[:-10240] + tar({STATUS: status(("tar", "2"))})
    assert Image(layer).packages() == ["tar-2.amd64"]


def test_names_with_dots_and_slashes_are_the_same_paths() -> None:
    assert Image({f"./{STATUS}": status(("tar", "1"))}).packages() == ["tar-1.amd64"]
    assert Image({f"../../{STATUS}": status(("tar", "1"))}).packages() == ["tar-1.amd64"]


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_every_form_of_archive_is_read_past_long_names(form: int) -> None:
    long = "usr/share/" + "/".join(["a" * 40] * (3 if form == tarfile.USTAR_FORMAT else 8))
    assert Image(tar({long: b"x" * 700, STATUS: status(("tar", "1"))}, form)).packages() == ["tar-1.amd64"]


def test_a_distroless_image_keeps_each_package_in_a_file_and_a_layer_of_its_own() -> None:
    one, two = (f"Package: {name}\nVersion: 1\nArchitecture: amd64\n".encode() for name in ("libc6", "tzdata"))
    image = Image(
        {"var/lib/dpkg/status.d/libc6": one, "var/lib/dpkg/status.d/libc6.md5sums": b"0 x\n"},
        {"var/lib/dpkg/status.d/tzdata": two, "var/lib/dpkg/status": b""},
        {"app": b""},
    )
    assert image.packages() == ["libc6-1.amd64", "tzdata-1.amd64"]
    gone = Image({"var/lib/dpkg/status.d/libc6": one, "var/lib/dpkg/status.d/tzdata": two},
                 {"var/lib/dpkg/status.d/.wh.tzdata": b""})  # fmt: skip
    assert gone.packages() == ["libc6-1.amd64"]


def test_apk_is_found_where_old_and_new_versions_keep_it() -> None:
    database = b"C:Q1x\nP:musl\nV:1.2.5-r1\nA:x86_64\np:so:libc.musl\nF:lib\n\nC:Q1y\nP:zlib\nV:1.3.1-r1\nA:x86_64\n\n"
    for path in ("lib/apk/db/installed", "usr/lib/apk/db/installed"):
        assert Image({path: database}).packages() == ["musl-1.2.5-r1.x86_64", "zlib-1.3.1-r1.x86_64"]


def test_an_empty_database_counts_only_when_there_is_no_other(tmp_path: Path) -> None:
    empty = rpm_sqlite(tmp_path, [])
    assert Image({STATUS: status(("tar", "1"))}, {"var/lib/rpm/rpmdb.sqlite": empty}).packages() == ["tar-1.amd64"]
    assert Image({"var/lib/rpm/rpmdb.sqlite": empty}).packages() == []


@pytest.mark.parametrize(
    ("limit", "said"),
    [({"unpacked": 2000}, "too large"), ({"entries": 1}, "too many files"), ({"seconds": 0}, "longer than 0 seconds"), ({"packages": 0}, "too many packages")],
)  # fmt: skip
def test_a_limit_that_is_reached_is_a_sentence(limit: dict[str, int], said: str) -> None:
    with pytest.raises(Unreadable, match=said):  # a budget's time runs from the moment it is made
        Image({"a": b"x" * 3000, "b": b"", STATUS: status(("tar", "1"))}).read(Budget(**limit))


def test_a_database_file_that_is_too_large_is_a_sentence() -> None:
    with pytest.raises(Unreadable, match="larger than anything"):
        Image({SQLITE: b"x" * 2000}).read(Budget(database=1000))
