"""Column types and the database's clock, the same on SQLite and PostgreSQL.

Every time in the store is UTC and comes from the database's clock, so that processes on several machines agree on
what is due and whose lease has run out, whatever their own clocks say.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, ColumnElement, Dialect, Float, Integer, LargeBinary, Text, bindparam
from sqlalchemy.dialects.postgresql import BYTEA, TIMESTAMP
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement
from sqlalchemy.types import DateTime, TypeDecorator, TypeEngine

__all__ = [
    "Bytes",
    "Id",
    "Json",
    "States",
    "UtcTime",
    "When",
    "Words",
    "clean",
    "db_after",
    "db_after_param",
    "db_now",
    "moment",
    "short",
]

type When = datetime | timedelta
"""A point in time, or a distance from the database's now (better: it needs no agreement between clocks)."""

Id = BigInteger().with_variant(Integer, "sqlite")
"""Row number. SQLite numbers rows itself only when the column is called INTEGER."""

Json = JSON(none_as_null=True)
"""JSON kept as text. Not JSONB: that refuses `\\u0000`, which a sender may put into any string."""

Bytes = LargeBinary().with_variant(BYTEA(), "postgresql")

_SQLITE_FORMAT = "%Y-%m-%d %H:%M:%f"  # SQLite's %f is SS.SSS


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC time: `timestamptz` on PostgreSQL, text with milliseconds (it sorts like time) on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The column type of the dialect."""
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else TIMESTAMP(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuse naive times, which would silently mean something else on each machine."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"time {value} has no time zone; pass an aware datetime or a timedelta")
        value = value.astimezone(UTC)
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Aware UTC on both databases."""
        if value is None:
            return None
        if isinstance(value, str):
            return datetime.fromisoformat(value).replace(tzinfo=UTC)
        return value.astimezone(UTC)  # type: ignore[no-any-return]


class Words(TypeDecorator[str]):
    """Text from outside: what neither database can hold (NUL on PostgreSQL, lone surrogates on both) is replaced."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """The text, storable."""
        return None if value is None else clean(value)


class States[S: StrEnum](TypeDecorator[S]):
    """A state, kept as its word."""

    impl = Text
    cache_ok = True

    def __init__(self, states: type[S]) -> None:
        """`states`: what the column may hold."""
        super().__init__()
        self.states = states

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """The word, as a plain string."""
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> S | None:
        """The state. Raises ValueError for one that this release does not know."""
        return None if value is None else self.states(value)


def clean(text: str) -> str:
    """The text with NUL and lone surrogates replaced by U+FFFD."""
    if text.isascii():
        return text.replace("\0", "\ufffd") if "\0" in text else text
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace").replace("\0", "\ufffd")


def short(text: str, limit: int = 500) -> str:
    """Text for a unique index: PostgreSQL refuses entries above 2.7 KB, so a longer one is replaced by its digest."""
    text = clean(text)
    if len(text) <= limit:
        return text
    return f"{text[:80]}…sha256:{hashlib.sha256(text.encode()).hexdigest()}"


class db_now(FunctionElement[datetime]):  # noqa: N801  (reads like the SQL function it is)
    """The database's clock at the start of the statement, UTC."""

    type = UtcTime()
    inherit_cache = True
    name = "db_now"


class _DbAfter(FunctionElement[datetime]):
    type = UtcTime()
    inherit_cache = True
    name = "db_after"


def db_after(delta: timedelta) -> ColumnElement[datetime]:
    """The database's clock plus a duration."""
    return _DbAfter(bindparam(None, delta.total_seconds(), type_=Float()))


def moment(when: When | None) -> ColumnElement[datetime] | datetime | None:
    """A `When` as something to write into a column."""
    return db_after(when) if isinstance(when, timedelta) else when


def db_after_param(name: str) -> ColumnElement[datetime]:
    """The database's clock plus as many seconds as the parameter `name` will hold, for statements built once."""
    return _DbAfter(bindparam(name, type_=Float()))


@compiles(db_now)
def _now_postgresql(element: db_now, compiler: Any, **kwargs: Any) -> str:
    return "statement_timestamp()"  # stable, so an index can be used; now() would be the start of the transaction


@compiles(db_now, "sqlite")
def _now_sqlite(element: db_now, compiler: Any, **kwargs: Any) -> str:
    return f"strftime('{_SQLITE_FORMAT}', 'now')"


@compiles(_DbAfter)
def _after_postgresql(element: _DbAfter, compiler: Any, **kwargs: Any) -> str:
    seconds = compiler.process(element.clauses, **kwargs)
    return f"statement_timestamp() + make_interval(secs => CAST({seconds} AS DOUBLE PRECISION))"


@compiles(_DbAfter, "sqlite")
def _after_sqlite(element: _DbAfter, compiler: Any, **kwargs: Any) -> str:
    seconds = compiler.process(element.clauses, **kwargs)
    return f"strftime('{_SQLITE_FORMAT}', 'now', printf('%+.3f seconds', {seconds}))"
