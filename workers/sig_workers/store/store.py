"""The store: everything this service knows, on SQLite or PostgreSQL."""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from sqlalchemy import make_url

from sig_workers.store.clockwork import Clockwork
from sig_workers.store.control import Control
from sig_workers.store.database import Database
from sig_workers.store.deliveries import Deliveries
from sig_workers.store.effects import Effects
from sig_workers.store.jobs import Jobs
from sig_workers.store.migrate import Migrations
from sig_workers.store.places import UpdatePlaces
from sig_workers.store.registry_answers import RegistryAnswers
from sig_workers.store.repositories import Repositories
from sig_workers.store.settlement import Settling
from sig_workers.store.sweep import Sweeper
from sig_workers.store.trust_records import TrustRecords
from sig_workers.store.views import Views

__all__ = ["Store"]


class Store(
    Migrations, Deliveries, Settling, Jobs, Sweeper, Effects, Control, Repositories, TrustRecords, Clockwork,
    RegistryAnswers, UpdatePlaces, Views,
):  # fmt: skip
    """All functions of the store over one database. Safe to share between threads, and to keep over a fork.

    Each function is one transaction. Any of them may raise StoreDown (a Transient): nothing was written then.
    """

    @classmethod
    def open(cls, url: str, *, durable: bool = False, patience: timedelta = timedelta(seconds=10)) -> Self:
        """Open `sqlite:////absolute/path.db` or `postgresql+psycopg://...`; nothing is created or migrated.

        `durable` makes SQLite wait for the disk at each commit (synchronous=FULL); PostgreSQL always does.
        `patience` is how long a locked database (SQLite) or a statement (PostgreSQL) is waited for before StoreDown.
        Raises ValueError when the address is neither.
        """
        address = make_url(url)
        database: Database
        match address.get_backend_name():
            case "sqlite":
                from sig_workers.store.sqlite import SqliteDatabase

                database = SqliteDatabase(address.set(drivername="sqlite"), durable=durable, patience=patience)
            case "postgresql":
                from sig_workers.store.postgres import PostgresDatabase

                database = PostgresDatabase(address.set(drivername="postgresql+psycopg"), patience=patience)
            case other:
                raise ValueError(
                    f"the store cannot be kept in {other}; use sqlite:////path.db or postgresql+psycopg://"
                )
        return cls(database)

    def close(self) -> None:
        """Let all connections go. Afterwards every function raises StoreDown."""
        self.database.close()
