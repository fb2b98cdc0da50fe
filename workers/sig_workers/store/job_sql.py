"""The statements of the busiest functions, built once: building them costs more than running them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Integer, and_, bindparam, exists, func, null, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from sig_bots.jobstate import JobState
from sig_workers.store import schema as t
from sig_workers.store.columns import Words, db_after_param, db_now
from sig_workers.store.job_rows import select_jobs
from sig_workers.store.schema import QUEUED, RUNNING, is_in

__all__ = ["BEST", "DUE", "END_RUN", "FENCE", "START_AND_READ", "START_MANY", "START_ONE"]


def _due() -> ColumnElement[bool]:
    """Whether a job may be started now."""
    c = t.jobs.c
    other = t.jobs.alias("other")
    instance = (
        select(t.repositories.c.instance).where(t.repositories.c.id == c.repo_id).correlate(t.jobs).scalar_subquery()
    )
    blocked = exists().where(
        t.blocked_hosts.c.until > db_now(), or_(t.blocked_hosts.c.host == c.host, t.blocked_hosts.c.host == instance)
    )
    return and_(
        QUEUED,
        or_(c.not_before.is_(None), c.not_before <= db_now()),
        ~exists().where(other.c.target == c.target, is_in(JobState.RUNNING, other)),
        ~blocked,
    )


def _best() -> Any:
    c = t.jobs.c
    turn = func.row_number().over(partition_by=(c.repo_id, c.priority), order_by=c.id).label("turn")
    mine = c.queue == bindparam("the_queue")
    due = select(c.id, c.repo_id, c.target, c.priority, turn).where(mine, DUE).subquery("due")
    return (
        select(due.c.id, due.c.repo_id, due.c.target)
        .join(t.repositories, t.repositories.c.id == due.c.repo_id)
        .order_by(due.c.priority, due.c.turn, t.repositories.c.last_claimed_at, due.c.id)
        .limit(bindparam("the_limit", type_=Integer()))
    )


def _start(*which: ColumnElement[bool]) -> Any:
    c = t.jobs.c
    return (
        update(t.jobs)
        .where(*which)
        .values(
            state=JobState.RUNNING, attempt=c.attempt + 1, tries=c.tries + 1, owner=bindparam("the_owner"),
            lease_until=db_after_param("lease"), started_at=db_now(), finished_at=null(), not_before=null(),
            host=null(), cancel_reason=null(),
        )
    )  # fmt: skip


_JOB = t.jobs.c.id == bindparam("the_job")
_MINE = and_(_JOB, t.jobs.c.attempt == bindparam("the_attempt"), RUNNING)

DUE = _due()
"""Whether a job may be started now."""

BEST = _best()
"""(id, repo_id, target) of the best due jobs of `the_queue`.

A repository's second-best job comes after every other repository's best of the same priority: that is the turn inside
one batch; between batches `last_claimed_at` keeps it.
"""

_IN_QUEUE = t.jobs.c.queue == func.coalesce(bindparam("the_queue", type_=Words()), t.jobs.c.queue)
_ONE = _start(_JOB, _IN_QUEUE, DUE)
START_ONE = _ONE.returning(t.jobs.c.id)
START_AND_READ = select_jobs(_ONE.returning(*t.jobs.c).cte("started"))
"""Both in one round trip; SQLite has no UPDATE inside a SELECT."""

START_MANY = _start(t.jobs.c.id.in_(bindparam("the_jobs", expanding=True)), QUEUED).returning(t.jobs.c.id)
"""Asks for the state again: a cancel may have come since they were chosen."""

FENCE = select(t.jobs.c.id).where(_MINE).with_for_update(read=True)

END_RUN = (
    update(t.jobs)
    .where(_MINE)
    .values(state=bindparam("the_state"), reason=bindparam("the_reason"), lease_until=null(), finished_at=db_now())
    .returning(t.jobs.c.state)
)
