"""Answers of registries in a file of the person's cache, so that a command asked twice does not ask registries twice."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sig_workers.registries.answers import PASSING

if TYPE_CHECKING:
    from sig_workers.store.registry_answers import FirstSeen

__all__ = ["FileAnswers", "default_file"]

_FORMAT = 1
_KEPT_SECONDS = 30 * 86400
_WAIT = 2.0
"""Seconds that another command may hold the file."""
_NOTHING = ('{"digest": null}', '{"tags": null, "etag": null}', "[]")
"""Kept for the run only."""


def default_file() -> Path:
    """Where they are kept: `sigbot/registry-answers.db` below $XDG_CACHE_HOME."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "sigbot" / "registry-answers.db"


class FileAnswers:
    """A `RegistryCache` for one run of a command; `with` writes what was learnt to the file at the end.

    A file that cannot be used is done without: every question is asked then. That something is not there is never
    kept, so what was just pushed is found.
    """

    def __init__(
        self, file: Path, age: timedelta, *, refresh: bool = False, clock: Callable[[], float] = time.time
    ) -> None:
        """`age`: how long tags and digests are believed. `refresh`: only what this run was told is."""
        self._file = file
        self._clock = clock
        self._oldest = clock() - (0.0 if refresh else age.total_seconds())
        self._connection: sqlite3.Connection | None = None
        self._learnt: dict[tuple[str, str], tuple[float, str]] = {}
        self.earlier = 0
        """How often an answer of an earlier run took the place of a question about a tag or a list of tags."""

    def __enter__(self) -> Self:
        self._connection = self._opened()
        return self

    def __exit__(self, *_: object) -> None:
        connection = self._connection
        if connection is None:
            return
        rows = [(*key, at, value) for key, (at, value) in self._learnt.items() if value not in _NOTHING]
        try:
            with closing(connection), connection:
                connection.execute("DELETE FROM answers WHERE at < ?", (self._clock() - _KEPT_SECONDS,))
                connection.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)", rows)
        except sqlite3.Error:
            return

    def get(self, kind: str, name: str, rest: str) -> Any | None:
        """See `RegistryCache.get`."""
        kept = self._learnt.get((kind, name + rest))
        if kept is None:
            kept = self._kept(kind, name + rest)
            if kept is None or (kind in PASSING and kept[0] <= self._oldest):
                return None
            self.earlier += kind in PASSING
        return json.loads(kept[1])

    def old(self, kind: str, name: str, rest: str) -> Any | None:
        """See `RegistryCache.old`."""
        kept = self._learnt.get((kind, name + rest)) or self._kept(kind, name + rest)
        return json.loads(kept[1]) if kept else None

    def put(self, kind: str, name: str, rest: str, value: Any, took: float) -> None:
        """See `RegistryCache.put`."""
        self._learnt[kind, name + rest] = (self._clock() - took, json.dumps(value))

    def first_seen(self, name: str, rest: str) -> FirstSeen | None:
        """Nobody remembers: what a person asks for at this moment has not to settle."""
        return None

    def _kept(self, kind: str, reference: str) -> tuple[float, str] | None:
        if self._connection is None:
            return None
        query = "SELECT at, value FROM answers WHERE kind = ? AND reference = ?"
        try:
            found: tuple[float, str] | None = self._connection.execute(query, (kind, reference)).fetchone()
        except sqlite3.Error:
            return None
        return found

    def _opened(self) -> sqlite3.Connection | None:
        """The file, made when there is none, and anew when it is damaged; None when that cannot be."""
        for _ in range(2):
            try:
                self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._file.touch(mode=0o600)
                connection = sqlite3.connect(self._file, timeout=_WAIT)
            except (sqlite3.Error, OSError):
                return None
            try:
                _prepare(connection)
            except sqlite3.OperationalError:  # somebody else writes for long, or the disk is read-only or full
                connection.close()
                return None
            except sqlite3.DatabaseError:
                connection.close()
                self._file.unlink(missing_ok=True)
            else:
                return connection
        return None


def _prepare(connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA user_version").fetchone()[0] == _FORMAT:
        return
    with connection:
        connection.execute("DROP TABLE IF EXISTS answers")
        connection.execute(
            "CREATE TABLE answers (kind TEXT, reference TEXT, at REAL, value TEXT, PRIMARY KEY (kind, reference))"
        )
        connection.execute(f"PRAGMA user_version = {_FORMAT}")
