"""SQLite: readers beside one writer thread per process, which commits what waits together.

Processes take turns at the file by SQLite's own lock. Threads do not: they hand their writes to the writer thread,
because threads that wait for SQLite's lock sleep in steps and starve each other (p99 above 100 ms at 16 threads).
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc
from sqlalchemy.pool import NullPool, Pool, QueuePool

from sig_workers.store.database import Database, trouble

__all__ = ["SqliteDatabase"]

_GROUP = 64  # writes in one commit at most
_INSERT = (
    "INSERT INTO deliveries"
    " (instance, source, delivery_id, headers, body, body_sha256, state, reason, trace, received_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, strftime('%Y-%m-%d %H:%M:%f', 'now'))"
    " ON CONFLICT (instance, delivery_id) DO NOTHING"
)
_EXISTING = "SELECT id, body_sha256, state FROM deliveries WHERE instance = ? AND delivery_id = ?"


class _Write:
    """A write that waits for its turn."""

    __slots__ = ("done", "error", "function", "result", "small")

    def __init__(self, function: Callable[[Connection], Any], small: bool) -> None:
        self.function = function
        self.small = small  # a single statement: atomic by itself
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = threading.Lock()
        self.done.acquire()


class SqliteDatabase(Database):
    """A file in WAL mode."""

    name = "sqlite"

    def __init__(self, url: URL, *, durable: bool, patience: timedelta) -> None:
        super().__init__()
        if not url.database or url.database == ":memory:":
            raise ValueError("the store needs a file: write sqlite:////absolute/path.db")
        self._url = url
        self._durable = durable
        self._patience = patience.total_seconds()
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        self._start()

    def _start(self) -> None:
        self._readers = self._engine("BEGIN", QueuePool)
        self._writer_engine = self._engine("BEGIN IMMEDIATE", NullPool)
        self._waiting: SimpleQueue[_Write | None] = SimpleQueue()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def _engine(self, begin: str, pool: type[Pool]) -> Engine:
        engine = create_engine(
            self._url, poolclass=pool, connect_args={"timeout": self._patience, "check_same_thread": False}
        )
        synchronous = "FULL" if self._durable else "NORMAL"

        @event.listens_for(engine, "connect")
        def connected(connection: sqlite3.Connection, record: object) -> None:
            connection.isolation_level = None  # we say BEGIN ourselves
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {synchronous}")
            connection.execute("PRAGMA foreign_keys = ON")

        @event.listens_for(engine, "begin")
        def begun(connection: Connection) -> None:
            connection.exec_driver_sql(begin)

        return engine

    @property
    def engine(self) -> Engine:
        """The readers' engine of this process."""
        self._here()
        return self._readers

    def _here(self) -> None:
        if self._forked():
            self._abandon(self._readers, self._writer_engine)
            self._start()

    def read[T](self, function: Callable[[Connection], T]) -> T:
        """See Database."""
        with trouble(), self.engine.connect() as connection:
            return function(connection)

    def write[T](self, function: Callable[[Connection], T]) -> T:
        """See Database."""
        return self._submit(_Write(function, small=False))  # type: ignore[no-any-return]

    def write_one[T](self, function: Callable[[Connection], T]) -> T:
        """See Database."""
        return self._submit(_Write(function, small=True))  # type: ignore[no-any-return]

    def accept(self, row: Sequence[Any]) -> tuple[int | None, tuple[int, bytes, str] | None]:
        """See Database."""

        def insert(connection: Connection) -> tuple[int | None, tuple[int, bytes, str] | None]:
            raw: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
            try:
                cursor = raw.execute(_INSERT, row)
            except sqlite3.Error as error:
                raise exc.DBAPIError.instance(_INSERT, None, error, sqlite3.Error) from error
            if cursor.rowcount:
                return cursor.lastrowid, None
            return None, raw.execute(_EXISTING, (row[0], row[2])).fetchone()

        return self._submit(_Write(insert, small=True))  # type: ignore[no-any-return]

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """See Database."""
        self._here()
        with trouble(), self._writer_engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """See Database."""
        if self._closed:
            return
        self._here()
        self._closed = True
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join()
        self._readers.dispose()

    # ------------------------------------------------------------ the writer thread

    def _submit(self, write: _Write) -> Any:
        self._here()
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    thread = threading.Thread(target=self._work, name="store-writer", daemon=True)
                    thread.start()
                    self._thread = thread
        self._waiting.put(write)
        write.done.acquire()
        if write.error is not None:
            with trouble():
                raise write.error
        return write.result

    def _work(self) -> None:
        connection: Connection | None = None
        while (first := self._waiting.get()) is not None:
            group = [first]
            try:
                if connection is None:
                    connection = self._writer_engine.connect()
                with connection.begin():  # BEGIN IMMEDIATE: waits here for other processes
                    self._fill(group)
                    for write in group:
                        self._perform(connection, write)
            except BaseException as error:  # whatever it is, the waiting threads must hear of it
                self._fill(group)
                for write in group:
                    write.error = write.error or error
                connection = self._drop(connection)
            for write in group:
                write.done.release()
        self._drop(connection)

    def _fill(self, group: list[_Write]) -> None:
        """Take what waits now into the same commit."""
        while len(group) < _GROUP:
            try:
                write = self._waiting.get_nowait()
            except Empty:
                return
            if write is None:
                self._waiting.put(None)
                return
            group.append(write)

    def _perform(self, connection: Connection, write: _Write) -> None:
        """One write of the group; a failing one must not take the others with it."""
        try:
            with contextlib.nullcontext() if write.small else connection.begin_nested():
                write.result = write.function(connection)
        except exc.DBAPIError as error:
            raw: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
            if not raw.in_transaction:  # the disk is full, say: SQLite has rolled back everything
                raise
            write.error = error
        except Exception as error:  # FencedOff and other answers of ours
            write.error = error

    @staticmethod
    def _drop(connection: Connection | None) -> None:
        if connection is not None:
            with contextlib.suppress(exc.SQLAlchemyError, sqlite3.Error):
                connection.close()
