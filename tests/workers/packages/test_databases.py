import sqlite3
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sig_workers.packages.limits import Budget, Unreadable
from sig_workers.packages.rpmdatabase import read_rpm
from sig_workers.packages.rpmheader import parse_header
from sig_workers.packages.textdatabase import read_apk, read_dpkg
from tests.workers.packages.layers import SQLITE, Image, header, rpm_sqlite, status, tar
from tests.workers.packages.managers import Recorded, described

FILES = {"ndb": "Packages.db", "bdb": "Packages"}


@pytest.mark.parametrize("backend", sorted(FILES))
@pytest.mark.parametrize("name", ["stale", "old", "new"])
def test_a_database_written_by_rpm_holds_what_rpm_says(backend: str, name: str) -> None:
    found = read_rpm(Recorded.folder / backend / name / FILES[backend], Budget())
    assert {described(one) for one in found.packages} == Recorded(backend).listed(name)


def test_what_sqlite_has_not_yet_merged_from_its_log_counts(tmp_path: Path) -> None:
    file = tmp_path / "rpmdb.sqlite"
    writer = sqlite3.connect(file, autocommit=True)
    writer.execute("PRAGMA journal_mode = wal")
    writer.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)")
    writer.execute("INSERT INTO Packages (blob) VALUES (?)", [header("bash", "1")])
    writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    main = file.read_bytes()
    writer.execute("INSERT INTO Packages (blob) VALUES (?)", [header("curl", "1")])
    log = file.with_name("rpmdb.sqlite-wal").read_bytes()
    writer.close()
    assert Image({SQLITE: main}).packages() == ["bash-1-1.noarch"]
    assert Image({SQLITE: main, f"{SQLITE}-wal": log}).packages() == ["bash-1-1.noarch", "curl-1-1.noarch"]
    assert Image({SQLITE: main}, {f"{SQLITE}-wal": log}).packages() == ["bash-1-1.noarch", "curl-1-1.noarch"]


def test_a_view_in_the_place_of_the_table_is_not_computed(tmp_path: Path) -> None:
    file = tmp_path / "rpmdb.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute(
            "CREATE VIEW Packages AS WITH RECURSIVE n(blob) AS (SELECT 1 UNION ALL SELECT blob + 1 FROM n) SELECT blob FROM n"
        )
    connection.close()
    with pytest.raises(Unreadable, match="damaged"):
        read_rpm(file, Budget(seconds=5))


def test_an_rpm_database_of_an_unknown_format_is_named() -> None:
    with pytest.raises(Unreadable, match="neither sqlite nor ndb nor"):
        Image({SQLITE: b"something else, and long enough to be one"}).read()


@pytest.mark.parametrize(
    "state", ["deinstall ok config-files", "install ok not-installed", "install reinstreq half-installed", ""]
)
def test_a_package_whose_files_are_not_there_does_not_count(state: str) -> None:
    assert read_dpkg(status(("tar", "1"), state=state), Budget()).packages == ()


@pytest.mark.parametrize(
    ("text", "epoch", "version", "release"),
    [("1.2-3", 0, "1.2", "3"), ("2:1.2-3-4", 2, "1.2-3", "4"), ("1.2", 0, "1.2", ""), ("1:7", 1, "7", "")],
)
def test_a_debian_version_is_taken_apart(text: str, epoch: int, version: str, release: str) -> None:
    (found,) = read_dpkg(status(("x", text), state="hold ok installed"), Budget()).packages
    assert (found.epoch, found.version, found.release, found.evr) == (epoch, version, release, text)


def test_a_header_says_its_epoch() -> None:
    assert parse_header(header("dbus", "1.14", epoch=1)).nevra == "dbus-1:1.14-1.noarch"


@pytest.mark.parametrize("count", [0xFFFF, 0xFFFFFFFF])
def test_a_header_that_claims_more_than_it_has_is_refused(count: int) -> None:
    with pytest.raises(Unreadable):
        parse_header(struct.pack(">II", count, 16) + header("x", "1")[8:])


@given(st.binary(max_size=300))
def test_any_bytes_are_packages_or_one_sentence(data: bytes) -> None:
    for read in (parse_header, lambda one: read_dpkg(one, Budget()), lambda one: read_apk(one, Budget())):
        try:
            read(data)
        except Unreadable as error:
            sentence(error)


@pytest.mark.parametrize("kind", ["ndb", "bdb", "sqlite"])
@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=2000)
def test_a_damaged_database_is_a_list_or_one_sentence(kind: str, tmp_path: Path, data: st.DataObject) -> None:
    good = (
        rpm_sqlite(tmp_path, [header("bash", "1"), header("curl", "2")])
        if kind == "sqlite"
        else (Recorded.folder / kind / "stale" / FILES[kind]).read_bytes()
    )
    broken = bytearray(good[: data.draw(st.integers(40, len(good)))])
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(16 if kind == "sqlite" else 4, len(broken) - 4))
        broken[place : place + 4] = data.draw(st.sampled_from([b"\xff" * 4, b"\0" * 4, b"\x01\0\0\0"]) | st.binary(min_size=4, max_size=4))  # fmt: skip
    file = tmp_path / "damaged"
    file.write_bytes(broken)
    try:
        assert len(read_rpm(file, Budget(seconds=10)).packages) <= 100
    except Unreadable as error:
        sentence(error)


@given(data=st.data())
@settings(deadline=2000)
def test_a_damaged_layer_is_a_list_or_one_sentence(data: st.DataObject) -> None:
    broken = bytearray(tar({"var/lib/dpkg/status": status(("tar", "1")), "a/b": b"x" * 600}))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(broken) - 1))
        broken[place : place + 12] = data.draw(
            st.sampled_from([b"77777777777\0", b"\xff" * 12, b"\x80" + b"\x7f" * 11])
        )
    try:
        Image(bytes(broken)).read(Budget(seconds=10))
    except Unreadable as error:
        sentence(error)


def sentence(error: Unreadable) -> None:
    """It goes behind a colon: a few words in lower case, no full stop."""
    assert str(error)[0].islower()
    assert len(str(error)) < 150
    assert not str(error).endswith(".")
