"""What registries answered, shared by all processes: tags and digests for a while, what a digest names for ever."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, exists, select

from sig_workers.store.columns import db_after, db_now, short
from sig_workers.store.database import Part, upsert
from sig_workers.store.schema_fleet import registry_cache

__all__ = ["Cached", "FirstSeen", "RegistryAnswers"]

_PUSHED = "pushed"
_SEEN = "seen"


@dataclass(frozen=True, slots=True)
class Cached:
    """An answer kept from before, and when it was asked for."""

    value: Any
    at: datetime


@dataclass(frozen=True, slots=True)
class FirstSeen:
    """When something was first seen, and what time it is now, both by the database's clock."""

    at: datetime
    now: datetime


class RegistryAnswers(Part):
    """`name` is an image's registry/path, `rest` what follows it in a reference: nothing, `:tag` or `@digest`."""

    def cached(self, name: str, rest: str, kind: str, max_age: timedelta | None) -> Cached | None:
        """An answer asked for less than `max_age` ago, and since the image was last pushed; None: however old it is."""
        c = registry_cache.c
        query = select(c.value, c.at).where(c.reference == short(name + rest), c.kind == kind)
        if max_age is not None:
            if max_age <= timedelta(0):
                return None
            pushed = registry_cache.alias()
            later = exists().where(pushed.c.reference == short(name), pushed.c.kind == _PUSHED, pushed.c.at >= c.at)
            query = query.where(c.at > db_after(-max_age), ~later)
        row = self.read(lambda connection: connection.execute(query).first())
        return Cached(row.value, row.at) if row else None

    def cache(self, name: str, rest: str, kind: str, value: Any, *, took: timedelta = timedelta(0)) -> None:
        """Keep an answer (JSON) that was asked for `took` ago, until a newer one comes."""
        self.write(lambda connection: _put(connection, name + rest, kind, value, took))

    def forget_answers(self, name: str) -> None:
        """The image was pushed: answers of before, and those still on their way, no longer hold. Digests' own do."""
        self.write(lambda connection: _put(connection, name, _PUSHED, None, timedelta(0)))

    def forget_old_answers(self, age: timedelta) -> None:
        """Remove what is older: an image that is still looked at is asked for again."""
        self.write(
            lambda connection: connection.execute(delete(registry_cache).where(registry_cache.c.at < db_after(-age)))
        )

    def first_seen(self, name: str, rest: str) -> FirstSeen:
        """When this was asked about for the first time, which may be now."""
        c = registry_cache.c
        reference = short(name + rest)
        query = select(c.at, db_now().label("now")).where(c.reference == reference, c.kind == _SEEN)

        def look(connection: Connection) -> FirstSeen | None:
            row = connection.execute(query).first()
            return FirstSeen(row.at, row.now) if row else None

        def put(connection: Connection) -> FirstSeen:
            add = upsert(connection, registry_cache).values(reference=reference, kind=_SEEN, value=None, at=db_now())
            connection.execute(add.on_conflict_do_nothing())
            return FirstSeen(*connection.execute(query).one())

        return self.read(look) or self.write(put)


def _put(connection: Connection, reference: str, kind: str, value: Any, took: timedelta) -> None:
    add = upsert(connection, registry_cache).values(
        reference=short(reference), kind=kind, value=value, at=db_after(-took)
    )
    newer = {"value": add.excluded.value, "at": add.excluded.at}
    # An answer that was asked for earlier, but took longer, is the older one.
    later = registry_cache.c.at <= add.excluded.at
    connection.execute(add.on_conflict_do_update(index_elements=["reference", "kind"], set_=newer, where=later))
