"""Reading jobs with their repository and event, in one query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, FromClause, Select, bindparam, select

from sig_bots.refs import Actor
from sig_workers.store import schema as t
from sig_workers.store.rows import JobRow, RepositoryRow

__all__ = ["REPOSITORY_COLUMNS", "job_row", "job_rows", "repository_row", "select_jobs"]

_REPOSITORY = tuple(RepositoryRow.__slots__)
REPOSITORY_COLUMNS = tuple(t.repositories.c[name] for name in _REPOSITORY)
_JOB = tuple(name for name in JobRow.__slots__ if name not in ("repo", "event", "actor"))


def select_jobs(jobs: FromClause = t.jobs) -> Select[Any]:
    """Jobs as `job_row` reads them; add conditions and order. `jobs` may be a statement that returns jobs."""
    columns = (*REPOSITORY_COLUMNS, t.events.c.json, jobs.c.actor, *(jobs.c[name] for name in _JOB))
    return (
        select(*columns)
        .select_from(jobs)
        .join(t.repositories, t.repositories.c.id == jobs.c.repo_id)
        .outerjoin(t.events, t.events.c.id == jobs.c.event_id)
    )


_BY_IDS = select_jobs().where(t.jobs.c.id.in_(bindparam("the_jobs", expanding=True)))


def job_rows(connection: Connection, jobs: Sequence[int]) -> list[JobRow]:
    """The jobs with these ids, in this order."""
    if not jobs:
        return []
    found = {row.id: row for row in map(job_row, connection.execute(_BY_IDS, {"the_jobs": list(jobs)}))}
    return [found[job] for job in jobs if job in found]


def repository_row(row: Sequence[Any]) -> RepositoryRow:
    """A repository from a row that starts with REPOSITORY_COLUMNS."""
    return RepositoryRow(*row[: len(_REPOSITORY)])


def job_row(row: Sequence[Any]) -> JobRow:
    """A job from a row of `select_jobs`."""
    event, actor = row[len(_REPOSITORY)], row[len(_REPOSITORY) + 1]
    return JobRow(
        repo=repository_row(row),
        event=event,
        actor=Actor.model_validate(actor) if actor else None,
        **dict(zip(_JOB, row[len(_REPOSITORY) + 2 :], strict=True)),
    )
