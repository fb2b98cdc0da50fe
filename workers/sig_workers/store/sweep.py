"""The sweeper: whose lease ran out, and where work is due. It is what makes wake-ups hints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, exists, func, null, select, update
from sqlalchemy.sql.elements import ColumnElement

from sig_bots.jobstate import JobState
from sig_bots.queues import QUEUES
from sig_workers.store import schema as t
from sig_workers.store.columns import db_now
from sig_workers.store.database import Part
from sig_workers.store.deliveries import MAX_DELIVERY_DEATHS, due_deliveries
from sig_workers.store.deliverystate import DeliveryState
from sig_workers.store.job_sql import DUE
from sig_workers.store.jobs import remember_run
from sig_workers.store.rows import Swept
from sig_workers.store.schema import RUNNING

__all__ = ["Sweeper"]


class Sweeper(Part):
    """Puts back what was lost with a worker."""

    def sweep(self) -> Swept:
        """Give back what expired leases hold, bury what died too often, say where work is due.

        Many may run at once. Send a wake-up for each queue named, and for `receive` when `deliveries` is not 0.
        """

        def run(connection: Connection) -> Swept:
            _bury_deliveries(connection)
            back, dead = _release_jobs(connection)
            deliveries = connection.execute(select(func.count()).select_from(due_deliveries().subquery())).scalar_one()
            queues = [
                q for q in QUEUES if connection.execute(select(exists().where(t.jobs.c.queue == q, DUE))).scalar()
            ]
            return Swept(deliveries=deliveries, jobs=len(back), queues=frozenset(queues), dead=tuple(dead))

        return self.write(run)


def _bury_deliveries(connection: Connection) -> None:
    c = t.deliveries.c
    connection.execute(
        update(t.deliveries)
        .where(c.state == DeliveryState.PROCESSING, c.lease_until < db_now(), c.tries >= MAX_DELIVERY_DEATHS)
        .values(
            state=DeliveryState.DEAD, owner=null(), lease_until=null(), settled_at=db_now(),
            reason=f"the worker died {MAX_DELIVERY_DEATHS} times while reading this delivery",
        )
    )  # fmt: skip


def _release_jobs(connection: Connection) -> tuple[Sequence[int], Sequence[int]]:
    """Ids of jobs put back into their queue, and of jobs that are dead now."""
    c = t.jobs.c
    lost = select(c.id, c.tries, c.max_attempts, c.cancel_reason).where(RUNNING, c.lease_until < db_now())
    rows = connection.execute(lost.with_for_update(skip_locked=True)).all()
    if not rows:
        return [], []
    cancelled = [row.id for row in rows if row.cancel_reason is not None]
    dead = [row.id for row in rows if row.cancel_reason is None and row.tries >= row.max_attempts]
    back = [row.id for row in rows if row.cancel_reason is None and row.tries < row.max_attempts]
    remember_run(connection, c.id.in_(back), outcome="lost", reason="the worker stopped answering")
    _end(connection, c.id.in_(back), state=JobState.QUEUED, reason="")
    _end(connection, c.id.in_(cancelled), state=JobState.CANCELLED, reason=c.cancel_reason)
    for tries in {row.tries for row in rows if row.id in dead}:
        reason = f"the worker died {tries} times while running this job"
        _end(connection, (c.id.in_(dead)) & (c.tries == tries), state=JobState.DEAD, reason=reason)
    return back, dead


def _end(
    connection: Connection, which: ColumnElement[bool], *, state: JobState, reason: str | ColumnElement[str]
) -> None:
    values: dict[str, Any] = {"state": state, "reason": reason, "lease_until": null()}
    if state is not JobState.QUEUED:
        values["finished_at"] = db_now()
    connection.execute(update(t.jobs).where(which).values(**values))
