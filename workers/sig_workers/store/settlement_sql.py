"""PostgreSQL: all that becomes of a batch of deliveries in one statement, which is one round trip.

Somebody waits for the job that a delivery makes, and every round trip of an idle worker is felt. SQLite has no writing
inside a WITH; its way is in `settlement`, and so is what both mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, Column, Table, bindparam, column, func, insert, null, select, union_all, update
from sqlalchemy.dialects.postgresql import insert as insert_unless_known
from sqlalchemy.sql.selectable import TableValuedAlias

from sig_workers.store import schema as t
from sig_workers.store.columns import db_now
from sig_workers.store.deliverystate import DeliveryState

__all__ = ["SETTLE", "parameters"]

_GIVEN: dict[Table, tuple[str, ...]] = {
    t.deliveries: ("id", "attempt", "state", "reason", "repo_id", "private"),
    t.events: ("delivery_id", "kind", "json", "repo_id"),
    t.verdicts: ("delivery_id", "bot", "verdict"),
    t.jobs: (
        "delivery_id", "repo_id", "bot", "handler", "plugin_version", "config_sha", "queue", "priority", "target", "version", "key",
        "number", "head_sha", "args", "actor", "reply_key", "state", "trace",
    ),
}  # fmt: skip
"""What comes from outside for each table; the rest the statement finds itself."""


def parameters(rows: Mapping[Table, Sequence[Mapping[str, Any]]]) -> dict[str, list[Any]]:
    """The rows of each table as parameters of `SETTLE`: an array per column, so that any number of rows is the same statement."""
    return {
        _parameter(table, name): [row[name] for row in rows[table]] for table, names in _GIVEN.items() for name in names
    }


def _parameter(table: Table, name: str) -> str:
    return f"{table.name}_{name}"


def _given(table: Table) -> TableValuedAlias:
    """The rows in those parameters, numbered by `nth`."""
    columns: list[Column[Any]] = [table.c[name] for name in _GIVEN[table]]
    arrays = [bindparam(_parameter(table, one.name), type_=ARRAY(one.type)) for one in columns]
    names = [column(one.name, one.type) for one in columns]
    return func.unnest(*arrays).table_valued(*names, with_ordinality="nth", name=f"given_{table.name}").render_derived()


def _settle() -> Any:
    c, end = t.deliveries.c, _given(t.deliveries).c
    ended = (
        update(t.deliveries)
        .where(c.id == end.id, c.attempt == end.attempt, c.state == DeliveryState.PROCESSING)
        .values(
            state=end.state, reason=end.reason, repo_id=end.repo_id, private=end.private, owner=null(),
            lease_until=null(), settled_at=db_now(),
        )
        .returning(c.id, c.parent_job_id)
        .cte("ended")
    )  # fmt: skip

    def held(table: Table, *more: Any) -> Any:
        given = _given(table)
        rows = select(*(given.c[name] for name in _GIVEN[table]), *more)
        return given, rows.join_from(given, ended, ended.c.id == given.c.delivery_id).order_by(given.c.nth)

    _, rows = held(t.events, ended.c.parent_job_id)
    events = insert(t.events).from_select([*_GIVEN[t.events], "parent_job_id"], rows)
    new_events = events.returning(t.events.c.id, t.events.c.delivery_id).cte("new_events")
    _, rows = held(t.verdicts)
    new_verdicts = insert(t.verdicts).from_select(list(_GIVEN[t.verdicts]), rows).cte("new_verdicts")
    given, rows = held(t.jobs, new_events.c.id)
    rows = rows.outerjoin(new_events, new_events.c.delivery_id == given.c.delivery_id)
    jobs = insert_unless_known(t.jobs).from_select([*_GIVEN[t.jobs], "event_id"], rows).on_conflict_do_nothing()
    new_jobs = jobs.returning(t.jobs.c.id, t.jobs.c.key).cte("new_jobs")
    told = union_all(select(new_jobs.c.id, new_jobs.c.key), select(ended.c.id, null()))
    return told.add_cte(new_verdicts)


SETTLE = _settle()
"""Gives (id, key) of each job that was inserted, and (id, None) of each delivery that was still held and is ended now."""
