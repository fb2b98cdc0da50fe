"""Reading jobs with their repository and event, in one query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, select

from sig_bots.refs import Actor
from sig_workers.store import schema as t
from sig_workers.store.rows import JobRow, RepositoryRow

__all__ = ["REPOSITORY_COLUMNS", "job_row", "job_rows", "repository_row", "select_jobs"]

_REPOSITORY = tuple(RepositoryRow.__slots__)
REPOSITORY_COLUMNS = tuple(t.repositories.c[name] for name in _REPOSITORY)
_JOB = tuple(name for name in JobRow.__slots__ if name not in ("repo", "event", "actor"))
_COLUMNS = (
    *REPOSITORY_COLUMNS, t.events.c.json, t.jobs.c.actor, *(t.jobs.c[name] for name in _JOB),
)  # fmt: skip


def select_jobs() -> Select[Any]:
    """Jobs as `job_row` reads them; add conditions and order."""
    return (
        select(*_COLUMNS)
        .select_from(t.jobs)
        .join(t.repositories, t.repositories.c.id == t.jobs.c.repo_id)
        .outerjoin(t.events, t.events.c.id == t.jobs.c.event_id)
    )


def job_rows(connection: Connection, jobs: Sequence[int]) -> list[JobRow]:
    """The jobs with these ids, in this order."""
    if not jobs:
        return []
    found = {row.id: row for row in map(job_row, connection.execute(select_jobs().where(t.jobs.c.id.in_(jobs))))}
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
