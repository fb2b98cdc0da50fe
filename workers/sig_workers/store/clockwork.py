"""What keeps several processes apart and in time: locks, schedules, hosts to leave alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import Connection, delete, false, or_, select, tuple_, update

from sig_workers.store import schema as t
from sig_workers.store.columns import db_after, db_now
from sig_workers.store.database import Part, upsert
from sig_workers.store.job_rows import REPOSITORY_COLUMNS, repository_row
from sig_workers.store.rows import BlockedHost, ScheduleRow

__all__ = ["Clockwork"]


class Clockwork(Part):
    """Everything here goes by the database's clock."""

    def acquire(self, name: str, owner: str, lease: timedelta) -> bool:
        """Take or renew the lock for `lease`; False while somebody else holds it."""

        def take(connection: Connection) -> bool:
            add = upsert(connection, t.locks).values(name=name, owner=owner, until=db_after(lease))
            mine = or_(t.locks.c.owner == owner, t.locks.c.until < db_now())
            add = add.on_conflict_do_update(
                index_elements=["name"], set_={"owner": add.excluded.owner, "until": add.excluded.until}, where=mine
            )
            return connection.execute(add.returning(t.locks.c.name)).first() is not None

        return self.write(take)

    def release(self, name: str, owner: str) -> None:
        """Give the lock back; nothing when it is somebody else's by now."""
        drop = delete(t.locks).where(t.locks.c.name == name, t.locks.c.owner == owner)
        self.write(lambda connection: connection.execute(drop))

    def put_schedules(self, repo: int, wanted: Mapping[tuple[str, str], timedelta]) -> None:
        """The schedules of a repository are these: (bot, handler) to the wait before the first run. Others rest.

        A schedule that is known keeps its time.
        """
        c = t.schedules.c

        def put(connection: Connection) -> None:
            others = update(t.schedules).where(c.repo_id == repo, c.enabled)
            if wanted:
                others = others.where(tuple_(c.bot, c.handler).notin_(list(wanted)))
            connection.execute(others.values(enabled=false()))
            for (bot, handler), first in wanted.items():
                add = upsert(connection, t.schedules).values(
                    repo_id=repo, bot=bot, handler=handler, next_at=db_after(first)
                )
                connection.execute(
                    add.on_conflict_do_update(index_elements=["repo_id", "bot", "handler"], set_={"enabled": True})
                )

        self.write(put)

    def due_schedules(self, limit: int = 100) -> list[ScheduleRow]:
        """Schedules of enabled repositories whose time has come, longest overdue first."""
        c = t.schedules.c
        query = (
            select(*REPOSITORY_COLUMNS, c.id, c.bot, c.handler, c.last_at, c.next_at)
            .join(t.repositories, t.repositories.c.id == c.repo_id)
            .where(c.enabled, t.repositories.c.enabled, c.next_at <= db_now())
            .order_by(c.next_at, c.id)
            .limit(limit)
        )
        size = len(REPOSITORY_COLUMNS)

        def look(connection: Connection) -> list[ScheduleRow]:
            rows = connection.execute(query).all()
            return [ScheduleRow(row[size], repository_row(row), *row[size + 1 :]) for row in rows]

        return self.read(look)

    def mark_schedule(self, schedule: ScheduleRow, period: timedelta) -> bool:
        """The schedule ran: due again in `period`. False when somebody else marked it before."""
        c = t.schedules.c
        mark = (
            update(t.schedules)
            .where(c.id == schedule.id, c.next_at == schedule.next_at)
            .values(last_at=db_now(), next_at=db_after(period))
            .returning(c.id)
        )
        return self.write(lambda connection: connection.execute(mark).first() is not None)

    def blocked_hosts(self) -> list[BlockedHost]:
        """Hosts that are left alone now."""
        c = t.blocked_hosts.c
        query = select(c.host, c.until, c.reason).where(c.until > db_now()).order_by(c.host)
        return self.read(lambda connection: [BlockedHost(*row) for row in connection.execute(query)])
