"""Settling deliveries: verdicts, event, jobs and superseded work in one transaction for a whole batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, insert, null, select, update

from sig_workers.store import schema as t
from sig_workers.store.columns import db_now, moment, short
from sig_workers.store.database import Part, upsert
from sig_workers.store.rows import NewJob, Settlement, Supersede
from sig_workers.store.schema import QUEUED, RUNNING

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
        return self.write(lambda connection: _settle(connection, settlements))


def _settle(connection: Connection, settlements: Sequence[Settlement]) -> list[tuple[int, ...]]:
    parents = _end_held(connection, settlements)
    mine = [one for one in settlements if (one.delivery_id, one.attempt) in parents]
    if not mine:
        return [() for _ in settlements]
    events = _insert_events(connection, mine, parents)
    verdicts = [{"delivery_id": s.delivery_id, "bot": bot, "verdict": said} for s in mine for bot, said in s.verdicts]
    if verdicts:
        connection.execute(insert(t.verdicts), verdicts)
    jobs = [
        _job(job, one, events.get(one.delivery_id)) for one in mine for job in one.jobs
    ]  # fmt: skip
    inserted = _insert_jobs(connection, jobs)
    # Of several new heads in one batch the last one counts, also against the jobs of the others.
    newest = {(what.repo_id, what.number): what for one in mine for what in one.supersedes}
    for supersede in newest.values():
        _supersede(connection, supersede)
    held_ids = {one.delivery_id: one for one in mine}
    return [
        tuple(inserted.pop(key) for job in one.jobs if (key := short(job.key)) in inserted)
        if held_ids.get(one.delivery_id) is one else ()
        for one in settlements
    ]  # fmt: skip


def _end_held(connection: Connection, settlements: Sequence[Settlement]) -> dict[tuple[int, int], int | None]:
    """End the deliveries whose attempts still have them; the jobs they came from by (delivery, attempt)."""
    c = t.deliveries.c
    if len(settlements) == 1:  # one event on an idle worker: a round trip less until its job starts
        (one,) = settlements
        ended = connection.execute(_END_ONE, _end(one) | {"the_attempt": one.attempt}).first()
        return {(one.delivery_id, one.attempt): ended.parent_job_id} if ended else {}
    ids = [settlement.delivery_id for settlement in settlements]
    held = select(c.id, c.attempt, c.parent_job_id).where(c.id.in_(ids), c.state == "processing")
    parents = {(row.id, row.attempt): row.parent_job_id for row in connection.execute(held.with_for_update())}
    mine = [_end(one) for one in settlements if (one.delivery_id, one.attempt) in parents]
    if mine:
        connection.execute(_END, mine)
    return parents


_END = (
    update(t.deliveries)
    .where(t.deliveries.c.id == bindparam("the_id"))
    .values(
        state=bindparam("the_state"), reason=bindparam("the_reason"), repo_id=bindparam("the_repo"),
        private=bindparam("the_privacy"), owner=null(), lease_until=null(), settled_at=db_now(),
    )
)  # fmt: skip

_END_ONE = _END.where(
    t.deliveries.c.attempt == bindparam("the_attempt"), t.deliveries.c.state == "processing"
).returning(t.deliveries.c.parent_job_id)


def _end(one: Settlement) -> dict[str, Any]:
    return {
        "the_id": one.delivery_id, "the_state": one.state, "the_reason": one.reason,
        "the_repo": one.repo_id, "the_privacy": one.private,
    }  # fmt: skip


def _insert_events(
    connection: Connection, mine: Sequence[Settlement], parents: dict[tuple[int, int], int | None]
) -> dict[int, int]:
    """Event ids by delivery id."""
    rows = [
        {
            "delivery_id": one.delivery_id, "kind": one.event.kind, "json": one.event.json, "repo_id": one.repo_id,
            "parent_job_id": parents[one.delivery_id, one.attempt],
        }
        for one in mine
        if one.event is not None
    ]  # fmt: skip
    if not rows:
        return {}
    result = connection.execute(insert(t.events).returning(t.events.c.id, t.events.c.delivery_id), rows)
    return {row.delivery_id: row.id for row in result}


def _supersede(connection: Connection, what: Supersede) -> None:
    c = t.jobs.c
    reason = f"a newer commit arrived: {what.keep_sha[:12]}" if what.keep_sha else "the pull request was closed"
    older = [c.repo_id == what.repo_id, c.number == what.number, c.head_sha.isnot(None), c.head_sha != what.keep_sha]
    connection.execute(
        update(t.jobs).where(*older, QUEUED).values(state="superseded", reason=reason, finished_at=db_now())
    )
    connection.execute(update(t.jobs).where(*older, RUNNING, c.cancel_reason.is_(None)).values(cancel_reason=reason))


def _job(job: NewJob, one: Settlement, event: int | None) -> dict[str, Any]:
    return {
        "event_id": event, "delivery_id": one.delivery_id, "repo_id": job.repo_id, "bot": job.bot,
        "handler": job.handler, "plugin_version": job.plugin_version, "queue": job.queue, "priority": job.priority,
        "target": short(job.target), "version": job.version, "key": short(job.key), "number": job.number,
        "head_sha": job.head_sha, "args": dict(job.args),
        "actor": job.actor.model_dump() if job.actor else None,
        "reply_key": job.reply_key, "state": "queued", "trace": job.trace, "when": job.not_before,
    }  # fmt: skip


def _insert_jobs(connection: Connection, jobs: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Ids of the inserted jobs by key."""
    at_once = [{k: v for k, v in job.items() if k != "when"} for job in jobs if job["when"] is None]
    inserted: dict[str, int] = {}
    statement = upsert(connection, t.jobs).on_conflict_do_nothing().returning(t.jobs.c.id, t.jobs.c.key)
    if at_once:
        inserted |= {row.key: row.id for row in connection.execute(statement, at_once)}
    for job in jobs:
        if job["when"] is not None:
            row = {k: v for k, v in job.items() if k != "when"}
            later = statement.values(**row, not_before=moment(job["when"]))
            inserted |= {found.key: found.id for found in connection.execute(later)}
    return inserted
