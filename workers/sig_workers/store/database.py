"""One way to read and write, whichever database it is.

A read or a write is a function of a connection. Writes are transactions: all of the function or nothing.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, exc, text
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from sig_workers.store.errors import StoreDown

__all__ = ["Database", "Part", "one_at_a_time", "sentence", "trouble", "upsert"]

_abandoned: list[Engine] = []  # engines of the parent process: kept, so that no destructor touches its connections


class Database(ABC):
    """A database, its connections, and what happens to them after a fork."""

    name: str

    def __init__(self) -> None:
        self._process = os.getpid()
        self._closed = False

    @abstractmethod
    def read[T](self, function: Callable[[Connection], T]) -> T:
        """Run a reading function; never waits for writers. Raises StoreDown."""

    @abstractmethod
    def write[T](self, function: Callable[[Connection], T]) -> T:
        """Run a writing function in a transaction; its result once that is committed.

        The function may be run a second time when a stale connection breaks before the commit, so it must not have
        effects outside the database. Raises StoreDown; nothing was written then.
        """

    @abstractmethod
    def write_one[T](self, function: Callable[[Connection], T]) -> T:
        """Like `write`, for a function that executes a single statement: one round trip. Raises StoreDown."""

    @abstractmethod
    def accept(self, row: Sequence[Any]) -> tuple[int | None, tuple[int, bytes, str] | None]:
        """Insert a delivery, the fast way (see `deliveries.ACCEPT_COLUMNS`).

        Returns its id, or None and (id, body_sha256, state) of the row that has the same instance and delivery id.
        """

    @abstractmethod
    def close(self) -> None:
        """Let all connections go."""

    @property
    @abstractmethod
    def engine(self) -> Engine:
        """The engine for reading, for migrations and tests."""

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """A connection in a transaction that no other migration runs beside."""
        with trouble(), self.engine.begin() as connection:
            yield connection

    def _forked(self) -> bool:
        """Whether this is another process than the one that opened the database; said once."""
        if self._closed:
            raise StoreDown("The store was closed.")
        if os.getpid() == self._process:
            return False
        self._process = os.getpid()
        return True

    @staticmethod
    def _abandon(*engines: Engine) -> None:
        _abandoned.extend(engines)


class Part:
    """A part of the store: functions over the same database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def read[T](self, function: Callable[[Connection], T]) -> T:
        """See `Database.read`."""
        return self.database.read(function)

    def write[T](self, function: Callable[[Connection], T]) -> T:
        """See `Database.write`."""
        return self.database.write(function)

    def write_one[T](self, function: Callable[[Connection], T]) -> T:
        """See `Database.write_one`."""
        return self.database.write_one(function)


def one_at_a_time(connection: Connection, what: str) -> None:
    """Until this transaction ends, no other one that names the same thing goes on here. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(_LOCK, {"what": what})


_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:what, 0))")


def upsert(connection: Connection, table: Any) -> Any:
    """`INSERT` with the dialect's `ON CONFLICT`, which reads the same on both."""
    return sqlite_insert(table) if connection.dialect.name == "sqlite" else postgresql_insert(table)


@contextmanager
def trouble() -> Iterator[None]:
    """Turn what the driver says about a missing, locked, full or unmigrated database into StoreDown."""
    try:
        yield
    except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError) as error:
        raise StoreDown(sentence(str(getattr(error, "orig", error)))) from error
    except exc.DBAPIError as error:
        text = str(error.orig)
        if error.connection_invalidated or type(error) is exc.DatabaseError or "does not exist" in text:
            raise StoreDown(sentence(text)) from error
        raise


def sentence(text: str) -> str:
    """What a driver's message means, for people; the message's first line holds no password."""
    first = text.strip().split("\n")[0][:200]
    low = first.lower()
    if "no such table" in low or ("relation" in low and "does not exist" in low):
        return f"The store is not migrated ({first}); run `sigbot migrate`."
    if "locked" in low:
        return "The store is locked by another process; it was given up on after waiting."
    if "full" in low or "disk" in low or "space" in low:
        return f"The store cannot write ({first}); look at the free disk space."
    return f"The store does not answer ({first})."
