"""PostgreSQL: a pool for everything, and a few bare connections for accepting deliveries in one round trip."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine, exc, text

from sig_workers.store.database import Database, one_at_a_time, sentence, trouble
from sig_workers.store.errors import StoreDown

__all__ = ["PostgresDatabase"]

_INSERT = (
    "INSERT INTO deliveries"
    " (instance, source, delivery_id, headers, body, body_sha256, state, reason, trace, received_at)"
    " VALUES (%t, %t, %t, %t, %b, %b, %t, %t, %t, statement_timestamp())"
    " ON CONFLICT (instance, delivery_id) DO NOTHING RETURNING id"
)
_EXISTING = "SELECT id, body_sha256, state FROM deliveries WHERE instance = %t AND delivery_id = %t"


class PostgresDatabase(Database):
    """READ COMMITTED, short transactions, a time limit per statement."""

    name = "postgresql"

    def __init__(self, url: URL, *, patience: timedelta) -> None:
        super().__init__()
        limit = int(patience.total_seconds() * 1000)
        options = (
            f"-c timezone=UTC -c jit=off -c statement_timeout={limit} -c idle_in_transaction_session_timeout=30000"
        )
        given = url.query.get("options")
        self._url = url.update_query_dict({
            "options": f"{given} {options}" if isinstance(given, str) else options,
            "connect_timeout": str(url.query.get("connect_timeout", "5")),
            "application_name": str(url.query.get("application_name", "sigbot")),
        })  # fmt: skip
        self._bare: deque[psycopg.Connection[Any]] = deque()
        self._engine = self._connect()

    def _connect(self) -> Engine:
        # Instead of a ping before each use, a stale connection is noticed by its first statement and replaced.
        return create_engine(self._url, pool_size=5, max_overflow=5, pool_timeout=5, pool_use_lifo=True)

    @property
    def engine(self) -> Engine:
        """The pool of this process."""
        if self._forked():
            self._abandon(self._engine)
            _inherited.append(self._bare)
            self._bare, self._engine = deque(), self._connect()
        return self._engine

    def read[T](self, function: Callable[[Connection], T]) -> T:
        """See Database."""
        with trouble():
            return self._run(function, autocommit=True)

    def write[T](self, function: Callable[[Connection], T]) -> T:
        """See Database."""
        with trouble():
            return self._run(function, autocommit=False)

    def write_one[T](self, function: Callable[[Connection], T]) -> T:
        """See Database."""
        return self.read(function)

    def _run[T](self, function: Callable[[Connection], T], *, autocommit: bool) -> T:
        for last in (False, True):
            with self.engine.connect() as connection:
                if autocommit:
                    connection = connection.execution_options(isolation_level="AUTOCOMMIT")
                try:
                    result = function(connection)
                except exc.DBAPIError as error:
                    if last or not error.connection_invalidated:
                        raise
                    continue  # the whole pool was thrown away with it
                if not autocommit:
                    connection.commit()
                return result
        raise AssertionError("unreachable")

    def accept(self, row: Sequence[Any]) -> tuple[int | None, tuple[int, bytes, str] | None]:
        """See Database. One round trip for a new delivery, two for one that is there already."""
        for last in (False, True):
            try:
                with self._bare_connection() as connection:
                    found = connection.execute(_INSERT, row, prepare=True).fetchone()
                    if found is not None:
                        return found[0], None
                    existing = connection.execute(_EXISTING, (row[0], row[2]), prepare=True).fetchone()
                    if existing is not None:
                        return None, (existing[0], bytes(existing[1]), existing[2])
            except (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.UndefinedTable) as error:
                broken = isinstance(error, psycopg.OperationalError) and (error.sqlstate or "57P0").startswith("57P0")
                if last or not broken:
                    raise StoreDown(sentence(str(error))) from error
        raise StoreDown("The store lost a delivery it had; it is being deleted just now.")

    @contextmanager
    def _bare_connection(self) -> Iterator[psycopg.Connection[Any]]:
        engine = self.engine
        try:
            connection = self._bare.pop()
        except IndexError:
            arguments, keywords = engine.dialect.create_connect_args(self._url)
            connection = psycopg.connect(*arguments, **keywords, autocommit=True)
        try:
            yield connection
        finally:
            if connection.closed or connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                connection.close()
                for stale in tuple(self._bare):
                    stale.close()
                self._bare.clear()
            else:
                self._bare.append(connection)

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """See Database. Several pods may start at once; one migrates, the others wait for it."""
        with super().migrating() as connection:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            one_at_a_time(connection, "migrate")
            yield connection

    def close(self) -> None:
        """See Database."""
        if not self._closed:
            engine = self.engine
            while self._bare:
                self._bare.pop().close()
            engine.dispose()
            self._closed = True


_inherited: list[object] = []  # bare connections of the parent process, never touched here
