"""Settling deliveries: verdicts, event, jobs and superseded work in one transaction for a whole batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, insert, null, select, update

from sig_bots.jobstate import JobState
from sig_workers.store import schema as t
from sig_workers.store.columns import db_now, short
from sig_workers.store.database import Part, upsert
from sig_workers.store.deliverystate import DeliveryState
from sig_workers.store.rows import Settlement, Supersede
from sig_workers.store.schema import QUEUED, RUNNING
from sig_workers.store.settlement_sql import SETTLE, parameters

__all__ = ["Settling"]


class Settling(Part):
    """The end of a delivery, and the beginning of its jobs."""

    def settle(self, settlements: Sequence[Settlement]) -> list[tuple[int, ...]]:
        """Write what became of claimed deliveries: all of it or nothing, in one transaction.

        Returns for each settlement the ids of the jobs that were inserted, in the order given; a job whose key was
        used before is left out. A settlement whose attempt lost its lease writes nothing and gives no ids.
        """
        if not settlements:
            return []
        if self.database.name == "sqlite":
            return self.write(lambda connection: _settle(connection, settlements))
        # One statement needs no transaction around it.
        write = self.write if any(one.supersedes for one in settlements) else self.write_one
        return write(lambda connection: _settle_at_once(connection, settlements))


def _settle(connection: Connection, settlements: Sequence[Settlement]) -> list[tuple[int, ...]]:
    parents = _end_held(connection, settlements)
    mine = [one for one in settlements if (one.delivery_id, one.attempt) in parents]
    if not mine:
        return [() for _ in settlements]
    rows = [event | {"parent_job_id": parents[one.delivery_id, one.attempt]} for one in mine for event in _event(one)]
    events: dict[int, int] = {}
    if rows:
        added = connection.execute(insert(t.events).returning(t.events.c.id, t.events.c.delivery_id), rows)
        events = {row.delivery_id: row.id for row in added}
    if verdicts := [verdict for one in mine for verdict in _verdicts(one)]:
        connection.execute(insert(t.verdicts), verdicts)
    inserted: dict[str, int] = {}
    if jobs := [job | {"event_id": events.get(one.delivery_id)} for one in mine for job in _jobs(one)]:
        statement = upsert(connection, t.jobs).on_conflict_do_nothing().returning(t.jobs.c.id, t.jobs.c.key)
        inserted = {row.key: row.id for row in connection.execute(statement, jobs)}
    return _told(connection, settlements, mine, inserted)


def _settle_at_once(connection: Connection, settlements: Sequence[Settlement]) -> list[tuple[int, ...]]:
    given = parameters({
        t.deliveries: [_end(one) for one in settlements],
        t.events: [event for one in settlements for event in _event(one)],
        t.verdicts: [verdict for one in settlements for verdict in _verdicts(one)],
        t.jobs: [job for one in settlements for job in _jobs(one)],
    })  # fmt: skip
    rows = connection.execute(SETTLE, given).all()
    ended = {row.id for row in rows if row.key is None}
    mine = [one for one in settlements if one.delivery_id in ended]
    return _told(connection, settlements, mine, {row.key: row.id for row in rows if row.key is not None})


def _told(
    connection: Connection, settlements: Sequence[Settlement], mine: Sequence[Settlement], inserted: dict[str, int]
) -> list[tuple[int, ...]]:
    """Supersede what the deliveries that were ours say; the ids of the inserted jobs for each settlement."""
    # Of several new heads in one batch the last one counts, also against the jobs of the others.
    newest = {(what.repo_id, what.number): what for one in mine for what in one.supersedes}
    for supersede in newest.values():
        _supersede(connection, supersede)
    held = {id(one) for one in mine}
    return [
        tuple(inserted.pop(key) for job in one.jobs if (key := short(job.key)) in inserted) if id(one) in held else ()
        for one in settlements
    ]


def _end_held(connection: Connection, settlements: Sequence[Settlement]) -> dict[tuple[int, int], int | None]:
    """End the deliveries whose attempts still have them; the jobs they came from by (delivery, attempt)."""
    c = t.deliveries.c
    ids = [settlement.delivery_id for settlement in settlements]
    held = select(c.id, c.attempt, c.parent_job_id).where(c.id.in_(ids), c.state == DeliveryState.PROCESSING)
    parents = {(row.id, row.attempt): row.parent_job_id for row in connection.execute(held)}
    mine = [_end(one) for one in settlements if (one.delivery_id, one.attempt) in parents]
    if mine:
        connection.execute(_END, [{f"the_{name}": value for name, value in one.items()} for one in mine])
    return parents


_END = (
    update(t.deliveries)
    .where(t.deliveries.c.id == bindparam("the_id"))
    .values(
        state=bindparam("the_state"), reason=bindparam("the_reason"), repo_id=bindparam("the_repo_id"),
        private=bindparam("the_private"), owner=null(), lease_until=null(), settled_at=db_now(),
    )
)  # fmt: skip


def _supersede(connection: Connection, what: Supersede) -> None:
    c = t.jobs.c
    reason = f"a newer commit arrived: {what.keep_sha[:12]}" if what.keep_sha else "the pull request was closed"
    older = [c.repo_id == what.repo_id, c.number == what.number, c.head_sha.isnot(None), c.head_sha != what.keep_sha]
    connection.execute(
        update(t.jobs).where(*older, QUEUED).values(state=JobState.SUPERSEDED, reason=reason, finished_at=db_now())
    )
    connection.execute(update(t.jobs).where(*older, RUNNING, c.cancel_reason.is_(None)).values(cancel_reason=reason))


def _end(one: Settlement) -> dict[str, Any]:
    return {
        "id": one.delivery_id, "attempt": one.attempt, "state": one.state, "reason": one.reason,
        "repo_id": one.repo_id, "private": one.private,
    }  # fmt: skip


def _event(one: Settlement) -> list[dict[str, Any]]:
    if one.event is None:
        return []
    return [{"delivery_id": one.delivery_id, "kind": one.event.kind, "json": one.event.json, "repo_id": one.repo_id}]


def _verdicts(one: Settlement) -> list[dict[str, Any]]:
    return [{"delivery_id": one.delivery_id, "bot": bot, "verdict": said} for bot, said in one.verdicts]


def _jobs(one: Settlement) -> list[dict[str, Any]]:
    return [
        {
            "delivery_id": one.delivery_id, "repo_id": job.repo_id, "bot": job.bot, "handler": job.handler,
            "plugin_version": job.plugin_version, "config_sha": job.config_sha, "queue": job.queue, "priority": job.priority,
            "target": short(job.target), "version": job.version, "key": short(job.key), "number": job.number,
            "head_sha": job.head_sha, "args": dict(job.args),
            "actor": job.actor.model_dump() if job.actor else None,
            "reply_key": job.reply_key, "state": JobState.QUEUED, "trace": job.trace,
        }
        for job in one.jobs
    ]  # fmt: skip
