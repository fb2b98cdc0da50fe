"""What a command was told stays good for a while, in a file that may be lost at any time."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from sig_workers.registries.answerfile import FileAnswers, default_file

AGE = timedelta(minutes=10)
TAGS = {"tags": ["1", "2"], "etag": None}


class Clock:
    def __init__(self) -> None:
        self.now = 1e9

    def __call__(self) -> float:
        return self.now


def answers(folder: Path, clock: Clock, *, refresh: bool = False) -> FileAnswers:
    return FileAnswers(folder / "sub" / "answers.db", AGE, refresh=refresh, clock=clock)


def learn(folder: Path, clock: Clock, took: float = 0.0) -> None:
    with answers(folder, clock) as kept:
        kept.put("tags", "quay.io/a/b", "", TAGS, took)
        kept.put("manifest", "quay.io/a/b", "@sha256:1", {"manifest": {}}, 0.0)


def test_an_answer_of_an_earlier_run_counts_until_it_is_old(tmp_path: Path) -> None:
    clock = Clock()
    learn(tmp_path, clock, took=1.0)
    clock.now += 598
    with answers(tmp_path, clock) as kept:
        assert (kept.get("tags", "quay.io/a/b", ""), kept.earlier) == (TAGS, 1)
    clock.now += 1
    with answers(tmp_path, clock) as kept:
        assert (kept.get("tags", "quay.io/a/b", ""), kept.earlier) == (None, 0)
        assert kept.old("tags", "quay.io/a/b", "") == TAGS


def test_what_a_digest_names_does_not_grow_old_and_is_gone_after_a_month_without_use(tmp_path: Path) -> None:
    clock = Clock()
    learn(tmp_path, clock)
    clock.now += 20 * 86400
    with answers(tmp_path, clock, refresh=True) as kept:
        assert kept.get("manifest", "quay.io/a/b", "@sha256:1") == {"manifest": {}}
    clock.now += 11 * 86400
    with answers(tmp_path, clock):
        pass
    with answers(tmp_path, clock) as kept:
        assert kept.old("manifest", "quay.io/a/b", "@sha256:1") is None


def test_a_refresh_believes_only_what_the_run_itself_was_told(tmp_path: Path) -> None:
    clock = Clock()
    learn(tmp_path, clock)
    with answers(tmp_path, clock, refresh=True) as kept:
        assert kept.get("tags", "quay.io/a/b", "") is None
        kept.put("tags", "quay.io/a/b", "", {"tags": ["3"], "etag": None}, 0.0)
        assert kept.get("tags", "quay.io/a/b", "") == {"tags": ["3"], "etag": None}


def test_that_something_is_not_there_is_believed_for_the_run_only(tmp_path: Path) -> None:
    clock = Clock()
    nothing: list[tuple[str, str, object]] = [("tags", "", {"tags": None, "etag": None}), ("digest", ":1", {"digest": None}), ("project", "", [])]  # fmt: skip
    with answers(tmp_path, clock) as kept:
        for kind, rest, value in nothing:
            kept.put(kind, "quay.io/a/b", rest, value, 0.0)
            assert kept.get(kind, "quay.io/a/b", rest) == value
    with answers(tmp_path, clock) as kept:
        assert [kept.get(kind, "quay.io/a/b", rest) for kind, rest, _ in nothing] == [None] * 3


def test_a_damaged_file_is_made_anew(tmp_path: Path) -> None:
    clock = Clock()
    learn(tmp_path, clock)
    (tmp_path / "sub" / "answers.db").write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    learn(tmp_path, clock)
    with answers(tmp_path, clock) as kept:
        assert kept.get("tags", "quay.io/a/b", "") == TAGS


def test_a_file_of_another_version_is_made_anew(tmp_path: Path) -> None:
    clock = Clock()
    learn(tmp_path, clock)
    other = sqlite3.connect(tmp_path / "sub" / "answers.db")
    other.executescript("DROP TABLE answers; CREATE TABLE answers (other TEXT); PRAGMA user_version = 77;")
    other.close()
    learn(tmp_path, clock)
    with answers(tmp_path, clock) as kept:
        assert kept.get("tags", "quay.io/a/b", "") == TAGS


def test_without_a_place_for_the_file_every_run_asks(tmp_path: Path) -> None:
    (tmp_path / "sub").write_text("a file where the folder would be")
    learn(tmp_path, Clock())
    with answers(tmp_path, Clock()) as kept:
        assert kept.get("tags", "quay.io/a/b", "") is None


def test_a_file_that_somebody_else_writes_holds_nobody_up_for_long(tmp_path: Path) -> None:
    clock = Clock()
    learn(tmp_path, clock)
    other = sqlite3.connect(tmp_path / "sub" / "answers.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        with answers(tmp_path, clock) as kept:
            assert kept.get("tags", "quay.io/a/b", "") is None
    finally:
        other.close()


def test_the_file_is_its_owners_alone_and_lies_in_the_cache_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn(tmp_path, Clock())
    assert [oct(path.stat().st_mode & 0o777) for path in (tmp_path / "sub", tmp_path / "sub" / "answers.db")] == ["0o700", "0o600"]  # fmt: skip
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_file() == tmp_path / "sigbot" / "registry-answers.db"
